package core

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

const (
	// carryDeadline bounds one call that carries a decision out. It is shorter
	// than a task's time.
	carryDeadline = 20 * time.Second
	// pushLookAgain is how long a decision waits before it looks again whether
	// the candidate has arrived in the ATS.
	pushLookAgain = 20 * time.Second
	// doubtSettles is how long a request without an answer may still be carried
	// out, and doubtFor how long the answer is looked for.
	doubtSettles = 45 * time.Second
	doubtFor     = time.Hour
	// capWindow is what a cap of rejections counts in.
	capWindow = 24 * time.Hour
)

// carrying is one run of a decision. It is used by one goroutine.
type carrying struct {
	o      *RoutingDecisionsOptions
	d      *RoutingDecision // as it was kept last
	c      *Connection
	able   ats.Applications
	call   ats.Connection
	record *ats.ApplicationRecord // as the ATS has it now
	entry  *SyncEntry
	// untouched: the ATS was asked, and answered that nothing happened.
	untouched      bool
	rejectedBefore time.Time // RejectedAt without what is asked for just now
}

// CarryOut does in the ATS what was decided, once its time has come. It is the
// handler of TaskCarryOutDecision. It looks how the application is before it
// asks for anything, so that a request whose answer was lost is not repeated,
// and what a person did meanwhile is not undone. What it finds out is kept with
// the decision and in the sync log.
// Errors: *Postponed until it can go on; those of ats.Applications that are worth
// another attempt, after they were noted.
func (ds *RoutingDecisions) CarryOut(ctx context.Context, t Task, try Attempt) error {
	d, err := ds.o.Store.RoutingDecision(ctx, t.OrganizationID, t.SubjectID)
	if fault.Is(err, fault.NotFound) || (err == nil && !d.due(t.Revision)) {
		return nil
	}
	if err != nil {
		return err
	}
	r := &carrying{o: &ds.o, d: d}
	err = r.carry(ctx, try)
	var why *holding
	var postponed *Postponed
	switch {
	case err == nil || errors.As(err, &postponed) || errors.Is(err, errOvertaken):
		return unlessOvertaken(err)
	case errors.As(err, &why):
		return unlessOvertaken(r.hold(ctx, why))
	case doubtful(fault.From(err)) && ds.o.Clock.Now().Sub(latest(r.d.DueAt, r.d.SentAt)) < doubtFor:
		return errors.Join(r.log(ctx, err), &Postponed{For: doubtSettles, Why: "the ATS did not answer"})
	case try.Last || !fault.Repeatable(err):
		f := fault.From(err)
		return unlessOvertaken(r.hold(ctx, &holding{why: HoldRefused, note: f.Message, fault: f}))
	default:
		return errors.Join(err, r.log(ctx, err))
	}
}

// unlessOvertaken forgets that somebody decided otherwise meanwhile.
func unlessOvertaken(err error) error {
	if errors.Is(err, errOvertaken) {
		return nil
	}
	return err
}

// due reports whether the decision is still to be carried out in a round.
func (d *RoutingDecision) due(round int) bool { return d.State.pending() && d.Round == round }

// holding is the error of a run whose decision must wait for a person.
type holding struct {
	why   Hold
	note  string
	fault *fault.Error // nil for nothing that went wrong
}

// Error implements error.
func (h *holding) Error() string { return "the decision is held: " + string(h.why) }

// carry goes through it all. Errors: *holding, *Postponed, errOvertaken.
func (r *carrying) carry(ctx context.Context, try Attempt) error {
	if err := r.locate(ctx); err != nil {
		return err
	}
	if err := r.equip(ctx, try); err != nil {
		return err
	}
	if err := r.look(ctx); err != nil {
		return err
	}
	done, err := r.judge()
	if err != nil {
		return err
	}
	if done {
		return r.conclude(ctx)
	}
	if err := r.aim(ctx); err != nil {
		return err
	}
	if wait := r.d.DueAt.Sub(r.o.Clock.Now()); wait > 0 {
		return &Postponed{For: wait, Why: "the decision can still be stopped"}
	}
	if wait := doubtSettles - r.o.Clock.Now().Sub(r.d.SentAt); wait > 0 { // whoever asked was stopped before it was answered
		return &Postponed{For: wait, Why: "the ATS may still carry out what it was asked for"}
	}
	if err := r.act(ctx); err != nil {
		return unwelcome(err)
	}
	return r.conclude(ctx)
}

// locate finds the application. While the candidate is being pushed, it waits.
func (r *carrying) locate(ctx context.Context) error {
	open, err := pushIsOpen(ctx, r.o.Store, r.d)
	if err != nil {
		return err
	}
	if open {
		return &Postponed{For: pushLookAgain, Why: "the candidate is being pushed"}
	}
	a, err := r.o.Store.ApplicationOf(ctx, r.d.OrganizationID, r.d.ConnectionID, r.d.AssessmentID)
	if fault.Is(err, fault.NotFound) || (err == nil && a.ExternalID == "") {
		return &holding{why: HoldUnknown}
	}
	if err == nil && r.d.ApplicationID != a.ExternalID {
		// At first none was known; later a push may have gone to another person.
		r.d.ApplicationID, r.d.StageID = a.ExternalID, ""
	}
	return err
}

// equip gets what calls need.
func (r *carrying) equip(ctx context.Context, try Attempt) error {
	c, err := r.o.Store.Connection(ctx, r.d.OrganizationID, r.d.ConnectionID)
	if err != nil {
		return err
	}
	r.c = c
	if c.Disabled {
		return &holding{why: HoldSwitchedOff, note: "The connection is switched off."}
	}
	r.entry = outboundEntry(c, r.operation(), r.o.Clock.Now())
	r.entry.AssessmentID, r.entry.Attempt = r.d.AssessmentID, try.Number
	if r.able, err = abilityOf[ats.Applications](r.o.Adapters, c.Adapter, ats.CapabilityApplications); err != nil {
		return err
	}
	r.call, err = r.o.Calls.Prepare(ctx, c)
	return err
}

// operation is what the sync log calls it.
func (r *carrying) operation() string {
	switch {
	case r.d.State == DecisionStateUndoPending:
		return "unreject"
	case r.d.Action == RouteReject:
		return "reject"
	default:
		return "advance"
	}
}

// claimed makes one call within the connection's rate.
func (r *carrying) claimed(ctx context.Context, call func(context.Context) (*ats.Trace, error)) error {
	claim, err := r.o.Calls.Claim(ctx, r.c, 1)
	if err != nil {
		return err
	}
	bounded, cancel := context.WithTimeout(ctx, carryDeadline)
	defer cancel()
	trace, err := call(bounded)
	var traces []ats.Trace
	if trace != nil {
		traces = []ats.Trace{*trace}
		r.entry.Exchanges = append(r.entry.Exchanges, trace.Exchanges...)
	}
	return settled(err, claim.Settle(ctx, traces, err))
}

// look reads the application.
func (r *carrying) look(ctx context.Context) error {
	return r.claimed(ctx, func(ctx context.Context) (*ats.Trace, error) {
		list, err := r.able.Get(ctx, &ats.ApplicationQuery{Connection: r.call, IDs: []string{r.d.ApplicationID}})
		if list == nil {
			return nil, err
		}
		if err == nil && len(list.Applications) == 0 {
			err = &holding{why: HoldClosed, note: "The ATS does not have the application any more."}
		}
		if err == nil {
			r.record = &list.Applications[0]
		}
		return &list.Trace, err
	})
}

// judge tells whether it is done already. Errors: *holding if the application
// is not as it was when it was decided.
func (r *carrying) judge() (done bool, _ error) {
	d, now := r.d, r.record
	sent := !d.SentAt.IsZero()
	switch {
	case d.State == DecisionStateUndoPending && now.State == ats.ApplicationActive:
		return true, nil
	case d.State == DecisionStateUndoPending && now.State == ats.ApplicationRejected:
		return false, nil
	case d.Action == RouteReject && sent && now.State == ats.ApplicationRejected:
		return true, nil
	case now.State != ats.ApplicationActive:
		return false, &holding{why: HoldClosed, note: "The application is " + string(now.State) + " in the ATS, so nothing was done."}
	case d.Action == RouteAdvance && d.ToStageID != "" && now.StageID == d.ToStageID && (sent || d.StageID == "" || now.StageID == d.StageID):
		return true, nil
	case d.Action == RouteAdvance && d.ToStageID == "" && sent && now.StageID != d.StageID:
		return true, nil // an ATS that does not list its stages knew itself what is next
	case d.StageID != "" && now.StageID != d.StageID:
		return false, &holding{why: HoldMoved, note: "Somebody moved the candidate to " + cmp.Or(now.StageName, now.StageID) + " meanwhile, so nothing was done."}
	default:
		return false, nil
	}
}

// aim keeps the stage in which the candidate must still be when the decision is
// carried out, and the one into which they are to be moved.
func (r *carrying) aim(ctx context.Context) error {
	to := r.d.ToStageID
	var err error
	switch {
	case r.d.Action != RouteAdvance: // it stays where it is
	case to == "":
		to, err = r.next(ctx)
	case r.d.Automatic():
		err = r.ahead(ctx, to)
	}
	if err != nil {
		return err
	}
	if r.d.StageID == r.record.StageID && r.d.ToStageID == to {
		return nil
	}
	return r.commit(ctx, func(tx Tx, _ *Assessment, d *RoutingDecision, now time.Time) error {
		d.ApplicationID, d.StageID, d.ToStageID, d.UpdatedAt = r.d.ApplicationID, r.record.StageID, to, now
		return tx.UpdateRoutingDecision(ctx, d)
	})
}

// next returns the stage after the one that the application is in; empty if the
// ATS does not list stages, and knows itself what is next.
func (r *carrying) next(ctx context.Context) (string, error) {
	stages, err := r.stages(ctx)
	if fault.Is(err, fault.Unsupported) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	at := slices.IndexFunc(stages, isItem(r.record.StageID))
	if at < 0 || at+1 == len(stages) {
		return "", &holding{why: HoldRefused, note: "The ATS tells no stage after " + cmp.Or(r.record.StageName, r.record.StageID) + ", so nothing was done."}
	}
	return stages[at+1].ID, nil
}

// ahead checks that nobody moved the candidate beyond a stage before the
// decision was made: a rule moves nobody back. Errors: *holding.
func (r *carrying) ahead(ctx context.Context, to string) error {
	stages, err := r.stages(ctx)
	if fault.Is(err, fault.Unsupported) {
		return nil
	}
	if err != nil {
		return err
	}
	if target := slices.IndexFunc(stages, isItem(to)); target >= 0 && slices.IndexFunc(stages, isItem(r.record.StageID)) > target {
		return &holding{why: HoldMoved, note: "The candidate is in " + cmp.Or(r.record.StageName, r.record.StageID) + " already, beyond the rule's stage, so nothing was done."}
	}
	return nil
}

// stages returns the stages of the application's job in their order: the active
// ones, and the one that the application is in. Errors: fault.Unsupported if the
// ATS does not list them.
func (r *carrying) stages(ctx context.Context) ([]ats.ReferenceItem, error) {
	stages, err := r.o.Choices.Choices(ctx, SystemActor(r.d.OrganizationID), ChoiceQuery{
		ConnectionID: r.c.ID, Kind: ats.ReferenceStages, Parent: r.record.JobID,
	})
	if err != nil {
		return nil, err
	}
	stages = slices.DeleteFunc(slices.Clone(stages), func(s ats.ReferenceItem) bool { return !s.Active && s.ID != r.record.StageID })
	slices.SortStableFunc(stages, func(a, b ats.ReferenceItem) int { return cmp.Compare(a.Order, b.Order) })
	return stages, nil
}

func isItem(id string) func(ats.ReferenceItem) bool {
	return func(i ats.ReferenceItem) bool { return i.ID == id }
}

// conclude keeps that the ATS did it.
func (r *carrying) conclude(ctx context.Context) error {
	r.entry.Outcome = SyncOK
	return r.commit(ctx, func(tx Tx, a *Assessment, d *RoutingDecision, now time.Time) error {
		if err := r.append(ctx, tx, now); err != nil {
			return err
		}
		d.DoneAt = now
		m := moment{SystemActor(d.OrganizationID), now}
		switch {
		case d.State == DecisionStateUndoPending:
			return d.hold(ctx, tx, a, m, HoldUndone, "The rejection was taken back in the ATS.")
		case d.Action == RouteReject:
			return d.enter(ctx, tx, a, m, DecisionStateRejected)
		default:
			return d.enter(ctx, tx, a, m, DecisionStateAdvanced)
		}
	})
}

// hold keeps that a person must decide. An undo that cannot be carried out
// leaves the candidate rejected.
func (r *carrying) hold(ctx context.Context, why *holding) error {
	if r.entry != nil && (why.fault != nil || len(r.entry.Exchanges) > 0) {
		r.entry.Outcome, r.entry.Message = SyncFailed, cmp.Or(why.note, why.why.Sentence())
		if why.fault != nil {
			r.entry.explain(why.fault, SyncFailed)
		}
	}
	return r.commit(ctx, func(tx Tx, a *Assessment, d *RoutingDecision, now time.Time) error {
		if r.entry != nil && r.entry.Outcome != "" {
			if err := r.append(ctx, tx, now); err != nil {
				return err
			}
		}
		if why.fault != nil {
			d.FaultCode = why.fault.Code
		}
		if !a.ErasedAt.IsZero() {
			why = &holding{why: why.why} // what the ATS said may name the person
		}
		m := moment{SystemActor(d.OrganizationID), now}
		if d.State == DecisionStateUndoPending && why.why != HoldClosed {
			d.Note = "The rejection could not be taken back: " + cmp.Or(why.note, why.why.Sentence())
			return d.enter(ctx, tx, a, m, DecisionStateRejected)
		}
		return d.hold(ctx, tx, a, m, why.why, why.note)
	})
}

// log keeps an attempt that failed and is repeated. If the ATS did nothing, the
// decision is not under way until then, and can be stopped.
func (r *carrying) log(ctx context.Context, err error) error {
	if r.entry == nil {
		return nil
	}
	r.entry.explain(err, SyncRetry)
	if r.untouched {
		return r.commit(ctx, func(tx Tx, _ *Assessment, d *RoutingDecision, now time.Time) error {
			d.SentAt, d.RejectedAt, d.UpdatedAt = time.Time{}, r.rejectedBefore, now
			if err := tx.UpdateRoutingDecision(ctx, d); err != nil {
				return err
			}
			return r.append(ctx, tx, now)
		})
	}
	return r.o.Store.Atomically(ctx, func(tx Tx) error {
		a, err := tx.LockAssessment(ctx, r.d.OrganizationID, r.d.AssessmentID)
		if err != nil {
			return err
		}
		r.forget(a)
		return r.append(ctx, tx, r.o.Clock.Now())
	})
}

// forget drops what tells of a person who was erased during the call.
func (r *carrying) forget(a *Assessment) {
	if a.ErasedAt.IsZero() {
		return
	}
	r.d.ApplicationID = ""
	if r.entry != nil {
		r.entry.Exchanges, r.entry.Message = nil, ""
	}
}

func (r *carrying) append(ctx context.Context, tx Tx, now time.Time) error {
	r.entry.Duration = now.Sub(r.entry.StartedAt)
	return appendSyncEntry(ctx, tx, r.entry)
}

// commit changes the decision in a transaction, unless somebody did meanwhile.
// Applications are locked first, as those who take in web hooks do. What a call
// did is kept even if ctx has ended.
func (r *carrying) commit(ctx context.Context, change func(Tx, *Assessment, *RoutingDecision, time.Time) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitWithin)
	defer cancel()
	return r.o.Store.Atomically(ctx, func(tx Tx) error {
		now := r.o.Clock.Now()
		if _, err := tx.LockApplications(ctx, r.d.OrganizationID, r.d.ConnectionID, r.d.ApplicationID); err != nil {
			return err
		}
		a, err := tx.LockAssessment(ctx, r.d.OrganizationID, r.d.AssessmentID)
		if err != nil {
			return err
		}
		r.forget(a)
		d, err := tx.LockRoutingDecision(ctx, r.d.OrganizationID, r.d.ID)
		if err != nil {
			return err
		}
		if !d.due(r.d.Round) {
			return errOvertaken
		}
		if d.ApplicationID != r.d.ApplicationID {
			d.ApplicationID, d.StageID = r.d.ApplicationID, r.d.StageID
		}
		if err := change(tx, a, d, now); err != nil {
			return err
		}
		r.d = d
		return tx.UpdateAssessment(ctx, a)
	})
}
