package core

import (
	"context"
	"time"

	"github.com/trellis-ats/trellis/core/fault"
)

// Issue is something that nobody told us and that reconciliation found: what
// should be, and is not. It closes itself when a later run does not find it
// any more. It never holds personal data.
type Issue struct {
	ID             ID
	OrganizationID ID
	ConnectionID   ID // empty for an assessment that no ATS ordered
	Kind           IssueKind
	Subject        string // what it is about: one of the ids below; of one kind and subject one is open at most
	AssessmentID   ID     // empty if it is about none
	PushID         ID     // likewise
	ApplicationID  string // the ATS's; likewise
	Cause          string // why, for people
	FoundAt        time.Time
	SeenAt         time.Time // when it was last found
	RepairedAt     time.Time // when the repair that Trellis makes by itself was last begun; zero for never
	ClosedAt       time.Time // zero while it is open
}

// IssueKind is what is wrong.
type IssueKind string

// The kinds. They are part of the public API.
const (
	IssueNotDelivered   IssueKind = "RESULT_NOT_DELIVERED"    // completed here, not complete in the ATS
	IssueDeliveryFailed IssueKind = "DELIVERY_FAILED"         // given up
	IssuePushNotVisible IssueKind = "PUSH_NOT_VISIBLE"        // pushed, and the ATS does not show it
	IssueTestNotSent    IssueKind = "TEST_NOT_SENT"           // in a stage that sends a test, and none was sent
	IssueNotInvited     IssueKind = "INVITATION_NOT_SENT"     // ordered, and the mail did not go out
	IssueNotOpened      IssueKind = "INVITATION_NOT_OPENED"   // invited, and not begun
	IssueNotFinished    IssueKind = "ASSESSMENT_NOT_FINISHED" // begun, and not completed
	IssueNotScored      IssueKind = "ASSESSMENT_NOT_SCORED"   // completed, and the engine told no score
	IssueHooksSilent    IssueKind = "WEBHOOKS_SILENT"         // no web hook for longer than usual
	IssueHooksFailed    IssueKind = "WEBHOOKS_FAILED"         // some could not be applied
)

// IssueAction is the one thing to do about an issue.
type IssueAction string

// The actions. Those that Trellis cannot do by itself are for a person.
const (
	ActionRetryDelivery    IssueAction = "RETRY_DELIVERY"
	ActionResendInvitation IssueAction = "RESEND_INVITATION"
	ActionContactCandidate IssueAction = "CONTACT_CANDIDATE" // a person
	ActionCheckEngine      IssueAction = "CHECK_ENGINE"      // a person
	ActionCheckATS         IssueAction = "CHECK_ATS"         // a person
	ActionCheckWebhooks    IssueAction = "CHECK_WEBHOOKS"    // a person
)

// Action returns what to do.
func (i *Issue) Action() IssueAction {
	switch i.Kind {
	case IssueNotDelivered, IssueDeliveryFailed:
		return ActionRetryDelivery
	case IssueNotInvited, IssueNotOpened:
		return ActionResendInvitation
	case IssueNotFinished:
		return ActionContactCandidate
	case IssueNotScored:
		return ActionCheckEngine
	case IssueHooksSilent, IssueHooksFailed:
		return ActionCheckWebhooks
	default:
		return ActionCheckATS
	}
}

// Automatic reports whether Trellis can do it when a person says so.
func (a IssueAction) Automatic() bool {
	return a == ActionRetryDelivery || a == ActionResendInvitation
}

// Advice tells people what to do.
func (i *Issue) Advice() string {
	switch i.Kind {
	case IssueNotDelivered:
		return "Trellis delivers it again by itself every few hours. Look at the sync log of the assessment for what the ATS answers."
	case IssueDeliveryFailed:
		return "Look at the sync log for the reason, mend it, then deliver the result again."
	case IssueNotInvited, IssueNotOpened:
		return "Send the invitation again, or cancel the assessment."
	case IssueNotFinished:
		return "Ask the candidate to go on: the link of the invitation still works. Or cancel the assessment."
	case IssueNotScored:
		return "Ask whoever runs the engine why it reported no score."
	case IssuePushNotVisible:
		return "Look for the candidate in the ATS: it was deleted or merged there, or the acting user may not see it."
	case IssueTestNotSent:
		return "Complete the candidate's name and e-mail address in the ATS, or order the test by hand."
	case IssueHooksFailed:
		return "Read why they failed, mend it, then retry them: one of them may tell of a deletion."
	default:
		return "Send a test event from the ATS's page of the web hook, and enable it there again if it was switched off."
	}
}

// Age is for how long it is or was open.
func (i *Issue) Age(now time.Time) time.Duration {
	if !i.ClosedAt.IsZero() {
		now = i.ClosedAt
	}
	return now.Sub(i.FoundAt)
}

// Age is for how long an issue is or was open.
func (is *Issues) Age(i *Issue) time.Duration { return i.Age(is.assessments.clock.Now()) }

// IssueFilter narrows a list; empty fields do not.
type IssueFilter struct {
	ConnectionID ID
	AssessmentID ID
	Subject      string // what it is about
	Kinds        []IssueKind
	Open         *bool // nil: open and closed
}

// IssueReader finds issues.
type IssueReader interface {
	// Issue returns one of the organization's. Errors: fault.NotFound.
	Issue(ctx context.Context, organization, id ID) (*Issue, error)
	// IssuesByID returns those that exist, in no order; for loaders.
	IssuesByID(ctx context.Context, organization ID, ids []ID) ([]Issue, error)
	// Issues returns a page, newest first.
	Issues(ctx context.Context, organization ID, f IssueFilter, p Page) (*Paged[Issue], error)
	// OpenIssues counts the open ones of several connections; those without
	// are not in the map. For loaders.
	OpenIssues(ctx context.Context, organization ID, connections []ID) (map[ID]int, error)
}

// IssueWriter keeps issues.
type IssueWriter interface {
	// KeepIssue keeps i, or the word that the open one of its kind and subject
	// was found again; i takes over what is known of that one. It reports
	// whether i is new.
	KeepIssue(ctx context.Context, i *Issue) (bool, error)
	// NoteRepair keeps RepairedAt.
	NoteRepair(ctx context.Context, i *Issue) error
	// CloseIssues closes at most limit of the open ones that c means, and
	// returns them.
	CloseIssues(ctx context.Context, c IssueClosing, limit int) ([]Issue, error)
}

// IssueClosing says which issues of a connection, or about a candidate, close.
type IssueClosing struct {
	OrganizationID ID
	CandidateID    ID // all that is about their assessments or applications; the next three do not count then
	ConnectionID   ID
	Kind           IssueKind
	Subject        string    // empty: all of the kind
	SeenBefore     time.Time // and not found since; zero: whenever it was found
	At             time.Time
}

// Issues are the use cases around issues.
type Issues struct {
	store       Store
	assessments *Assessments
}

// NewIssues returns the use cases.
func NewIssues(s Store, as *Assessments) *Issues { return &Issues{store: s, assessments: as} }

// List returns a page, newest first. Errors: fault.Forbidden, fault.Invalid.
func (is *Issues) List(ctx context.Context, by Actor, f IssueFilter, p Page) (*Paged[Issue], error) {
	if err := by.Require(PermitReadSetup); err != nil {
		return nil, err
	}
	p, err := p.Normalize()
	if err != nil {
		return nil, err
	}
	return is.store.Issues(ctx, by.OrganizationID, f, p)
}

// ByID returns those of several that exist, in no order. Errors: fault.Forbidden.
func (is *Issues) ByID(ctx context.Context, by Actor, ids []ID) ([]Issue, error) {
	if err := by.Require(PermitReadSetup); err != nil {
		return nil, err
	}
	return is.store.IssuesByID(ctx, by.OrganizationID, ids)
}

// Open counts the open issues of several connections. Errors: fault.Forbidden.
func (is *Issues) Open(ctx context.Context, by Actor, connections []ID) (map[ID]int, error) {
	if err := by.Require(PermitReadSetup); err != nil {
		return nil, err
	}
	return is.store.OpenIssues(ctx, by.OrganizationID, connections)
}

// Act does the one thing that helps, if Trellis can. The issue closes once a
// later run does not find it any more.
// Errors: fault.Forbidden, fault.NotFound, fault.Conflict if it is closed, if
// only a person can help, or as the action says.
func (is *Issues) Act(ctx context.Context, by Actor, id ID) (*Issue, error) {
	if err := by.Require(PermitOrder); err != nil {
		return nil, err
	}
	i, err := is.store.Issue(ctx, by.OrganizationID, id)
	if err != nil {
		return nil, err
	}
	if !i.ClosedAt.IsZero() {
		return nil, i.refuse("CLOSED", "The issue is closed. Nothing was changed.")
	}
	switch i.Action() {
	case ActionRetryDelivery:
		_, err = is.assessments.Redeliver(ctx, by, i.AssessmentID)
	case ActionResendInvitation:
		_, err = is.assessments.Resend(ctx, by, i.AssessmentID)
	default:
		err = i.refuse("NEEDS_A_PERSON", "Only a person can help here. "+i.Advice()+" Nothing was changed.")
	}
	if err != nil {
		return nil, err
	}
	return i, nil
}

func (*Issue) refuse(code, message string) error {
	return fault.ConflictField("issueId", code, code, "%s", message)
}

// found keeps an issue that was found, with an event if it is new.
func (i *Issue) found(ctx context.Context, tx Tx) error {
	i.ID = NewID(PrefixIssue)
	fresh, err := tx.KeepIssue(ctx, i)
	if err != nil || !fresh {
		return err
	}
	return i.announce(ctx, tx, EventIssueFound, i.FoundAt)
}

func (i *Issue) announce(ctx context.Context, tx Tx, t EventType, at time.Time) error {
	data := map[string]any{"kind": i.Kind, "action": i.Action()}
	for name, id := range map[string]ID{"connectionId": i.ConnectionID, "assessmentId": i.AssessmentID, "pushId": i.PushID} {
		if id != "" {
			data[name] = id
		}
	}
	return appendEvent(ctx, tx, SystemActor(i.OrganizationID), at, t, i.ID, data)
}

// closeAtOnce is how many issues close in one transaction.
const closeAtOnce = 200

// close closes issues, each with an event. It reports whether there may be more.
func (c IssueClosing) close(ctx context.Context, tx Tx) (more bool, err error) {
	closed, err := tx.CloseIssues(ctx, c, closeAtOnce)
	for i := range closed {
		if err == nil {
			err = closed[i].announce(ctx, tx, EventIssueClosed, c.At)
		}
	}
	return len(closed) == closeAtOnce, err
}
