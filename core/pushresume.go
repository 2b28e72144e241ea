package core

import (
	"context"
	"slices"
	"time"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// Retry lets a push go on at the first step without a receipt, planned anew by
// the mapping and profile of now. One that is under way stays as it is.
// Errors: fault.Forbidden, fault.NotFound, fault.Conflict if it is over, or if
// its job is still not mapped.
func (ps *Pushes) Retry(ctx context.Context, by Actor, id ID) (*Push, error) {
	return ps.change(ctx, by, id, func(tx Tx, p *Push, now time.Time) error {
		if p.State == PushPending || p.State == PushRunning {
			return nil
		}
		if !p.State.stopped() && p.State != PushWaiting {
			return p.illegal("retried")
		}
		return ps.resume(ctx, tx, by, p, EventPushRetried, now)
	})
}

// change locks a push, lets apply change it and keeps the outcome.
func (ps *Pushes) change(ctx context.Context, by Actor, id ID, apply func(Tx, *Push, time.Time) error) (*Push, error) {
	if err := by.Require(PermitOrder); err != nil {
		return nil, err
	}
	var changed *Push
	err := ps.o.Store.Atomically(ctx, func(tx Tx) error {
		p, err := tx.LockPush(ctx, by.OrganizationID, id)
		if err != nil {
			return err
		}
		if err := apply(tx, p, ps.o.Clock.Now()); err != nil {
			return err
		}
		changed = p
		return nil
	})
	if err != nil {
		return nil, err
	}
	return changed, nil
}

func (p *Push) illegal(what string) error {
	return fault.ConflictField("pushId", "WRONG_STATE", "STATE", "The push is %s and cannot be %s. Nothing was changed.", p.State, what)
}

// resume begins the next round.
func (ps *Pushes) resume(ctx context.Context, tx Tx, by Actor, p *Push, event EventType, now time.Time) error {
	a, err := tx.Assessment(ctx, p.OrganizationID, p.AssessmentID)
	if err != nil {
		return err
	}
	c, err := tx.Connection(ctx, p.OrganizationID, p.ConnectionID)
	if err != nil {
		return err
	}
	if !p.placed() {
		p.JobID = a.JobID
	}
	if p.State.stopped() && p.FaultCode == fault.OutcomeUnknown { // somebody was told to look, and did
		p.settleDoubt(ps.o.Settle, now)
	}
	if err := resumePush(ctx, tx, p, effective(ps.o.Adapters, c), now); err != nil {
		return err
	}
	return announcePush(ctx, tx, by, p, event, now)
}

// settleDoubt lets a person's word count that a request which was not answered
// did nothing, once it cannot be under way any more. The run still looks first.
func (p *Push) settleDoubt(settle time.Duration, now time.Time) {
	if s := p.inDoubt(); s != nil && now.Sub(s.SentAt) >= settle {
		s.again()
	}
}

// resumePush plans anew what has no receipt and begins the next round. A push
// that has no place in the ATS yet needs a mapped job.
func resumePush(ctx context.Context, tx Tx, p *Push, capabilities []ats.Capability, now time.Time) error {
	plan, err := newPushPlan(ctx, tx, p.OrganizationID, p.ConnectionID, p.JobID)
	if err != nil {
		return err
	}
	if plan.ExternalJobID == "" && !p.placed() {
		b := p.unmapped()
		return fault.ConflictField("pushId", "JOB_NOT_MAPPED", "JOB_NOT_MAPPED", "%s %s", b.fault.Message, b.advice)
	}
	p.replan(*plan, capabilities, now)
	for i := range p.Steps {
		p.Steps[i].Attempts = 0
	}
	p.Round++
	p.State, p.RunToken, p.UpdatedAt, p.DueAt = PushPending, "", now, now
	p.FaultCode, p.Message, p.Advice, p.Question = "", "", "", PushQuestion{}
	return tx.UpdatePush(ctx, p)
}

// replan plans anew what has no receipt. It keeps that a job was closed where a
// person said what to do then, or where the push has its place.
func (p *Push) replan(plan PushPlan, capabilities []ats.Capability, now time.Time) {
	plan.WithoutApplication = p.Answer.WithoutApplication || (p.placed() && p.Plan.WithoutApplication)
	p.Plan = plan
	p.lay(capabilities, now)
}

// Cancel ends a push that no run has. What is in the ATS already stays there.
// Errors: fault.Forbidden, fault.NotFound, fault.Conflict.
func (ps *Pushes) Cancel(ctx context.Context, by Actor, id ID) (*Push, error) {
	return ps.change(ctx, by, id, func(tx Tx, p *Push, now time.Time) error {
		if p.State == PushCancelled {
			return nil
		}
		if p.State == PushRunning || p.State == PushDone {
			return p.illegal("cancelled")
		}
		if err := ps.letGo(ctx, tx, p, now); err != nil {
			return err
		}
		p.stop(&pause{state: PushCancelled}, now)
		p.Round++ // a task of it that waits does nothing
		if err := tx.UpdatePush(ctx, p); err != nil {
			return err
		}
		return announcePush(ctx, tx, by, p, EventPushCancelled, now)
	})
}

// letGo lets other pushes have the person, but not before a request that was
// not answered must be settled.
func (ps *Pushes) letGo(ctx context.Context, tx Tx, p *Push, now time.Time) error {
	if p.placed() {
		return nil
	}
	c, err := tx.Candidate(ctx, p.OrganizationID, p.CandidateID)
	if err != nil {
		return err
	}
	free := time.Time{}
	if s := p.inDoubt(); s != nil {
		free = s.SentAt.Add(ps.o.Settle)
	}
	return freePerson(ctx, tx, p, c, free, now)
}

// PushResolution is a person's answer to a push's question. One of its fields
// is set.
type PushResolution struct {
	CandidateID        string // write to this candidate of the ATS
	CreateNew          bool   // none of those who match is the candidate
	ApplyAgain         bool   // the application has ended: make another
	FeedbackOnly       bool   // the application has ended: write to it
	WithoutApplication bool   // the job is closed: write to the candidate alone
}

// Resolve answers a push's question and lets it go on.
// Errors: fault.Forbidden, fault.NotFound, fault.Invalid, fault.Conflict.
func (ps *Pushes) Resolve(ctx context.Context, by Actor, id ID, r PushResolution) (*Push, error) {
	if err := r.validate(); err != nil {
		return nil, err
	}
	return ps.change(ctx, by, id, func(tx Tx, p *Push, now time.Time) error {
		if !p.State.stopped() || p.placed() {
			return p.illegal("resolved")
		}
		if err := r.answer(p); err != nil {
			return err
		}
		return ps.resume(ctx, tx, by, p, EventPushResolved, now)
	})
}

func (r PushResolution) validate() error {
	n := 0
	for _, set := range []bool{r.CandidateID != "", r.CreateNew, r.ApplyAgain, r.FeedbackOnly, r.WithoutApplication} {
		if set {
			n++
		}
	}
	if n != 1 {
		return fault.InvalidField("resolution", "ONE_OF", "Give exactly one answer. Nothing was changed.")
	}
	return optionalText("resolution.candidateExternalId", r.CandidateID, 200)
}

// answer keeps the answer. An earlier one to another question stays.
func (r PushResolution) answer(p *Push) error {
	a := &p.Answer
	switch {
	case r.CandidateID != "":
		known := func(c PushChoice) bool { return c.CandidateID == r.CandidateID }
		if len(p.Question.Choices) > 0 && !slices.ContainsFunc(p.Question.Choices, known) {
			return fault.InvalidField("resolution.candidateExternalId", "UNKNOWN", "The candidate %q is none of those who match. Nothing was changed; see the question's choices.", r.CandidateID)
		}
		a.CandidateID, a.CreateNew, a.NotThese = r.CandidateID, false, nil
	case p.Question.Kind != r.answers():
		return fault.InvalidField("resolution", "NOT_ASKED", "The push does not ask this. Nothing was changed; see its question.")
	case r.CreateNew:
		a.CandidateID, a.CreateNew = "", true
		for _, c := range p.Question.Choices {
			a.NotThese = append(a.NotThese, c.CandidateID)
		}
	case r.ApplyAgain:
		a.ClosedApplication = ApplicationApplyAgain
	case r.FeedbackOnly:
		a.ClosedApplication = ApplicationFeedbackOnly
	default:
		a.WithoutApplication = true
	}
	return nil
}

// answers is the question that an answer other than a candidate's id is about.
func (r PushResolution) answers() QuestionKind {
	switch {
	case r.CreateNew:
		return QuestionSeveralMatches
	case r.WithoutApplication:
		return QuestionClosedJob
	default:
		return QuestionClosedApplication
	}
}

// Retried is what a retry from the sync log set going: one of the two.
type Retried struct {
	Push       *Push
	Assessment *Assessment // whose result is delivered again
}

// RetrySync retries what an entry of the sync log tells of: a push, or the
// delivery of a result. Errors: fault.Forbidden, fault.NotFound, fault.Conflict.
func (ps *Pushes) RetrySync(ctx context.Context, by Actor, id ID) (*Retried, error) {
	return ps.RetrySyncOf(ctx, by, "", id)
}

// RetrySyncOf is RetrySync for an entry of one adapter's; empty: of any.
// Errors: those of RetrySync.
func (ps *Pushes) RetrySyncOf(ctx context.Context, by Actor, adapter string, id ID) (*Retried, error) {
	if err := by.Require(PermitOrder); err != nil {
		return nil, err
	}
	found, err := ps.o.Store.SyncEntriesByID(ctx, by.OrganizationID, []ID{id})
	if err != nil {
		return nil, err
	}
	if len(found) == 0 || (adapter != "" && found[0].Adapter != adapter) {
		return nil, fault.New(fault.NotFound, "There is no entry of the sync log with this id.")
	}
	switch e := found[0]; {
	case e.PushID != "":
		p, err := ps.Retry(ctx, by, e.PushID)
		return &Retried{Push: p}, err
	case e.Operation == operationDeliver && e.AssessmentID != "":
		a, err := ps.o.Assessments.Redeliver(ctx, by, e.AssessmentID)
		return &Retried{Assessment: a}, err
	default:
		return nil, fault.ConflictField("syncEntryId", "NOTHING_TO_RETRY", "NOTHING_TO_RETRY", "This entry tells of nothing that can be retried here. Nothing was changed.")
	}
}
