package core

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/trellis-ats/trellis/core/fault"
)

// pause is the error of a run that stops before its push is done, with what
// becomes of the push. An empty state leaves that to the fault's class.
type pause struct {
	state    PushState
	wait     time.Duration // until it goes on, for PushWaiting
	step     StepKind      // that the fault is about; empty for none
	tried    bool          // the attempt is not counted yet
	fault    *fault.Error  // nil for nothing that went wrong
	advice   string
	note     string // why it waits, if nothing went wrong
	question PushQuestion
}

// Error implements error.
func (p *pause) Error() string {
	if p.fault != nil {
		return p.fault.Error()
	}
	return "the push stopped as " + string(p.state)
}

// decide tells what becomes of a push after a call that failed.
func (ps *PushesOptions) decide(p *Push, b *pause) {
	s := p.step(b.step)
	if b.state = PushWaiting; b.tried {
		s.Attempts++
	}
	switch f := b.fault; {
	case f.Code == fault.RateLimited:
		s.Attempts-- // nothing happened, and it was not this push's fault
		b.wait = max(f.RetryAfter, time.Second)
	case f.Code == fault.Auth && (s.Attempts < 2 || s.FaultCode != fault.Auth && s.Attempts < ps.Attempts):
		b.wait = time.Second // for a new access token
	case f.Code != fault.Retryable && !doubtful(f):
		b.state, b.advice = PushNeedsAttention, adviceOn(f)
	case doubtful(f) && (b.step == StepCreate || b.step == StepApply):
		b.wait = min(ps.Backoff(1, f), ps.Settle) // then it is looked for
	case s.Attempts >= ps.Attempts:
		b.state, b.advice = PushFailed, "See whether the ATS is well again, then retry: it goes on where it stopped."
	default:
		b.wait = ps.Backoff(max(s.Attempts, 1), f)
		if doubtful(f) && b.step != StepFind {
			b.wait = max(b.wait, ps.Settle)
		}
	}
}

// adviceOn tells a person what to do about a fault.
func adviceOn(f *fault.Error) string {
	switch f.Code {
	case fault.Auth:
		return "Connect the ATS anew, then retry."
	case fault.Permission:
		if len(f.Missing) > 0 {
			return "Grant " + strings.Join(f.Missing, ", ") + " in the ATS, then retry."
		}
		return "Grant the missing permission in the ATS, then retry."
	case fault.Invalid:
		return adviceOnFields(f.Fields)
	case fault.Config:
		return "Correct the connection's settings, then retry."
	case fault.NotFound:
		return "If the candidate or the application is gone in the ATS, cancel the push and push again: it looks for the person anew."
	default:
		return "Mend it in the ATS, then retry: it goes on where it stopped."
	}
}

func adviceOnFields(fields []fault.Field) string {
	if len(fields) == 0 {
		return "Correct the connection's mapping and destinations, then retry."
	}
	name, ofPerson := strings.CutPrefix(fields[0].Path, "candidate.")
	switch {
	case ofPerson && slices.Contains([]string{"firstName", "lastName", "preferredName", "phone"}, name):
		return "Correct the candidate's " + name + " here, then retry."
	case ofPerson && name == "email":
		return "Cancel the push, and order the test anew with the right address."
	default:
		return "Correct " + fields[0].Path + " in the ATS or in the connection's mapping and destinations, then retry."
	}
}

// stop changes the push as a pause tells.
func (p *Push) stop(b *pause, now time.Time) {
	if b.step != "" && b.fault != nil {
		p.step(b.step).explain(b.fault)
	}
	p.State, p.RunToken, p.UpdatedAt, p.DueAt = b.state, "", now, now.Add(b.wait)
	p.FaultCode, p.Message, p.Advice, p.Question = "", b.note, b.advice, b.question
	if b.fault != nil {
		p.FaultCode, p.Message = b.fault.Code, b.fault.Message
	}
	if p.State == PushDone || p.State == PushCancelled {
		p.FinishedAt = now
	}
}

// event is what tells that a push got into a state; "" where nothing does.
func (s PushState) event() EventType {
	switch s {
	case PushWaiting:
		return EventPushWaiting
	case PushDone:
		return EventPushDone
	case PushFailed:
		return EventPushFailed
	case PushNeedsAttention:
		return EventPushAttention
	case PushCancelled:
		return EventPushCancelled
	default:
		return ""
	}
}

// finish keeps what the run ended with. Errors: *Postponed if the push goes on.
func (r *pushRun) finish(ctx context.Context, err error) error {
	b := &pause{state: PushDone}
	if errors.Is(err, errOvertaken) {
		return &Postponed{For: overtakenFor, Why: errOvertaken.Error()}
	}
	if err != nil && !errors.As(err, &b) {
		return err
	}
	err = r.commit(ctx, func(tx Tx, p *Push, now time.Time) error {
		if b.state == "" {
			r.o.decide(p, b)
		}
		p.stop(b, now)
		return r.end(ctx, tx, p, now)
	})
	if errors.Is(err, errOvertaken) {
		return &Postponed{For: overtakenFor, Why: errOvertaken.Error()}
	}
	if err == nil && b.state == PushWaiting {
		return &Postponed{For: b.wait, Why: b.Error()}
	}
	return err
}

// end closes the entry of the sync log, tells of the push's state, and lets
// others have the person unless this push may have made them.
func (r *pushRun) end(ctx context.Context, tx Tx, p *Push, now time.Time) error {
	r.entry.conclude(p)
	if p.State.stopped() && p.inDoubt() == nil && !p.placed() {
		if err := freePerson(ctx, tx, p, r.candidate, time.Time{}, now); err != nil {
			return err
		}
	}
	return appendEvent(ctx, tx, SystemActor(p.OrganizationID), now, p.State.event(), p.AssessmentID, p.told())
}

// unopened keeps why a run could not begin. Errors: *Postponed if the push goes on.
func (ps *Pushes) unopened(ctx context.Context, t Task, err error) error {
	var b *pause
	var postponed *Postponed
	switch {
	case errors.Is(err, errIdle):
		return nil
	case errors.As(err, &postponed):
		b = &pause{state: PushWaiting, wait: postponed.For, note: "Waits: " + postponed.Why + "."}
	case errors.As(err, &b):
		postponed = &Postponed{For: b.wait, Why: b.Error()}
	default:
		return err
	}
	if err := ps.halt(ctx, t, b); err != nil || b.state != PushWaiting {
		return err
	}
	return postponed
}

// halt stops a push that no run has. One that waits already, as pushes do many
// times for their turn, stays as it is for a while. What stops for a person is
// in the sync log too.
func (ps *Pushes) halt(ctx context.Context, t Task, b *pause) error {
	return ps.o.Store.Atomically(ctx, func(tx Tx) error {
		p, err := tx.LockPush(ctx, t.OrganizationID, t.SubjectID)
		if err != nil || !p.runnable(t.Revision) {
			return err
		}
		now, before := ps.o.Clock.Now(), p.State
		if b.state == PushWaiting && (before == PushRunning || before == PushWaiting && now.Sub(p.DueAt) < showWaiting) {
			return nil
		}
		p.stop(b, now)
		if err := tx.UpdatePush(ctx, p); err != nil || before == p.State {
			return err
		}
		if err := leave(ctx, tx, p, now); err != nil {
			return err
		}
		return appendEvent(ctx, tx, SystemActor(p.OrganizationID), now, p.State.event(), p.AssessmentID, p.told())
	})
}

// leave lets others have the person of a push that stopped between two runs,
// and keeps the sync log's entry that tells why.
func leave(ctx context.Context, tx Tx, p *Push, now time.Time) error {
	if !p.State.stopped() {
		return nil
	}
	candidate, err := tx.Candidate(ctx, p.OrganizationID, p.CandidateID)
	if err != nil {
		return err
	}
	if candidate.Email != "" && p.inDoubt() == nil && !p.placed() {
		if err := freePerson(ctx, tx, p, candidate, time.Time{}, now); err != nil {
			return err
		}
	}
	c, err := tx.Connection(ctx, p.OrganizationID, p.ConnectionID)
	if err != nil {
		return err
	}
	e := p.entry(c.Adapter, now)
	e.conclude(p)
	return appendSyncEntry(ctx, tx, e)
}
