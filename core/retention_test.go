package core_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/internal/store"
	"github.com/trellis-ats/trellis/internal/store/storetest"
)

func (w *world) retention(atOnce int) *core.Retention {
	return core.NewRetention(core.RetentionOptions{
		Store: w.store, Clock: w.clock, Log: slog.New(slog.DiscardHandler), AtOnce: atOnce,
		Keep: map[core.Retained]time.Duration{core.RetainExchanges: 90 * day, core.RetainSyncLog: 400 * day, core.RetainEvents: 400 * day},
	})
}

func (w *world) events() []core.Event {
	w.t.Helper()
	found, err := w.store.EventsAfter(w.t.Context(), w.admin.OrganizationID, core.EventFilter{}, 0, 1000)
	w.ok(err)
	return found
}

func (w *world) purged() []string {
	w.t.Helper()
	found, err := w.store.AuditLog(w.t.Context(), w.admin.OrganizationID, core.AuditFilter{Actions: []core.EventType{core.EventPurged}}, core.Page{First: 100})
	w.ok(err)
	told := []string{}
	for _, e := range found.Items {
		told = append(told, string(e.After))
	}
	return told
}

func TestRetention(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorldOn(t, db)
		run := func() error { return w.retention(0).Run(t.Context(), core.Task{}, core.Attempt{}) }
		a := w.order("1")
		_, err := w.complete(a, 80)
		w.ok(err)
		numberEvents(t, db)
		before := w.events()

		w.ok(run())
		if len(w.events()) != len(before) || len(w.purged()) > 0 {
			t.Fatal("what is young was deleted")
		}
		w.clock.Turn(401 * day)
		w.ok(run())
		w.ok(run())
		numberEvents(t, db)
		left := w.events()
		if len(left) != 1 || left[0].Type != core.EventPurged {
			t.Errorf("the events left: %+v", left)
		}
		if told := w.purged(); len(told) != 1 {
			t.Errorf("the audit log tells %v", told)
		}
		if got := w.get(a); got.Status != core.StatusScored {
			t.Errorf("the assessment: %+v", got)
		}
		feed := core.NewFeed(db)
		w.refused(feed.Resume(t.Context(), before[0].Position), fault.Invalid)
		w.ok(feed.Resume(t.Context(), before[len(before)-1].Position))
	})
}

// TestRetentionErasesPeople of whom nothing happened for long, in parts, and
// keeps the others.
func TestRetentionErasesPeople(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	keep := map[core.Retained]time.Duration{core.RetainCandidates: 700 * day}
	r := core.NewRetention(core.RetentionOptions{Store: w.store, Clock: w.clock, Log: slog.New(slog.DiscardHandler), AtOnce: 1, Keep: keep})
	var old []core.ID
	for i := range 3 {
		a, err := w.assessments.Create(t.Context(), w.admin, core.NewOrder{
			TestID: w.test.ID, Candidate: core.Candidate{FirstName: "Old", LastName: "Example", Email: fmt.Sprintf("old%d@example.com", i)},
		}, core.Key{})
		w.ok(err)
		old = append(old, a.ID)
	}
	w.clock.Turn(600 * day)
	young := w.order("1")
	w.ok(r.Run(t.Context(), core.Task{}, core.Attempt{}))
	if !w.get(old[0]).ErasedAt.IsZero() {
		t.Error("somebody was erased too early")
	}
	w.clock.Turn(101 * day)
	w.ok(r.Run(t.Context(), core.Task{}, core.Attempt{}))
	for _, a := range old {
		if got := w.get(a); got.ErasedAt.IsZero() {
			t.Errorf("not erased: %+v", got)
		}
	}
	if !w.get(young).ErasedAt.IsZero() {
		t.Error("somebody of whom something happened was erased")
	}
	done, err := w.store.Erasures(t.Context(), w.admin.OrganizationID, core.Page{First: 10})
	w.ok(err)
	if len(done.Items) != 3 || done.Items[0].Cause != "retention" {
		t.Errorf("the record: %+v", done.Items)
	}
}

// TestRetentionInParts postpones what is too much for one run and goes on there.
func TestRetentionInParts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 50 {
		w.order(string(core.NewID(core.PrefixEvent)))
	}
	numberEvents(t, w.store)
	all := len(w.events())
	w.clock.Turn(401 * day)
	runs, postponed := 0, &core.Postponed{}
	for err := error(postponed); errors.As(err, &postponed); runs++ {
		err = w.retention(1).Run(t.Context(), core.Task{}, core.Attempt{})
	}
	if told := w.purged(); runs < 2 || len(told) != all || told[0] != `{"events":1}` {
		t.Errorf("of %d events: %v in %d runs", all, told, runs)
	}
}

func numberEvents(t *testing.T, db *store.DB) {
	t.Helper()
	if _, _, err := db.NumberEvents(t.Context(), 10_000); err != nil {
		t.Fatal(err)
	}
}

// meanwhile does something after idle people were read.
type meanwhile struct {
	core.Store
	do func()
}

func (m *meanwhile) IdleCandidates(ctx context.Context, organization core.ID, before time.Time, limit int) ([]core.ID, error) {
	ids, err := m.Store.IdleCandidates(ctx, organization, before, limit)
	if do := m.do; len(ids) > 0 && do != nil {
		m.do = nil
		do()
	}
	return ids, err
}

// Somebody who is sent a new test while retention works stays.
func TestRetentionLooksAgain(t *testing.T) {
	t.Parallel()
	w := newHookWorld(t)
	w.place("17", "100")
	w.clock.Turn(500 * day)
	var again core.ID
	r := core.NewRetention(core.RetentionOptions{
		Store: &meanwhile{Store: w.store, do: func() { again = w.place("17", "101") }}, Clock: w.clock, Log: slog.New(slog.DiscardHandler),
		Keep: map[core.Retained]time.Duration{core.RetainCandidates: 400 * day},
	})
	w.ok(r.Run(t.Context(), core.Task{}, core.Attempt{}))
	if a := w.get(again); !a.ErasedAt.IsZero() {
		t.Errorf("ordered a moment ago: %s, erased", a.Status)
	}
}
