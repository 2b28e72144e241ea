// Package store keeps Trellis's data in SQLite or PostgreSQL. One SQL text
// serves both; dialect.go holds the few things that differ.
package store

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"sync/atomic"

	"github.com/jmoiron/sqlx"

	"github.com/trellis-ats/trellis/core"
)

// Options say where the data is and how secrets are sealed.
type Options struct {
	// URL is "postgres://…" for PostgreSQL. Anything else is the path of a
	// SQLite file, with or without "sqlite:" before it; empty means "trellis.db".
	URL string
	// MasterKey seals secrets at rest: 32 bytes. Without one, what needs no
	// secret works and the rest fails with fault.Config.
	MasterKey []byte
	// OldKeys still open what was sealed before the master key was changed.
	OldKeys  [][]byte
	Log      *slog.Logger // nil discards
	Clock    core.Clock   // nil is the system's clock
	MaxConns int          // of PostgreSQL; 0 means 20
	// OnStatement, for tests that count, is called with each statement before
	// it is sent, on the goroutine that sends it. nil in production.
	OnStatement func(query string)
}

// TaskInserter enqueues tasks, and forgets, within a transaction of the store.
type TaskInserter interface {
	// InsertTask keeps t; it becomes due when tx commits.
	// Errors: fault.Invalid for a kind that nobody handles.
	InsertTask(ctx context.Context, tx *sql.Tx, t core.Task) error
	// ForgetErrors forgets how tasks about a candidate failed: the errors may
	// quote the ATS.
	ForgetErrors(ctx context.Context, tx *sql.Tx, organization, candidate core.ID) error
}

// DB is a database. It implements core.Store and is safe for concurrent use.
type DB struct {
	reader
	writer   *sqlx.DB
	pool     *sqlx.DB // reads; the writer itself on PostgreSQL
	log      *slog.Logger
	tasks    atomic.Pointer[TaskInserter]
	onCommit atomic.Pointer[func()]
}

var (
	_ core.Store = (*DB)(nil)
	_ core.Tx    = (*tx)(nil)
)

// Open opens a database; Migrate must have run before it is used.
// Errors: fault.Config for an address or a key that cannot be used,
// fault.Retryable if the database does not answer.
func Open(ctx context.Context, o Options) (*DB, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Clock == nil {
		o.Clock = core.SystemClock{}
	}
	keys, err := newKeyring(o.MasterKey, o.OldKeys)
	if err != nil {
		return nil, err
	}
	p, err := openPools(o)
	if err != nil {
		return nil, err
	}
	db := &DB{writer: p.writer, pool: p.reader, log: o.Log}
	db.reader = reader{q: querier{db: p.reader, sent: o.OnStatement}, dialect: p.dialect, keys: keys, clock: o.Clock}
	if err := db.Ping(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// Ping reports whether the database answers. Errors: fault.Retryable.
func (db *DB) Ping(ctx context.Context) error {
	if err := db.writer.PingContext(ctx); err != nil {
		return unreachable(err)
	}
	return nil
}

// Close closes the database; whatever uses it must have ended.
func (db *DB) Close() error {
	if db.pool == db.writer {
		return db.writer.Close()
	}
	return errors.Join(db.pool.Close(), db.writer.Close())
}

// BindTasks sets who keeps the tasks that transactions enqueue. It is called
// once, before the first change.
func (db *DB) BindTasks(t TaskInserter) { db.tasks.Store(&t) }

// OnCommit sets a function that is called after each commit that appended
// events. It runs on the goroutine that committed, with no transaction open,
// and must return at once.
func (db *DB) OnCommit(f func()) { db.onCommit.Store(&f) }

// SQL returns the pool that writes. On SQLite it has one connection: whoever
// holds a transaction must not ask it for another. Only internal/tasks uses it.
func (db *DB) SQL() *sql.DB { return db.writer.DB }

// SQLite reports whether the database is a SQLite file.
func (db *DB) SQLite() bool { return db.dialect == sqliteDialect }
