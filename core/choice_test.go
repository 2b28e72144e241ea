package core_test

import (
	"context"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/coretest"
)

// kept is what an ATS lists, as it was at the first asking until somebody asks afresh.
type kept struct {
	ats  *coretest.ATS
	err  error
	kept map[core.ChoiceQuery][]ats.ReferenceItem
}

func (k *kept) Choices(ctx context.Context, _ core.Actor, q core.ChoiceQuery) ([]ats.ReferenceItem, error) {
	if k.err != nil {
		return nil, k.err
	}
	fresh := q.Fresh
	q.Fresh = false
	if items, known := k.kept[q]; known && !fresh {
		return items, nil
	}
	page, err := k.ats.List(ctx, &ats.ReferenceQuery{Kind: q.Kind, Parent: q.Parent})
	if err != nil {
		return nil, err
	}
	k.kept[q] = page.Items
	return page.Items, nil
}

// listed gives the world an ATS whose lists are kept.
func listed(w *world) *kept {
	w.t.Helper()
	k := &kept{ats: coretest.NewATS(w.clock), kept: map[core.ChoiceQuery][]ats.ReferenceItem{}}
	w.adapters.Whole = k.ats
	return k
}

// newJob adds a job of the organization.
func (w *world) newJob(name string) core.ID {
	w.t.Helper()
	j, err := w.jobs.Create(w.t.Context(), w.admin, core.Job{Name: name}, core.Key{})
	w.ok(err)
	return j.ID
}
