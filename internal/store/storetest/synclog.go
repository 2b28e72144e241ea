package storetest

import (
	"testing"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/internal/store"
)

func (f *fixture) syncLog(t testing.TB, filter core.SyncFilter) []core.SyncEntry {
	t.Helper()
	return found[*core.Paged[core.SyncEntry]](t)(f.db.SyncLog(t.Context(), f.org, filter, core.Page{})).Items
}

func testSyncLog(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	older, newer := f.newSyncEntry(t, nil), f.newSyncEntry(t, nil)
	f.newSyncEntry(t, func(e *core.SyncEntry) { e.OrganizationID = "" }) // an unknown caller's
	same(t, "newest first", []core.SyncEntry{*newer, *older}, f.syncLog(t, core.SyncFilter{}))
	unknown := found[*core.Paged[core.SyncEntry]](t)(db.SyncLog(t.Context(), "", core.SyncFilter{}, core.Page{}))
	same(t, "of no organization", 0, len(unknown.Items))
}

func testSyncLogFilters(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	ids := make([]core.ID, 8)
	for i, edit := range []func(e *core.SyncEntry){
		func(e *core.SyncEntry) { e.AssessmentID = "asm_1" },
		func(e *core.SyncEntry) { e.ConnectionID = "con_1" },
		func(e *core.SyncEntry) { e.Direction = core.DirectionInbound },
		func(e *core.SyncEntry) { e.Outcome = core.SyncFailed },
		func(e *core.SyncEntry) { e.Operation = "send-test" },
		func(e *core.SyncEntry) { e.Adapter = "lever" },
		func(e *core.SyncEntry) { e.StartedAt = moment(900) },
		func(e *core.SyncEntry) { e.StartedAt = moment(-1) },
	} {
		ids[i] = f.newSyncEntry(t, edit).ID
	}
	for want, filter := range map[core.ID]core.SyncFilter{
		ids[0]: {AssessmentID: "asm_1"},
		ids[1]: {ConnectionID: "con_1"},
		ids[2]: {Direction: core.DirectionInbound},
		ids[3]: {Outcomes: []core.SyncOutcome{core.SyncFailed, core.SyncRetry}},
		ids[4]: {Operation: "send-test"},
		ids[5]: {Adapter: "lever"},
		ids[6]: {From: moment(900)},
		ids[7]: {Until: moment(0)},
	} {
		got := f.syncLog(t, filter)
		if len(got) != 1 || got[0].ID != want {
			t.Errorf("%+v: got %d entries", filter, len(got))
		}
	}
}

func testSyncEntriesOf(t *testing.T, db *store.DB) {
	f, other := newFixture(t, db), newFixture(t, db)
	about := func(of *fixture, a core.ID) core.SyncEntry {
		return *of.newSyncEntry(t, func(e *core.SyncEntry) { e.AssessmentID = a })
	}
	a1, b1, a2 := about(f, "asm_a"), about(f, "asm_b"), about(f, "asm_a")
	about(f, "asm_c")
	foreign := about(other, "asm_a")
	a3 := about(f, "asm_a")
	of := func(each int, assessments ...core.ID) []core.SyncEntry {
		return found[[]core.SyncEntry](t)(db.SyncEntriesOf(t.Context(), f.org, assessments, each))
	}
	same(t, "the newest of each", []core.SyncEntry{a3, b1}, of(1, "asm_a", "asm_b", "asm_none"))
	same(t, "all of one", []core.SyncEntry{a3, a2, a1}, of(100, "asm_a"))
	same(t, "of none", 0, len(of(100)))
	byID := found[[]core.SyncEntry](t)(db.SyncEntriesByID(t.Context(), f.org, []core.ID{b1.ID, foreign.ID, "syn_none"}))
	same(t, "by id", []core.SyncEntry{b1}, byID)
}

// testSyncLogHostile keeps an entry whatever bytes a stranger sent.
func testSyncLogHostile(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	f.newSyncEntry(t, func(e *core.SyncEntry) {
		e.Message, e.RequestID = "nul \x00 and \xff", "\xc3\x28"
		e.Exchanges = []ats.Exchange{{RequestBody: "\x00\xff", ResponseBody: "cut \xe2\x82"}}
	})
	got := f.syncLog(t, core.SyncFilter{})
	same(t, "entries", 1, len(got))
	same(t, "message", "nul \uFFFD and \uFFFD", got[0].Message)
	same(t, "body", "\x00\uFFFD", got[0].Exchanges[0].RequestBody)
}
