package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/internal/store"
)

func testEventTimeline(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	first, second := f.newEvent(t, "asm_1"), f.newEvent(t, "asm_1")
	f.newEvent(t, "asm_2")
	same(t, "timeline", []core.Event{*first, *second}, found[[]core.Event](t)(db.EventsOf(t.Context(), f.org, "asm_1")))
	if got := found[[]core.Event](t)(db.EventsOf(t.Context(), f.org, "asm_3")); len(got) != 0 {
		t.Errorf("of nothing: %v", got)
	}
}

func testEventsOfSubjects(t *testing.T, db *store.DB) {
	f, other := newFixture(t, db), newFixture(t, db)
	a1, b1, a2 := f.newEvent(t, "asm_a"), f.newEvent(t, "asm_b"), f.newEvent(t, "asm_a")
	f.newEvent(t, "asm_c")
	other.newEvent(t, "asm_a")
	a3, b2 := f.newEvent(t, "asm_a"), f.newEvent(t, "asm_b")
	of := func(each int, subjects ...core.ID) []core.Event {
		return found[[]core.Event](t)(db.EventsOfSubjects(t.Context(), f.org, subjects, each))
	}
	same(t, "the oldest two of each", []core.Event{*a1, *b1, *a2, *b2}, of(2, "asm_a", "asm_b", "asm_none"))
	same(t, "all of one", []core.Event{*a1, *a2, *a3}, of(100, "asm_a"))
	same(t, "of none", 0, len(of(100)))
}

func testEventFilter(t *testing.T, db *store.DB) {
	f, other := newFixture(t, db), newFixture(t, db)
	types := []core.EventType{core.EventTokenRevoked, core.EventSessionEnded, core.EventTestCreated}
	var events []core.Event
	for i, subject := range []core.ID{"tok_1", "ses_1", "tst_1", "tok_1"} {
		of := f
		if i == 3 {
			of = other
		}
		e := of.event(subject)
		e.Type = types[i%3]
		change(t, db, func(ctx context.Context, tx core.Tx) error { return tx.AppendEvent(ctx, e) })
		e.Position = int64(i + 1)
		events = append(events, *e)
	}
	number(t, db, 10)
	after := func(org core.ID, filter core.EventFilter, position int64, limit int) []core.Event {
		return found[[]core.Event](t)(db.EventsAfter(t.Context(), org, filter, position, limit))
	}
	ends := core.EventFilter{Types: types[:2]}
	same(t, "of types", events[:2], after(f.org, ends, 0, 10))
	same(t, "of all organizations", []core.Event{events[0], events[1], events[3]}, after("", ends, 0, 10))
	same(t, "the next", []core.Event{events[1]}, after("", ends, 1, 1))
	same(t, "about one", events[2:3], after(f.org, core.EventFilter{Subject: "tst_1"}, 0, 10))
	same(t, "of one type about another", []core.Event{}, after(f.org, core.EventFilter{Types: types[:1], Subject: "tst_1"}, 0, 10))
	change(t, db, func(ctx context.Context, tx core.Tx) error {
		same(t, "last within a transaction", int64(4), found[int64](t)(tx.LastPosition(ctx)))
		return nil
	})
}

func number(t testing.TB, db *store.DB, limit int) (int64, int) {
	t.Helper()
	last, n, err := db.NumberEvents(context.WithoutCancel(t.Context()), limit)
	if err != nil {
		t.Error(err)
	}
	return last, n
}

func testEventPositions(t *testing.T, db *store.DB) {
	f, other := newFixture(t, db), newFixture(t, db)
	after := func(org core.ID, position int64, limit int) []core.Event {
		return found[[]core.Event](t)(db.EventsAfter(t.Context(), org, core.EventFilter{}, position, limit))
	}
	same(t, "last of none", int64(0), found[int64](t)(db.LastPosition(t.Context())))
	a, b := f.newEvent(t, "asm_1"), other.newEvent(t, "asm_2")
	c, d := f.newEvent(t, "asm_1"), f.newEvent(t, "asm_3")
	same(t, "not numbered", 0, len(after(f.org, 0, 10)))

	last, n := number(t, db, 3)
	same(t, "first three", []int64{3, 3}, []int64{last, int64(n)})
	last, n = number(t, db, 10)
	same(t, "the rest", []int64{4, 1}, []int64{last, int64(n)})
	last, n = number(t, db, 10)
	same(t, "nothing more", []int64{4, 0}, []int64{last, int64(n)})
	same(t, "last", int64(4), found[int64](t)(db.LastPosition(t.Context())))

	a.Position, b.Position, c.Position, d.Position = 1, 2, 3, 4
	same(t, "all", []core.Event{*a, *c, *d}, after(f.org, 0, 10))
	same(t, "the other's", []core.Event{*b}, after(other.org, 0, 10))
	same(t, "after", []core.Event{*d}, after(f.org, 3, 10))
	same(t, "limited", []core.Event{*a, *c}, after(f.org, 0, 2))
}

// testNoEventIsSkipped lets writers commit late and in any order, two
// sequencers number, and a reader follow with a cursor.
func testNoEventIsSkipped(t *testing.T, db *store.DB) {
	const writers, each = 16, 12
	f := newFixture(t, db)
	written := make(chan struct{})
	var sequencers sync.WaitGroup
	for range 2 {
		sequencers.Go(func() { numberUntil(t, db, written) })
	}
	seen := make(chan []core.Event)
	go func() { seen <- follow(t, db, f.org, writers*each) }()

	inParallel(t, writers, func(w int) error { return writeInterleaved(t.Context(), db, f, w, each) })
	close(written)
	sequencers.Wait()

	events := <-seen
	distinct := map[core.ID]bool{}
	for i, e := range events {
		distinct[e.ID] = true
		same(t, "position", int64(i+1), e.Position)
	}
	same(t, "events seen", writers*each, len(distinct))
}

// writeInterleaved makes ids first and commits them in another order.
func writeInterleaved(ctx context.Context, db *store.DB, f *fixture, writer, n int) error {
	events := make([]*core.Event, n)
	for i := range events {
		events[i] = f.event(core.ID(fmt.Sprintf("asm_%d", writer)))
	}
	for _, i := range rand.Perm(n) { //nolint:gosec // any order will do
		if err := db.Atomically(ctx, func(tx core.Tx) error { return tx.AppendEvent(ctx, events[i]) }); err != nil {
			return err
		}
	}
	return nil
}

// numberUntil numbers events until all were written and numbered.
func numberUntil(t testing.TB, db *store.DB, written <-chan struct{}) {
	for {
		over := false
		select {
		case <-written:
			over = true
		default:
		}
		if _, n := number(t, db, 5); t.Failed() || (n == 0 && over) {
			return
		}
	}
}

// follow reads with a cursor until it has n events.
func follow(t testing.TB, db *store.DB, org core.ID, n int) []core.Event {
	var events []core.Event
	var cursor int64
	for len(events) < n && !t.Failed() {
		more, err := db.EventsAfter(t.Context(), org, core.EventFilter{}, cursor, 7)
		if err != nil {
			t.Error(err)
		}
		for _, e := range more {
			events, cursor = append(events, e), e.Position
		}
	}
	return events
}

func testOnCommit(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	calls := 0
	db.OnCommit(func() {
		calls++
		// No transaction is open: on SQLite this would deadlock otherwise.
		number(t, db, 10)
	})
	f.newTest(t)
	same(t, "without events", 0, calls)
	refused := errors.New("no")
	err := db.Atomically(t.Context(), func(tx core.Tx) error {
		return errors.Join(tx.AppendEvent(t.Context(), f.event("asm_1")), refused)
	})
	if !errors.Is(err, refused) || calls != 0 {
		t.Errorf("after a rollback: %d calls, %v", calls, err)
	}
	f.newEvent(t, "asm_1")
	same(t, "with an event", 1, calls)
}
