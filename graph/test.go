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

func (r mutationResolver) CreateTest(ctx context.Context, input core.Test) (*generated.CreateTestPayload, error) {
	t, err := r.Tests.Create(ctx, actorOf(ctx), input)
	refused, err := refusals(err, "")
	return &generated.CreateTestPayload{Test: model.NewTest(t), UserErrors: refused}, err
}
