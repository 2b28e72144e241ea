package graph

import (
	"context"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/graph/generated"
	"github.com/trellis-ats/trellis/graph/model"
)

type jobMappingResolver struct{ *root }

var _ generated.JobMappingResolver = jobMappingResolver{}

// JobMapping returns the resolvers of a mapping's fields.
func (r *root) JobMapping() generated.JobMappingResolver { return jobMappingResolver{r} }

func (r jobMappingResolver) Connection(ctx context.Context, m *model.JobMapping) (*model.ATSConnection, error) {
	return of(ctx, loadersOf(ctx).connections, "connection", m.Batch, m.JobMapping, func(m *core.JobMapping) core.ID { return m.ConnectionID })
}

func (r jobMappingResolver) Job(ctx context.Context, m *model.JobMapping) (*model.Job, error) {
	return of(ctx, loadersOf(ctx).jobs, "job", m.Batch, m.JobMapping, func(m *core.JobMapping) core.ID { return m.JobID })
}

func (r queryResolver) JobMappings(ctx context.Context, filter *core.JobMappingFilter, first *int, after *string, last *int, before *string) (*model.JobMappingConnection, error) {
	page, err := model.ListJobMappings.Page(model.PageArgs{First: first, After: after, Last: last, Before: before})
	if err != nil {
		return nil, err
	}
	all, err := r.Options.JobMappings.List(ctx, actorOf(ctx), orZero(filter), page)
	return model.NewJobMappings(all), err
}

func (r mutationResolver) MapJob(ctx context.Context, input core.NewMapping) (*generated.MapJobPayload, error) {
	m, err := r.JobMappings.Map(ctx, actorOf(ctx), input)
	refused, err := refusals(err, "")
	return &generated.MapJobPayload{JobMapping: model.NewJobMapping(m), UserErrors: refused}, err
}

func (r mutationResolver) UnmapJob(ctx context.Context, input generated.UnmapJobInput) (*generated.UnmapJobPayload, error) {
	m, err := r.JobMappings.Unmap(ctx, actorOf(ctx), input.ConnectionID, input.JobID)
	refused, err := refusals(err, "jobId")
	return &generated.UnmapJobPayload{JobMapping: model.NewJobMapping(m), UserErrors: refused}, err
}
