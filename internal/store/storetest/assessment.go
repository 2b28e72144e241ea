package storetest

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/internal/store"
)

func testAssessment(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	a := f.newAssessment(t, nil)
	same(t, "by id", a, found[*core.Assessment](t)(db.Assessment(t.Context(), f.org, a.ID)))
	same(t, "by link", a, found[*core.Assessment](t)(db.AssessmentByLink(t.Context(), a.ID)))
	same(t, "by ids", []core.Assessment{*a}, found[[]core.Assessment](t)(db.AssessmentsByID(t.Context(), f.org, core.Sight{}, []core.ID{a.ID, "asm_none"})))
	same(t, "of no ids", 0, len(found[[]core.Assessment](t)(db.AssessmentsByID(t.Context(), f.org, core.Sight{}, nil))))
	same(t, "by order", a, found[*core.Assessment](t)(db.AssessmentByOrder(t.Context(), f.connection.ID, a.OrderKey)))
	bare := &core.Assessment{
		ID: core.NewID(core.PrefixAssessment), OrganizationID: f.org, TestID: f.test.ID, CandidateID: f.candidate.ID,
		Status: core.StatusOrdered, Delivery: core.DeliveryNone,
	}
	change(t, db, func(ctx context.Context, tx core.Tx) error {
		_, err := tx.InsertAssessment(ctx, bare)
		return err
	})
	same(t, "zero values", bare, found[*core.Assessment](t)(db.Assessment(t.Context(), f.org, bare.ID)))
}

func testAssessmentUpdate(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	bystander := f.newAssessment(t, nil)
	a := f.newAssessment(t, func(a *core.Assessment) {
		*a = core.Assessment{
			ID: a.ID, OrganizationID: a.OrganizationID, TestID: a.TestID, CandidateID: a.CandidateID,
			ConnectionID: a.ConnectionID, OrderKey: a.OrderKey, Order: ats.Order{CallbackURL: "https://example.com/1"}, OrderedBy: "ada@example.com",
		}
	})
	changed := f.assessment()
	changed.ID, changed.OrderKey, changed.Order, changed.OrderedBy = a.ID, a.OrderKey, a.Order, a.OrderedBy
	change(t, db, func(ctx context.Context, tx core.Tx) error { return tx.UpdateAssessment(ctx, changed) })
	same(t, "changed", changed, found[*core.Assessment](t)(db.Assessment(t.Context(), f.org, a.ID)))
	same(t, "another", bystander, found[*core.Assessment](t)(db.Assessment(t.Context(), f.org, bystander.ID)))
}

func testAssessmentOrderKey(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	first := f.newAssessment(t, nil)
	again := f.assessment()
	again.OrderKey = first.OrderKey
	change(t, db, func(ctx context.Context, tx core.Tx) error {
		fresh, err := tx.InsertAssessment(ctx, again)
		same(t, "fresh", false, fresh)
		return err
	})
	_, err := db.Assessment(t.Context(), f.org, again.ID)
	expectCode(t, "the repeat", err, fault.NotFound)

	elsewhere := f.newConnection(t, nil)
	f.newAssessment(t, func(a *core.Assessment) { a.ConnectionID, a.OrderKey = elsewhere.ID, first.OrderKey })
	for range 2 { // our own API has no order keys
		f.newAssessment(t, func(a *core.Assessment) { a.ConnectionID, a.OrderKey = "", "" })
	}
	_, err = db.AssessmentByOrder(t.Context(), "", "")
	expectCode(t, "by no order", err, fault.NotFound)
}

func testAssessmentFilters(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	test, person, connection := f.newTest(t), f.newCandidate(t), f.newConnection(t, nil)
	plain := func(a *core.Assessment) {
		a.Status, a.Delivery, a.JobID, a.OrderedAt = core.StatusOrdered, core.DeliveryNone, "", time.Time{}
	}
	ids := make([]core.ID, 9)
	for i, edit := range []func(a *core.Assessment){
		func(*core.Assessment) {},
		func(a *core.Assessment) { a.Status = core.StatusScored },
		func(a *core.Assessment) { a.Delivery = core.DeliveryFailed },
		func(a *core.Assessment) { a.TestID = test.ID },
		func(a *core.Assessment) { a.CandidateID = person.ID },
		func(a *core.Assessment) { a.ConnectionID = connection.ID },
		func(a *core.Assessment) { a.JobID = "job_1" },
		func(a *core.Assessment) { a.OrderedAt = moment(5) },
		func(a *core.Assessment) { a.OrderedAt = moment(6) },
	} {
		ids[i] = f.newAssessment(t, func(a *core.Assessment) { plain(a); edit(a) }).ID
	}
	newestFirst := slices.Clone(ids)
	slices.Reverse(newestFirst)
	for _, c := range []struct {
		filter core.AssessmentFilter
		want   []core.ID
	}{
		{core.AssessmentFilter{}, newestFirst},
		{core.AssessmentFilter{Statuses: []core.Status{core.StatusScored}}, []core.ID{ids[1]}},
		{core.AssessmentFilter{Statuses: []core.Status{core.StatusScored, core.StatusOrdered}}, newestFirst},
		{core.AssessmentFilter{Deliveries: []core.DeliveryState{core.DeliveryFailed, core.DeliveryPending}}, []core.ID{ids[2]}},
		{core.AssessmentFilter{TestID: test.ID}, []core.ID{ids[3]}},
		{core.AssessmentFilter{CandidateID: person.ID}, []core.ID{ids[4]}},
		{core.AssessmentFilter{ConnectionID: connection.ID}, []core.ID{ids[5]}},
		{core.AssessmentFilter{TestID: test.ID, CandidateID: person.ID}, []core.ID{}},
		{core.AssessmentFilter{JobID: "job_1"}, []core.ID{ids[6]}},
		{core.AssessmentFilter{JobID: "job_1", Sight: limited("job_1", "job_2")}, []core.ID{ids[6]}},
		{core.AssessmentFilter{JobID: "job_1", Sight: limited("job_2")}, []core.ID{}},
		{core.AssessmentFilter{OrderedFrom: moment(5)}, []core.ID{ids[8], ids[7]}},
		{core.AssessmentFilter{OrderedFrom: moment(6)}, []core.ID{ids[8]}},
		{core.AssessmentFilter{OrderedUntil: moment(6)}, []core.ID{ids[7]}},
		{core.AssessmentFilter{OrderedFrom: moment(5), OrderedUntil: moment(5)}, []core.ID{}},
	} {
		same(t, "filtered", c.want, f.listed(t, c.filter))
	}
}

// listed returns the ids of the first page, newest first.
func (f *fixture) listed(t testing.TB, filter core.AssessmentFilter) []core.ID {
	t.Helper()
	page := found[*core.Paged[core.Assessment]](t)(f.db.Assessments(t.Context(), f.org, filter, core.AssessmentSort{}, core.Page{}))
	ids := make([]core.ID, len(page.Items))
	for i, a := range page.Items {
		ids[i] = a.ID
	}
	return ids
}

func testAssessmentsByScore(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	none, low, high := f.newAssessment(t, nil), f.newAssessment(t, nil), f.newAssessment(t, nil)
	f.newResult(t, low, 1, 9000) // a revision before, which does not count
	f.newResult(t, low, 2, 0)
	f.newResult(t, high, 1, 10000)
	change(t, db, func(ctx context.Context, tx core.Tx) error { return tx.UpdateAssessment(ctx, low) }) // which must not forget it
	between := func(from, to core.Score) []core.ID {
		return f.listed(t, core.AssessmentFilter{MinScore: &from, MaxScore: &to})
	}
	same(t, "all scores", []core.ID{high.ID, low.ID}, between(0, 10000))
	same(t, "the lowest", []core.ID{low.ID}, between(0, 0))
	same(t, "the highest", []core.ID{high.ID}, between(9999, 10000))
	same(t, "none between", []core.ID{}, between(1, 9999))
	half := core.Score(5000)
	same(t, "at least", []core.ID{high.ID}, f.listed(t, core.AssessmentFilter{MinScore: &half}))
	same(t, "at most", []core.ID{low.ID}, f.listed(t, core.AssessmentFilter{MaxScore: &half}))
	same(t, "any", []core.ID{high.ID, low.ID, none.ID}, f.listed(t, core.AssessmentFilter{}))
}

func testConcurrentOrders(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	var fresh atomic.Int32
	inParallel(t, 50, func(int) error {
		a := f.assessment()
		a.OrderKey = "the same"
		return db.Atomically(t.Context(), func(tx core.Tx) error {
			kept, err := tx.InsertAssessment(t.Context(), a)
			if kept {
				fresh.Add(1)
			}
			return err
		})
	})
	same(t, "fresh", int32(1), fresh.Load())
	page := found[*core.Paged[core.Assessment]](t)(db.Assessments(t.Context(), f.org, core.AssessmentFilter{}, core.AssessmentSort{}, core.Page{}))
	same(t, "kept", 1, len(page.Items))
}

// testLockExcludes loses an update unless each waits for the one before.
func testLockExcludes(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	a := f.newAssessment(t, func(a *core.Assessment) { a.DeliveredRev = 0 })
	const n = 20
	inParallel(t, n, func(int) error {
		return db.Atomically(t.Context(), func(tx core.Tx) error {
			locked, err := tx.LockAssessment(t.Context(), f.org, a.ID)
			if err != nil {
				return err
			}
			locked.DeliveredRev++
			return tx.UpdateAssessment(t.Context(), locked)
		})
	})
	same(t, "updates", n, found[*core.Assessment](t)(db.Assessment(t.Context(), f.org, a.ID)).DeliveredRev)
}

// testReadersDoNotWait would hang if a reader waited for the writer.
func testReadersDoNotWait(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	a := f.newAssessment(t, func(a *core.Assessment) { a.DeliveredRev = 1 })
	change(t, db, func(ctx context.Context, tx core.Tx) error {
		locked, err := tx.LockAssessment(ctx, f.org, a.ID)
		if err != nil {
			return err
		}
		locked.DeliveredRev = 2
		if err := tx.UpdateAssessment(ctx, locked); err != nil {
			return err
		}
		same(t, "from outside", a, found[*core.Assessment](t)(db.Assessment(ctx, f.org, a.ID)))
		return nil
	})
}

// inParallel runs f n times at the same moment and fails on any error.
func inParallel(t testing.TB, n int, f func(i int) error) {
	t.Helper()
	var wg sync.WaitGroup
	begin := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-begin
			if err := f(i); err != nil {
				t.Error(err)
			}
		})
	}
	close(begin)
	wg.Wait()
}
