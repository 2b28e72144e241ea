package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/jmoiron/sqlx"

	"github.com/trellis-ats/trellis/core"
)

// reader implements core.Reader on a pool or on a transaction.
type reader struct {
	q       querier
	dialect dialect
	keys    *keyring
	clock   core.Clock
}

// tx is one transaction. It is used by one goroutine.
type tx struct {
	reader
	sqlTx    *sql.Tx
	tasks    TaskInserter
	appended bool // events, of which the bus is to hear after the commit
}

// Atomically implements core.Store. A panic in change rolls back.
// Errors: those of change; fault.Retryable if the database is busy or does not
// answer; an error at the commit leaves open whether the change was kept.
func (db *DB) Atomically(ctx context.Context, change func(tx core.Tx) error) error {
	t, err := db.begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = t.sqlTx.Rollback() }() // does nothing after a commit
	if err := change(t); err != nil {
		return err
	}
	err = t.sqlTx.Commit()
	if errors.Is(err, sql.ErrTxDone) && ctx.Err() != nil {
		return ctx.Err() // whose end has rolled back already
	}
	if err != nil {
		return commitFailed(err)
	}
	if f := db.onCommit.Load(); t.appended && f != nil {
		(*f)()
	}
	return nil
}

func (db *DB) begin(ctx context.Context) (*tx, error) {
	begun, err := db.writer.BeginTxx(ctx, nil)
	if err != nil {
		return nil, mapped(err)
	}
	t := &tx{reader: db.reader, sqlTx: begun.Tx}
	t.q.db = begun
	if bound := db.tasks.Load(); bound != nil {
		t.tasks = *bound
	}
	return t, nil
}

// Enqueue implements core.TaskWriter.
func (t *tx) Enqueue(ctx context.Context, task core.Task) error {
	if t.tasks == nil {
		return errors.New("store: no task engine is bound")
	}
	return mapped(t.tasks.InsertTask(ctx, t.sqlTx, task))
}

// querier is the only way to the database: it checks every argument and maps
// every error.
type querier struct {
	db   sqlx.ExtContext
	sent func(query string) // nil, or hears of each statement
}

func (q querier) check(query string, args []any) error {
	if q.sent != nil {
		q.sent(query)
	}
	return checkArguments(args)
}

// get scans one row into dest. sql.ErrNoRows comes back as it is.
func (q querier) get(ctx context.Context, dest any, query string, args ...any) error {
	if err := q.check(query, args); err != nil {
		return err
	}
	return mapped(sqlx.GetContext(ctx, q.db, dest, query, args...))
}

// list scans all rows into dest, a pointer to a slice.
func (q querier) list(ctx context.Context, dest any, query string, args ...any) error {
	if err := q.check(query, args); err != nil {
		return err
	}
	return mapped(sqlx.SelectContext(ctx, q.db, dest, query, args...))
}

// exec returns how many rows were changed.
func (q querier) exec(ctx context.Context, query string, args ...any) (int64, error) {
	if err := q.check(query, args); err != nil {
		return 0, err
	}
	done, err := q.db.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, mapped(err)
	}
	n, err := done.RowsAffected()
	return n, mapped(err)
}
