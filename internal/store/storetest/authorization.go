package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/internal/store"
)

// authorization returns one of the fixture's connection that is not kept yet.
func (f *fixture) authorization(connection core.ID) *core.Authorization {
	a := filled[core.Authorization]()
	a.OrganizationID, a.ConnectionID = f.org, connection
	return a
}

func (f *fixture) newAuthorization(t testing.TB, tokens map[string]core.Secret) *core.Authorization {
	t.Helper()
	a := f.authorization(f.connection.ID)
	change(t, f.db, func(ctx context.Context, tx core.Tx) error { return tx.SaveAuthorization(ctx, a, tokens) })
	return a
}

func testAuthorization(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	tokens := map[string]core.Secret{"access_token": core.NewSecret("at_"), "refresh_token": core.NewSecret("rt_")}
	stored := func() map[string]core.Secret {
		return found[map[string]core.Secret](t)(db.AuthorizationTokens(t.Context(), f.org, f.connection.ID))
	}
	a := f.newAuthorization(t, tokens)
	same(t, "authorization", a, found[*core.Authorization](t)(db.Authorization(t.Context(), f.org, a.ConnectionID)))
	same(t, "tokens", tokens, stored())

	changed := *a
	changed.State, changed.LeaseID, changed.LeaseUntil, changed.Scopes = core.Expiring, "", time.Time{}, nil
	change(t, db, func(ctx context.Context, tx core.Tx) error {
		same(t, "locked", a, found[*core.Authorization](t)(tx.LockAuthorization(ctx, f.org, a.ConnectionID)))
		return tx.SaveAuthorization(ctx, &changed, nil)
	})
	same(t, "changed", []core.Authorization{changed}, found[[]core.Authorization](t)(db.AuthorizationsOf(t.Context(), f.org, []core.ID{a.ConnectionID, "con_none"})))
	same(t, "tokens stay", tokens, stored())
	change(t, db, func(ctx context.Context, tx core.Tx) error {
		return tx.SaveAuthorization(ctx, a, map[string]core.Secret{})
	})
	same(t, "saved again", a, found[*core.Authorization](t)(db.Authorization(t.Context(), f.org, a.ConnectionID)))
	same(t, "tokens are gone", map[string]core.Secret{}, stored())
	none := f.newConnection(t, nil)
	err := db.Atomically(t.Context(), func(tx core.Tx) error {
		return tx.SaveAuthorization(t.Context(), f.authorization(none.ID), nil)
	})
	expectCode(t, "without tokens", err, fault.NotFound)
}

// testDueAuthorizations needs the database to itself: it looks at all organizations.
func testDueAuthorizations(t *testing.T, db *store.DB) {
	f, other := newFixture(t, db), newFixture(t, db)
	save := func(f *fixture, connection core.ID, at time.Time) *core.Authorization {
		a := f.authorization(connection)
		a.RefreshAt = at
		change(t, db, func(ctx context.Context, tx core.Tx) error {
			return tx.SaveAuthorization(ctx, a, map[string]core.Secret{})
		})
		return a
	}
	second := save(f, f.connection.ID, moment(2))
	first := save(other, other.connection.ID, moment(1))
	save(f, f.newConnection(t, nil).ID, time.Time{})
	save(f, f.newConnection(t, nil).ID, moment(4))
	due := func(limit int) (all []core.Authorization) {
		change(t, db, func(ctx context.Context, tx core.Tx) error {
			all = found[[]core.Authorization](t)(tx.DueAuthorizations(ctx, moment(3), limit))
			return nil
		})
		return all
	}
	same(t, "due", []core.Authorization{*first, *second}, due(9))
	same(t, "one of them", []core.Authorization{*first}, due(1))
}

func testConsent(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	c := filled[core.Consent]()
	c.Hash, c.OrganizationID, c.ConnectionID, c.ExpiresAt = core.NewSecret("").Hash(), f.org, f.connection.ID, moment(10)
	change(t, db, func(ctx context.Context, tx core.Tx) error { return tx.InsertConsent(ctx, c) })
	by := core.Actor{OrganizationID: f.org, Principal: c.Principal}
	take := func(by core.Actor, n int) (taken *core.Consent, err error) {
		err = db.Atomically(t.Context(), func(tx core.Tx) (err error) {
			taken, err = tx.TakeConsent(t.Context(), by, c.Hash, moment(n))
			return err
		})
		return taken, err
	}
	for name, stranger := range map[string]core.Actor{
		"of another person": {OrganizationID: f.org, Principal: "eve@example.com"}, "of another organization": {OrganizationID: "org_0", Principal: c.Principal},
	} {
		_, err := take(stranger, 9)
		expectCode(t, name, err, fault.NotFound)
	}
	_, err := take(by, 10)
	expectCode(t, "expired", err, fault.NotFound)
	change(t, db, func(ctx context.Context, tx core.Tx) error { return tx.ForgetConsents(ctx, moment(9), 10) })
	same(t, "taken", c, found[*core.Consent](t)(take(by, 9)))
	_, err = take(by, 9)
	expectCode(t, "taken twice", err, fault.NotFound)
	change(t, db, func(ctx context.Context, tx core.Tx) error {
		if err := tx.InsertConsent(ctx, c); err != nil {
			return err
		}
		return tx.ForgetConsents(ctx, moment(10), 10)
	})
	_, err = take(by, 9)
	expectCode(t, "forgotten", err, fault.NotFound)
}
