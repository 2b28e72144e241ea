package graph

import (
	"context"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/graph/generated"
	"github.com/trellis-ats/trellis/graph/model"
)

func (r queryResolver) Tests(ctx context.Context, filter *core.TestFilter, first *int, after *string, last *int, before *string) (*model.TestConnection, error) {
	page, err := model.ListTests.Page(model.PageArgs{First: first, After: after, Last: last, Before: before})
	if err != nil {
		return nil, err
	}
	tests, err := r.Options.Tests.List(ctx, actorOf(ctx), orZero(filter), page)
	return model.NewTests(tests), err
}

func (r queryResolver) Test(ctx context.Context, id core.ID) (*model.Test, error) {
	t, err := orNull(r.Options.Tests.Get(ctx, actorOf(ctx), id))
	return model.NewTest(t), err
}

func (r mutationResolver) CreateTest(ctx context.Context, input model.CreateTestInput) (*generated.CreateTestPayload, error) {
	key, err := keyOf(input.IdempotencyKey, input.Test)
	if err != nil {
		return nil, err
	}
	t, err := r.Tests.Create(ctx, actorOf(ctx), input.Test, key)
	refused, err := refusals(err, "")
	return &generated.CreateTestPayload{Test: model.NewTest(t), UserErrors: refused}, err
}
