package graph

import (
	"context"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/graph/generated"
	"github.com/trellis-ats/trellis/graph/model"
)

type routingRuleResolver struct{ *root }

var _ generated.RoutingRuleResolver = routingRuleResolver{}

// RoutingRule returns the resolvers of a routing rule's fields.
func (r *root) RoutingRule() generated.RoutingRuleResolver { return routingRuleResolver{r} }

func (r routingRuleResolver) Job(ctx context.Context, rule *model.RoutingRule) (*model.Job, error) {
	return of(ctx, loadersOf(ctx).jobs, "job", rule.Batch, rule.RoutingRule, func(r *core.RoutingRule) core.ID { return r.JobID })
}

func (r routingRuleResolver) Test(ctx context.Context, rule *model.RoutingRule) (*model.Test, error) {
	return of(ctx, loadersOf(ctx).tests, "test", rule.Batch, rule.RoutingRule, func(r *core.RoutingRule) core.ID { return r.TestID })
}

func (r queryResolver) RoutingRules(ctx context.Context, connectionID core.ID) ([]model.RoutingRule, error) {
	rules, err := r.Options.RoutingRules.List(ctx, actorOf(ctx), connectionID)
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	return model.Views(rules, model.ViewRoutingRule), err
}

func (r queryResolver) RoutingSwitches(ctx context.Context, connectionID core.ID) ([]model.RoutingSwitch, error) {
	all, err := r.Options.RoutingRules.Switches(ctx, actorOf(ctx), connectionID)
	return model.NewRoutingSwitches(all), err
}

func (r mutationResolver) ProposeRoutingRule(ctx context.Context, input core.NewRoutingRule) (*generated.ProposeRoutingRulePayload, error) {
	rule, err := r.RoutingRules.Propose(ctx, actorOf(ctx), input)
	refused, err := refusals(err, "connectionId")
	return &generated.ProposeRoutingRulePayload{RoutingRule: model.NewRoutingRule(rule), UserErrors: refused}, err
}

func (r mutationResolver) ApproveRoutingRule(ctx context.Context, input generated.ApproveRoutingRuleInput) (*generated.ApproveRoutingRulePayload, error) {
	rule, err := r.RoutingRules.Approve(ctx, actorOf(ctx), input.RuleID)
	refused, err := refusals(err, "ruleId")
	return &generated.ApproveRoutingRulePayload{RoutingRule: model.NewRoutingRule(rule), UserErrors: refused}, err
}

func (r mutationResolver) PauseRoutingRule(ctx context.Context, input generated.PauseRoutingRuleInput) (*generated.PauseRoutingRulePayload, error) {
	rule, err := r.RoutingRules.Pause(ctx, actorOf(ctx), input.RuleID, orZero(input.Note))
	refused, err := refusals(err, "ruleId")
	return &generated.PauseRoutingRulePayload{RoutingRule: model.NewRoutingRule(rule), UserErrors: refused}, err
}

func (r mutationResolver) ResumeRoutingRule(ctx context.Context, input generated.ResumeRoutingRuleInput) (*generated.ResumeRoutingRulePayload, error) {
	rule, err := r.RoutingRules.Resume(ctx, actorOf(ctx), input.RuleID, orZero(input.Note))
	refused, err := refusals(err, "ruleId")
	return &generated.ResumeRoutingRulePayload{RoutingRule: model.NewRoutingRule(rule), UserErrors: refused}, err
}

func (r mutationResolver) RetireRoutingRule(ctx context.Context, input generated.RetireRoutingRuleInput) (*generated.RetireRoutingRulePayload, error) {
	rule, err := r.RoutingRules.Retire(ctx, actorOf(ctx), input.RuleID, orZero(input.Note))
	refused, err := refusals(err, "ruleId")
	return &generated.RetireRoutingRulePayload{RoutingRule: model.NewRoutingRule(rule), UserErrors: refused}, err
}

func (r mutationResolver) SetRoutingSwitch(ctx context.Context, input core.RoutingSwitch) (*generated.SetRoutingSwitchPayload, error) {
	s, err := r.RoutingRules.Switch(ctx, actorOf(ctx), input)
	refused, err := refusals(err, "connectionId")
	return &generated.SetRoutingSwitchPayload{RoutingSwitch: model.NewRoutingSwitch(s), UserErrors: refused}, err
}
