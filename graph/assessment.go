package graph

import (
	"context"
	"fmt"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/graph/generated"
	"github.com/trellis-ats/trellis/graph/model"
)

type assessmentResolver struct{ *root }

var _ generated.AssessmentResolver = assessmentResolver{}

// Assessment returns the resolvers of an assessment's fields.
func (r *root) Assessment() generated.AssessmentResolver { return assessmentResolver{r} }

func (r assessmentResolver) Test(ctx context.Context, a *model.Assessment) (*model.Test, error) {
	return of(ctx, loadersOf(ctx).tests, "test", a.Batch, a.Assessment, func(a *core.Assessment) core.ID { return a.TestID })
}

func (r assessmentResolver) Candidate(ctx context.Context, a *model.Assessment) (*model.Candidate, error) {
	return of(ctx, loadersOf(ctx).candidates, "candidate", a.Batch, a.Assessment, func(a *core.Assessment) core.ID { return a.CandidateID })
}

func (r assessmentResolver) Job(ctx context.Context, a *model.Assessment) (*model.Job, error) {
	return of(ctx, loadersOf(ctx).jobs, "job", a.Batch, a.Assessment, func(a *core.Assessment) core.ID { return a.JobID })
}

func (r assessmentResolver) Connection(ctx context.Context, a *model.Assessment) (*model.ATSConnection, error) {
	return of(ctx, loadersOf(ctx).connections, "connection", a.Batch, a.Assessment, func(a *core.Assessment) core.ID { return a.ConnectionID })
}

func (r assessmentResolver) Result(ctx context.Context, a *model.Assessment) (*model.Result, error) {
	return of(ctx, loadersOf(ctx).results, "result", a.Batch, a.Assessment, ownID)
}

func (r assessmentResolver) LastSyncEntry(ctx context.Context, a *model.Assessment) (*model.SyncEntry, error) {
	return of(ctx, loadersOf(ctx).lastEntries, "lastSyncEntry", a.Batch, a.Assessment, ownID)
}

func ownID(a *core.Assessment) core.ID { return a.ID }

func (r assessmentResolver) ReportURL(ctx context.Context, a *model.Assessment) (*string, error) {
	address, err := r.Reports.Permalink(actorOf(ctx), a.Assessment)
	return &address, err
}

// Events are read for all assessments of a list at once if they are first pages.
func (r assessmentResolver) Events(ctx context.Context, a *model.Assessment, first *int, after *string, last *int, before *string) (*model.EventConnection, error) {
	page, err := model.ListEvents.Page(model.PageArgs{First: first, After: after, Last: last, Before: before})
	if err != nil {
		return nil, err
	}
	if isFirst(page) {
		return of(ctx, loadersOf(ctx).events, fmt.Sprint("events ", page.First), a.Batch, a.Assessment, firstPage(page))
	}
	events, err := r.Options.Events.Of(ctx, actorOf(ctx), a.ID, page)
	return model.NewEvents(events), err
}

// SyncLog is read like Events.
func (r assessmentResolver) SyncLog(ctx context.Context, a *model.Assessment, first *int, after *string, last *int, before *string) (*model.SyncEntryConnection, error) {
	args := model.PageArgs{First: first, After: after, Last: last, Before: before}
	page, err := model.ListSyncLog.Page(args)
	if err != nil {
		return nil, err
	}
	if isFirst(page) {
		return of(ctx, loadersOf(ctx).entries, fmt.Sprint("syncLog ", page.First), a.Batch, a.Assessment, firstPage(page))
	}
	return r.syncLog(ctx, core.SyncFilter{AssessmentID: a.ID}, args)
}

func isFirst(p core.Page) bool { return p.Last == 0 && p.After == "" && p.Before == "" }

func firstPage(p core.Page) func(*core.Assessment) firstOf {
	return func(a *core.Assessment) firstOf { return firstOf{a.ID, p.First} }
}

func (r queryResolver) Assessments(ctx context.Context, filter *core.AssessmentFilter, orderBy *generated.AssessmentOrder, first *int, after *string, last *int, before *string) (*model.AssessmentConnection, error) {
	sort, list := sortOf(orderBy)
	page, err := list.Page(model.PageArgs{First: first, After: after, Last: last, Before: before})
	if err != nil {
		return nil, err
	}
	as, err := r.Options.Assessments.List(ctx, actorOf(ctx), orZero(filter), sort, page)
	return model.NewAssessments(list, as), err
}

// sortOf returns the order of a list and the kind of list that it makes, which
// cursors belong to.
func sortOf(o *generated.AssessmentOrder) (core.AssessmentSort, model.List) {
	if o == nil {
		return core.AssessmentSort{}, model.ListAssessments
	}
	sort := core.AssessmentSort{By: core.AssessmentOrder(o.Field), Ascending: o.Direction == generated.SortDirectionAsc}
	if o.Field == generated.AssessmentOrderFieldOrderedAt {
		sort.By = core.AssessmentsByID
	}
	if sort == (core.AssessmentSort{}) {
		return sort, model.ListAssessments // the order of a list that is not told one
	}
	return sort, model.ListAssessments.Ordered(string(o.Field) + " " + string(o.Direction))
}

func (r queryResolver) Assessment(ctx context.Context, id core.ID) (*model.Assessment, error) {
	a, err := orNull(r.Options.Assessments.Get(ctx, actorOf(ctx), id))
	return model.NewAssessment(a), err
}

func (r queryResolver) Pipeline(ctx context.Context) (*model.Pipeline, error) {
	counts, err := r.Options.Assessments.Pipeline(ctx, actorOf(ctx))
	return &model.Pipeline{Pipeline: counts}, err
}
