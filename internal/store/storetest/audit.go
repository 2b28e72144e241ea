package storetest

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/internal/store"
)

func (f *fixture) newAuditEntry(t testing.TB, subject core.ID) *core.AuditEntry {
	t.Helper()
	e := filled[core.AuditEntry]()
	e.ID, e.OrganizationID, e.SubjectID = core.NewID(core.PrefixAuditEntry), f.org, subject
	change(t, f.db, func(ctx context.Context, tx core.Tx) error { return tx.InsertAuditEntry(ctx, e) })
	return e
}

func testAuditLog(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	first, second := f.newAuditEntry(t, "con_1"), f.newAuditEntry(t, "con_2")
	bare := &core.AuditEntry{ID: core.NewID(core.PrefixAuditEntry), OrganizationID: f.org, ActorName: "\xff", At: moment(1)}
	change(t, db, func(ctx context.Context, tx core.Tx) error { return tx.InsertAuditEntry(ctx, bare) })
	bare.Before, bare.After, bare.ActorName = json.RawMessage("null"), json.RawMessage("null"), "\uFFFD"
	list := func(filter core.AuditFilter) []core.AuditEntry {
		return found[*core.Paged[core.AuditEntry]](t)(db.AuditLog(t.Context(), f.org, filter, core.Page{})).Items
	}
	same(t, "newest first", []core.AuditEntry{*bare, *second, *first}, list(core.AuditFilter{}))
	same(t, "of one", []core.AuditEntry{*first}, list(core.AuditFilter{SubjectID: "con_1"}))
}
