package graph

import (
	"context"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/graph/generated"
	"github.com/trellis-ats/trellis/graph/model"
)

type issueResolver struct{ *root }

var _ generated.IssueResolver = issueResolver{}

// Issue returns the resolvers of an issue's fields.
func (r *root) Issue() generated.IssueResolver { return issueResolver{r} }

func (r issueResolver) AgeSeconds(_ context.Context, i *model.Issue) (int, error) {
	return int(r.Issues.Age(i.Issue).Seconds()), nil
}

func (r issueResolver) Connection(ctx context.Context, i *model.Issue) (*model.ATSConnection, error) {
	return of(ctx, loadersOf(ctx).connections, "connection", i.Batch, i.Issue, func(i *core.Issue) core.ID { return i.ConnectionID })
}

func (r issueResolver) Assessment(ctx context.Context, i *model.Issue) (*model.Assessment, error) {
	return of(ctx, loadersOf(ctx).assessments, "assessment", i.Batch, i.Issue, func(i *core.Issue) core.ID { return i.AssessmentID })
}

func (r issueResolver) Push(ctx context.Context, i *model.Issue) (*model.Push, error) {
	return of(ctx, loadersOf(ctx).pushes, "push", i.Batch, i.Issue, func(i *core.Issue) core.ID { return i.PushID })
}

func (r connectionResolver) OpenIssues(ctx context.Context, c *model.ATSConnection) (int, error) {
	return of(ctx, loadersOf(ctx).openIssues, "openIssues", c.Batch, c.Connection, connectionID)
}

func (r queryResolver) Issues(ctx context.Context, filter *core.IssueFilter, first *int, after *string, last *int, before *string) (*model.IssueConnection, error) {
	page, err := model.ListIssues.Page(model.PageArgs{First: first, After: after, Last: last, Before: before})
	if err != nil {
		return nil, err
	}
	all, err := r.Options.Issues.List(ctx, actorOf(ctx), orZero(filter), page)
	return model.NewIssues(all), err
}

func (r mutationResolver) RunReconciliation(ctx context.Context, input generated.RunReconciliationInput) (*generated.RunReconciliationPayload, error) {
	c, err := r.Reconciliations.Request(ctx, actorOf(ctx), input.ConnectionID)
	refused, err := refusals(err, "connectionId")
	return &generated.RunReconciliationPayload{Connection: model.NewATSConnection(c), UserErrors: refused}, err
}

func (r mutationResolver) ActOnIssue(ctx context.Context, input generated.ActOnIssueInput) (*generated.ActOnIssuePayload, error) {
	i, err := r.Issues.Act(ctx, actorOf(ctx), input.IssueID)
	refused, err := refusals(err, "issueId")
	return &generated.ActOnIssuePayload{Issue: model.NewIssue(i), UserErrors: refused}, err
}
