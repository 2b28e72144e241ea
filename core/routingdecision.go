package core

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/trellis-ats/trellis/core/fault"
)

// RoutingDecision is what a rule made of one revision of a result over one
// connection, and what became of it. Rule, terms and inputs are as they were;
// every change of its state is a step of the register, which is only added to.
type RoutingDecision struct {
	ID             ID
	OrganizationID ID
	ConnectionID   ID
	AssessmentID   ID
	JobID          ID // of the assessment when it was decided
	TestID         ID
	Revision       int // of the result
	RuleID         ID
	RuleVersion    int
	Terms          RoutingTerms
	Inputs         RoutingInputs
	Suggestion     RoutingAction
	Indicator      Indicator
	State          DecisionState
	Action         RoutingAction // that is carried out or was; empty for none
	Hold           Hold          // why it waits for a person; empty if it does not
	Note           string        // details of the state, for people
	Reason         string        // a person's, for what they decided
	ActorRole      Role          // who decided last: SYSTEM is the rule
	ActorName      string
	ApplicationID  string // the ATS's; empty until it is known
	StageID        string // the ATS's, in which the candidate must still be; empty until it was read
	ToStageID      string // the ATS's, into which the candidate is moved; empty until it was read
	Round          int    // from 1; tasks of older ones do nothing
	FaultCode      fault.Code
	DueAt          time.Time // when it is carried out, while it is pending
	SentAt         time.Time // when the ATS was asked first, in this round
	RejectedAt     time.Time // when the ATS was asked last to reject; it stays if that was taken back
	DoneAt         time.Time // when the ATS had done it
	CreatedAt      time.Time
	UpdatedAt      time.Time
}

// DecisionState is how far a decision is.
type DecisionState string

// The states.
const (
	DecisionStateHeld           DecisionState = "HELD" // waits for a person
	DecisionStateAdvancePending DecisionState = "ADVANCE_PENDING"
	DecisionStateAdvanced       DecisionState = "ADVANCED"
	DecisionStateRejectPending  DecisionState = "REJECT_PENDING" // until DueAt it can be stopped
	DecisionStateRejected       DecisionState = "REJECTED"
	DecisionStateUndoPending    DecisionState = "UNDO_PENDING" // the rejection is being taken back
	DecisionStateKept           DecisionState = "KEPT"         // a person left the candidate where they are
	DecisionStateSuperseded     DecisionState = "SUPERSEDED"   // a newer result is decided instead
)

// pending reports whether a task carries the decision out.
func (s DecisionState) pending() bool {
	return s == DecisionStateAdvancePending || s == DecisionStateRejectPending || s == DecisionStateUndoPending
}

// acted reports whether the ATS was changed, or is being.
func (d *RoutingDecision) acted() bool {
	return d.State == DecisionStateAdvanced || d.State == DecisionStateRejected || d.State == DecisionStateUndoPending || d.underWay()
}

// underWay reports whether the ATS may be carrying the decision out just now.
func (d *RoutingDecision) underWay() bool { return d.State.pending() && !d.SentAt.IsZero() }

// Automatic reports whether no person decided.
func (d *RoutingDecision) Automatic() bool { return d.ActorRole == RoleSystem }

// mark is the state as an assessment shows it.
func (s DecisionState) mark() Decision {
	switch s {
	case DecisionStateAdvanced:
		return DecisionAdvanced
	case DecisionStateRejectPending:
		return DecisionRejectPending
	case DecisionStateRejected, DecisionStateUndoPending:
		return DecisionRejected
	case DecisionStateHeld:
		return DecisionHeld
	default:
		return DecisionSuggested
	}
}

// event tells that a decision got into the state.
func (s DecisionState) event() EventType { return EventType("decision." + strings.ToLower(string(s))) }

// DecisionStep is one entry of the register: a decision got into a state.
type DecisionStep struct {
	ID             ID
	OrganizationID ID
	DecisionID     ID
	AssessmentID   ID
	From           DecisionState // empty for the first
	To             DecisionState
	Action         RoutingAction
	Hold           Hold
	Note           string
	Reason         string
	RuleID         ID
	RuleVersion    int
	ActorRole      Role
	ActorID        ID
	ActorName      string
	At             time.Time
}

// DecisionFilter narrows a list; empty fields do not.
type DecisionFilter struct {
	States       []DecisionState
	Indicators   []Indicator
	ConnectionID ID
	JobID        ID
	TestID       ID
	AssessmentID ID
	From         time.Time // the first moment at which it was made
	Until        time.Time // the first moment after
	Sight        Sight     // set by core
}

// RoutingDecisionReader finds decisions.
type RoutingDecisionReader interface {
	// RoutingDecision returns one of the organization's. Errors: fault.NotFound.
	RoutingDecision(ctx context.Context, organization, id ID) (*RoutingDecision, error)
	// RoutingDecisionsByID returns those in sight that exist, in no order; for loaders.
	RoutingDecisionsByID(ctx context.Context, organization ID, s Sight, ids []ID) ([]RoutingDecision, error)
	// RoutingDecisionsOf returns all of several assessments in sight, newest
	// first; for loaders.
	RoutingDecisionsOf(ctx context.Context, organization ID, s Sight, assessments []ID) ([]RoutingDecision, error)
	// RoutingDecisions returns a page, newest first.
	RoutingDecisions(ctx context.Context, organization ID, f DecisionFilter, p Page) (*Paged[RoutingDecision], error)
	// DecisionSteps returns those of several decisions, oldest first; for loaders.
	DecisionSteps(ctx context.Context, organization ID, decisions []ID) ([]DecisionStep, error)
	// LastSuggestions returns what a rule suggested since a moment, newest
	// first, at most limit.
	LastSuggestions(ctx context.Context, organization, rule ID, since time.Time, limit int) ([]RoutingAction, error)
	// RejectionsSince counts the decisions of which a rejection was asked for
	// over a connection since a moment, also if it was taken back.
	RejectionsSince(ctx context.Context, organization, connection ID, since time.Time) (int, error)
}

// RoutingDecisionWriter keeps decisions.
type RoutingDecisionWriter interface {
	// InsertRoutingDecision keeps d. It reports false, and keeps nothing, if the
	// connection has one of this assessment and revision already.
	InsertRoutingDecision(ctx context.Context, d *RoutingDecision) (bool, error)
	// LockRoutingDecision returns one and keeps others from changing it until
	// the transaction ends. Errors: fault.NotFound.
	LockRoutingDecision(ctx context.Context, organization, id ID) (*RoutingDecision, error)
	// UpdateRoutingDecision keeps what can change. Errors: fault.NotFound.
	UpdateRoutingDecision(ctx context.Context, d *RoutingDecision) error
	AppendDecisionStep(ctx context.Context, s *DecisionStep) error
}

// moment is who changes a decision, and when.
type moment struct {
	by  Actor
	now time.Time
}

// enter puts a decision into a state, with its step, its audit entry, its
// event, the assessment's mark and, if it is pending, its task. a is locked and
// kept by the caller.
func (d *RoutingDecision) enter(ctx context.Context, tx Tx, a *Assessment, m moment, to DecisionState) error {
	from := d.State
	d.State, d.UpdatedAt = to, m.now
	if to.pending() {
		d.Round++
		d.SentAt, d.DoneAt, d.Hold, d.FaultCode = time.Time{}, time.Time{}, "", ""
	}
	if err := d.save(ctx, tx, from); err != nil {
		return err
	}
	if to != DecisionStateSuperseded {
		a.Decision, a.UpdatedAt = to.mark(), m.now
	}
	step := &DecisionStep{
		ID: NewID(PrefixDecisionStep), OrganizationID: d.OrganizationID, DecisionID: d.ID, AssessmentID: d.AssessmentID,
		From: from, To: to, Action: d.Action, Hold: d.Hold, Note: d.Note, Reason: d.Reason, RuleID: d.RuleID, RuleVersion: d.RuleVersion,
		ActorRole: m.by.Role, ActorID: m.by.ID, ActorName: m.by.Name, At: m.now,
	}
	if err := tx.AppendDecisionStep(ctx, step); err != nil {
		return err
	}
	if err := audit(ctx, tx, m.by, change{At: m.now, Event: to.event(), Subject: d.AssessmentID, Before: from, After: d.told()}); err != nil {
		return err
	}
	if err := appendEvent(ctx, tx, m.by, m.now, to.event(), d.AssessmentID, d.told()); err != nil || !to.pending() {
		return err
	}
	t := Task{Kind: TaskCarryOutDecision, OrganizationID: d.OrganizationID, AssessmentID: d.AssessmentID, SubjectID: d.ID, Revision: d.Round}
	if d.StageID != "" { // else the stage is read at once
		t.NotBefore = d.DueAt
	}
	return tx.Enqueue(ctx, t)
}

func (d *RoutingDecision) save(ctx context.Context, tx Tx, from DecisionState) error {
	if from != "" {
		return tx.UpdateRoutingDecision(ctx, d)
	}
	fresh, err := tx.InsertRoutingDecision(ctx, d)
	if err == nil && !fresh {
		err = fault.New(fault.Conflict, "This result was decided already. Nothing was changed.")
	}
	return err
}

// told is what events and the audit log tell; nothing personal, and not why a
// decision is held, which may be an accommodation.
func (d *RoutingDecision) told() map[string]any {
	return map[string]any{
		"decisionId": d.ID, "connectionId": d.ConnectionID, "revision": d.Revision, "suggestion": d.Suggestion, "indicator": d.Indicator,
		"action": d.Action, "ruleId": d.RuleID, "ruleVersion": d.RuleVersion,
	}
}

// hold makes a decision wait for a person. A note tells more than the reason.
func (d *RoutingDecision) hold(ctx context.Context, tx Tx, a *Assessment, m moment, why Hold, note string) error {
	if note == "" {
		note = why.Sentence()
	}
	d.Action, d.Hold, d.Note, d.DueAt, d.SentAt = "", why, note, time.Time{}, time.Time{}
	return d.enter(ctx, tx, a, m, DecisionStateHeld)
}

// indicate tells a connection's ATS what routing makes of a result: the colour,
// and the recommendation for people. Both are empty if no rule routed it.
func indicate(ctx context.Context, r Reader, a *Assessment, connection ID, result *Result) (indicator, recommendation string, _ error) {
	all, err := r.RoutingDecisionsOf(ctx, a.OrganizationID, Sight{}, []ID{a.ID})
	if err != nil {
		return "", "", err
	}
	at := slices.IndexFunc(all, func(d RoutingDecision) bool { return d.ConnectionID == connection && d.Revision == result.Revision })
	if at < 0 {
		return "", "", nil
	}
	profile, err := r.PushProfile(ctx, a.OrganizationID, connection)
	if err != nil {
		return "", "", err
	}
	return string(all[at].Indicator), recommendationLabel(profile.Bands.Recommend(result.Score)), nil
}
