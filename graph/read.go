package graph

import (
	"context"
	"maps"
	"slices"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/graph/model"
)

// The reads of loaders that are more than one use case by id.

func (o Options) readReports(ctx context.Context, by core.Actor, ids []core.ID) (map[core.ID]*model.Report, error) {
	results, err := o.Reports.Results(ctx, by, ids, true)
	reports := make(map[core.ID]*model.Report, len(results))
	for i := range results {
		reports[results[i].AssessmentID] = &model.Report{Report: &results[i].Report}
	}
	return reports, err
}

func (o Options) readBenchmarks(ctx context.Context, by core.Actor, asked []core.Ranked) (map[core.Ranked]*string, error) {
	results := make([]core.Result, len(asked))
	for i, a := range asked {
		results[i] = core.Result{TestID: a.TestID, Score: a.Score}
	}
	sentences, err := o.Reports.Benchmarks(ctx, by, results)
	byScore := make(map[core.Ranked]*string, len(sentences))
	for i := range sentences {
		byScore[asked[i]] = &sentences[i]
	}
	return byScore, err
}

func (o Options) readEvents(ctx context.Context, by core.Actor, pages []firstOf) (map[firstOf]*model.EventConnection, error) {
	return firstPages(pages, func(ids []core.ID, each int) ([]core.Event, error) {
		return o.Events.OfAssessments(ctx, by, ids, each)
	}, func(e *core.Event) core.ID { return e.SubjectID }, model.SharedEvents)
}

func (o Options) readEntries(ctx context.Context, by core.Actor, pages []firstOf) (map[firstOf]*model.SyncEntryConnection, error) {
	return firstPages(pages, func(ids []core.ID, each int) ([]core.SyncEntry, error) {
		return o.SyncLog.Of(ctx, by, ids, each)
	}, func(e *core.SyncEntry) core.ID { return e.AssessmentID }, model.SharedSyncEntries)
}

func (o Options) readPushes(ctx context.Context, by core.Actor, pages []firstOf) (map[firstOf]*model.PushConnection, error) {
	return firstPages(pages, func(ids []core.ID, each int) ([]core.Push, error) {
		return o.Pushes.Of(ctx, by, ids, each)
	}, func(p *core.Push) core.ID { return p.AssessmentID }, model.SharedPushes)
}

// firstPages reads first pages, those of one size with one statement. One item
// more than a page has tells whether there are more.
func firstPages[C, P any](pages []firstOf, read func(ids []core.ID, each int) ([]C, error), owner func(*C) core.ID, page func(*core.Paged[C], *model.Batch[C]) *P) (map[firstOf]*P, error) {
	bySize := map[int][]core.ID{}
	for _, p := range pages {
		bySize[p.size] = append(bySize[p.size], p.of)
	}
	found := make(map[firstOf]*P, len(pages))
	for _, size := range slices.Sorted(maps.Keys(bySize)) {
		items, err := read(bySize[size], size+1)
		if err != nil {
			return nil, err
		}
		owned, batch := map[core.ID][]C{}, &model.Batch[C]{}
		for i := range items {
			id := owner(&items[i])
			owned[id] = append(owned[id], items[i])
			batch.Items = append(batch.Items, &items[i])
		}
		for _, id := range bySize[size] {
			all := owned[id]
			found[firstOf{id, size}] = page(&core.Paged[C]{Items: all[:min(size, len(all))], HasNext: len(all) > size}, batch)
		}
	}
	return found, nil
}
