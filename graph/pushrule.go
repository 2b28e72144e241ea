package graph

import (
	"context"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/graph/generated"
	"github.com/trellis-ats/trellis/graph/model"
)

type pushRuleResolver struct{ *root }

var _ generated.PushRuleResolver = pushRuleResolver{}

// PushRule returns the resolvers of a push rule's fields.
func (r *root) PushRule() generated.PushRuleResolver { return pushRuleResolver{r} }

func (r pushRuleResolver) Job(ctx context.Context, rule *model.PushRule) (*model.Job, error) {
	return of(ctx, loadersOf(ctx).jobs, "job", rule.Batch, rule.PushRule, func(r *core.PushRule) core.ID { return r.JobID })
}

func (r queryResolver) PushRules(ctx context.Context, connectionID core.ID) ([]model.PushRule, error) {
	rules, err := r.Options.PushRules.Of(ctx, actorOf(ctx), connectionID)
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	return model.Views(rules, model.ViewPushRule), err
}

func (r mutationResolver) SetPushRule(ctx context.Context, input core.NewPushRule) (*generated.SetPushRulePayload, error) {
	rule, err := r.PushRules.Set(ctx, actorOf(ctx), input)
	refused, err := refusals(err, "")
	return &generated.SetPushRulePayload{PushRule: model.NewPushRule(rule), UserErrors: refused}, err
}

func (r mutationResolver) DeletePushRule(ctx context.Context, input generated.DeletePushRuleInput) (*generated.DeletePushRulePayload, error) {
	rule, err := r.PushRules.Delete(ctx, actorOf(ctx), input.ConnectionID, orZero(input.JobID))
	refused, err := refusals(err, "jobId")
	return &generated.DeletePushRulePayload{PushRule: model.NewPushRule(rule), UserErrors: refused}, err
}
