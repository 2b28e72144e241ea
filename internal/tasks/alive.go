package tasks

import (
	"context"
	"database/sql"
	sqldriver "database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// alive tells the other engines on a PostgreSQL database that this one lives,
// and takes up what dead ones left running. River alone waits RescueAfter.
//
// An engine lives as long as it holds a session's advisory lock named after
// its client. A killed process loses it at once, a machine that vanished after
// half a minute. A living engine that loses its connection takes the lock again
// at its next look; until then its tasks look orphaned. Therefore a task
// is taken from a running engine's peers only when two looks in a row found it
// so, and an engine that lost its own lock, as all do when the database restarts,
// begins to count anew. What is left of the risk (a first look in that moment)
// runs a task twice, which every task must stand.
//
// Behind a transaction pooler the locks belong to the pooler's connections:
// tasks of killed processes may then have to wait for River.
type alive struct {
	db    *sql.DB
	id    string // of the River client, as tasks record it
	every time.Duration
	log   *slog.Logger

	conn     *sql.Conn          // holds the lock; nil when it was lost
	suspects map[orphan]bool    // what the last look found
	cancel   context.CancelFunc // ends watch
	done     chan struct{}      // closed when watch ended
}

// orphan is one run of a task whose engine is gone.
type orphan struct {
	id          int64
	attemptedAt string // with microseconds: tells this run from a later one
}

const (
	// lockKey is an engine's lock; its name goes before and after the client's id.
	lockKey = "hashtextextended('trellis tasks ' || current_schema() || ' ' || "
	// heldLocks are the advisory locks of this database with a key of 64 bits.
	heldLocks = `SELECT (classid::bigint << 32) | objid::bigint FROM pg_locks
		WHERE locktype = 'advisory' AND objsubid = 1 AND granted
		AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`
	findOrphans = `SELECT id, to_char(attempted_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') FROM river_job
		WHERE state = 'running' AND ` + lockKey + `attempted_by[array_upper(attempted_by, 1)], 0) NOT IN (` + heldLocks + `)`
	releaseOrphan = `UPDATE river_job SET state = 'available' WHERE state = 'running'
		AND id = $1 AND to_char(attempted_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') = $2`
	// lookWithin bounds one look.
	lookWithin = 5 * time.Second
)

// start takes the lock and whatever dead engines left running, then keeps
// looking until stop.
func (a *alive) start(ctx context.Context) error {
	if err := a.look(ctx, true); err != nil {
		return errors.Join(fmt.Errorf("tasks: take up what was running: %w", err), a.release())
	}
	ctx, a.cancel = context.WithCancel(ctx)
	a.done = make(chan struct{})
	go a.watch(ctx)
	return nil
}

// stop gives the lock up; the engine's tasks must have ended.
func (a *alive) stop() error {
	if a.done == nil {
		return nil
	}
	a.cancel()
	<-a.done
	return a.release()
}

func (a *alive) watch(ctx context.Context) {
	defer close(a.done)
	tick := time.NewTicker(a.every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := a.look(ctx, false); err != nil && ctx.Err() == nil {
			a.log.LogAttrs(ctx, slog.LevelWarn, "could not look for tasks of dead processes; the next look follows", slog.Any("error", err))
		}
	}
}

// look makes sure of the lock, then releases what is orphaned: at once, or
// when the last look found it too.
func (a *alive) look(ctx context.Context, atOnce bool) error {
	ctx, cancel := context.WithTimeout(ctx, lookWithin)
	defer cancel()
	if err := a.hold(ctx); err != nil {
		return err
	}
	found, err := a.orphans(ctx)
	if err != nil {
		return err
	}
	suspects := a.suspects
	a.suspects = make(map[orphan]bool, len(found))
	for _, o := range found {
		if !atOnce && !suspects[o] {
			a.suspects[o] = true
			continue
		}
		if _, err := a.conn.ExecContext(ctx, releaseOrphan, o.id, o.attemptedAt); err != nil {
			return err
		}
		a.log.LogAttrs(ctx, slog.LevelInfo, "a task of a dead process is taken up", slog.Int64("task", o.id))
	}
	return nil
}

// hold takes the lock unless this engine still has it.
func (a *alive) hold(ctx context.Context) error {
	if a.conn != nil {
		var held bool
		err := a.conn.QueryRowContext(ctx, "SELECT "+lockKey+"$1::text, 0) IN ("+heldLocks+")", a.id).Scan(&held)
		if err == nil && held {
			return nil
		}
		a.log.LogAttrs(ctx, slog.LevelWarn, "the lock that tells that this process lives was lost and is taken again", slog.Any("error", err))
		a.suspects = nil
		_ = a.release() // broken already
	}
	conn, err := a.db.Conn(ctx)
	if err != nil {
		return err
	}
	a.conn = conn
	for _, statement := range []string{ // the server notices within half a minute when this machine vanishes
		"SET tcp_keepalives_idle = 10", "SET tcp_keepalives_interval = 5", "SET tcp_keepalives_count = 4",
	} {
		if _, err := conn.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	_, err = conn.ExecContext(ctx, "SELECT pg_advisory_lock_shared("+lockKey+"$1::text, 0))", a.id)
	return err
}

func (a *alive) orphans(ctx context.Context) ([]orphan, error) {
	rows, err := a.conn.QueryContext(ctx, findOrphans)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // its error is rows.Err's
	var found []orphan
	for rows.Next() {
		var o orphan
		if err := rows.Scan(&o.id, &o.attemptedAt); err != nil {
			return nil, err
		}
		found = append(found, o)
	}
	return found, rows.Err()
}

// release ends the session, and with it the lock: a connection that went back
// to the pool would keep it.
func (a *alive) release() error {
	if a.conn == nil {
		return nil
	}
	conn := a.conn
	a.conn = nil
	err := conn.Raw(func(any) error { return sqldriver.ErrBadConn })
	if errors.Is(err, sqldriver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) {
		return nil
	}
	return err
}
