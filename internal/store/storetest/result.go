package storetest

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/internal/store"
)

func testResult(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	a := f.newAssessment(t, nil)
	r := f.newResult(t, a, 1, 8250)
	same(t, "latest", r, found[*core.Result](t)(db.LatestResult(t.Context(), f.org, a.ID)))
}

func testResultRevisions(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	a, b := f.newAssessment(t, nil), f.newAssessment(t, nil)
	first := f.newResult(t, a, 1, 10)
	ofB := f.newResult(t, b, 1, 20)
	second := f.newResult(t, a, 2, 30)
	same(t, "latest", second, found[*core.Result](t)(db.LatestResult(t.Context(), f.org, a.ID)))
	same(t, "the first", first, found[*core.Result](t)(db.Result(t.Context(), f.org, a.ID, 1)))
	same(t, "the second", second, found[*core.Result](t)(db.Result(t.Context(), f.org, a.ID, 2)))
	_, err := db.Result(t.Context(), f.org, a.ID, 3)
	expectCode(t, "one that is not there yet", err, fault.NotFound)
	whole := found[[]core.Result](t)(db.LatestResults(t.Context(), f.org, core.Sight{}, []core.ID{a.ID}, true))
	same(t, "latest, with its report", []core.Result{*second}, whole)

	got := found[[]core.Result](t)(db.LatestResults(t.Context(), f.org, core.Sight{}, []core.ID{a.ID, b.ID, "asm_none"}, false))
	second.Report, ofB.Report = core.Report{}, core.Report{}
	byID := cmpopts.SortSlices(func(x, y core.Result) bool { return x.ID < y.ID })
	if diff := cmp.Diff([]core.Result{*ofB, *second}, got, byID); diff != "" {
		t.Errorf("latest of both, without reports (-want +got):\n%s", diff)
	}
	if none := found[[]core.Result](t)(db.LatestResults(t.Context(), f.org, core.Sight{}, nil, false)); len(none) != 0 {
		t.Errorf("of nothing: %v", none)
	}

	again := *second
	again.ID = core.NewID(core.PrefixResult)
	err = db.Atomically(t.Context(), func(tx core.Tx) error { return tx.InsertResult(t.Context(), &again) })
	expectCode(t, "the revision again", err, fault.Conflict)
	same(t, "still latest", 2, found[*core.Result](t)(db.LatestResult(t.Context(), f.org, a.ID)).Revision)
}

func testStanding(t *testing.T, db *store.DB) {
	f, other := newFixture(t, db), newFixture(t, db)
	for _, score := range []core.Score{1000, 5000, 5000} {
		f.newResult(t, f.newAssessment(t, nil), 1, score)
	}
	revised := f.newAssessment(t, nil)
	f.newResult(t, revised, 1, 100)
	f.newResult(t, revised, 2, 9000) // the first no longer counts
	another := f.newTest(t)
	f.newResult(t, f.newAssessment(t, func(a *core.Assessment) { a.TestID = another.ID }), 1, 100)
	other.newResult(t, other.newAssessment(t, nil), 1, 100)

	for score, want := range map[core.Score]core.Standing{
		1000: {Count: 4, Below: 0}, 5000: {Count: 4, Below: 1}, 9000: {Count: 4, Below: 3}, 10000: {Count: 4, Below: 4},
	} {
		same(t, score.String(), want, found[core.Standing](t)(db.Standing(t.Context(), f.org, f.test.ID, score)))
	}
	asked := []core.Ranked{
		{TestID: f.test.ID, Score: 9000},
		{TestID: "tst_none", Score: 1},
		{TestID: another.ID, Score: 101},
		{TestID: f.test.ID, Score: 1000},
		{TestID: f.test.ID, Score: 9000},
		{TestID: other.test.ID, Score: 200},
	}
	want := []core.Standing{{Count: 4, Below: 3}, {}, {Count: 1, Below: 1}, {Count: 4}, {Count: 4, Below: 3}, {}}
	same(t, "several", want, found[[]core.Standing](t)(db.Standings(t.Context(), f.org, asked)))
	same(t, "of none", 0, len(found[[]core.Standing](t)(db.Standings(t.Context(), f.org, nil))))
	same(t, "no results", core.Standing{}, found[core.Standing](t)(db.Standing(t.Context(), f.org, "tst_none", 1)))
}
