package graph

import (
	"context"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/graph/model"
)

func (r queryResolver) SyncLog(ctx context.Context, filter *core.SyncFilter, first *int, after *string, last *int, before *string) (*model.SyncEntryConnection, error) {
	return r.syncLog(ctx, orZero(filter), model.PageArgs{First: first, After: after, Last: last, Before: before})
}

func (r *root) syncLog(ctx context.Context, filter core.SyncFilter, args model.PageArgs) (*model.SyncEntryConnection, error) {
	page, err := model.ListSyncLog.Page(args)
	if err != nil {
		return nil, err
	}
	entries, err := r.SyncLog.List(ctx, actorOf(ctx), filter, page)
	return model.NewSyncEntries(entries), err
}
