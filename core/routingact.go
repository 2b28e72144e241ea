package core

import (
	"context"
	"time"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// begin keeps that the ATS is about to be asked, unless something speaks
// against it by now. Errors: *holding; errOvertaken if a newer result came.
func (r *carrying) begin(ctx context.Context) error {
	err := r.commit(ctx, func(tx Tx, a *Assessment, d *RoutingDecision, now time.Time) error {
		old, err := d.outdated(ctx, tx)
		if err != nil {
			return err
		}
		if old {
			return d.giveWay(ctx, tx, a, moment{SystemActor(d.OrganizationID), now})
		}
		if err := r.allowed(ctx, tx, a, d, now); err != nil {
			return err
		}
		d.UpdatedAt = now
		if d.SentAt.IsZero() {
			d.SentAt = now
		}
		r.rejectedBefore = d.RejectedAt
		if d.State == DecisionStateRejectPending {
			d.RejectedAt = now
		}
		if err := tx.UpdateRoutingDecision(ctx, d); err != nil {
			return err
		}
		return noteOwnAction(ctx, tx, d.OrganizationID, d.ConnectionID, r.d.ApplicationID, r.did(now))
	})
	if err == nil && !r.d.State.pending() {
		err = errOvertaken
	}
	return err
}

// allowed checks that nothing speaks against the decision by now. Errors: *holding.
func (r *carrying) allowed(ctx context.Context, tx Tx, a *Assessment, d *RoutingDecision, now time.Time) error {
	if !a.ErasedAt.IsZero() {
		return &holding{why: HoldClosed, note: "The candidate's data was erased."}
	}
	if _, err := tx.LockConnection(ctx, d.OrganizationID, d.ConnectionID); err != nil {
		return err // so that no two rejections count each other out
	}
	if err := r.transferred(ctx, tx, d); err != nil {
		return err
	}
	mapped, err := mappedJob(ctx, tx, d.OrganizationID, d.ConnectionID, r.record.JobID)
	if err != nil {
		return err
	}
	if err := d.ruled(ctx, tx, a, mapped); err != nil {
		return err
	}
	why, err := d.stopped(ctx, tx, now, d.JobID, a.JobID, mapped)
	if err == nil && why != "" {
		err = &holding{why: why}
	}
	return err
}

// outdated reports whether there is a newer result than the one that a rule
// decided. It is asked once the application was found as it was: what was asked
// for before the newer one came was not done, then.
func (d *RoutingDecision) outdated(ctx context.Context, tx Tx) (bool, error) {
	if !d.Automatic() {
		return false, nil
	}
	latest, err := tx.LatestResult(ctx, d.OrganizationID, d.AssessmentID)
	if err != nil {
		return false, err
	}
	return latest.Revision > d.Revision, nil
}

// transferred checks that the candidate is still in the job whose rule decided.
// Errors: *holding.
func (r *carrying) transferred(ctx context.Context, tx Tx, d *RoutingDecision) error {
	if !d.Automatic() || d.State == DecisionStateUndoPending || d.JobID == "" || r.record.JobID == "" {
		return nil
	}
	m, err := tx.JobMapping(ctx, d.OrganizationID, d.ConnectionID, d.JobID)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err == nil && m.ExternalJobID != r.record.JobID {
		err = &holding{why: HoldMoved, note: "The candidate is in another job of the ATS than the one whose rule decided, so nothing was done."}
	}
	return err
}

// ruled checks that a rule which decided without knowing the job is the one
// that counts for it: an order of an ATS may name none, and only now was it
// read. Errors: *holding.
func (d *RoutingDecision) ruled(ctx context.Context, tx Tx, a *Assessment, job ID) error {
	if !d.Automatic() || d.JobID != "" || job == "" {
		return nil
	}
	approved, err := tx.RoutingRulesFor(ctx, d.OrganizationID, job, d.TestID, a.CompletedAt)
	if err != nil {
		return err
	}
	for _, rule := range effectiveRules(approved, a.CompletedAt) {
		if rule.ID == d.RuleID {
			return nil
		}
	}
	return &holding{why: HoldOtherRule}
}

// stopped tells what keeps a decision from being carried out now. A person's
// is stopped by the switch alone, of any of the jobs that the candidate is in,
// and an undo by nothing.
func (d *RoutingDecision) stopped(ctx context.Context, tx Tx, now time.Time, jobs ...ID) (Hold, error) {
	if d.State == DecisionStateUndoPending {
		return "", nil
	}
	off, err := routingIsOff(ctx, tx, d.OrganizationID, d.ConnectionID, jobs...)
	if err != nil || off {
		return HoldSwitchedOff, err
	}
	if !d.Automatic() {
		return "", nil
	}
	rule, err := tx.RoutingRule(ctx, d.OrganizationID, d.RuleID)
	if err != nil || rule.State != RuleApproved {
		return HoldPaused, err
	}
	since := now.Add(-capWindow)
	if d.Action != RouteReject || !d.RejectedAt.Before(since) { // what was asked for is counted
		return "", nil
	}
	n, err := tx.RejectionsSince(ctx, d.OrganizationID, d.ConnectionID, since)
	if err != nil || n >= d.Terms.Rejection.DailyCap {
		return HoldCap, err
	}
	return "", nil
}

// did is how the application will be in the ATS.
func (r *carrying) did(now time.Time) ownAction {
	switch {
	case r.d.State == DecisionStateUndoPending:
		return ownAction{State: ats.ApplicationActive, At: now}
	case r.d.Action == RouteReject:
		return ownAction{State: ats.ApplicationRejected, At: now}
	default:
		return ownAction{StageID: r.d.ToStageID, At: now}
	}
}

// act asks the ATS. That it is about to is kept only when there is room for the
// call: until then the decision can be stopped.
func (r *carrying) act(ctx context.Context) error {
	return r.claimed(ctx, func(ctx context.Context) (*ats.Trace, error) {
		if err := r.begin(ctx); err != nil {
			return nil, err
		}
		receipt, err := r.ask(ctx)
		r.untouched = fault.Is(err, fault.Retryable) || fault.Is(err, fault.RateLimited)
		if receipt == nil {
			return nil, err
		}
		return &receipt.Trace, err
	})
}

func (r *carrying) ask(ctx context.Context) (*ats.ApplicationReceipt, error) {
	d := r.d
	switch {
	case d.State == DecisionStateUndoPending:
		return r.able.Unreject(ctx, &ats.UnrejectRequest{Connection: r.call, ApplicationID: d.ApplicationID})
	case d.Action == RouteReject:
		return r.able.Reject(ctx, &ats.RejectRequest{
			Connection: r.call, ApplicationID: d.ApplicationID,
			Reason: d.Terms.Rejection.ReasonID, EmailTemplate: d.Terms.Rejection.EmailTemplateID,
		})
	default:
		return r.able.Move(ctx, &ats.MoveRequest{
			Connection: r.call, ApplicationID: d.ApplicationID, FromStage: d.StageID, ToStage: d.ToStageID,
		})
	}
}

// unwelcome makes a refusal that tells of a person's doing a *holding.
func unwelcome(err error) error {
	f := fault.From(err)
	switch {
	case f.Code == fault.Conflict && f.Kind == "STAGE":
		return &holding{why: HoldMoved, fault: f}
	case f.Code == fault.Conflict && f.Kind == "STATE":
		return &holding{why: HoldClosed, fault: f}
	default:
		return err
	}
}
