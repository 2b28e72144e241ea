package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/internal/store"
)

func testOrganization(t *testing.T, db *store.DB) {
	o := filled[core.Organization]()
	o.ID, o.Name = core.NewID(core.PrefixOrganization), "Acme "+string(core.NewID("x"))
	insert := func(ctx context.Context, tx core.Tx) error { return tx.InsertOrganization(ctx, o) }
	change(t, db, insert)
	same(t, "by id", o, found[*core.Organization](t)(db.Organization(t.Context(), o.ID)))
	same(t, "by name", o, found[*core.Organization](t)(db.OrganizationByName(t.Context(), o.Name)))
	again := *o
	again.ID = core.NewID(core.PrefixOrganization)
	err := db.Atomically(t.Context(), func(tx core.Tx) error { return tx.InsertOrganization(t.Context(), &again) })
	expectCode(t, "the name again", err, fault.Conflict)
}

// newKey keeps a partner key that was made the given number of minutes ago.
func (f *fixture) newKey(t testing.TB, expires, used time.Time) (*core.PartnerKey, core.Secret) {
	t.Helper()
	secret := core.NewSecret("trk_")
	k := &core.PartnerKey{
		ID: core.NewID(core.PrefixPartnerKey), OrganizationID: f.org, ConnectionID: f.connection.ID, Adapter: "greenhouse",
		Hash: secret.Hash(), CreatedAt: moment(1), ExpiresAt: expires, LastUsedAt: used,
	}
	change(t, f.db, func(ctx context.Context, tx core.Tx) error { return tx.InsertPartnerKey(ctx, k, secret) })
	return k, secret
}

func (f *fixture) keyInUse(t testing.TB) core.Secret {
	t.Helper()
	return found[core.Secret](t)(f.db.PartnerKeyInUse(t.Context(), f.org, f.connection.ID))
}

func testPartnerKey(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	k, _ := f.newKey(t, moment(5), moment(6))
	byHash := func() *core.PartnerKey {
		return found[*core.PartnerKey](t)(db.PartnerKeyByHash(t.Context(), "greenhouse", k.Hash))
	}
	same(t, "by hash", k, byHash())
	_, err := db.PartnerKeyByHash(t.Context(), "lever", k.Hash)
	expectCode(t, "of another adapter", err, fault.NotFound)
	k.LastUsedAt = moment(9)
	change(t, db, func(ctx context.Context, tx core.Tx) error { return tx.TouchPartnerKey(ctx, k.ID, k.LastUsedAt) })
	same(t, "touched", k, byHash())
}

func testPartnerKeyInUse(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	_, err := db.PartnerKeyInUse(t.Context(), f.org, f.connection.ID)
	expectCode(t, "no key", err, fault.NotFound)
	future, past := time.Now().Add(time.Hour), time.Now().Add(-time.Hour)
	never := time.Time{}

	f.newKey(t, past, past)
	_, err = db.PartnerKeyInUse(t.Context(), f.org, f.connection.ID)
	expectCode(t, "only an expired key", err, fault.NotFound)

	_, first := f.newKey(t, future, never)
	same(t, "the only one", first.Reveal(), f.keyInUse(t).Reveal())
	second, newest := f.newKey(t, never, never)
	same(t, "the newest, none used", newest.Reveal(), f.keyInUse(t).Reveal())
	_, used := f.newKey(t, never, past.Add(time.Minute))
	f.newKey(t, never, never)
	same(t, "the used one", used.Reveal(), f.keyInUse(t).Reveal())
	change(t, db, func(ctx context.Context, tx core.Tx) error { return tx.TouchPartnerKey(ctx, second.ID, time.Now()) })
	same(t, "the one used last", newest.Reveal(), f.keyInUse(t).Reveal())
}

func testPartnerKeyExpiry(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	now, at, long := moment(0), moment(0).Add(14*24*time.Hour), moment(0).Add(-time.Hour)
	gone, _ := f.newKey(t, long, time.Time{})
	old, _ := f.newKey(t, now.Add(time.Hour), time.Time{})
	newest, _ := f.newKey(t, time.Time{}, time.Time{})
	keep, _ := f.newKey(t, time.Time{}, time.Time{})
	change(t, db, func(ctx context.Context, tx core.Tx) error {
		return tx.ExpirePartnerKeys(ctx, f.connection.ID, keep.ID, now, at)
	})
	want := map[string]time.Time{gone.Hash: long, old.Hash: now, newest.Hash: at, keep.Hash: {}}
	for hash, expires := range want {
		same(t, "expiry", expires, found[*core.PartnerKey](t)(db.PartnerKeyByHash(t.Context(), "greenhouse", hash)).ExpiresAt)
	}
}

func testTest(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	archived := filled[core.Test]()
	archived.ID, archived.OrganizationID = core.NewID(core.PrefixTest), f.org
	change(t, db, func(ctx context.Context, tx core.Tx) error { return tx.InsertTest(ctx, archived) })
	same(t, "test", archived, found[*core.Test](t)(db.Test(t.Context(), f.org, archived.ID)))
	offered := found[*core.Paged[core.Test]](t)(db.Tests(t.Context(), f.org, core.TestFilter{}, core.Page{}))
	same(t, "offered", &core.Paged[core.Test]{Items: []core.Test{*f.test}}, offered)
	all := found[*core.Paged[core.Test]](t)(db.Tests(t.Context(), f.org, core.TestFilter{WithArchived: true}, core.Page{}))
	same(t, "all", &core.Paged[core.Test]{Items: []core.Test{*f.test, *archived}}, all)
	some := found[[]core.Test](t)(db.TestsByID(t.Context(), f.org, []core.ID{archived.ID, "tst_none"}))
	same(t, "by id", []core.Test{*archived}, some)
}
