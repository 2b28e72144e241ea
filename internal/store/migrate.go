package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"

	"github.com/pressly/goose/v3"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
)

//go:embed migrations
var migrations embed.FS

// Migrate brings the tables of Trellis and of its task queue up to date. On
// PostgreSQL any number of replicas may call it at the same time; the address
// must not lead through a transaction pooler.
func (db *DB) Migrate(ctx context.Context) error {
	unlock, err := db.lockMigrations(ctx)
	if err != nil {
		return err
	}
	return errors.Join(db.migrate(ctx), unlock())
}

func (db *DB) migrate(ctx context.Context) error {
	own, err := db.ownMigrations()
	if err != nil {
		return err
	}
	if _, err := own.Up(ctx); err != nil {
		return fmt.Errorf("store: migrate: %w", err)
	}
	queue, err := db.queueMigrations()
	if err != nil {
		return err
	}
	if _, err := queue.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("store: migrate the task queue: %w", err)
	}
	return nil
}

// Migrated reports whether Migrate has nothing to do. It changes nothing.
// Errors: fault.Retryable if the database does not answer.
func (db *DB) Migrated(ctx context.Context) (bool, error) {
	if err := db.Ping(ctx); err != nil {
		return false, err
	}
	own, err := db.ownMigrations()
	if err != nil {
		return false, err
	}
	var version sql.NullInt64
	if err := db.q.get(ctx, &version, "SELECT max(version_id) FROM goose_db_version WHERE is_applied"); err != nil {
		return false, nil //nolint:nilerr // the database answers, so the table is not there yet
	}
	sources := own.ListSources()
	if version.Int64 < sources[len(sources)-1].Version {
		return false, nil
	}
	queue, err := db.queueMigrations()
	if err != nil {
		return false, err
	}
	found, err := queue.Validate(ctx)
	if err != nil {
		return false, mapped(err)
	}
	return found.OK, nil
}

func (db *DB) ownMigrations() (*goose.Provider, error) {
	folder, err := fs.Sub(migrations, db.dialect.folder())
	if err != nil {
		return nil, fmt.Errorf("store: migrations: %w", err)
	}
	dialect := goose.DialectSQLite3
	if db.dialect == postgresDialect {
		dialect = goose.DialectPostgres
	}
	p, err := goose.NewProvider(dialect, db.writer.DB, folder,
		goose.WithDisableGlobalRegistry(true), goose.WithSlog(db.log))
	if err != nil {
		return nil, fmt.Errorf("store: migrations: %w", err)
	}
	return p, nil
}

// queueMigrator is what both drivers' migrators can do.
type queueMigrator interface {
	Migrate(context.Context, rivermigrate.Direction, *rivermigrate.MigrateOpts) (*rivermigrate.MigrateResult, error)
	Validate(context.Context) (*rivermigrate.ValidateResult, error)
}

func (db *DB) queueMigrations() (queueMigrator, error) {
	config := &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)}
	if db.dialect == postgresDialect {
		return rivermigrate.New(riverdatabasesql.New(db.writer.DB), config)
	}
	return rivermigrate.New(riversqlite.New(db.writer.DB), config)
}

// lockMigrations keeps other processes waiting until unlock. The lock belongs
// to one connection and ends with it.
func (db *DB) lockMigrations(ctx context.Context) (func() error, error) {
	if db.dialect == sqliteDialect {
		return db.lockFile(ctx)
	}
	conn, err := db.writer.Conn(ctx)
	if err != nil {
		return nil, mapped(err)
	}
	const key = "hashtextextended('trellis migrations ' || current_schema(), 0)"
	if _, err := conn.ExecContext(ctx, "SELECT pg_advisory_lock("+key+")"); err != nil {
		return nil, errors.Join(mapped(err), conn.Close())
	}
	return func() error {
		_, err := conn.ExecContext(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock("+key+")")
		return errors.Join(err, conn.Close())
	}, nil
}

// lockFile locks a second file beside the database, as SQLite does: a server
// and a setup may begin at the same time. The lock ends with the process.
func (db *DB) lockFile(ctx context.Context) (func() error, error) {
	var path string
	if err := db.q.get(ctx, &path, "SELECT file FROM pragma_database_list WHERE name = 'main'"); err != nil {
		return nil, err
	}
	path, err := createFile(path + ".lock")
	if err != nil {
		return nil, fmt.Errorf("store: lock: %w", err)
	}
	beside, err := sql.Open("sqlite", lockDSN(path))
	if err != nil {
		return nil, fmt.Errorf("store: lock: %w", err)
	}
	tx, err := beside.BeginTx(ctx, nil)
	if err != nil {
		return nil, errors.Join(mapped(err), beside.Close())
	}
	return func() error { return errors.Join(tx.Rollback(), beside.Close()) }, nil
}
