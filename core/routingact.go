package core

import (
	"context"
	"time"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// begin keeps that the ATS is about to be asked, unless something speaks
// against it by now.
func (r *carrying) begin(ctx context.Context) error {
	return r.commit(ctx, func(tx Tx, a *Assessment, d *RoutingDecision, now time.Time) error {
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
		if err != nil {
			return err
		}
		if why != "" {
			return &holding{why: why}
		}
		d.UpdatedAt = now
		if d.SentAt.IsZero() {
			d.SentAt = now
		}
		if d.State == DecisionStateRejectPending {
			d.RejectedAt = now
		}
		if err := tx.UpdateRoutingDecision(ctx, d); err != nil {
			return err
		}
		return noteOwnAction(ctx, tx, d.OrganizationID, d.ConnectionID, r.d.ApplicationID, r.did(now))
	})
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
	if d.Action != RouteReject || !d.SentAt.IsZero() { // what was sent is counted
		return "", nil
	}
	n, err := tx.RejectionsSince(ctx, d.OrganizationID, d.ConnectionID, now.Add(-capWindow))
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

// act asks the ATS.
func (r *carrying) act(ctx context.Context) error {
	d := r.d
	return r.claimed(ctx, func(ctx context.Context) (*ats.Trace, error) {
		var receipt *ats.ApplicationReceipt
		var err error
		switch {
		case d.State == DecisionStateUndoPending:
			receipt, err = r.able.Unreject(ctx, &ats.UnrejectRequest{Connection: r.call, ApplicationID: d.ApplicationID})
		case d.Action == RouteReject:
			receipt, err = r.able.Reject(ctx, &ats.RejectRequest{
				Connection: r.call, ApplicationID: d.ApplicationID,
				Reason: d.Terms.Rejection.ReasonID, EmailTemplate: d.Terms.Rejection.EmailTemplateID,
			})
		default:
			receipt, err = r.able.Move(ctx, &ats.MoveRequest{
				Connection: r.call, ApplicationID: d.ApplicationID, FromStage: d.StageID, ToStage: d.ToStageID,
			})
		}
		if receipt == nil {
			return nil, err
		}
		return &receipt.Trace, err
	})
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
