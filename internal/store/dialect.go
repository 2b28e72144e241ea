package store

import (
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
	_ "github.com/lib/pq"
	_ "modernc.org/sqlite"

	"github.com/trellis-ats/trellis/core/fault"
)

// dialect is the seam between the two databases.
type dialect int

const (
	sqliteDialect dialect = iota
	postgresDialect
)

// lock is what a SELECT ends with to keep others from changing its rows until
// the transaction ends. SQLite's transactions exclude each other anyway. NO KEY
// leaves others free to insert rows that refer to the locked one.
func (d dialect) lock() string {
	if d == postgresDialect {
		return " FOR NO KEY UPDATE"
	}
	return ""
}

// lockFree is lock for a sub-select that leaves out what others have locked.
func (d dialect) lockFree() string {
	if d == postgresDialect {
		return " FOR UPDATE SKIP LOCKED"
	}
	return ""
}

// folder is where the dialect's migrations are.
func (d dialect) folder() string {
	if d == postgresDialect {
		return "migrations/postgres"
	}
	return "migrations/sqlite"
}

type pools struct {
	dialect dialect
	writer  *sqlx.DB
	reader  *sqlx.DB
}

func openPools(o Options) (pools, error) {
	if strings.HasPrefix(o.URL, "postgres://") || strings.HasPrefix(o.URL, "postgresql://") {
		return openPostgres(o)
	}
	return openSQLite(strings.TrimPrefix(o.URL, "sqlite:"))
}

// openPostgres never repeats the address in an error: it may hold a password.
func openPostgres(o Options) (pools, error) {
	u, err := url.Parse(o.URL)
	if err != nil {
		return pools{}, fault.New(fault.Config, "The address of the database is not a valid postgres:// URL.")
	}
	q := u.Query()
	// Without it lib/pq prepares a named statement for each query, which gives
	// wrong rows behind a transaction pooler.
	q.Set("binary_parameters", "yes")
	if !q.Has("connect_timeout") {
		q.Set("connect_timeout", "10")
	}
	if !q.Has("application_name") {
		q.Set("application_name", "trellis")
	}
	u.RawQuery = q.Encode()
	db, err := sqlx.Open("postgres", u.String())
	if err != nil {
		return pools{}, fault.New(fault.Config, "The address of the database is not a valid postgres:// URL.")
	}
	maximum := o.MaxConns
	if maximum <= 0 {
		maximum = 20
	}
	db.SetMaxOpenConns(maximum)
	db.SetMaxIdleConns(maximum)
	db.SetConnMaxIdleTime(5 * time.Minute)
	return pools{dialect: postgresDialect, writer: db, reader: db}, nil
}

// openSQLite opens one connection that writes and a few that read. The writer
// takes the lock when its transaction begins: one that takes it later fails
// with SQLITE_BUSY whatever the timeout.
func openSQLite(path string) (pools, error) {
	if path == "" {
		path = "trellis.db"
	}
	path, err := createFile(path)
	if err != nil {
		return pools{}, fault.Wrap(err, fault.Config, "The database file %s cannot be made or written.", path)
	}
	writer, err := sqlx.Open("sqlite", sqliteDSN(path, "synchronous(NORMAL)", "foreign_keys(1)"))
	if err != nil {
		return pools{}, err
	}
	writer.SetMaxOpenConns(1)
	reader, err := sqlx.Open("sqlite", sqliteDSN(path, "query_only(1)"))
	if err != nil {
		return pools{}, err
	}
	reader.SetMaxOpenConns(min(max(runtime.NumCPU(), 4), 8))
	reader.SetMaxIdleConns(8)
	return pools{dialect: sqliteDialect, writer: writer, reader: reader}, nil
}

// lockDSN opens a file that is only locked; a migration may take a minute.
func lockDSN(path string) string {
	q := url.Values{"_txlock": {"exclusive"}, "_pragma": {"busy_timeout(60000)"}}
	u := url.URL{Scheme: "file", Path: path, RawQuery: q.Encode()}
	return u.String()
}

func sqliteDSN(path string, pragmas ...string) string {
	q := url.Values{"_txlock": {"immediate"}}
	q["_pragma"] = append([]string{"busy_timeout(5000)", "journal_mode(WAL)"}, pragmas...)
	u := url.URL{Scheme: "file", Path: path, RawQuery: q.Encode()}
	return u.String()
}

// createFile makes sure that only the owner can read the file, and those that
// SQLite puts beside it with the same mode.
func createFile(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return path, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return path, err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return path, err
	}
	return path, f.Close()
}
