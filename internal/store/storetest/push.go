package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/internal/store"
)

func (f *fixture) push(a *core.Assessment, revision int) *core.Push {
	p := filled[core.Push]()
	p.ID, p.OrganizationID, p.ConnectionID = core.NewID(core.PrefixPush), f.org, f.connection.ID
	p.AssessmentID, p.CandidateID, p.Revision, p.State = a.ID, f.candidate.ID, revision, core.PushDone
	p.Steps[0].Kind, p.Steps[1].Kind = core.StepFind, core.StepCreate
	return p
}

func (f *fixture) newPush(t testing.TB, a *core.Assessment, revision int, edit func(*core.Push)) *core.Push {
	t.Helper()
	p := f.push(a, revision)
	if edit != nil {
		edit(p)
	}
	change(t, f.db, func(ctx context.Context, tx core.Tx) error {
		fresh, err := tx.InsertPush(ctx, p)
		same(t, "fresh", true, fresh)
		return err
	})
	return p
}

func testPush(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	ctx, job := t.Context(), f.newJob(t)
	a := f.newAssessment(t, func(a *core.Assessment) { a.JobID = job.ID })
	first, second := f.newPush(t, a, 1, nil), f.newPush(t, a, 2, nil)
	one, list := found[*core.Push](t), found[[]core.Push](t)
	same(t, "push", first, one(db.Push(ctx, f.org, first.ID)))
	same(t, "of a result", second, one(db.PushOf(ctx, f.org, f.connection.ID, a.ID, 2)))
	same(t, "the latest", 2, found[int](t)(db.LatestPush(ctx, f.org, f.connection.ID, a.ID)))
	same(t, "the latest of none", 0, found[int](t)(db.LatestPush(ctx, f.org, f.connection.ID, "asm_none")))
	same(t, "by id", []core.Push{*first}, list(db.PushesByID(ctx, f.org, core.Sight{}, []core.ID{first.ID, "psh_none"})))
	same(t, "in sight", []core.Push{*first}, list(db.PushesByID(ctx, f.org, limited(job.ID), []core.ID{first.ID})))
	same(t, "out of sight", 0, len(list(db.PushesByID(ctx, f.org, limited("job_none"), []core.ID{first.ID}))))
	same(t, "newest of each", []core.Push{*second}, list(db.PushesOf(ctx, f.org, limited(job.ID), []core.ID{a.ID}, 1)))
	same(t, "of those out of sight", 0, len(list(db.PushesOf(ctx, f.org, limited("job_none"), []core.ID{a.ID}, 9))))
	again := f.push(a, 1)
	change(t, db, func(ctx context.Context, tx core.Tx) error {
		fresh, err := tx.InsertPush(ctx, again)
		same(t, "of the same result", false, fresh)
		return err
	})
	_, err := db.Push(ctx, f.org, again.ID)
	expectCode(t, "what is not fresh", err, fault.NotFound)
}

func testPushUpdate(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	p := f.newPush(t, f.newAssessment(t, nil), 1, nil)
	changed := filled[core.Push]()
	changed.ID, changed.OrganizationID, changed.ConnectionID, changed.AssessmentID = p.ID, p.OrganizationID, p.ConnectionID, p.AssessmentID
	changed.CandidateID, changed.Revision, changed.RequestedAt = p.CandidateID, p.Revision, p.RequestedAt
	changed.State, changed.StartedAt = core.PushRunning, time.Time{}
	changed.Steps[1].Kind = core.StepCreate
	changed.Steps = []core.PushStep{p.Steps[0], changed.Steps[1], {Kind: core.StepNote, State: core.StepPending}}
	change(t, db, func(ctx context.Context, tx core.Tx) error { return tx.UpdatePush(ctx, changed) })
	same(t, "changed", changed, found[*core.Push](t)(db.Push(t.Context(), f.org, p.ID)))
	for name, edit := range map[string]func(*core.PushStep){
		"state":     func(s *core.PushStep) { s.State = core.StepSkipped },
		"reference": func(s *core.PushStep) { s.Reference = "9" },
		"existed":   func(s *core.PushStep) { s.Existed = !s.Existed },
		"attempts":  func(s *core.PushStep) { s.Attempts++ },
		"sent":      func(s *core.PushStep) { s.SentAt = moment(777) },
		"not sent":  func(s *core.PushStep) { s.SentAt = time.Time{} },
		"done":      func(s *core.PushStep) { s.DoneAt = moment(778) },
		"code":      func(s *core.PushStep) { s.FaultCode = fault.Auth },
		"message":   func(s *core.PushStep) { s.Message = "other" },
	} {
		edit(&changed.Steps[0])
		change(t, db, func(ctx context.Context, tx core.Tx) error { return tx.UpdatePush(ctx, changed) })
		same(t, name, changed, found[*core.Push](t)(db.Push(t.Context(), f.org, p.ID)))
	}
}

func testPushFilters(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	job := f.newJob(t)
	a, b := f.newAssessment(t, nil), f.newAssessment(t, func(a *core.Assessment) { a.JobID = job.ID })
	first := f.newPush(t, a, 1, func(p *core.Push) { p.State = core.PushFailed })
	second := f.newPush(t, b, 1, func(p *core.Push) { p.CandidateID = "cnd_other" })
	third := f.newPush(t, b, 2, func(p *core.Push) { p.ConnectionID = "con_other" })
	for name, c := range map[string]struct {
		filter core.PushFilter
		want   []core.ID
	}{
		"all":        {core.PushFilter{}, []core.ID{third.ID, second.ID, first.ID}},
		"state":      {core.PushFilter{States: []core.PushState{core.PushFailed, core.PushWaiting}}, []core.ID{first.ID}},
		"connection": {core.PushFilter{ConnectionID: "con_other"}, []core.ID{third.ID}},
		"assessment": {core.PushFilter{AssessmentID: a.ID}, []core.ID{first.ID}},
		"candidate":  {core.PushFilter{CandidateID: "cnd_other"}, []core.ID{second.ID}},
		"sight":      {core.PushFilter{Sight: limited(job.ID)}, []core.ID{third.ID, second.ID}},
	} {
		var got []core.ID
		for _, p := range found[*core.Paged[core.Push]](t)(db.Pushes(t.Context(), f.org, c.filter, core.Page{})).Items {
			got = append(got, p.ID)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// testOverduePushes has a database to itself: they are those of all organizations.
func testOverduePushes(t *testing.T, db *store.DB) {
	f, other := newFixture(t, db), newFixture(t, db)
	at := func(f *fixture, s core.PushState, n int) core.ID {
		return f.newPush(t, f.newAssessment(t, nil), 1, func(p *core.Push) { p.State, p.DueAt = s, moment(n) }).ID
	}
	late, first := at(f, core.PushWaiting, 20), at(other, core.PushRunning, 10)
	at(f, core.PushDone, 1)
	at(f, core.PushPending, 31)
	overdue := func(limit int) (ids []core.ID) {
		for _, p := range found[[]core.Push](t)(db.OverduePushes(t.Context(), moment(30), limit)) {
			ids = append(ids, p.ID)
		}
		return ids
	}
	same(t, "overdue", []core.ID{first, late}, overdue(9))
	same(t, "at most", []core.ID{first}, overdue(1))
}

func testPerson(t *testing.T, db *store.DB) {
	f, other := newFixture(t, db), newFixture(t, db)
	lock := func(f *fixture, key string) (p *core.ATSPerson) {
		change(t, db, func(ctx context.Context, tx core.Tx) (err error) {
			p, err = tx.LockPerson(ctx, f.org, f.connection.ID, key, moment(1))
			return err
		})
		return p
	}
	fresh := &core.ATSPerson{OrganizationID: f.org, ConnectionID: f.connection.ID, Key: "ada@example.com", UpdatedAt: moment(1)}
	same(t, "made", fresh, lock(f, fresh.Key))
	changed := filled[core.ATSPerson]()
	changed.OrganizationID, changed.ConnectionID, changed.Key = fresh.OrganizationID, fresh.ConnectionID, fresh.Key
	change(t, db, func(ctx context.Context, tx core.Tx) error { return tx.UpdatePerson(ctx, changed) })
	same(t, "changed", changed, lock(f, fresh.Key))
	same(t, "elsewhere", "", lock(other, fresh.Key).ExternalID)
}

func testSyncEntryUpdate(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	running := f.newSyncEntry(t, func(e *core.SyncEntry) { e.PushID, e.Outcome = "psh_1", core.SyncRunning })
	ended := f.newSyncEntry(t, func(e *core.SyncEntry) { e.PushID, e.Outcome = "psh_1", core.SyncOK })
	others := f.newSyncEntry(t, func(e *core.SyncEntry) { e.PushID, e.Outcome = "psh_2", core.SyncRunning })
	change(t, db, func(ctx context.Context, tx core.Tx) error {
		return tx.EndSyncEntries(ctx, f.org, "psh_1", "It was cut off.")
	})
	running.Outcome, running.Message = core.SyncRetry, "It was cut off."
	same(t, "ended", []core.SyncEntry{*others, *ended, *running}, f.syncLog(t, core.SyncFilter{}))
	same(t, "of a push", []core.SyncEntry{*others}, f.syncLog(t, core.SyncFilter{PushID: "psh_2"}))
	now := filled[core.SyncEntry]()
	others.Outcome, others.FaultCode, others.Message, others.Advice = core.SyncFailed, fault.Auth, "No.", "Mend it."
	others.Steps, others.Exchanges, others.Duration = now.Steps[:1], now.Exchanges[:1], 9
	change(t, db, func(ctx context.Context, tx core.Tx) error { return tx.UpdateSyncEntry(ctx, others) })
	same(t, "updated", []core.SyncEntry{*others}, f.syncLog(t, core.SyncFilter{PushID: "psh_2"}))
}
