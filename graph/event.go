package graph

import (
	"context"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/graph/generated"
	"github.com/trellis-ats/trellis/graph/model"
)

type eventResolver struct{ *root }

var _ generated.EventResolver = eventResolver{}

// Event returns the resolvers of an event's fields.
func (r *root) Event() generated.EventResolver { return eventResolver{r} }

func (r eventResolver) Subject(ctx context.Context, e *model.Event) (model.Node, error) {
	return of(ctx, loadersOf(ctx).subjects, "subject", e.Batch, e.Event, func(e *core.Event) core.ID { return e.SubjectID })
}
