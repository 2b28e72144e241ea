package storetest

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/internal/store"
)

// newIssue keeps an open issue, and reports whether it is new.
func (f *fixture) newIssue(t testing.TB, edit func(i *core.Issue)) (i *core.Issue, fresh bool) {
	t.Helper()
	i = filled[core.Issue]()
	i.ID, i.OrganizationID, i.ConnectionID, i.ClosedAt = core.NewID(core.PrefixIssue), f.org, f.connection.ID, time.Time{}
	i.Subject = string(i.ID)
	edit(i)
	change(t, f.db, func(ctx context.Context, tx core.Tx) (err error) { fresh, err = tx.KeepIssue(ctx, i); return err })
	return i, fresh
}

func testIssue(t *testing.T, db *store.DB) {
	f, other := newFixture(t, db), newFixture(t, db)
	ctx, subject := t.Context(), func(i *core.Issue) { i.Subject = "1" }
	first, fresh := f.newIssue(t, subject)
	same(t, "the first is new", true, fresh)
	again, fresh := f.newIssue(t, func(i *core.Issue) {
		i.Subject, i.Cause, i.FoundAt, i.SeenAt, i.RepairedAt = "1", "another", moment(70), moment(80), time.Time{}
	})
	same(t, "found again", false, fresh)
	same(t, "it is the first", []any{first.ID, first.FoundAt, first.RepairedAt}, []any{again.ID, again.FoundAt, again.RepairedAt})
	again.RepairedAt = moment(90)
	change(t, db, func(ctx context.Context, tx core.Tx) error { return tx.NoteRepair(ctx, again) })
	same(t, "kept", again, found[*core.Issue](t)(db.Issue(ctx, f.org, first.ID)))
	f.newIssue(t, func(i *core.Issue) { i.Subject, i.Cause, i.SeenAt = "1", "another", moment(75) })
	same(t, "found by a run that began before", again, found[*core.Issue](t)(db.Issue(ctx, f.org, first.ID)))
	_, err := db.Issue(ctx, other.org, first.ID)
	expectCode(t, "another organization's", err, fault.NotFound)
	same(t, "by id", []core.Issue{*again}, found[[]core.Issue](t)(db.IssuesByID(ctx, f.org, []core.ID{first.ID, "iss_0"})))
	same(t, "by id, another's", 0, len(found[[]core.Issue](t)(db.IssuesByID(ctx, other.org, []core.ID{first.ID}))))
	for name, edit := range map[string]func(i *core.Issue){
		"another kind":       func(i *core.Issue) { i.Subject, i.Kind = "1", "OTHER" },
		"another connection": func(i *core.Issue) { i.Subject, i.ConnectionID = "1", "" },
		"another subject":    func(i *core.Issue) { i.Subject = "2" },
	} {
		_, fresh := f.newIssue(t, edit)
		same(t, name, true, fresh)
	}
	same(t, "open", map[core.ID]int{f.connection.ID: 3}, found[map[core.ID]int](t)(db.OpenIssues(ctx, f.org, []core.ID{f.connection.ID, other.connection.ID})))
	same(t, "open of another", map[core.ID]int{}, found[map[core.ID]int](t)(db.OpenIssues(ctx, other.org, []core.ID{f.connection.ID})))
}

func testIssuesClose(t *testing.T, db *store.DB) {
	f, other := newFixture(t, db), newFixture(t, db)
	seen := func(subject string, at int) core.ID {
		i, _ := f.newIssue(t, func(i *core.Issue) { i.Kind, i.Subject, i.SeenAt = core.IssueNotOpened, subject, moment(at) })
		return i.ID
	}
	old, late, fresh := seen("1", 5), seen("2", 9), seen("3", 10)
	all := core.IssueClosing{OrganizationID: f.org, ConnectionID: f.connection.ID, Kind: core.IssueNotOpened, SeenBefore: moment(10), At: moment(20)}
	closes := func(limit int, edit func(c *core.IssueClosing)) (ids []core.ID) {
		c := all
		edit(&c)
		change(t, db, func(ctx context.Context, tx core.Tx) error {
			closed, err := tx.CloseIssues(ctx, c, limit)
			for _, i := range closed {
				same(t, "closed at", moment(20), i.ClosedAt)
				ids = append(ids, i.ID)
			}
			return err
		})
		return ids
	}
	var none []core.ID
	same(t, "another organization's", none, closes(9, func(c *core.IssueClosing) { c.OrganizationID = other.org }))
	same(t, "another connection's", none, closes(9, func(c *core.IssueClosing) { c.ConnectionID = "" }))
	same(t, "another kind", none, closes(9, func(c *core.IssueClosing) { c.Kind = core.IssueNotFinished }))
	same(t, "at most one", []core.ID{old}, closes(1, func(*core.IssueClosing) {}))
	same(t, "not seen since", []core.ID{late}, closes(9, func(*core.IssueClosing) {}))
	same(t, "one subject", []core.ID{fresh}, closes(9, func(c *core.IssueClosing) { c.Subject, c.SeenBefore = "3", time.Time{} }))
	next := seen("1", 30)
	if next == old {
		t.Error("a closed one was opened again")
	}
	open, closed := true, false
	for name, c := range map[string]struct {
		filter core.IssueFilter
		want   []core.ID
	}{
		"all":           {core.IssueFilter{}, []core.ID{next, fresh, late, old}},
		"open":          {core.IssueFilter{Open: &open}, []core.ID{next}},
		"closed":        {core.IssueFilter{Open: &closed, ConnectionID: f.connection.ID}, []core.ID{fresh, late, old}},
		"of a kind":     {core.IssueFilter{Kinds: []core.IssueKind{core.IssueNotFinished}}, nil},
		"of nothing":    {core.IssueFilter{AssessmentID: "asm_0"}, nil},
		"of connection": {core.IssueFilter{ConnectionID: "con_0"}, nil},
	} {
		page := found[*core.Paged[core.Issue]](t)(db.Issues(t.Context(), f.org, c.filter, core.Page{First: 10}))
		var ids []core.ID
		for _, i := range page.Items {
			ids = append(ids, i.ID)
		}
		slices.Sort(ids)
		slices.Sort(c.want)
		same(t, name, c.want, ids)
	}
}

func testConcurrentIssues(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	var fresh atomic.Int32
	inParallel(t, 20, func(int) error {
		i := &core.Issue{ID: core.NewID(core.PrefixIssue), OrganizationID: f.org, Kind: core.IssueNotOpened, Subject: "1", FoundAt: moment(1), SeenAt: moment(1)}
		return db.Atomically(t.Context(), func(tx core.Tx) error {
			kept, err := tx.KeepIssue(t.Context(), i)
			if kept {
				fresh.Add(1)
			}
			return err
		})
	})
	same(t, "fresh", int32(1), fresh.Load())
}
