// Package storetest opens databases for tests and holds the suite that every
// database must pass.
package storetest

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/trellis-ats/trellis/internal/store"
)

// DatabaseVariable names the environment variable with the address of a
// PostgreSQL server for tests.
const DatabaseVariable = "TRELLIS_TEST_DATABASE_URL"

// MasterKey returns the key that the databases of this package are opened with.
func MasterKey() []byte { return bytes.Repeat([]byte{7}, 32) }

// SQLite returns a migrated database in a file of its own.
func SQLite(t testing.TB) *store.DB {
	t.Helper()
	return OpenURL(t, NewSQLiteFile(t))
}

// Postgres returns a migrated database in a schema of its own. Without
// DatabaseVariable the test is skipped.
func Postgres(t testing.TB) *store.DB {
	t.Helper()
	db := OpenURL(t, NewPostgresSchema(t))
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatalf("migrate: %v", err)
	}
	return db
}

// Each runs f on every database that this machine has.
func Each(t *testing.T, f func(t *testing.T, db *store.DB)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		f(t, SQLite(t))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		f(t, Postgres(t))
	})
}

// OpenURL opens a database, and closes it when the test ends.
func OpenURL(t testing.TB, address string) *store.DB {
	t.Helper()
	return openWith(t, store.Options{URL: address})
}

func openWith(t testing.TB, o store.Options) *store.DB {
	t.Helper()
	o.MasterKey, o.MaxConns = MasterKey(), 8
	db, err := store.Open(t.Context(), o)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return db
}

// migratedFile makes a migrated SQLite file once per process, for all tests to copy.
var migratedFile = sync.OnceValues(func() ([]byte, error) { //nolint:gochecknoglobals // filled once, never changed
	folder, err := os.MkdirTemp("", "trellis-storetest")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	path := filepath.Join(folder, "template.db")
	db, err := store.Open(context.Background(), store.Options{URL: path})
	if err != nil {
		return nil, err
	}
	if err := db.Migrate(context.Background()); err != nil {
		return nil, err
	}
	if err := db.Close(); err != nil { // which empties the write-ahead log into the file
		return nil, err
	}
	return os.ReadFile(path)
})

// NewSQLiteFile returns the path of a new, migrated SQLite file.
func NewSQLiteFile(t testing.TB) string {
	t.Helper()
	content, err := migratedFile()
	if err != nil {
		t.Fatalf("template: %v", err)
	}
	path := filepath.Join(t.TempDir(), "trellis.db")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// NewPostgresSchema returns the address of a new, empty schema, which is
// dropped when the test ends. Without DatabaseVariable the test is skipped.
func NewPostgresSchema(t testing.TB) string {
	t.Helper()
	address := os.Getenv(DatabaseVariable)
	if address == "" {
		t.Skipf("set %s to run this test on PostgreSQL", DatabaseVariable)
	}
	schema := "trellis_" + randomName()
	execute(t, address, "CREATE SCHEMA "+schema)
	t.Cleanup(func() { execute(t, address, "DROP SCHEMA "+schema+" CASCADE") })
	u, err := url.Parse(address)
	if err != nil {
		t.Fatalf("%s is not a URL", DatabaseVariable)
	}
	q := u.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	return u.String()
}

func execute(t testing.TB, address, statement string) {
	t.Helper()
	db, err := store.Open(context.Background(), store.Options{URL: address, MaxConns: 1})
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	if _, err := db.SQL().ExecContext(context.Background(), statement); err != nil {
		t.Errorf("%s: %v", statement, err)
	}
	if err := db.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}

func randomName() string {
	var b [8]byte
	_, _ = rand.Read(b[:])
	return fmt.Sprintf("%d_%s", os.Getpid(), hex.EncodeToString(b[:]))
}
