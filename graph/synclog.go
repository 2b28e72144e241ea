package graph

import (
	"context"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/graph/generated"
	"github.com/trellis-ats/trellis/graph/model"
)

type syncEntryResolver struct{ *root }

var _ generated.SyncEntryResolver = syncEntryResolver{}

// SyncEntry returns the resolvers of an entry's fields.
func (r *root) SyncEntry() generated.SyncEntryResolver { return syncEntryResolver{r} }

func (r syncEntryResolver) Connection(ctx context.Context, e *model.SyncEntry) (*model.ATSConnection, error) {
	return of(ctx, loadersOf(ctx).connections, "connection", e.Batch, e.SyncEntry, func(e *core.SyncEntry) core.ID { return e.ConnectionID })
}

func (r syncEntryResolver) Assessment(ctx context.Context, e *model.SyncEntry) (*model.Assessment, error) {
	return of(ctx, loadersOf(ctx).assessments, "assessment", e.Batch, e.SyncEntry, func(e *core.SyncEntry) core.ID { return e.AssessmentID })
}

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
