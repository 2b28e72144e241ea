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
	both := []core.AuditEntry{*second, *first}
	same(t, "actions", both, list(core.AuditFilter{Actions: []core.EventType{first.Action, "other"}}))
	same(t, "actor", both, list(core.AuditFilter{ActorID: first.ActorID}))
	same(t, "from", both, list(core.AuditFilter{From: first.At}))
	same(t, "until", []core.AuditEntry{*bare}, list(core.AuditFilter{Until: first.At}))
}
