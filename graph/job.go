package graph

import (
	"context"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/graph/generated"
	"github.com/trellis-ats/trellis/graph/model"
)

type jobResolver struct{ *root }

var _ generated.JobResolver = jobResolver{}

// Job returns the resolvers of a job's fields.
func (r *root) Job() generated.JobResolver { return jobResolver{r} }

func (r jobResolver) Connection(ctx context.Context, j *model.Job) (*model.ATSConnection, error) {
	return of(ctx, loadersOf(ctx).connections, "connection", j.Batch, j.Job, func(j *core.Job) core.ID { return j.ConnectionID })
}

func (r jobResolver) SharedWith(ctx context.Context, j *model.Job) ([]string, error) {
	with, err := of(ctx, loadersOf(ctx).shares, "sharedWith", j.Batch, j.Job, func(j *core.Job) core.ID { return j.ID })
	if with == nil && err == nil {
		with = []string{}
	}
	return with, err
}

func (r queryResolver) Jobs(ctx context.Context, first *int, after *string, last *int, before *string) (*model.JobConnection, error) {
	page, err := model.ListJobs.Page(model.PageArgs{First: first, After: after, Last: last, Before: before})
	if err != nil {
		return nil, err
	}
	jobs, err := r.Options.Jobs.List(ctx, actorOf(ctx), page)
	return model.NewJobs(jobs), err
}

func (r queryResolver) Job(ctx context.Context, id core.ID) (*model.Job, error) {
	j, err := orNull(r.Options.Jobs.Get(ctx, actorOf(ctx), id))
	return model.NewJob(j), err
}

func (r mutationResolver) CreateJob(ctx context.Context, input model.CreateJobInput) (*generated.CreateJobPayload, error) {
	key, err := keyOf(input.IdempotencyKey, input.Job)
	if err != nil {
		return nil, err
	}
	j, err := r.Jobs.Create(ctx, actorOf(ctx), input.Job, key)
	refused, err := refusals(err, "")
	return &generated.CreateJobPayload{Job: model.NewJob(j), UserErrors: refused}, err
}

func (r mutationResolver) ShareJob(ctx context.Context, input generated.ShareJobInput) (*generated.ShareJobPayload, error) {
	j, err := r.Jobs.Share(ctx, actorOf(ctx), input.JobID, input.With)
	refused, err := refusals(err, "jobId")
	return &generated.ShareJobPayload{Job: model.NewJob(j), UserErrors: refused}, err
}

func (r mutationResolver) UnshareJob(ctx context.Context, input generated.UnshareJobInput) (*generated.UnshareJobPayload, error) {
	j, err := r.Jobs.Unshare(ctx, actorOf(ctx), input.JobID, input.With)
	refused, err := refusals(err, "jobId")
	return &generated.UnshareJobPayload{Job: model.NewJob(j), UserErrors: refused}, err
}
