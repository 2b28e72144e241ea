package core

import (
	"context"
	"errors"
	"time"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

const (
	// commitWithin bounds a transaction that keeps what a call did, which must
	// be kept even if the run is being ended.
	commitWithin = 10 * time.Second
	// overtakenFor is longer than any run, so that one that was overtaken comes
	// back only when the other has ended.
	overtakenFor = 2 * time.Minute
	// showWaiting is how long a push may wait for its turn before that is kept.
	showWaiting = time.Minute
)

// errOvertaken ends a run whose push another run, or a person, has taken over.
var errOvertaken = errors.New("another run has the push")

// errIdle ends a run that has nothing to do.
var errIdle = errors.New("the push does not go on by itself")

// pushRun is one run of a push. It is used by one goroutine.
type pushRun struct {
	o          *PushesOptions
	push       *Push // as this run committed it last
	connection *Connection
	candidate  *Candidate
	call       ats.Connection
	claim      *Claim
	token      ID
	known      string // the ATS's id of the person, by what was known before; to be verified
	entry      *SyncEntry
	traces     []ats.Trace
	refusal    *fault.Error           // of the call that ended the run
	found      *ats.ApplicationRecord // the application that was there already
	content    *pushContent           // nil until it is needed
}

// Run carries a push on from the first step without a receipt. It is the
// handler of TaskPush. What becomes of the push is kept with it and in the sync
// log; an error means that it could not be kept, and the task must run again.
// Errors: *Postponed until the push goes on.
func (ps *Pushes) Run(ctx context.Context, t Task, _ Attempt) error {
	r, err := ps.prepare(ctx, t)
	if err != nil || r == nil {
		return err
	}
	err = r.open(ctx, t.Revision)
	if err == nil {
		err = r.finish(ctx, r.walk(ctx))
	} else {
		err = ps.unopened(ctx, t, err)
	}
	return errors.Join(err, r.settle(ctx))
}

// prepare reads what the push needs and claims the requests for the rest of its
// steps. It returns nil if there is nothing to do.
func (ps *Pushes) prepare(ctx context.Context, t Task) (*pushRun, error) {
	p, err := ps.o.Store.Push(ctx, t.OrganizationID, t.SubjectID)
	if fault.Is(err, fault.NotFound) || (err == nil && !p.runnable(t.Revision)) {
		return nil, nil //nolint:nilnil // "nothing to do" is an answer, not an error
	}
	if err != nil {
		return nil, err
	}
	if ps.o.Clock.Now().Sub(p.DueAt) < showWaiting {
		if err := ps.o.Calls.Crowded(p.ConnectionID); err != nil {
			return nil, err
		}
	}
	r := &pushRun{o: &ps.o, push: p, token: NewID(PrefixPush)}
	if r.connection, err = ps.o.Store.Connection(ctx, p.OrganizationID, p.ConnectionID); err != nil {
		return nil, err
	}
	if r.candidate, err = ps.o.Store.Candidate(ctx, p.OrganizationID, p.CandidateID); err != nil {
		return nil, err
	}
	if err := r.equip(ctx); err != nil {
		return nil, ps.unopened(ctx, t, err)
	}
	return r, nil
}

func (p *Push) runnable(round int) bool { return p.State.Open() && p.Round == round }

// equip gets what calls need. Errors: *Postponed, *pause.
func (r *pushRun) equip(ctx context.Context) error {
	if r.connection.Disabled {
		f := fault.New(fault.Config, "The connection is switched off. Nothing was sent.")
		return &pause{state: PushNeedsAttention, fault: f, advice: "Switch the connection on, then retry."}
	}
	call, err := r.o.Calls.Prepare(ctx, r.connection)
	if err == nil {
		r.call = call
		r.claim, err = r.o.Calls.Claim(ctx, r.connection, r.push.requests(effective(r.o.Adapters, r.connection)))
	}
	var postponed *Postponed
	if err == nil || errors.As(err, &postponed) {
		return err
	}
	f := fault.From(err)
	switch {
	case !fault.Repeatable(f):
		return &pause{state: PushNeedsAttention, fault: f, advice: adviceOn(f)}
	case f.Code == fault.Internal || ctx.Err() != nil:
		return err
	default:
		return &pause{state: PushWaiting, wait: r.o.Backoff(3, f), fault: f}
	}
}

func (r *pushRun) settle(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitWithin)
	defer cancel()
	if r.refusal == nil {
		return r.claim.Settle(ctx, r.traces, nil)
	}
	return r.claim.Settle(ctx, r.traces, r.refusal)
}

// open takes the push for this run: any other run of it can commit no more.
func (r *pushRun) open(ctx context.Context, round int) error {
	return r.o.Store.Atomically(ctx, func(tx Tx) error {
		p, err := tx.LockPush(ctx, r.push.OrganizationID, r.push.ID)
		if err != nil {
			return err
		}
		if !p.runnable(round) {
			return errIdle
		}
		now := r.o.Clock.Now()
		if err := r.supersede(ctx, tx, p, now); err != nil {
			return err
		}
		if err := r.hold(ctx, tx, p, now); err != nil {
			return err
		}
		p.begin(r.token, now)
		if err := tx.UpdatePush(ctx, p); err != nil {
			return err
		}
		r.push = p
		return r.openEntry(ctx, tx, now)
	})
}

// hold claims the person while it is not settled where the push writes to. Such
// a push looks anew: what was found before can be old.
func (r *pushRun) hold(ctx context.Context, tx Tx, p *Push, now time.Time) error {
	if p.placed() {
		return nil
	}
	if r.candidate.Email == "" {
		f := fault.New(fault.NotFound, "The candidate's data was erased. Nothing was sent.")
		return &pause{state: PushCancelled, fault: f}
	}
	person, err := holdPerson(ctx, tx, p, r.candidate, now)
	if err != nil {
		return err
	}
	r.known = person.ExternalID
	if r.candidate.ConnectionID == p.ConnectionID && r.candidate.ExternalID != "" {
		r.known = r.candidate.ExternalID
	}
	p.step(StepFind).again()
	return nil
}

// supersede lets the push of an older result give way to that of a newer one.
// One that may have made a person goes on until that is clear.
func (r *pushRun) supersede(ctx context.Context, tx Tx, p *Push, now time.Time) error {
	latest, err := tx.LatestPush(ctx, p.OrganizationID, p.ConnectionID, p.AssessmentID)
	if err != nil || latest <= p.Revision {
		return err
	}
	if !p.placed() && p.inDoubt() == nil {
		return &pause{state: PushCancelled, fault: fault.New(fault.Conflict, newerInstead+" Nothing was sent.")}
	}
	for i := range p.Steps {
		if s := &p.Steps[i]; s.Kind.feedback() && !s.over() {
			s.skip(newerInstead, now)
		}
	}
	return nil
}

const newerInstead = "A newer result of this assessment is pushed instead."

// outdated keeps an older result from being written over a newer one's: fields
// hold one value, where notes and files stand beside each other.
// Errors: fault.Conflict with Kind "OUTDATED".
func outdated(ctx context.Context, r Reader, p *Push, k StepKind) error {
	if k != StepFields {
		return nil
	}
	latest, err := r.LatestPush(ctx, p.OrganizationID, p.ConnectionID, p.AssessmentID)
	if err == nil && latest > p.Revision {
		f := fault.New(fault.Conflict, newerInstead)
		f.Kind = "OUTDATED"
		err = f
	}
	return err
}

func (p *Push) begin(token ID, now time.Time) {
	p.State, p.RunToken, p.UpdatedAt, p.DueAt = PushRunning, token, now, now
	p.Attempts++
	if p.StartedAt.IsZero() {
		p.StartedAt = now
	}
	p.FaultCode, p.Message, p.Advice, p.Question = "", "", "", PushQuestion{}
}

// walk takes the steps one by one. Errors: *pause if it must stop, errOvertaken.
func (r *pushRun) walk(ctx context.Context) error {
	for s := r.push.next(); s != nil; s = r.push.next() {
		if until, ok := ctx.Deadline(); ok && time.Until(until) < r.o.Deadline {
			return &pause{state: PushWaiting}
		}
		if err := r.take(ctx, s.Kind); err != nil {
			return err
		}
	}
	return nil
}

func (r *pushRun) take(ctx context.Context, k StepKind) error {
	switch k {
	case StepFind:
		return r.find(ctx)
	case StepCreate:
		return r.create(ctx)
	case StepApply:
		return r.apply(ctx)
	default:
		return r.feed(ctx, k)
	}
}

// step carries out one step that writes: the intent is kept before the call,
// and the receipt after it. The deadline begins before the intent, so that no
// request leaves later than the intent tells.
func (r *pushRun) step(ctx context.Context, k StepKind, call func(context.Context) (*ats.Trace, error), keep func(*Push, *PushStep, time.Time)) error {
	bounded, cancel := context.WithTimeout(ctx, r.o.Deadline)
	defer cancel()
	err := r.commit(ctx, func(tx Tx, p *Push, now time.Time) error {
		if err := outdated(ctx, tx, p, k); err != nil {
			return err
		}
		s := p.step(k)
		s.State, s.SentAt = StepSent, now
		s.Attempts++
		return nil
	})
	if err != nil {
		return err
	}
	trace, err := call(bounded)
	r.trace(trace)
	if err != nil {
		r.refusal = fault.From(err)
		return &pause{step: k, fault: r.refusal}
	}
	return r.commit(ctx, func(tx Tx, p *Push, now time.Time) error {
		keep(p, p.step(k), now)
		p.step(k).remark(trace.Degraded)
		return r.place(ctx, tx, p, now)
	})
}

// trace keeps what a call left behind.
func (r *pushRun) trace(t *ats.Trace) {
	if t == nil {
		return
	}
	r.traces = append(r.traces, *t)
	r.entry.Exchanges = append(r.entry.Exchanges, t.Exchanges...)
}

// commit changes the push in a transaction, if this run still has it. What a
// call did is kept even if ctx has ended meanwhile.
func (r *pushRun) commit(ctx context.Context, change func(Tx, *Push, time.Time) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitWithin)
	defer cancel()
	var changed *Push
	err := r.o.Store.Atomically(ctx, func(tx Tx) error {
		p, err := tx.LockPush(ctx, r.push.OrganizationID, r.push.ID)
		if err != nil {
			return err
		}
		if p.RunToken != r.token {
			return errOvertaken
		}
		now := r.o.Clock.Now()
		p.UpdatedAt, p.DueAt = now, now
		if err := change(tx, p, now); err != nil {
			return err
		}
		if err := tx.UpdatePush(ctx, p); err != nil {
			return err
		}
		changed = p
		return r.tell(ctx, tx, p, now)
	})
	if err == nil {
		r.push = changed
	}
	return err
}

// place keeps where the push writes to, once that is settled, and lets others
// have the person.
func (r *pushRun) place(ctx context.Context, tx Tx, p *Push, now time.Time) error {
	if r.push.placed() || !p.placed() {
		return nil
	}
	if err := freePerson(ctx, tx, p, r.candidate, time.Time{}, now); err != nil || p.ExternalApplicationID == "" {
		return err
	}
	a := &Application{
		OrganizationID: p.OrganizationID, ConnectionID: p.ConnectionID, ExternalID: p.ExternalApplicationID,
		CandidateExternalID: p.ExternalCandidateID, JobExternalID: p.Plan.ExternalJobID, AssessmentID: p.AssessmentID,
		CandidateID: p.CandidateID, Origin: ApplicationPushed, State: ats.ApplicationActive, StageID: p.Plan.ExternalStageID,
		StageName: p.Plan.ExternalStageName, ProfileURL: p.ProfileURL, UpdatedAt: now,
	}
	if r.found != nil {
		a.State, a.StageID, a.StageName = r.found.State, r.found.StageID, r.found.StageName
	}
	if err := a.join(ctx, tx); err != nil {
		return err
	}
	if err := tx.SaveApplication(ctx, a); err != nil {
		return err
	}
	return routeArrived(ctx, tx, p, now)
}
