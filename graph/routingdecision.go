package graph

import (
	"context"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/graph/generated"
	"github.com/trellis-ats/trellis/graph/model"
)

type routingDecisionResolver struct{ *root }

var _ generated.RoutingDecisionResolver = routingDecisionResolver{}

// RoutingDecision returns the resolvers of a routing decision's fields.
func (r *root) RoutingDecision() generated.RoutingDecisionResolver { return routingDecisionResolver{r} }

func (r routingDecisionResolver) Connection(ctx context.Context, d *model.RoutingDecision) (*model.ATSConnection, error) {
	return of(ctx, loadersOf(ctx).connections, "connection", d.Batch, d.RoutingDecision, func(d *core.RoutingDecision) core.ID { return d.ConnectionID })
}

func (r routingDecisionResolver) Assessment(ctx context.Context, d *model.RoutingDecision) (*model.Assessment, error) {
	return of(ctx, loadersOf(ctx).assessments, "assessment", d.Batch, d.RoutingDecision, func(d *core.RoutingDecision) core.ID { return d.AssessmentID })
}

func (r routingDecisionResolver) Steps(ctx context.Context, d *model.RoutingDecision) ([]model.DecisionStep, error) {
	return of(ctx, loadersOf(ctx).decisionSteps, "steps", d.Batch, d.RoutingDecision, func(d *core.RoutingDecision) core.ID { return d.ID })
}

func (r assessmentResolver) Decisions(ctx context.Context, a *model.Assessment) ([]model.RoutingDecision, error) {
	return of(ctx, loadersOf(ctx).decisions, "decisions", a.Batch, a.Assessment, ownID)
}

// readDecisions gives each assessment a list, which may be empty.
func (o Options) readDecisions(ctx context.Context, by core.Actor, assessments []core.ID) (map[core.ID][]model.RoutingDecision, error) {
	found, err := o.RoutingDecisions.Of(ctx, by, assessments)
	all := make(map[core.ID][]model.RoutingDecision, len(assessments))
	for _, id := range assessments {
		all[id] = []model.RoutingDecision{}
	}
	for _, view := range model.Views(found, model.ViewRoutingDecision) {
		all[view.AssessmentID] = append(all[view.AssessmentID], view)
	}
	return all, err
}

func (o Options) readDecisionSteps(ctx context.Context, by core.Actor, decisions []core.ID) (map[core.ID][]model.DecisionStep, error) {
	found, err := o.RoutingDecisions.Steps(ctx, by, decisions)
	all := make(map[core.ID][]model.DecisionStep, len(decisions))
	for i := range found {
		all[found[i].DecisionID] = append(all[found[i].DecisionID], model.DecisionStep{DecisionStep: &found[i]})
	}
	return all, err
}

func (r queryResolver) ReviewQueue(ctx context.Context, filter *core.DecisionFilter, first *int, after *string, last *int, before *string) (*model.RoutingDecisionConnection, error) {
	page, err := model.ListDecisions.Page(model.PageArgs{First: first, After: after, Last: last, Before: before})
	if err != nil {
		return nil, err
	}
	all, err := r.RoutingDecisions.Queue(ctx, actorOf(ctx), orZero(filter), page)
	return model.NewRoutingDecisions(all), err
}

func (r queryResolver) Decisions(ctx context.Context, filter *core.DecisionFilter, first *int, after *string, last *int, before *string) (*model.RoutingDecisionConnection, error) {
	page, err := model.ListDecisions.Page(model.PageArgs{First: first, After: after, Last: last, Before: before})
	if err != nil {
		return nil, err
	}
	all, err := r.RoutingDecisions.List(ctx, actorOf(ctx), orZero(filter), page)
	return model.NewRoutingDecisions(all), err
}

func (r mutationResolver) DecideAssessments(ctx context.Context, input generated.DecideAssessmentsInput) (*generated.DecideAssessmentsPayload, error) {
	outcomes, err := r.RoutingDecisions.Decide(ctx, actorOf(ctx), input.DecisionIds, input.Action, orZero(input.Reason))
	refused, err := refusals(err, "decisionIds")
	return &generated.DecideAssessmentsPayload{Outcomes: model.NewDecisionOutcomes(outcomes), UserErrors: refused}, err
}

func (r mutationResolver) UndoDecisions(ctx context.Context, input generated.UndoDecisionsInput) (*generated.UndoDecisionsPayload, error) {
	outcomes, err := r.RoutingDecisions.Undo(ctx, actorOf(ctx), input.DecisionIds, orZero(input.Reason))
	refused, err := refusals(err, "decisionIds")
	return &generated.UndoDecisionsPayload{Outcomes: model.NewDecisionOutcomes(outcomes), UserErrors: refused}, err
}
