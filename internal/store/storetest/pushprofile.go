package storetest

import (
	"context"
	"testing"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/internal/store"
)

func (f *fixture) newPushProfile(t testing.TB) *core.PushProfile {
	t.Helper()
	p := filled[core.PushProfile]()
	p.OrganizationID, p.ConnectionID = f.org, f.connection.ID
	change(t, f.db, func(ctx context.Context, tx core.Tx) error { return tx.SavePushProfile(ctx, p) })
	return p
}

func testPushProfile(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	get := func() *core.PushProfile {
		return found[*core.PushProfile](t)(db.PushProfile(t.Context(), f.org, f.connection.ID))
	}
	same(t, "before any was saved", core.DefaultPushProfile(f.org, f.connection.ID), get())
	p := f.newPushProfile(t)
	same(t, "profile", p, get())
	again := core.DefaultPushProfile(f.org, f.connection.ID)
	again.Version, again.UpdatedAt, again.SourceID = 7, moment(90), "16"
	change(t, db, func(ctx context.Context, tx core.Tx) error { return tx.SavePushProfile(ctx, again) })
	same(t, "replaced", again, get())
}
