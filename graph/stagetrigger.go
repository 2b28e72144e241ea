package graph

import (
	"context"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/graph/generated"
	"github.com/trellis-ats/trellis/graph/model"
)

type stageTriggerResolver struct{ *root }

var _ generated.StageTriggerResolver = stageTriggerResolver{}

// StageTrigger returns the resolvers of a trigger's fields.
func (r *root) StageTrigger() generated.StageTriggerResolver { return stageTriggerResolver{r} }

func (r stageTriggerResolver) Connection(ctx context.Context, t *model.StageTrigger) (*model.ATSConnection, error) {
	return of(ctx, loadersOf(ctx).connections, "connection", t.Batch, t.StageTrigger, func(t *core.StageTrigger) core.ID { return t.ConnectionID })
}

func (r stageTriggerResolver) Test(ctx context.Context, t *model.StageTrigger) (*model.Test, error) {
	return of(ctx, loadersOf(ctx).tests, "test", t.Batch, t.StageTrigger, func(t *core.StageTrigger) core.ID { return t.TestID })
}

func (r queryResolver) StageTriggers(ctx context.Context, connectionID *core.ID) ([]model.StageTrigger, error) {
	all, err := r.Options.StageTriggers.List(ctx, actorOf(ctx), orZero(connectionID))
	return model.Views(all, model.ViewStageTrigger), err
}

func (r mutationResolver) CreateStageTrigger(ctx context.Context, input core.NewStageTrigger) (*generated.CreateStageTriggerPayload, error) {
	t, err := r.StageTriggers.Create(ctx, actorOf(ctx), input)
	refused, err := refusals(err, "connectionId")
	return &generated.CreateStageTriggerPayload{StageTrigger: model.NewStageTrigger(t), UserErrors: refused}, err
}

func (r mutationResolver) DeleteStageTrigger(ctx context.Context, input generated.DeleteStageTriggerInput) (*generated.DeleteStageTriggerPayload, error) {
	t, err := r.StageTriggers.Delete(ctx, actorOf(ctx), input.StageTriggerID)
	refused, err := refusals(err, "stageTriggerId")
	return &generated.DeleteStageTriggerPayload{StageTrigger: model.NewStageTrigger(t), UserErrors: refused}, err
}
