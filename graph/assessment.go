package graph

import (
	"context"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/graph/generated"
	"github.com/trellis-ats/trellis/graph/model"
)

type assessmentResolver struct{ *root }

var _ generated.AssessmentResolver = assessmentResolver{}

// Assessment returns the resolvers of an assessment's fields.
func (r *root) Assessment() generated.AssessmentResolver { return assessmentResolver{r} }

func (r assessmentResolver) Test(ctx context.Context, a *model.Assessment) (*model.Test, error) {
	t, err := load(ctx, loadersOf(ctx).tests, a, &a.Page.Test, func(a *core.Assessment) core.ID { return a.TestID })
	return model.NewTest(t), err
}

func (r assessmentResolver) Candidate(ctx context.Context, a *model.Assessment) (*model.Candidate, error) {
	c, err := load(ctx, loadersOf(ctx).candidates, a, &a.Page.Candidate, func(a *core.Assessment) core.ID { return a.CandidateID })
	return model.NewCandidate(c), err
}

func (r assessmentResolver) Connection(ctx context.Context, a *model.Assessment) (*model.ATSConnection, error) {
	c, err := load(ctx, loadersOf(ctx).connections, a, &a.Page.Connection, func(a *core.Assessment) core.ID { return a.ConnectionID })
	return model.NewATSConnection(c), err
}

func (r assessmentResolver) Result(ctx context.Context, a *model.Assessment) (*core.Result, error) {
	return load(ctx, loadersOf(ctx).results, a, &a.Page.Results, func(a *core.Assessment) core.ID { return a.ID })
}

func (r assessmentResolver) ReportURL(ctx context.Context, a *model.Assessment) (*string, error) {
	address, err := r.Reports.Permalink(actorOf(ctx), a.Assessment)
	return &address, err
}

func (r assessmentResolver) Events(ctx context.Context, a *model.Assessment, first *int, after *string, last *int, before *string) (*model.EventConnection, error) {
	page, err := model.ListEvents.Page(model.PageArgs{First: first, After: after, Last: last, Before: before})
	if err != nil {
		return nil, err
	}
	events, err := r.Options.Events.Of(ctx, actorOf(ctx), a.ID, page)
	return model.NewEvents(events), err
}

func (r assessmentResolver) SyncLog(ctx context.Context, a *model.Assessment, first *int, after *string, last *int, before *string) (*model.SyncEntryConnection, error) {
	return r.syncLog(ctx, core.SyncFilter{AssessmentID: a.ID}, model.PageArgs{First: first, After: after, Last: last, Before: before})
}

func (r queryResolver) Assessments(ctx context.Context, filter *core.AssessmentFilter, first *int, after *string, last *int, before *string) (*model.AssessmentConnection, error) {
	page, err := model.ListAssessments.Page(model.PageArgs{First: first, After: after, Last: last, Before: before})
	if err != nil {
		return nil, err
	}
	as, err := r.Options.Assessments.List(ctx, actorOf(ctx), orZero(filter), page)
	return model.NewAssessments(as), err
}

func (r queryResolver) Assessment(ctx context.Context, id core.ID) (*model.Assessment, error) {
	a, err := orNull(r.Options.Assessments.Get(ctx, actorOf(ctx), id))
	return model.NewAssessment(a), err
}

func (r mutationResolver) CreateAssessment(ctx context.Context, input core.NewOrder) (*generated.CreateAssessmentPayload, error) {
	a, err := r.Assessments.Create(ctx, actorOf(ctx), input)
	refused, err := refusals(err, "")
	return &generated.CreateAssessmentPayload{Assessment: model.NewAssessment(a), UserErrors: refused}, err
}

func (r mutationResolver) StartAssessment(ctx context.Context, input generated.StartAssessmentInput) (*generated.StartAssessmentPayload, error) {
	a, err := r.Assessments.Start(ctx, actorOf(ctx), input.AssessmentID, orZero(input.LaunchToken))
	refused, err := refusals(err, "assessmentId")
	return &generated.StartAssessmentPayload{Assessment: model.NewAssessment(a), UserErrors: refused}, err
}

func (r mutationResolver) CompleteAssessment(ctx context.Context, input core.Completion) (*generated.CompleteAssessmentPayload, error) {
	a, err := r.Assessments.Complete(ctx, actorOf(ctx), input)
	refused, err := refusals(err, "assessmentId")
	return &generated.CompleteAssessmentPayload{Assessment: model.NewAssessment(a), UserErrors: refused}, err
}

func (r mutationResolver) CancelAssessment(ctx context.Context, input generated.CancelAssessmentInput) (*generated.CancelAssessmentPayload, error) {
	a, err := r.Assessments.Cancel(ctx, actorOf(ctx), input.AssessmentID, orZero(input.Reason))
	refused, err := refusals(err, "assessmentId")
	return &generated.CancelAssessmentPayload{Assessment: model.NewAssessment(a), UserErrors: refused}, err
}

// orZero makes an argument that was left out the zero value.
func orZero[T any](v *T) T {
	if v == nil {
		return *new(T)
	}
	return *v
}
