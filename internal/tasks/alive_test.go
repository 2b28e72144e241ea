package tasks_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/internal/store"
	"github.com/trellis-ats/trellis/internal/store/storetest"
	"github.com/trellis-ats/trellis/internal/tasks"
)

// The tests of this file run on PostgreSQL alone, where several engines work.

func TestLivingEngineTakesUpTheTaskOfAKilledProcess(t *testing.T) {
	t.Parallel()
	address, db := named(t)
	killed, ours := newTask(), newTask()
	var b *bench
	newBench(t, db, tasks.Options{}).enqueue(t, killed)
	killWhileRunning(t, address, func() {
		// Both live: the other's task stays where it is.
		b = newBench(t, db, tasks.Options{AliveEvery: 20 * time.Millisecond})
		b.start(t)
		b.enqueue(t, ours)
		b.expect(t, run{ours, core.Attempt{Number: 1}})
		looks(t, db)
	})
	b.expect(t, run{killed, core.Attempt{Number: 2}}) // beside the one that still runs
	b.answers <- nil
	b.answers <- nil
	b.stop(t)
	if n := len(b.runs); n != 0 {
		t.Errorf("%d further runs", n)
	}
}

func TestLockIsTakenAgainAfterALostConnection(t *testing.T) {
	t.Parallel()
	_, db := named(t)
	b := newBench(t, db, tasks.Options{AliveEvery: 20 * time.Millisecond})
	b.start(t)
	task := newTask()
	b.enqueue(t, task)
	b.expect(t, run{task, core.Attempt{Number: 1}})
	before := looks(t, db)
	if _, err := db.SQL().ExecContext(t.Context(), "SELECT pg_terminate_backend($1)", before); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool { return holder(t, db) != before && holder(t, db) != 0 })
	looks(t, db)
	other := newBench(t, db, tasks.Options{})
	other.start(t) // its first look takes what is orphaned at once
	var running int
	if err := db.SQL().QueryRowContext(t.Context(), "SELECT count(*) FROM river_job WHERE state = 'running'").Scan(&running); err != nil || running != 1 {
		t.Errorf("%d tasks run, %v", running, err)
	}
	b.answers <- nil
	b.stop(t)
	if n := len(b.runs) + len(other.runs); n != 0 {
		t.Errorf("%d further runs", n)
	}
}

func TestTaskThatKilledEachProcessIsGivenUpOnPostgres(t *testing.T) {
	t.Parallel()
	b := newBench(t, storetest.Postgres(t), tasks.Options{MaxAttempts: 3})
	task := newTask()
	b.enqueue(t, task)
	const lastKilled = "UPDATE river_job SET state = 'running', attempt = 3, attempted_at = now(), attempted_by = ARRAY['dead']"
	if _, err := b.db.SQL().ExecContext(t.Context(), lastKilled); err != nil {
		t.Fatal(err)
	}
	b.start(t)
	if letters := b.deadLetters(t, task.OrganizationID); len(b.runs) != 0 {
		t.Errorf("%d runs, %+v", len(b.runs), letters)
	}
}

// named returns a migrated database whose sessions bear its schema's name.
func named(t *testing.T) (string, *store.DB) {
	t.Helper()
	u, err := url.Parse(storetest.NewPostgresSchema(t))
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("application_name", q.Get("search_path"))
	u.RawQuery = q.Encode()
	db := storetest.OpenURL(t, u.String())
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return u.String(), db
}

// holder returns the backend of this database's schema that holds an engine's
// lock and looked last; 0 if there is none.
func holder(t *testing.T, db *store.DB) (pid int) {
	t.Helper()
	pid, _ = lastLook(t, db)
	return pid
}

func lastLook(t *testing.T, db *store.DB) (pid int, at time.Time) {
	t.Helper()
	rows, err := db.SQL().QueryContext(t.Context(), `SELECT l.pid, a.query_start FROM pg_locks l
		JOIN pg_stat_activity a ON a.pid = l.pid WHERE l.locktype = 'advisory' AND l.mode = 'ShareLock'
		AND a.application_name = current_schema()
		ORDER BY a.query_start DESC LIMIT 1`)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	if rows.Next() {
		if err := rows.Scan(&pid, &at); err != nil {
			t.Fatal(err)
		}
	}
	return pid, at
}

// looks waits for three further looks and returns who looked.
func looks(t *testing.T, db *store.DB) int {
	t.Helper()
	for range 3 {
		_, before := lastLook(t, db)
		eventually(t, func() bool { _, at := lastLook(t, db); return at.After(before) })
	}
	return holder(t, db)
}
