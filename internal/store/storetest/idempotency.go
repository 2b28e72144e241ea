package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/internal/store"
)

// now is the time of the tests of outcomes.
func now() time.Time { return moment(0) }

func (f *fixture) claim(key string) *core.KeptOutcome {
	return &core.KeptOutcome{
		OrganizationID: f.org, Principal: "ada@example.com", Key: key, Operation: "createTest",
		Digest: "d1", ExpiresAt: now().Add(time.Hour),
	}
}

// keep claims and keeps, or returns what was kept before.
func keep(t testing.TB, db *store.DB, o *core.KeptOutcome, at time.Time) *core.KeptOutcome {
	t.Helper()
	var first *core.KeptOutcome
	change(t, db, func(ctx context.Context, tx core.Tx) error {
		var err error
		if first, err = tx.ClaimKey(ctx, o, at); err != nil || first != nil {
			return err
		}
		return tx.KeepOutcome(ctx, o)
	})
	return first
}

func testOutcome(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	o := f.claim("k\x01ey")
	o.Outcome = []byte("{\x00\xff}")
	none := (*core.KeptOutcome)(nil)
	same(t, "the first", none, keep(t, db, o, now()))
	repeat := f.claim(o.Key)
	repeat.Operation, repeat.Digest, repeat.ExpiresAt = "another", "d2", now().Add(48*time.Hour)
	same(t, "a repeat", o, keep(t, db, repeat, now()))
	same(t, "at the last moment", o, keep(t, db, repeat, o.ExpiresAt.Add(-time.Microsecond)))

	other := newFixture(t, db)
	for name, free := range map[string]*core.KeptOutcome{
		"another's":               {OrganizationID: f.org, Principal: "eve@example.com", Key: o.Key, ExpiresAt: o.ExpiresAt},
		"of the system":           {OrganizationID: f.org, Key: o.Key, ExpiresAt: o.ExpiresAt},
		"of another organization": {OrganizationID: other.org, Principal: o.Principal, Key: o.Key, ExpiresAt: o.ExpiresAt},
		"in another case":         {OrganizationID: f.org, Principal: o.Principal, Key: "K\x01EY", ExpiresAt: o.ExpiresAt},
	} {
		same(t, name, none, keep(t, db, free, now()))
	}

	repeat.Outcome = []byte("new")
	same(t, "after the end", none, keep(t, db, repeat, o.ExpiresAt))
	same(t, "the new one", repeat, keep(t, db, o, o.ExpiresAt))
}

func testOutcomeOfRollback(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	refused := errors.New("no")
	for range 2 {
		err := db.Atomically(t.Context(), func(tx core.Tx) error {
			first, err := tx.ClaimKey(t.Context(), f.claim("key"), now())
			same(t, "kept", (*core.KeptOutcome)(nil), first)
			return errors.Join(err, tx.KeepOutcome(t.Context(), f.claim("key")), refused)
		})
		if !errors.Is(err, refused) {
			t.Fatal(err)
		}
	}
	err := db.Atomically(t.Context(), func(tx core.Tx) error { return tx.KeepOutcome(t.Context(), f.claim("key")) })
	expectCode(t, "kept without a claim", err, fault.NotFound)
}

// testConcurrentClaims lets all that come at once get what the first made.
// Every third that applies is refused, which frees the key for the next.
func testConcurrentClaims(t *testing.T, db *store.DB) {
	for name, start := range map[string]func(f *fixture){
		"fresh": func(*fixture) {},
		"expired": func(f *fixture) {
			old := f.claim("key")
			old.ExpiresAt = now()
			keep(t, db, old, now().Add(-time.Hour))
		},
	} {
		f := newFixture(t, db)
		start(f)
		var tried, applied, repeated atomic.Int32
		refused := errors.New("no")
		inParallel(t, 20, func(i int) error {
			err := db.Atomically(t.Context(), func(tx core.Tx) error {
				o := f.claim("key")
				first, err := tx.ClaimKey(t.Context(), o, now())
				if err != nil {
					return err
				}
				if first != nil {
					repeated.Add(1)
					same(t, "outcome", fmt.Sprint(applied.Load()), string(first.Outcome))
					return nil
				}
				if tried.Add(1) < 3 {
					return refused
				}
				o.Outcome = fmt.Append(nil, applied.Add(1))
				return errors.Join(tx.KeepOutcome(t.Context(), o), tx.ForgetOutcomes(t.Context(), now(), 100))
			})
			if errors.Is(err, refused) {
				return nil
			}
			return err
		})
		same(t, name+": tried, applied, repeated", []int32{3, 1, 17}, []int32{tried.Load(), applied.Load(), repeated.Load()})
	}
}

func testForgetOutcomes(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	for i := range 5 {
		o := f.claim(fmt.Sprint(i))
		o.ExpiresAt = now().Add(time.Duration(i) * time.Minute)
		keep(t, db, o, now().Add(-time.Hour))
	}
	forget := func(at time.Time, limit int) int {
		change(t, db, func(ctx context.Context, tx core.Tx) error { return tx.ForgetOutcomes(ctx, at, limit) })
		left := 0
		if err := db.SQL().QueryRowContext(t.Context(), "SELECT count(*) FROM outcomes").Scan(&left); err != nil {
			t.Fatal(err)
		}
		return left
	}
	same(t, "none expired", 5, forget(now().Add(-time.Second), 100))
	same(t, "at most two", 3, forget(now().Add(2*time.Minute), 2))
	same(t, "the expired", 2, forget(now().Add(2*time.Minute), 100))
	last := f.claim("4")
	if keep(t, db, last, now()) == nil {
		t.Error("one that has not expired was forgotten")
	}
}

// testForgettingDoesNotWait would hang if it waited for a row that another
// transaction has replaced.
func testForgettingDoesNotWait(t *testing.T, db *store.DB) {
	if db.SQLite() {
		return // its transactions exclude each other: there is no row to wait for
	}
	f := newFixture(t, db)
	for _, key := range []string{"a", "b"} {
		o := f.claim(key)
		o.ExpiresAt = now()
		keep(t, db, o, now().Add(-time.Hour))
	}
	change(t, db, func(ctx context.Context, tx core.Tx) error {
		if first, err := tx.ClaimKey(ctx, f.claim("a"), now()); err != nil || first != nil {
			t.Errorf("got %v, %v", first, err)
		}
		return db.Atomically(ctx, func(tx core.Tx) error { return tx.ForgetOutcomes(ctx, now(), 100) })
	})
}
