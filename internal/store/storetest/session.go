package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/internal/store"
)

func (f *fixture) newSession(t testing.TB, edit func(s *core.Session)) *core.Session {
	t.Helper()
	s := filled[core.Session]()
	s.ID, s.OrganizationID, s.Hash = core.NewID(core.PrefixSession), f.org, core.NewSecret("trs_").Hash()
	if edit != nil {
		edit(s)
	}
	change(t, f.db, func(ctx context.Context, tx core.Tx) error { return tx.InsertSession(ctx, s) })
	return s
}

func testSession(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	byHash := func(s *core.Session) *core.Session {
		return found[*core.Session](t)(db.SessionByHash(t.Context(), s.Hash))
	}
	ended := f.newSession(t, nil)
	same(t, "session", ended, byHash(ended))
	live := f.newSession(t, func(s *core.Session) { s.TokenID, s.EndedAt = "", time.Time{} })
	same(t, "live", live, byHash(live))
	other := f.newSession(t, nil)

	end := func(id core.ID, n int) {
		change(t, db, func(ctx context.Context, tx core.Tx) error { return tx.EndSession(ctx, id, moment(n)) })
	}
	end(ended.ID, 900)
	same(t, "ended before", ended, byHash(ended))
	for n := 900; n < 902; n++ { // the first end stays
		end(live.ID, n)
	}
	live.EndedAt = moment(900)
	same(t, "ended", live, byHash(live))
	end("ses_none", 900)
	same(t, "another", other, byHash(other))

	again := *other
	again.ID = core.NewID(core.PrefixSession)
	err := db.Atomically(t.Context(), func(tx core.Tx) error { return tx.InsertSession(t.Context(), &again) })
	expectCode(t, "the hash again", err, fault.Conflict)
}
