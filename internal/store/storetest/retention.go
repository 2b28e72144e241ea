package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/internal/store"
)

// count counts the rows that meet a condition.
func count(t testing.TB, db *store.DB, query string, args ...any) (n int) {
	t.Helper()
	if err := db.SQL().QueryRowContext(t.Context(), "SELECT count(*) FROM "+query, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func (f *fixture) purge(t testing.TB, kind core.Retained, before, limit int) (n int) {
	t.Helper()
	change(t, f.db, func(ctx context.Context, tx core.Tx) (err error) {
		n, err = tx.Purge(ctx, core.Purge{Organization: f.org, Kind: kind, Before: moment(before), Limit: limit})
		return err
	})
	return n
}

// testPurgeSyncLog keeps what an open push rests on, and entries without their
// exchanges longer than these.
func testPurgeSyncLog(t *testing.T, db *store.DB) {
	f, other := newFixture(t, db), newFixture(t, db)
	open := f.newPush(t, f.newAssessment(t, nil), 1, func(p *core.Push) { p.State = core.PushWaiting })
	done := f.newPush(t, f.newAssessment(t, nil), 1, func(p *core.Push) { p.State = core.PushDone })
	at := func(n int, push core.ID) func(e *core.SyncEntry) {
		return func(e *core.SyncEntry) { e.StartedAt, e.PushID, e.Outcome = moment(n), push, core.SyncOK }
	}
	f.newSyncEntry(t, at(1, open.ID))
	f.newSyncEntry(t, func(e *core.SyncEntry) { e.StartedAt, e.PushID, e.Outcome = moment(1), "", core.SyncRunning })
	f.newSyncEntry(t, at(1, done.ID))
	f.newSyncEntry(t, at(2, ""))
	f.newSyncEntry(t, at(3, ""))
	f.newSyncEntry(t, at(9, ""))
	other.newSyncEntry(t, at(1, ""))
	full := func(f *fixture) int {
		return count(t, db, "sync_log WHERE organization_id = $1 AND exchanges <> '[]'", f.org)
	}
	same(t, "two at most, whatever older ones must stay", 2, f.purge(t, core.RetainExchanges, 9, 2))
	same(t, "the other", 1, f.purge(t, core.RetainExchanges, 9, 100))
	same(t, "again", 0, f.purge(t, core.RetainExchanges, 9, 100))
	same(t, "with exchanges", 3, full(f))
	same(t, "entries", 6, count(t, db, "sync_log WHERE organization_id = $1", f.org))
	same(t, "deleted", 2, f.purge(t, core.RetainSyncLog, 3, 100))
	same(t, "left", 4, count(t, db, "sync_log WHERE organization_id = $1", f.org))
	same(t, "another organization's", 1, full(other))
}

// testPurgeStrangers deletes what belongs to no organization, and nothing else.
func testPurgeStrangers(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	idle := func(e *core.SyncEntry) { e.Outcome, e.PushID = core.SyncRefused, "" }
	f.newSyncEntry(t, idle)
	stranger := *f
	stranger.org = ""
	stranger.newSyncEntry(t, idle)
	same(t, "deleted", 1, stranger.purge(t, core.RetainSyncLog, 1_000_000, 100))
	same(t, "left", 1, count(t, db, "sync_log WHERE organization_id = $1", f.org))
	for _, kind := range core.RetainedKinds() {
		same(t, string(kind), 0, stranger.purge(t, kind, 1_000_000, 100))
	}
}

func testPurgeWebhooks(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	for i, kept := range []struct {
		state  core.WebhookState
		person string
	}{{core.WebhookReceived, ""}, {core.WebhookFailed, "4711"}, {core.WebhookApplied, "4711"}, {core.WebhookFailed, ""}} {
		w := f.webhook()
		w.State, w.Person, w.EventID, w.Request, w.ReceivedAt = kept.state, kept.person, fmt.Sprint(i), filledRequest(), moment(1)
		change(t, db, func(ctx context.Context, tx core.Tx) error {
			_, err := tx.KeepWebhook(ctx, w)
			return err
		})
	}
	same(t, "too young", 0, f.purge(t, core.RetainWebhookRequests, 1, 100))
	same(t, "requests", 2, f.purge(t, core.RetainWebhookRequests, 2, 100))
	same(t, "again", 0, f.purge(t, core.RetainWebhookRequests, 2, 100))
	for _, w := range found[*core.Paged[core.Webhook]](t)(db.Webhooks(t.Context(), f.org, core.WebhookFilter{}, core.Page{})).Items {
		whole := found[*core.Webhook](t)(db.Webhook(t.Context(), f.org, w.ID))
		if kept := w.EventID == "0" || w.EventID == "1"; (whole.Request != nil) != kept || whole.Person != "" && !kept {
			t.Errorf("%s: %+v", w.State, whole)
		}
	}
	same(t, "web hooks", 3, f.purge(t, core.RetainWebhooks, 2, 100))
	same(t, "left", 1, count(t, db, "webhooks WHERE organization_id = $1", f.org))
}

func testPurgeSessions(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	for i := range 3 {
		s := filled[core.Session]()
		s.ID, s.OrganizationID, s.Hash = core.NewID(core.PrefixSession), f.org, fmt.Sprint(f.org, i)
		s.ExpiresAt, s.EndedAt = moment(i), moment(i)
		change(t, db, func(ctx context.Context, tx core.Tx) error { return tx.InsertSession(ctx, s) })
	}
	same(t, "ended", 2, f.purge(t, core.RetainSessions, 2, 100))
}

func testPurgeIssues(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	f.newIssue(t, func(i *core.Issue) { i.Subject, i.ClosedAt = "open", time.Time{} })
	for n := range 3 {
		f.newIssue(t, func(i *core.Issue) { i.Subject, i.ClosedAt = fmt.Sprint("closed ", n), moment(n) })
	}
	same(t, "closed", 2, f.purge(t, core.RetainIssues, 2, 100))
	same(t, "left", 2, count(t, db, "issues WHERE organization_id = $1", f.org))
}

// testIdleCandidates leaves out whoever was erased, and whoever something
// happened of since.
func testIdleCandidates(t *testing.T, db *store.DB) {
	f, other := newFixture(t, db), newFixture(t, db)
	ids := func(before, limit int) []core.ID {
		return found[[]core.ID](t)(db.IdleCandidates(t.Context(), f.org, moment(before), limit))
	}
	people := ids(1_000_000, 100)
	idle, busy, pushed, erased := f.newCandidate(t), f.newCandidate(t), f.newCandidate(t), f.newCandidate(t)
	f.newAssessment(t, func(a *core.Assessment) { a.CandidateID, a.UpdatedAt = busy.ID, moment(2_000_000) })
	of := f.newAssessment(t, func(a *core.Assessment) { a.CandidateID, a.UpdatedAt = pushed.ID, moment(1) })
	f.newPush(t, of, 1, func(p *core.Push) { p.CandidateID, p.UpdatedAt = pushed.ID, moment(2_000_000) })
	change(t, db, func(ctx context.Context, tx core.Tx) error {
		_, err := tx.EraseCandidate(ctx, f.org, erased.ID, moment(1))
		return err
	})
	same(t, "idle", append(people, idle.ID), ids(1_000_000, 100))
	same(t, "later", append(people, idle.ID, busy.ID, pushed.ID), ids(3_000_000, 100))
	same(t, "the oldest", 1, len(ids(3_000_000, 1)))
	same(t, "long ago", 0, len(ids(0, 100)))
	same(t, "another organization's", false, slices.Contains(ids(3_000_000, 100), other.candidate.ID))
	for id, want := range map[core.ID]bool{idle.ID: true, busy.ID: false, pushed.ID: false, erased.ID: false, other.candidate.ID: false} {
		change(t, db, func(ctx context.Context, tx core.Tx) error {
			still, err := tx.LockIdleCandidate(ctx, f.org, id, moment(1_000_000))
			same(t, "locked", want, still)
			return err
		})
	}
}

// testPurgeEvents tells how far the feed has lost some, and leaves what has no
// position yet.
func testPurgeEvents(t *testing.T, db *store.DB) {
	f, ctx := newFixture(t, db), t.Context()
	for range 3 {
		f.newEvent(t, "asm_1")
	}
	same(t, "before they have a position", 0, f.purge(t, core.RetainEvents, 1_000_000, 100))
	if _, _, err := db.NumberEvents(ctx, 100); err != nil {
		t.Fatal(err)
	}
	same(t, "too young", 0, f.purge(t, core.RetainEvents, 0, 100))
	same(t, "the floor before", int64(0), found[int64](t)(db.EventFloor(ctx)))
	same(t, "the oldest two", 2, f.purge(t, core.RetainEvents, 1_000_000, 2))
	same(t, "the floor", int64(2), found[int64](t)(db.EventFloor(ctx)))
	left := found[[]core.Event](t)(db.EventsAfter(ctx, f.org, core.EventFilter{}, 0, 100))
	if len(left) != 1 || left[0].Position != 3 {
		t.Errorf("left: %+v", left)
	}
	same(t, "organizations", []core.ID{f.org}, found[[]core.ID](t)(db.OrganizationsAfter(ctx, "", 9)))
	same(t, "no more", 0, len(found[[]core.ID](t)(db.OrganizationsAfter(ctx, f.org, 9))))
}

func testPurgeAuditLog(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	f.newAuditEntry(t, "con_1")
	f.newAuditEntry(t, "con_2")
	same(t, "too young", 0, f.purge(t, core.RetainAuditLog, 0, 100))
	same(t, "one", 1, f.purge(t, core.RetainAuditLog, 1_000_000, 1))
	same(t, "left", 1, count(t, db, "audit_log WHERE organization_id = $1", f.org))
	same(t, "releases", 0, count(t, db, "audit_releases"))
}

// testOnlyAddedTo asks the database itself to change what is only added to.
func testOnlyAddedTo(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	f.newAuditEntry(t, "con_1")
	a := f.newAssessment(t, nil)
	step := f.newDecisionStep(t, f.newDecision(t, a, nil).ID)
	step.ID, step.AssessmentID = core.NewID(core.PrefixDecisionStep), a.ID
	change(t, db, func(ctx context.Context, tx core.Tx) error { return tx.AppendDecisionStep(ctx, step) })
	statements := map[string]string{
		"UPDATE audit_log SET actor_name = 'x'":                                    "audit log",
		"DELETE FROM audit_log":                                                    "audit log",
		"DELETE FROM routing_decision_steps":                                       "register",
		"UPDATE routing_decision_steps SET note = 'x'":                             "register",
		"UPDATE routing_decision_steps SET note = '', reason = '', to_state = 'x'": "register",
		"UPDATE routing_decision_steps SET note = '', reason = '', actor_id = 'x'": "register",
	}
	if !db.SQLite() {
		statements["TRUNCATE audit_log"], statements["TRUNCATE routing_decision_steps"] = "audit log", "register"
	}
	for statement, told := range statements {
		if _, err := db.SQL().ExecContext(t.Context(), statement); err == nil || !strings.Contains(err.Error(), told+" ") {
			t.Errorf("%s: %v", statement, err)
		}
	}
	refused := errors.New("no")
	err := db.Atomically(t.Context(), func(tx core.Tx) error {
		_, err := tx.Purge(t.Context(), core.Purge{Organization: f.org, Kind: core.RetainAuditLog, Before: moment(1_000_000), Limit: 9})
		return errors.Join(err, refused)
	})
	if !errors.Is(err, refused) {
		t.Fatal(err)
	}
	same(t, "entries", 1, count(t, db, "audit_log WHERE organization_id = $1", f.org))
	same(t, "steps", 2, count(t, db, "routing_decision_steps WHERE organization_id = $1 AND note <> ''", f.org))
	change(t, db, func(ctx context.Context, tx core.Tx) error {
		_, err := tx.EraseCandidate(ctx, f.org, a.CandidateID, moment(1))
		return err
	})
	same(t, "steps without words", 1, count(t, db, "routing_decision_steps WHERE organization_id = $1 AND note = '' AND reason = ''", f.org))
}
