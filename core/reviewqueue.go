package core

import (
	"context"
	"slices"
	"time"

	"github.com/trellis-ats/trellis/core/fault"
)

// maxDecided is how many decisions one call makes.
const maxDecided = 100

// RoutingDecisions are the use cases around decisions and the review queue.
// They are safe for concurrent use, also by several processes.
type RoutingDecisions struct{ o RoutingDecisionsOptions }

// RoutingDecisionsOptions is what RoutingDecisions are made of.
type RoutingDecisionsOptions struct {
	Store    Store
	Clock    Clock
	Adapters Adapters
	Calls    *Calls
	Choices  Choices // tells the next stage
}

// NewRoutingDecisions returns the use cases.
func NewRoutingDecisions(o RoutingDecisionsOptions) *RoutingDecisions { return &RoutingDecisions{o} }

// ByID returns those of several decisions that exist and that the actor sees,
// in no order. Errors: fault.Forbidden.
func (ds *RoutingDecisions) ByID(ctx context.Context, by Actor, ids []ID) ([]RoutingDecision, error) {
	sight, err := ds.sight(ctx, by)
	if err != nil {
		return nil, err
	}
	return ds.o.Store.RoutingDecisionsByID(ctx, by.OrganizationID, sight, ids)
}

// Of returns all decisions of several assessments that the actor sees, newest
// first. Errors: fault.Forbidden.
func (ds *RoutingDecisions) Of(ctx context.Context, by Actor, assessments []ID) ([]RoutingDecision, error) {
	sight, err := ds.sight(ctx, by)
	if err != nil {
		return nil, err
	}
	return ds.o.Store.RoutingDecisionsOf(ctx, by.OrganizationID, sight, assessments)
}

// Steps returns the register's steps of several decisions that the actor sees,
// oldest first. Errors: fault.Forbidden.
func (ds *RoutingDecisions) Steps(ctx context.Context, by Actor, decisions []ID) ([]DecisionStep, error) {
	seen, err := ds.ByID(ctx, by, decisions)
	if err != nil {
		return nil, err
	}
	ids := make([]ID, len(seen))
	for i, d := range seen {
		ids[i] = d.ID
	}
	return ds.o.Store.DecisionSteps(ctx, by.OrganizationID, ids)
}

// List returns a page of the decisions that the actor sees, newest first.
// Errors: fault.Forbidden, fault.Invalid.
func (ds *RoutingDecisions) List(ctx context.Context, by Actor, f DecisionFilter, p Page) (*Paged[RoutingDecision], error) {
	sight, err := ds.sight(ctx, by)
	if err != nil {
		return nil, err
	}
	if p, err = p.Normalize(); err != nil {
		return nil, err
	}
	f.Sight = sight
	return ds.o.Store.RoutingDecisions(ctx, by.OrganizationID, f, p)
}

// Queue is List of those that wait for a person or can still be stopped.
// Errors: those of List; fault.Invalid for other states.
func (ds *RoutingDecisions) Queue(ctx context.Context, by Actor, f DecisionFilter, p Page) (*Paged[RoutingDecision], error) {
	for _, s := range f.States {
		if !slices.Contains(ReviewStates(), s) {
			return nil, fault.InvalidField("filter.states", "UNEXPECTED", "The review queue has decisions that are HELD or REJECT_PENDING; decisions has all.")
		}
	}
	if len(f.States) == 0 {
		f.States = ReviewStates()
	}
	return ds.List(ctx, by, f, p)
}

// ReviewStates are those of decisions that a person can still make.
func ReviewStates() []DecisionState {
	return []DecisionState{DecisionStateHeld, DecisionStateRejectPending}
}

func (ds *RoutingDecisions) sight(ctx context.Context, by Actor) (Sight, error) {
	if err := by.Require(PermitReadSetup); err != nil { // they tell of accommodations
		return Sight{}, err
	}
	return sightOf(ctx, ds.o.Store, by)
}

// ReviewAction is what a person makes of a decision that waits.
type ReviewAction string

// The actions. What is not what the rule suggested needs a reason.
const (
	ReviewApprove ReviewAction = "APPROVE" // do what was suggested; a suggested review is KEEP
	ReviewAdvance ReviewAction = "ADVANCE"
	ReviewReject  ReviewAction = "REJECT"
	ReviewKeep    ReviewAction = "KEEP" // leave the candidate where they are
)

// action is what is carried out; RouteReview for nothing.
func (r ReviewAction) action(d *RoutingDecision) RoutingAction {
	switch r {
	case ReviewApprove:
		return d.Suggestion
	case ReviewAdvance:
		return RouteAdvance
	case ReviewReject:
		return RouteReject
	default:
		return RouteReview
	}
}

// DecisionOutcome is what came of one of several.
type DecisionOutcome struct {
	DecisionID ID
	Decision   *RoutingDecision // as it is now; nil if it was refused
	Refusal    *fault.Error     // nil if it was not
}

// Decide makes several decisions that wait, each by itself: what is refused
// does not keep the others. What a person decides is carried out at once.
// Errors: fault.Forbidden, fault.Invalid.
func (ds *RoutingDecisions) Decide(ctx context.Context, by Actor, ids []ID, what ReviewAction, reason string) ([]DecisionOutcome, error) {
	switch what {
	case ReviewApprove, ReviewAdvance, ReviewReject, ReviewKeep:
	default:
		return nil, fault.InvalidField("action", "UNKNOWN", "action is APPROVE, ADVANCE, REJECT or KEEP. Nothing was changed.")
	}
	return ds.each(ctx, by, ids, reason, func(tx Tx, a *Assessment, d *RoutingDecision, m moment) error {
		if d.State != DecisionStateHeld && d.State != DecisionStateRejectPending || d.underWay() {
			return d.illegal("decided")
		}
		return d.decideBy(ctx, tx, a, m, what.action(d), reason)
	})
}

func (d *RoutingDecision) decideBy(ctx context.Context, tx Tx, a *Assessment, m moment, action RoutingAction, reason string) error {
	if action != d.Suggestion && reason == "" {
		return fault.InvalidField("reason", "REQUIRED", "The rule suggests %s; to override it, tell why. Nothing was changed.", d.Suggestion)
	}
	if action == RouteReject && d.Inputs.protected() && reason == "" {
		return fault.InvalidField("reason", "REQUIRED", "The result has an integrity flag, lacks traits, or was taken with an accommodation; to reject the candidate by it, tell why. Nothing was changed.")
	}
	if !a.ErasedAt.IsZero() && action != RouteReview {
		return fault.New(fault.Conflict, "The candidate's data was erased; only KEEP is left. Nothing was changed.")
	}
	if action == RouteReject && d.Terms.Rejection.ReasonID == "" {
		return fault.InvalidField("action", "NO_REASON", "The rule names no rejection reason of the ATS, so nobody is rejected by it. Nothing was changed; reject the candidate in the ATS.")
	}
	off, err := routingIsOff(ctx, tx, d.OrganizationID, d.ConnectionID, d.JobID, a.JobID)
	if err != nil {
		return err
	}
	if off && action != RouteReview {
		return fault.New(fault.Conflict, "%s Nothing was changed.", HoldSwitchedOff.Sentence())
	}
	d.sign(m.by, reason)
	d.StageID, d.ToStageID, d.Hold = "", "", "" // read anew: the person decides as things are now
	if action == RouteReview {
		d.Action, d.Note, d.DueAt = "", "", time.Time{}
		return d.enter(ctx, tx, a, m, DecisionStateKept)
	}
	return d.pursue(ctx, tx, a, m, action, 0)
}

// sign notes who decided last.
func (d *RoutingDecision) sign(by Actor, reason string) {
	d.ActorRole, d.ActorName, d.Reason = by.Role, by.Name, reason
}

// Undo stops several decisions that are not carried out yet, and takes
// rejections back that are, each by itself. They wait for a person then.
// Errors: fault.Forbidden, fault.Invalid.
func (ds *RoutingDecisions) Undo(ctx context.Context, by Actor, ids []ID, reason string) ([]DecisionOutcome, error) {
	return ds.each(ctx, by, ids, reason, func(tx Tx, a *Assessment, d *RoutingDecision, m moment) error {
		switch {
		case d.State == DecisionStateRejected && a.ErasedAt.IsZero():
			d.sign(by, reason)
			d.Note, d.DueAt = "", m.now
			return d.enter(ctx, tx, a, m, DecisionStateUndoPending)
		case d.State == DecisionStateRejectPending && !d.underWay(), d.State == DecisionStateAdvancePending && !d.underWay():
			d.sign(by, reason)
			return d.hold(ctx, tx, a, m, HoldUndone, "")
		case d.State == DecisionStateKept:
			d.sign(by, reason)
			return d.hold(ctx, tx, a, m, HoldUndone, "")
		case d.State == DecisionStateAdvanced:
			return fault.New(fault.Conflict, "The candidate was advanced already. Nothing was changed; move them back in the ATS.")
		default:
			return d.illegal("undone")
		}
	})
}

func (d *RoutingDecision) illegal(what string) error {
	state := string(d.State)
	if d.underWay() {
		state = "being carried out just now"
	}
	return fault.ConflictField("decisionIds", "WRONG_STATE", "STATE", "The decision is %s and cannot be %s. Nothing was changed.", state, what)
}

// each changes several decisions that the actor sees, each in a transaction.
func (ds *RoutingDecisions) each(ctx context.Context, by Actor, ids []ID, reason string, apply func(Tx, *Assessment, *RoutingDecision, moment) error) ([]DecisionOutcome, error) {
	if err := by.Require(PermitDecide); err != nil {
		return nil, err
	}
	if err := optionalText("reason", reason, 500); err != nil {
		return nil, err
	}
	if len(ids) == 0 || len(ids) > maxDecided {
		return nil, fault.InvalidField("decisionIds", "OUT_OF_RANGE", "Name 1 to %d decisions. Nothing was changed.", maxDecided)
	}
	outcomes := make([]DecisionOutcome, 0, len(ids))
	for _, id := range ids {
		d, err := ds.one(ctx, by, id, apply)
		o := DecisionOutcome{DecisionID: id, Decision: d}
		if err != nil {
			if o.Refusal = fault.From(err); o.Refusal.Code == fault.Internal {
				return outcomes, err
			}
		}
		outcomes = append(outcomes, o)
	}
	return outcomes, nil
}

func (ds *RoutingDecisions) one(ctx context.Context, by Actor, id ID, apply func(Tx, *Assessment, *RoutingDecision, moment) error) (*RoutingDecision, error) {
	known, err := ds.o.Store.RoutingDecision(ctx, by.OrganizationID, id)
	if err != nil {
		return nil, err
	}
	var changed *RoutingDecision
	_, err = changeAssessment(ctx, ds.o.Store, ds.o.Clock, by.OrganizationID, known.AssessmentID, func(tx Tx, a *Assessment, now time.Time) error {
		d, err := tx.LockRoutingDecision(ctx, by.OrganizationID, id)
		if err != nil {
			return err
		}
		changed = d
		return apply(tx, a, d, moment{by, now})
	})
	if err != nil {
		return nil, err
	}
	return changed, nil
}
