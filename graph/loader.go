package graph

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/graph-gophers/dataloader/v7"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/graph/model"
)

// gather is how long a loader waits for others that want the same, if it was
// not read ahead.
const gather = time.Millisecond

// loaders read what is reached from lists, for one answer: many at once and
// each of them once.
type loaders struct {
	tests          *loader[core.ID, *model.Test]
	candidates     *loader[core.ID, *model.Candidate]
	jobs           *loader[core.ID, *model.Job]
	connections    *loader[core.ID, *model.ATSConnection]
	assessments    *loader[core.ID, *model.Assessment]
	results        *loader[core.ID, *model.Result] // by assessment
	reports        *loader[core.ID, *model.Report] // by assessment
	benchmarks     *loader[core.Ranked, *string]
	shares         *loader[core.ID, []string]                   // by job
	events         *loader[firstOf, *model.EventConnection]     // by assessment
	entries        *loader[firstOf, *model.SyncEntryConnection] // by assessment
	lastEntries    *loader[core.ID, *model.SyncEntry]           // by assessment
	subjects       *loader[core.ID, model.Node]
	authorizations *loader[core.ID, *model.Authorization] // by connection
	webhookSyncs   *loader[core.ID, *core.SyncStatus]     // by connection
	openIssues     *loader[core.ID, int]                  // by connection
	applications   *loader[core.ID, []model.Application]  // by assessment
	pushes         *loader[core.ID, *model.Push]
	pushesOf       *loader[firstOf, *model.PushConnection]   // by assessment
	lastPushes     *loader[core.ID, *model.Push]             // by assessment
	decisions      *loader[core.ID, []model.RoutingDecision] // by assessment
	decisionSteps  *loader[core.ID, []model.DecisionStep]    // by decision
	logged         sync.Map                                  // errors that were logged; a failed batch shows in many places
}

// firstOf is the first page of a list that belongs to something.
type firstOf struct {
	of   core.ID
	size int
}

type loadersKey struct{}

// withLoaders gives each answer its own loaders, each message of a subscription
// too: nothing that was read for one caller, or before a change, is shown again.
func (o Options) withLoaders(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	return next(o.freshLoaders(placed(ctx)))
}

// perMutation gives each mutation of an operation its own: the next one must
// see what the one before changed.
func (o Options) perMutation(ctx context.Context, next graphql.RootResolver) graphql.Marshaler {
	if graphql.GetOperationContext(ctx).Operation.Operation == ast.Mutation {
		ctx = o.freshLoaders(ctx)
	}
	return next(ctx)
}

func (o Options) freshLoaders(ctx context.Context) context.Context {
	return context.WithValue(ctx, loadersKey{}, o.newLoaders())
}

func loadersOf(ctx context.Context) *loaders {
	l, _ := ctx.Value(loadersKey{}).(*loaders)
	return l
}

func (o Options) newLoaders() *loaders {
	return &loaders{
		tests:       newLoader(views(o.Tests.ByID, model.ViewTest, func(t *core.Test) core.ID { return t.ID })),
		candidates:  newLoader(views(o.Candidates.ByID, model.ViewCandidate, func(c *core.Candidate) core.ID { return c.ID })),
		jobs:        newLoader(views(o.Jobs.ByID, model.ViewJob, func(j *core.Job) core.ID { return j.ID })),
		connections: newLoader(views(o.Connections.ByID, model.ViewATSConnection, func(c *core.Connection) core.ID { return c.ID })),
		assessments: newLoader(views(o.Assessments.ByID, model.ViewAssessment, func(a *core.Assessment) core.ID { return a.ID })),
		results: newLoader(views(func(ctx context.Context, by core.Actor, ids []core.ID) ([]core.Result, error) {
			return o.Reports.Results(ctx, by, ids, false)
		}, model.ViewResult, func(r *core.Result) core.ID { return r.AssessmentID })),
		reports:    newLoader(o.readReports),
		benchmarks: newLoader(o.readBenchmarks),
		shares:     newLoader(o.Jobs.SharedWith),
		events:     newLoader(o.readEvents),
		entries:    newLoader(o.readEntries),
		lastEntries: newLoader(views(func(ctx context.Context, by core.Actor, ids []core.ID) ([]core.SyncEntry, error) {
			return o.SyncLog.Of(ctx, by, ids, 1)
		}, model.ViewSyncEntry, func(e *core.SyncEntry) core.ID { return e.AssessmentID })),
		subjects: newLoader(o.readSubjects), authorizations: newLoader(o.readAuthorizations),
		openIssues:   newLoader(read[core.ID, int](o.Issues.Open)),
		webhookSyncs: newLoader(o.readWebhookSyncs), applications: newLoader(o.readApplications),
		pushes:   newLoader(views(o.Pushes.ByID, model.ViewPush, func(p *core.Push) core.ID { return p.ID })),
		pushesOf: newLoader(o.readPushes), decisions: newLoader(o.readDecisions), decisionSteps: newLoader(o.readDecisionSteps),
		lastPushes: newLoader(views(func(ctx context.Context, by core.Actor, ids []core.ID) ([]core.Push, error) {
			return o.Pushes.Of(ctx, by, ids, 1)
		}, model.ViewPush, func(p *core.Push) core.ID { return p.AssessmentID })),
	}
}

// readMany is a use case that reads several things by id.
type readMany[C any] func(ctx context.Context, by core.Actor, ids []core.ID) ([]C, error)

// read reads several things by key; what is not in the map does not exist.
type read[K comparable, V any] func(ctx context.Context, by core.Actor, keys []K) (map[K]V, error)

// views makes views of what a use case reads, with one batch for all.
func views[C, T any](many readMany[C], view func(*C, *model.Batch[C]) T, id func(*C) core.ID) read[core.ID, *T] {
	return func(ctx context.Context, by core.Actor, ids []core.ID) (map[core.ID]*T, error) {
		found, err := many(ctx, by, ids)
		if err != nil {
			return nil, err
		}
		byID := make(map[core.ID]*T, len(found))
		all := model.Views(found, view)
		for i := range all {
			byID[id(&found[i])] = &all[i]
		}
		return byID, nil
	}
}

// guarded makes of any failure, a panic too, one error that all who wait share.
func (r read[K, V]) guarded(ctx context.Context, keys []K) (found map[K]V, err error) {
	defer func() {
		if panicked := recover(); panicked != nil {
			err = panicError(panicked)
		}
		if err != nil {
			err = fault.From(err)
		}
	}()
	return r(ctx, actorOf(ctx), keys)
}

// loader reads by key. What is not found is the zero value.
type loader[K comparable, V any] struct {
	*dataloader.Loader[K, V]
	cache *dataloader.InMemoryCache[K, V]
	read  read[K, V]
	mu    sync.Mutex // held while reading ahead: two lists that want the same cost one statement
}

func newLoader[K comparable, V any](r read[K, V]) *loader[K, V] {
	batch := func(ctx context.Context, keys []K) []*dataloader.Result[V] {
		found, err := r.guarded(ctx, keys)
		results := make([]*dataloader.Result[V], len(keys))
		for i, k := range keys {
			results[i] = &dataloader.Result[V]{Data: found[k], Error: err}
		}
		return results
	}
	cache := dataloader.NewCache[K, V]()
	return &loader[K, V]{
		Loader: dataloader.NewBatchedLoader(batch, dataloader.WithWait[K, V](gather), dataloader.WithCache[K, V](cache)),
		cache:  cache, read: r,
	}
}

// ahead reads what is not known yet, with one statement.
func (l *loader[K, V]) ahead(ctx context.Context, keys []K) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	seen := make(map[K]bool, len(keys))
	keys = slices.DeleteFunc(keys, func(k K) bool {
		_, known := l.cache.Get(ctx, k)
		known = known || seen[k]
		seen[k] = true
		return known
	})
	if len(keys) == 0 {
		return nil
	}
	found, err := l.read.guarded(ctx, keys)
	if err != nil {
		return err
	}
	for _, k := range keys {
		l.Prime(ctx, k, found[k])
	}
	return nil
}

// of reads the part of an item that key names, and with it that part of all
// that were read with the item: fields are resolved a few items at a time, and
// left to themselves each few would cost a statement. name tells parts apart.
// A zero key is a part that the item does not have.
func of[C any, K comparable, V any](ctx context.Context, l *loader[K, V], name string, b *model.Batch[C], item *C, key func(*C) K) (V, error) {
	var none V
	var noKey K
	wanted := key(item)
	if wanted == noKey {
		return none, nil
	}
	err := b.Once(name, func() error {
		keys := make([]K, 0, len(b.Items))
		for _, peer := range b.Items {
			if k := key(peer); k != noKey {
				keys = append(keys, k)
			}
		}
		return l.ahead(ctx, keys)
	})
	if err != nil {
		return none, err
	}
	return l.Load(ctx, wanted)()
}
