package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/internal/store"
)

func testConnection(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	second := f.newConnection(t, nil)
	same(t, "connection", second, found[*core.Connection](t)(db.Connection(t.Context(), f.org, second.ID)))
	same(t, "all", []core.Connection{*f.connection, *second}, found[[]core.Connection](t)(db.Connections(t.Context(), f.org)))
	some := found[[]core.Connection](t)(db.ConnectionsByID(t.Context(), f.org, []core.ID{second.ID, "con_none"}))
	same(t, "by id", []core.Connection{*second}, some)
}

func testConnectionUpdate(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	bystander := f.newConnection(t, nil)
	changed := *f.connection
	changed.Name, changed.Disabled, changed.Settings = "new", false, map[string]string{"api_host": "https://example.com"}
	changed.Health = core.Health{
		Status: core.HealthFailing, Message: "nul \x00",
		CheckedAt: time.Date(2026, 3, 1, 12, 0, 0, 1234, time.FixedZone("", 3600)),
	}
	asKept := changed
	asKept.Health.CheckedAt = time.Date(2026, 3, 1, 11, 0, 0, 1000, time.UTC)
	changed.Adapter, changed.CreatedAt = "lever", moment(900) // which do not change
	change(t, db, func(ctx context.Context, tx core.Tx) error {
		if _, err := tx.LockConnection(ctx, f.org, changed.ID); err != nil {
			return err
		}
		return tx.UpdateConnection(ctx, &changed)
	})
	same(t, "changed", &asKept, found[*core.Connection](t)(db.Connection(t.Context(), f.org, changed.ID)))
	same(t, "another", bystander, found[*core.Connection](t)(db.Connection(t.Context(), f.org, bystander.ID)))
	got := found[map[string]core.Secret](t)(db.ConnectionSecrets(t.Context(), f.org, changed.ID))
	same(t, "secrets", map[string]core.Secret{"api_key": "fixture-api-key"}, got)
}

func testConnectionSecrets(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	want := map[string]core.Secret{"api_key": "k'\"<é>", "webhook_secret": core.NewSecret("whs_")}
	c := f.newConnection(t, want)
	same(t, "secrets", want, found[map[string]core.Secret](t)(db.ConnectionSecrets(t.Context(), f.org, c.ID)))
	none := f.newConnection(t, nil)
	if got := found[map[string]core.Secret](t)(db.ConnectionSecrets(t.Context(), f.org, none.ID)); len(got) != 0 {
		t.Errorf("no secrets: got %d", len(got))
	}
	for _, id := range []core.ID{c.ID, none.ID} {
		change(t, db, func(ctx context.Context, tx core.Tx) error {
			if err := tx.SaveSecrets(ctx, f.org, id, nil); err != nil {
				return err
			}
			return tx.SaveSecrets(ctx, f.org, id, map[string]core.Secret{"api_key": "new"})
		})
	}
	want["api_key"] = "new"
	same(t, "replaced", want, found[map[string]core.Secret](t)(db.ConnectionSecrets(t.Context(), f.org, c.ID)))
	got := found[map[string]core.Secret](t)(db.ConnectionSecrets(t.Context(), f.org, none.ID))
	same(t, "added", map[string]core.Secret{"api_key": "new"}, got)
	change(t, db, func(ctx context.Context, tx core.Tx) error {
		return tx.SaveSecrets(ctx, f.org, c.ID, map[string]core.Secret{"api_key": "", "never": ""})
	})
	delete(want, "api_key")
	same(t, "removed", want, found[map[string]core.Secret](t)(db.ConnectionSecrets(t.Context(), f.org, c.ID)))
	err := db.Atomically(t.Context(), func(tx core.Tx) error { return tx.SaveSecrets(t.Context(), f.org, "con_none", want) })
	expectCode(t, "of nothing", err, fault.NotFound)
}
