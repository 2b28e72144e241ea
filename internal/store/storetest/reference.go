package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/internal/store"
)

func (f *fixture) newReferenceList(t testing.TB, kind ats.ReferenceKind, parent string) *core.ReferenceList {
	t.Helper()
	l := filled[core.ReferenceList]()
	l.OrganizationID, l.ConnectionID, l.Kind, l.Parent = f.org, f.connection.ID, kind, parent
	change(t, f.db, func(ctx context.Context, tx core.Tx) error {
		same(t, "fresh", l, found[*core.ReferenceList](t)(tx.LockReferenceList(ctx, l)))
		return nil
	})
	return l
}

func testReferenceList(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	read := func(l *core.ReferenceList) *core.ReferenceList {
		return found[*core.ReferenceList](t)(db.ReferenceList(t.Context(), f.org, f.connection.ID, l.Kind, l.Parent))
	}
	l, sibling := f.newReferenceList(t, ats.ReferenceStages, "1"), f.newReferenceList(t, ats.ReferenceStages, "2")
	same(t, "list", l, read(l))
	changed := *l
	changed.Items, changed.Truncated, changed.FetchedAt, changed.FetchingUntil = []ats.ReferenceItem{}, false, moment(1), time.Time{}
	change(t, db, func(ctx context.Context, tx core.Tx) error {
		empty := &core.ReferenceList{OrganizationID: f.org, ConnectionID: f.connection.ID, Kind: l.Kind, Parent: l.Parent}
		same(t, "not fresh", l, found[*core.ReferenceList](t)(tx.LockReferenceList(ctx, empty)))
		return tx.UpdateReferenceList(ctx, &changed)
	})
	same(t, "changed", &changed, read(l))
	same(t, "another", sibling, read(sibling))
	foreign := *l
	foreign.OrganizationID = newFixture(t, db).org
	err := db.Atomically(t.Context(), func(tx core.Tx) error {
		_, err := tx.LockReferenceList(t.Context(), &foreign)
		return err
	})
	expectCode(t, "another organization's", err, fault.NotFound)
}
