package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/internal/store"
)

func (f *fixture) newToken(t testing.TB) *core.Token {
	t.Helper()
	token := filled[core.Token]()
	token.ID, token.OrganizationID = core.NewID(core.PrefixToken), f.org
	token.Hash, token.PreviousHash = core.NewSecret("trl_").Hash(), core.NewSecret("trl_").Hash()
	change(t, f.db, func(ctx context.Context, tx core.Tx) error { return tx.InsertToken(ctx, token) })
	return token
}

func testToken(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	token := f.newToken(t)
	same(t, "token", token, found[*core.Token](t)(db.TokenByHash(t.Context(), token.Hash)))
	same(t, "by the hash before", token, found[*core.Token](t)(db.TokenByHash(t.Context(), token.PreviousHash)))
	same(t, "by id", token, found[*core.Token](t)(db.Token(t.Context(), f.org, token.ID)))
	same(t, "by ids", []core.Token{*token}, found[[]core.Token](t)(db.TokensByID(t.Context(), f.org, []core.ID{token.ID, "tok_none"})))
	token.LastUsedAt = moment(77)
	change(t, db, func(ctx context.Context, tx core.Tx) error { return tx.TouchToken(ctx, token.ID, token.LastUsedAt) })
	same(t, "touched", token, found[*core.Token](t)(db.TokenByHash(t.Context(), token.Hash)))

	for range 2 { // which have no hash before
		bare := &core.Token{ID: core.NewID(core.PrefixToken), OrganizationID: f.org, Role: core.RoleAdmin, CreatedAt: moment(1)}
		bare.Hash = "h" + string(bare.ID)
		change(t, db, func(ctx context.Context, tx core.Tx) error { return tx.InsertToken(ctx, bare) })
		same(t, "zero values", bare, found[*core.Token](t)(db.TokenByHash(t.Context(), bare.Hash)))
	}
	_, err := db.TokenByHash(t.Context(), "")
	expectCode(t, "by no hash", err, fault.NotFound)
}

func testTokenUpdate(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	token, bystander := f.newToken(t), f.newToken(t)
	first := token.PreviousHash
	changed := *token
	changed.PreviousHash, changed.Hash = token.Hash, core.NewSecret("trl_").Hash()
	changed.PreviousUntil, changed.ExpiresAt, changed.LastUsedAt, changed.RevokedAt = moment(801), moment(802), moment(803), time.Time{}
	keptAsIs := changed
	changed.Name, changed.Role, changed.Scopes, changed.CreatedAt = "new", "NEW", nil, moment(804)
	change(t, db, func(ctx context.Context, tx core.Tx) error { return tx.UpdateToken(ctx, &changed) })
	same(t, "changed", &keptAsIs, found[*core.Token](t)(db.TokenByHash(t.Context(), changed.Hash)))
	same(t, "by the hash before", &keptAsIs, found[*core.Token](t)(db.TokenByHash(t.Context(), token.Hash)))
	_, err := db.TokenByHash(t.Context(), first)
	expectCode(t, "by the hash before that", err, fault.NotFound)
	same(t, "another", bystander, found[*core.Token](t)(db.Token(t.Context(), f.org, bystander.ID)))
}

func testTokenPages(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	newFixture(t, db).newToken(t)
	var oldestFirst []core.ID
	for range pagedRows {
		oldestFirst = append(oldestFirst, f.newToken(t).ID)
	}
	checkPages(t, oldestFirst, func(p core.Page) (*core.Paged[core.ID], error) {
		page, err := db.Tokens(t.Context(), f.org, p)
		return idsOf(page, err, func(x core.Token) core.ID { return x.ID })
	})
}

// testTokenLock loses a rotation unless each waits for the one before.
func testTokenLock(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	token := f.newToken(t)
	inParallel(t, 10, func(int) error {
		return db.Atomically(t.Context(), func(tx core.Tx) error {
			locked, err := tx.LockToken(t.Context(), f.org, token.ID)
			if err != nil {
				return err
			}
			locked.ExpiresAt = locked.ExpiresAt.Add(time.Hour)
			return tx.UpdateToken(t.Context(), locked)
		})
	})
	got := found[*core.Token](t)(db.Token(t.Context(), f.org, token.ID))
	same(t, "updates", token.ExpiresAt.Add(10*time.Hour), got.ExpiresAt)
}
