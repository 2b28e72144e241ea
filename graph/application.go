package graph

import (
	"context"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/graph/generated"
	"github.com/trellis-ats/trellis/graph/model"
)

type applicationResolver struct{ *root }

var _ generated.ApplicationResolver = applicationResolver{}

// Application returns the resolvers of an application's fields.
func (r *root) Application() generated.ApplicationResolver { return applicationResolver{r} }

func (r applicationResolver) Connection(ctx context.Context, a *model.Application) (*model.ATSConnection, error) {
	return of(ctx, loadersOf(ctx).connections, "connection", a.Batch, a.Application, func(a *core.Application) core.ID { return a.ConnectionID })
}

func (r assessmentResolver) Applications(ctx context.Context, a *model.Assessment) ([]model.Application, error) {
	return of(ctx, loadersOf(ctx).applications, "applications", a.Batch, a.Assessment, ownID)
}

// readApplications gives each assessment a list, which may be empty.
func (o Options) readApplications(ctx context.Context, by core.Actor, assessments []core.ID) (map[core.ID][]model.Application, error) {
	found, err := o.Assessments.Applications(ctx, by, assessments)
	all := make(map[core.ID][]model.Application, len(assessments))
	for _, id := range assessments {
		all[id] = []model.Application{}
	}
	for _, view := range model.Views(found, model.ViewApplication) {
		all[view.AssessmentID] = append(all[view.AssessmentID], view)
	}
	return all, err
}
