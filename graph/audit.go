package graph

import (
	"context"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/graph/generated"
	"github.com/trellis-ats/trellis/graph/model"
)

type auditEntryResolver struct{ *root }

var _ generated.AuditEntryResolver = auditEntryResolver{}

// AuditEntry returns the resolvers of an audit entry's fields.
func (r *root) AuditEntry() generated.AuditEntryResolver { return auditEntryResolver{r} }

func (r auditEntryResolver) Subject(ctx context.Context, e *model.AuditEntry) (model.Node, error) {
	return of(ctx, loadersOf(ctx).subjects, "subject", e.Batch, e.AuditEntry, func(e *core.AuditEntry) core.ID { return e.SubjectID })
}

func (r queryResolver) AuditLog(ctx context.Context, filter *generated.AuditLogFilter, first *int, after *string, last *int, before *string) (*model.AuditEntryConnection, error) {
	page, err := model.ListAuditLog.Page(model.PageArgs{First: first, After: after, Last: last, Before: before})
	if err != nil {
		return nil, err
	}
	entries, err := r.Options.AuditLog.List(ctx, actorOf(ctx), auditFilter(orZero(filter)), page)
	return model.NewAuditEntries(entries), err
}

func auditFilter(f generated.AuditLogFilter) core.AuditFilter {
	return core.AuditFilter{
		SubjectID: orZero(f.SubjectID), Actions: eventTypes(f.Actions), ActorID: orZero(f.ActorID), From: orZero(f.From), Until: orZero(f.Until),
	}
}
