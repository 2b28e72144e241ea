package core

import (
	"context"
	"strings"
	"time"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// PushPlan is what a push was asked to do, as mapping and profile were at that
// time. It holds nothing of the candidate.
type PushPlan struct {
	ExternalJobID     string        `json:"externalJobId,omitempty"` // the ATS's; empty if our job is not mapped
	ExternalJobName   string        `json:"externalJobName,omitempty"`
	ExternalStageID   string        `json:"externalStageId,omitempty"` // empty: the job's first stage
	ExternalStageName string        `json:"externalStageName,omitempty"`
	SourceID          string        `json:"sourceId,omitempty"`
	ProfileVersion    int           `json:"profileVersion,omitempty"`
	Bands             Bands         `json:"bands"`
	ReportOnlyTraits  []string      `json:"reportOnlyTraits"`
	Destinations      []Destination `json:"destinations"`
	Policies          Policies      `json:"policies"`
	// WithoutApplication is set when the job turned out to be closed and the
	// policy, or a person, said to write to the candidate alone.
	WithoutApplication bool `json:"withoutApplication,omitempty"`
}

// newPushPlan puts together what counts for a job on a connection.
func newPushPlan(ctx context.Context, r Reader, organization, connection, job ID) (*PushPlan, error) {
	profile, err := r.PushProfile(ctx, organization, connection)
	if err != nil {
		return nil, err
	}
	plan := &PushPlan{
		SourceID: profile.SourceID, ProfileVersion: profile.Version, Bands: profile.Bands,
		ReportOnlyTraits: profile.ReportOnlyTraits, Destinations: profile.Destinations, Policies: profile.Policies,
	}
	if job == "" {
		return plan, nil
	}
	m, err := r.JobMapping(ctx, organization, connection, job)
	if fault.Is(err, fault.NotFound) {
		return plan, nil
	}
	if err != nil {
		return nil, err
	}
	plan.ExternalJobID, plan.ExternalJobName = m.ExternalJobID, m.ExternalJobName
	plan.ExternalStageID, plan.ExternalStageName = m.ExternalStageID, m.ExternalStageName
	return plan, nil
}

// jobID is the ATS's job of the application, or empty for none.
func (pl *PushPlan) jobID() string {
	if pl.WithoutApplication {
		return ""
	}
	return pl.ExternalJobID
}

// destinations returns the places of one kind.
func (pl *PushPlan) destinations(to DestinationKind) []Destination {
	var found []Destination
	for _, d := range pl.Destinations {
		if d.To == to {
			found = append(found, d)
		}
	}
	return found
}

// destination is where a step writes; empty for those that write no result.
func (k StepKind) destination() DestinationKind {
	switch k {
	case StepFields:
		return ToField
	case StepAttach:
		return ToAttachment
	case StepNote:
		return ToNote
	case StepTag:
		return ToTag
	case StepScorecard:
		return ToScorecard
	default:
		return ""
	}
}

// lay lays out the steps that write the result, those that have a receipt
// excepted: a step that has nothing to write, or that the ATS does not take, is
// skipped. No capabilities at all means that they are not known yet.
func (p *Push) lay(capabilities []ats.Capability, now time.Time) {
	for _, k := range StepKinds() {
		s := p.step(k)
		if !k.feedback() || s.State == StepDone || s.State == StepSent {
			continue
		}
		*s = PushStep{Kind: k, State: StepPending}
		if why := p.Plan.needless(k, capabilities); why != "" {
			s.skip(why, now)
		}
	}
}

// needless tells why a step has nothing to do, or "".
func (pl *PushPlan) needless(k StepKind, capabilities []ats.Capability) string {
	if len(pl.destinations(k.destination())) == 0 {
		return "Nothing is to go there: see the connection's destinations."
	}
	c, known := capability(capabilities, k.capability())
	switch {
	case len(capabilities) == 0 || c.Available:
		return ""
	case len(c.Reasons) > 0:
		return "Off: " + strings.Join(c.Reasons, " ")
	case known:
		return "Off: the ATS does not take this from us."
	default:
		return "Off: the adapter does not offer this."
	}
}

// unmapped stops a push whose job is not known in the ATS.
func (p *Push) unmapped() *pause {
	f := fault.New(fault.Config, "The assessment's job is not mapped to a job of the ATS. Nothing was sent.")
	advice := "Map the job on this connection, then retry."
	if p.JobID == "" {
		f.Message, advice = "The assessment is for no job. Nothing was sent.", "Assign a job that is mapped on this connection, then retry."
	}
	return &pause{state: PushNeedsAttention, fault: f, advice: advice}
}

// pushOrder asks for a push.
type pushOrder struct {
	Assessment *Assessment // scored
	Revision   int         // of the result
	Connection *Connection
	Trigger    PushMode
	Retry      bool // one that stopped goes on
	At         time.Time
	// Capabilities of the connection, if the caller knows more of them than its
	// last check.
	Capabilities []ats.Capability
}

// requestPush keeps a push with its plan, its event and its task. There is one
// for a connection, an assessment and a revision: asked again it returns that
// one, which begins anew if it was cancelled or, where that is wanted, stopped. If the job is not mapped the push
// is kept as one that needs attention.
func requestPush(ctx context.Context, tx Tx, by Actor, o pushOrder) (*Push, error) {
	p := newPush(by, o)
	plan, err := newPushPlan(ctx, tx, p.OrganizationID, p.ConnectionID, p.JobID)
	if err != nil {
		return nil, err
	}
	p.Plan = *plan
	p.lay(o.capabilities(), o.At)
	if plan.ExternalJobID == "" {
		p.stop(p.unmapped(), o.At)
	}
	fresh, err := tx.InsertPush(ctx, p)
	if err != nil {
		return nil, err
	}
	if !fresh {
		return askedAgain(ctx, tx, by, o)
	}
	if err := leave(ctx, tx, p, o.At); err != nil {
		return nil, err
	}
	return p, announcePush(ctx, tx, by, p, EventPushRequested, o.At)
}

func newPush(by Actor, o pushOrder) *Push {
	a := o.Assessment
	p := &Push{
		ID: NewID(PrefixPush), OrganizationID: a.OrganizationID, ConnectionID: o.Connection.ID, AssessmentID: a.ID,
		CandidateID: a.CandidateID, JobID: a.JobID, Revision: o.Revision, State: PushPending, Trigger: o.Trigger,
		RequestedBy: by.Name, Round: 1, RequestedAt: o.At, DueAt: o.At, UpdatedAt: o.At,
	}
	for _, k := range StepKinds() {
		p.step(k)
	}
	return p
}

func (o pushOrder) capabilities() []ats.Capability {
	if len(o.Capabilities) > 0 {
		return o.Capabilities
	}
	return o.Connection.Health.Capabilities
}

func askedAgain(ctx context.Context, tx Tx, by Actor, o pushOrder) (*Push, error) {
	a := o.Assessment
	found, err := tx.PushOf(ctx, a.OrganizationID, o.Connection.ID, a.ID, o.Revision)
	if err != nil || !found.beginsAgain(o.Retry) {
		return found, err
	}
	p, err := tx.LockPush(ctx, a.OrganizationID, found.ID)
	if err != nil || !p.beginsAgain(o.Retry) {
		return p, err
	}
	event := EventPushRetried
	if p.State == PushCancelled {
		event = EventPushRequested
		p.Trigger, p.RequestedBy, p.FinishedAt = o.Trigger, by.Name, time.Time{}
		if err := lookAnew(ctx, tx, p, o.At); err != nil {
			return nil, err
		}
	}
	if !p.placed() {
		p.JobID = a.JobID
	}
	if err := resumePush(ctx, tx, p, o.capabilities(), o.At); err != nil {
		return nil, err
	}
	return p, announcePush(ctx, tx, by, p, event, o.At)
}

// lookAnew forgets where a push wrote to, and what was answered about it: whoever
// cancelled it may have seen that this is gone, or wrong. What it wrote there is
// found again by its marks, and what may still be under way is waited for. A
// creation in doubt is settled first, as it was begun; and whom the push made
// and has no application for yet is still the one.
func lookAnew(ctx context.Context, tx Tx, p *Push, now time.Time) error {
	if p.inDoubt() != nil {
		return nil
	}
	if err := forgetChosen(ctx, tx, p, now); err != nil {
		return err
	}
	p.Answer = PushAnswer{}
	if p.made() && !p.placed() {
		return nil
	}
	p.ExternalCandidateID, p.ExternalApplicationID, p.ProfileURL = "", "", ""
	for i := range p.Steps {
		if s := &p.Steps[i]; !s.Kind.feedback() || s.State != StepSent {
			*s = PushStep{Kind: s.Kind, State: StepPending}
		}
	}
	return nil
}

// beginsAgain reports whether a push that is asked for again goes on: one that
// was cancelled, and one that stopped and needs no answer if that is wanted.
func (p *Push) beginsAgain(retry bool) bool {
	return p.State == PushCancelled || retry && p.State.stopped() && p.Question.Kind == ""
}

// announcePush keeps the event that tells of a push, and the task that goes on
// with it if it is pending.
func announcePush(ctx context.Context, tx Tx, by Actor, p *Push, event EventType, now time.Time) error {
	if err := appendEvent(ctx, tx, by, now, event, p.AssessmentID, p.told()); err != nil {
		return err
	}
	if p.State != PushPending {
		return nil
	}
	return tx.Enqueue(ctx, Task{
		Kind: TaskPush, OrganizationID: p.OrganizationID, AssessmentID: p.AssessmentID, SubjectID: p.ID, Revision: p.Round,
	})
}

// told is what events tell of a push.
func (p *Push) told() map[string]any {
	data := map[string]any{"pushId": p.ID, "connectionId": p.ConnectionID, "revision": p.Revision, "state": p.State}
	if p.FaultCode != "" {
		data["code"] = p.FaultCode
	}
	return data
}
