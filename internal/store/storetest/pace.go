package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/internal/store"
)

func (f *fixture) window(scope string) *core.RateWindow {
	w := filled[core.RateWindow]()
	w.OrganizationID, w.ConnectionID, w.Scope = f.org, f.connection.ID, scope
	return w
}

func (f *fixture) newWindow(t testing.TB, scope string) *core.RateWindow {
	t.Helper()
	w := f.window(scope)
	change(t, f.db, func(ctx context.Context, tx core.Tx) error {
		same(t, "fresh", w, found[*core.RateWindow](t)(tx.LockRateWindow(ctx, w)))
		return nil
	})
	return w
}

func testRateWindow(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	read := func(scope string) *core.RateWindow {
		return found[*core.RateWindow](t)(db.RateWindow(t.Context(), f.org, f.connection.ID, scope))
	}
	api, token := f.newWindow(t, "api"), f.newWindow(t, "token")
	same(t, "window", api, read("api"))
	changed := *api
	changed.Limit, changed.Length, changed.Spent, changed.Announced = 1, 2*time.Second, 3, false
	changed.ResetsAt, changed.ClosedUntil = moment(4), time.Time{}
	change(t, db, func(ctx context.Context, tx core.Tx) error {
		same(t, "not fresh", api, found[*core.RateWindow](t)(tx.LockRateWindow(ctx, f.window("api"))))
		return tx.UpdateRateWindow(ctx, &changed)
	})
	same(t, "changed", &changed, read("api"))
	same(t, "another", token, read("token"))
	foreign := f.window("api")
	foreign.OrganizationID = newFixture(t, db).org
	err := db.Atomically(t.Context(), func(tx core.Tx) error {
		_, err := tx.LockRateWindow(t.Context(), foreign)
		return err
	})
	expectCode(t, "another organization's", err, fault.NotFound)
}

func testRateClaims(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	claim := func(scope string, cost, until int) *core.RateClaim {
		c := &core.RateClaim{ID: core.NewID(core.PrefixRateClaim), ConnectionID: f.connection.ID, Scope: scope, Cost: cost, ExpiresAt: moment(until)}
		change(t, db, func(ctx context.Context, tx core.Tx) error { return tx.InsertRateClaim(ctx, c) })
		return c
	}
	claimed := func(scope string, now int) (sum int) {
		change(t, db, func(ctx context.Context, tx core.Tx) (err error) {
			sum, err = tx.ClaimedRequests(ctx, f.connection.ID, scope, moment(now))
			return err
		})
		return sum
	}
	same(t, "none", 0, claimed("api", 0))
	long := claim("api", 100, 20)
	claim("api", 10, 10)
	claim("token", 1, 20)
	same(t, "both", 110, claimed("api", 9))
	same(t, "one has ended", 100, claimed("api", 10))
	same(t, "it is forgotten", 100, claimed("api", 0))
	change(t, db, func(ctx context.Context, tx core.Tx) error { return tx.DeleteRateClaim(ctx, long.ID) })
	same(t, "settled", 0, claimed("api", 0))
	same(t, "another scope", 1, claimed("token", 0))
}
