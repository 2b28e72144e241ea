package storetest

import (
	"context"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/internal/store"
)

// reading reads one page and gives its ids.
type reading func(p core.Page) (*core.Paged[core.ID], error)

func idsOf[T any](page *core.Paged[T], err error, id func(T) core.ID) (*core.Paged[core.ID], error) {
	if err != nil {
		return nil, err
	}
	ids := &core.Paged[core.ID]{HasNext: page.HasNext, HasPrevious: page.HasPrevious}
	for _, item := range page.Items {
		ids.Items = append(ids.Items, id(item))
	}
	return ids, nil
}

const pagedRows = 23

func testAssessmentPages(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	newestFirst := make([]core.ID, pagedRows)
	for i := range newestFirst {
		newestFirst[i] = f.newAssessment(t, nil).ID
	}
	slices.Reverse(newestFirst)
	checkPages(t, newestFirst, func(p core.Page) (*core.Paged[core.ID], error) {
		page, err := db.Assessments(t.Context(), f.org, core.AssessmentFilter{}, core.AssessmentSort{}, p)
		return idsOf(page, err, func(a core.Assessment) core.ID { return a.ID })
	})
}

func testTestPages(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	oldestFirst := []core.ID{f.test.ID}
	for len(oldestFirst) < pagedRows {
		oldestFirst = append(oldestFirst, f.newTest(t).ID)
	}
	checkPages(t, oldestFirst, func(p core.Page) (*core.Paged[core.ID], error) {
		page, err := db.Tests(t.Context(), f.org, core.TestFilter{}, p)
		return idsOf(page, err, func(x core.Test) core.ID { return x.ID })
	})
}

func testSyncLogPages(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	newestFirst := make([]core.ID, 60)
	change(t, db, func(ctx context.Context, tx core.Tx) error {
		for i := range newestFirst {
			e := &core.SyncEntry{ID: core.NewID(core.PrefixSyncEntry), OrganizationID: f.org}
			newestFirst[i] = e.ID
			if err := tx.InsertSyncEntry(ctx, e); err != nil {
				return err
			}
		}
		return nil
	})
	slices.Reverse(newestFirst)
	read := func(p core.Page) (*core.Paged[core.ID], error) {
		page, err := db.SyncLog(t.Context(), f.org, core.SyncFilter{}, p)
		return idsOf(page, err, func(e core.SyncEntry) core.ID { return e.ID })
	}
	checkPages(t, newestFirst, read)
	same(t, "a zero page", &core.Paged[core.ID]{Items: newestFirst[:50], HasNext: true}, found[*core.Paged[core.ID]](t)(read(core.Page{})))
}

// checkPages compares pages at random places with slices of the whole list.
func checkPages(t *testing.T, all []core.ID, read reading) {
	t.Helper()
	rapid.Check(t, func(t *rapid.T) { checkPage(t, all, read) })
	walkForward(t, all, read)
	walkBackward(t, all, read)
}

func checkPage(t *rapid.T, all []core.ID, read reading) {
	n := rapid.IntRange(1, len(all)+1).Draw(t, "n")
	at := rapid.IntRange(-1, len(all)-1).Draw(t, "cursor")
	if rapid.Bool().Draw(t, "backward") {
		checkBackward(t, all, read, n, at)
	} else {
		checkForward(t, all, read, n, at)
	}
}

func checkForward(t rapid.TB, all []core.ID, read reading, n, at int) {
	p, rest := core.Page{First: n}, all
	if at >= 0 {
		p.After, rest = all[at], all[at+1:]
	}
	samePage(t, read, p, &core.Paged[core.ID]{
		Items: rest[:min(n, len(rest))], HasNext: len(rest) > n, HasPrevious: at >= 0,
	})
}

func checkBackward(t rapid.TB, all []core.ID, read reading, n, at int) {
	p, rest := core.Page{Last: n}, all
	if at >= 0 {
		p.Before, rest = all[at], all[:at]
	}
	samePage(t, read, p, &core.Paged[core.ID]{
		Items: rest[max(0, len(rest)-n):], HasNext: at >= 0, HasPrevious: len(rest) > n,
	})
}

func samePage(t rapid.TB, read reading, p core.Page, want *core.Paged[core.ID]) {
	got, err := read(p)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(want.Items, got.Items) || want.HasNext != got.HasNext || want.HasPrevious != got.HasPrevious {
		t.Fatalf("%+v: got %+v, want %+v", p, got, want)
	}
}

func walkForward(t *testing.T, all []core.ID, read reading) {
	t.Helper()
	var walked []core.ID
	p := core.Page{First: 4}
	for more := true; more; {
		page := found[*core.Paged[core.ID]](t)(read(p))
		walked, more = append(walked, page.Items...), page.HasNext
		p.After = walked[len(walked)-1]
	}
	same(t, "forward", all, walked)
}

func walkBackward(t *testing.T, all []core.ID, read reading) {
	t.Helper()
	var walked []core.ID
	p := core.Page{Last: 4}
	for more := true; more; {
		page := found[*core.Paged[core.ID]](t)(read(p))
		walked, more = append(slices.Clone(page.Items), walked...), page.HasPrevious
		p.Before = walked[0]
	}
	same(t, "backward", all, walked)
}
