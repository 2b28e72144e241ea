package graph

import (
	"context"
	"fmt"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/graph/generated"
	"github.com/trellis-ats/trellis/graph/model"
)

type pushResolver struct{ *root }

var (
	_ generated.PushResolver         = pushResolver{}
	_ generated.PushQuestionResolver = pushQuestionResolver{}
)

// Push returns the resolvers of a push's fields.
func (r *root) Push() generated.PushResolver { return pushResolver{r} }

func (r pushResolver) Connection(ctx context.Context, p *model.Push) (*model.ATSConnection, error) {
	return of(ctx, loadersOf(ctx).connections, "connection", p.Batch, p.Push, func(p *core.Push) core.ID { return p.ConnectionID })
}

func (r pushResolver) Assessment(ctx context.Context, p *model.Push) (*model.Assessment, error) {
	return of(ctx, loadersOf(ctx).assessments, "assessment", p.Batch, p.Push, func(p *core.Push) core.ID { return p.AssessmentID })
}

func (r pushResolver) Candidate(ctx context.Context, p *model.Push) (*model.Candidate, error) {
	return of(ctx, loadersOf(ctx).candidates, "candidate", p.Batch, p.Push, func(p *core.Push) core.ID { return p.CandidateID })
}

type pushQuestionResolver struct{ *root }

// PushQuestion returns the resolvers of a question's fields.
func (r *root) PushQuestion() generated.PushQuestionResolver { return pushQuestionResolver{r} }

func (pushQuestionResolver) Choices(ctx context.Context, q *model.PushQuestion) ([]model.PushChoice, error) {
	return model.NewPushChoices(q.ChoicesFor(actorOf(ctx))), nil
}

func (r assessmentResolver) LastPush(ctx context.Context, a *model.Assessment) (*model.Push, error) {
	return of(ctx, loadersOf(ctx).lastPushes, "lastPush", a.Batch, a.Assessment, ownID)
}

// Pushes is read like Events.
func (r assessmentResolver) Pushes(ctx context.Context, a *model.Assessment, first *int, after *string, last *int, before *string) (*model.PushConnection, error) {
	args := model.PageArgs{First: first, After: after, Last: last, Before: before}
	page, err := model.ListPushes.Page(args)
	if err != nil {
		return nil, err
	}
	if isFirst(page) {
		return of(ctx, loadersOf(ctx).pushesOf, fmt.Sprint("pushes ", page.First), a.Batch, a.Assessment, firstPage(page))
	}
	return r.pushes(ctx, core.PushFilter{AssessmentID: a.ID}, args)
}

func (r syncEntryResolver) Push(ctx context.Context, e *model.SyncEntry) (*model.Push, error) {
	return of(ctx, loadersOf(ctx).pushes, "push", e.Batch, e.SyncEntry, func(e *core.SyncEntry) core.ID { return e.PushID })
}

func (r queryResolver) Pushes(ctx context.Context, filter *core.PushFilter, first *int, after *string, last *int, before *string) (*model.PushConnection, error) {
	return r.pushes(ctx, orZero(filter), model.PageArgs{First: first, After: after, Last: last, Before: before})
}

func (r *root) pushes(ctx context.Context, filter core.PushFilter, args model.PageArgs) (*model.PushConnection, error) {
	page, err := model.ListPushes.Page(args)
	if err != nil {
		return nil, err
	}
	pushes, err := r.Pushes.List(ctx, actorOf(ctx), filter, page)
	return model.NewPushes(pushes), err
}

func (r queryResolver) Push(ctx context.Context, id core.ID) (*model.Push, error) {
	p, err := orNull(r.Options.Pushes.Get(ctx, actorOf(ctx), id))
	return model.NewPush(p), err
}

func (r queryResolver) PushPreview(ctx context.Context, assessmentID core.ID, connectionID *core.ID) (*model.PushPreview, error) {
	p, err := orNull(r.Options.Pushes.Preview(ctx, actorOf(ctx), assessmentID, orZero(connectionID)))
	return model.NewPushPreview(p), err
}

func (r queryResolver) PushEstimate(ctx context.Context, assessmentIDs []core.ID, connectionID *core.ID) (*model.PushEstimate, error) {
	e, err := orNull(r.Options.Pushes.Estimate(ctx, actorOf(ctx), assessmentIDs, orZero(connectionID)))
	return model.NewPushEstimate(e), err
}

func (r mutationResolver) PushAssessment(ctx context.Context, input generated.PushAssessmentInput) (*generated.PushAssessmentPayload, error) {
	q := core.PushRequest{AssessmentID: input.AssessmentID, ConnectionID: orZero(input.ConnectionID)}
	key, err := keyOf(orZero(input.IdempotencyKey), q)
	if err != nil {
		return nil, err
	}
	p, err := r.Pushes.Push(ctx, actorOf(ctx), q, key)
	refused, err := refusals(err, "assessmentId")
	return &generated.PushAssessmentPayload{Push: model.NewPush(p), UserErrors: refused}, err
}

func (r mutationResolver) PushAssessments(ctx context.Context, input generated.PushAssessmentsInput) (*generated.PushAssessmentsPayload, error) {
	outcomes, err := r.Pushes.PushMany(ctx, actorOf(ctx), input.AssessmentIds, orZero(input.ConnectionID))
	refused, err := refusals(err, "connectionId")
	return &generated.PushAssessmentsPayload{Outcomes: model.NewPushOutcomes(outcomes), UserErrors: refused}, err
}

func (r mutationResolver) RetryPush(ctx context.Context, input generated.RetryPushInput) (*generated.RetryPushPayload, error) {
	p, err := r.Pushes.Retry(ctx, actorOf(ctx), input.PushID)
	refused, err := refusals(err, "pushId")
	return &generated.RetryPushPayload{Push: model.NewPush(p), UserErrors: refused}, err
}

func (r mutationResolver) CancelPush(ctx context.Context, input generated.CancelPushInput) (*generated.CancelPushPayload, error) {
	p, err := r.Pushes.Cancel(ctx, actorOf(ctx), input.PushID)
	refused, err := refusals(err, "pushId")
	return &generated.CancelPushPayload{Push: model.NewPush(p), UserErrors: refused}, err
}

func (r mutationResolver) ResolvePush(ctx context.Context, input generated.ResolvePushInput) (*generated.ResolvePushPayload, error) {
	p, err := r.Pushes.Resolve(ctx, actorOf(ctx), input.PushID, input.Resolution)
	refused, err := refusals(err, "pushId")
	return &generated.ResolvePushPayload{Push: model.NewPush(p), UserErrors: refused}, err
}

func (r mutationResolver) RetrySync(ctx context.Context, input generated.RetrySyncInput) (*generated.RetrySyncPayload, error) {
	done, err := r.Pushes.RetrySync(ctx, actorOf(ctx), input.SyncEntryID)
	refused, err := refusals(err, "syncEntryId")
	set := orZero(done)
	return &generated.RetrySyncPayload{
		Push: model.NewPush(set.Push), Assessment: model.NewAssessment(set.Assessment), UserErrors: refused,
	}, err
}
