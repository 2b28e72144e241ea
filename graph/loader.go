package graph

import (
	"context"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/graph-gophers/dataloader/v7"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/graph/model"
)

// gather is how long a loader waits for others that want the same.
const gather = time.Millisecond

// loaders read the parts of assessments for one operation, many at once and
// each of them once.
type loaders struct {
	tests       *loader[core.Test]
	candidates  *loader[core.Candidate]
	connections *loader[core.Connection]
	results     *loader[core.Result]
	logged      sync.Map // errors that were logged; a failed batch shows in many places
}

type loader[V any] = dataloader.Loader[core.ID, *V]

type loadersKey struct{}

// withLoaders gives each operation its own loaders, so that nothing read for
// one caller is shown to another.
func (o Options) withLoaders(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	return next(context.WithValue(ctx, loadersKey{}, o.newLoaders()))
}

func loadersOf(ctx context.Context) *loaders {
	l, _ := ctx.Value(loadersKey{}).(*loaders)
	return l
}

func (o Options) newLoaders() *loaders {
	return &loaders{
		tests:      newLoader(o.Tests.ByID, func(t *core.Test) core.ID { return t.ID }),
		candidates: newLoader(o.Candidates.ByID, func(c *core.Candidate) core.ID { return c.ID }),
		connections: newLoader(
			// An organization has a handful of connections: reading all is one statement.
			func(ctx context.Context, by core.Actor, _ []core.ID) ([]core.Connection, error) {
				return o.Connections.List(ctx, by)
			},
			func(c *core.Connection) core.ID { return c.ID }),
		results: newLoader(o.Reports.Results, func(r *core.Result) core.ID { return r.AssessmentID }),
	}
}

// readMany is a use case that reads several things by id.
type readMany[V any] func(ctx context.Context, by core.Actor, ids []core.ID) ([]V, error)

// guarded makes of any failure, a panic too, one error that all who wait share.
func (read readMany[V]) guarded(ctx context.Context, ids []core.ID) (found []V, err error) {
	defer func() {
		if panicked := recover(); panicked != nil {
			err = panicError(panicked)
		}
		if err != nil {
			err = fault.From(err)
		}
	}()
	return read(ctx, actorOf(ctx), ids)
}

// newLoader makes a loader of a use case that reads many; what it does not
// find is nil.
func newLoader[V any](read readMany[V], id func(*V) core.ID) *loader[V] {
	batch := func(ctx context.Context, ids []core.ID) []*dataloader.Result[*V] {
		found, err := read.guarded(ctx, ids)
		byID := make(map[core.ID]*V, len(found))
		for i := range found {
			byID[id(&found[i])] = &found[i]
		}
		results := make([]*dataloader.Result[*V], len(ids))
		for i := range ids {
			results[i] = &dataloader.Result[*V]{Data: byID[ids[i]], Error: err}
		}
		return results
	}
	return dataloader.NewBatchedLoader(batch, dataloader.WithWait[core.ID, *V](gather))
}

// load reads the part of an assessment that key names, and with it that part
// of all assessments of its page: fields are resolved a few items at a time,
// and left to themselves each few would cost a statement.
func load[V any](ctx context.Context, l *loader[V], a *model.Assessment, once *sync.Once, key func(*core.Assessment) core.ID) (*V, error) {
	id := key(a.Assessment)
	if id == "" {
		return nil, nil //nolint:nilnil // the assessment has no such part
	}
	once.Do(func() {
		for _, peer := range a.Page.Assessments {
			if id := key(peer); id != "" {
				l.Load(ctx, id)
			}
		}
	})
	return l.Load(ctx, id)()
}
