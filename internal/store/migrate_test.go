package store_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trellis-ats/trellis/internal/store"
	"github.com/trellis-ats/trellis/internal/store/storetest"
)

const sqliteColumns = `SELECT m.name, c.name, c."notnull" FROM sqlite_schema m, pragma_table_info(m.name) c WHERE m.type = 'table'`

const postgresColumns = `SELECT table_name, column_name, CASE is_nullable WHEN 'NO' THEN 1 ELSE 0 END
	FROM information_schema.columns WHERE table_schema = current_schema()`

func TestBothDatabasesHaveTheSameTables(t *testing.T) {
	t.Parallel()
	postgres := columns(t, storetest.Postgres(t), postgresColumns)
	sqlite := columns(t, storetest.SQLite(t), sqliteColumns)
	if diff := cmp.Diff(sqlite, postgres); diff != "" {
		t.Errorf("(-sqlite +postgres):\n%s", diff)
	}
	if len(sqlite) < 80 {
		t.Errorf("looked at %d columns only", len(sqlite))
	}
}

// columns returns whether each column of Trellis's own tables must have a value.
func columns(t *testing.T, db *store.DB, query string) map[string]bool {
	t.Helper()
	rows, err := db.SQL().QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	required := map[string]bool{}
	for rows.Next() {
		var table, column string
		var notNull int
		if err := rows.Scan(&table, &column, &notNull); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(table, "river_") && !strings.HasPrefix(table, "goose_") && !strings.HasPrefix(table, "sqlite_") {
			required[table+"."+column] = notNull == 1
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return required
}

func TestBothFoldersHaveTheSameVersions(t *testing.T) {
	t.Parallel()
	names := func(folder string) []string {
		paths, err := filepath.Glob(filepath.Join("migrations", folder, "*.sql"))
		if err != nil || len(paths) == 0 {
			t.Fatalf("%s: %d files, %v", folder, len(paths), err)
		}
		for i, p := range paths {
			paths[i] = filepath.Base(p)
		}
		return paths
	}
	if diff := cmp.Diff(names("sqlite"), names("postgres")); diff != "" {
		t.Errorf("(-sqlite +postgres):\n%s", diff)
	}
}

func TestNewDatabaseIsNotMigrated(t *testing.T) {
	t.Parallel()
	check := func(t *testing.T, address string) {
		t.Parallel()
		db := storetest.OpenURL(t, address)
		before, err := db.Migrated(t.Context())
		if err != nil || before {
			t.Fatalf("before: %t, %v", before, err)
		}
		if err := db.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		after, err := db.Migrated(t.Context())
		if err != nil || !after {
			t.Fatalf("after: %t, %v", after, err)
		}
	}
	t.Run("sqlite", func(t *testing.T) { check(t, filepath.Join(t.TempDir(), "deep", "er", "new.db")) })
	t.Run("postgres", func(t *testing.T) { check(t, storetest.NewPostgresSchema(t)) })
}

func TestReplicasMigrateAtTheSameTime(t *testing.T) {
	t.Parallel()
	address := storetest.NewPostgresSchema(t)
	var wg sync.WaitGroup
	for i := range 5 {
		db := storetest.OpenURL(t, address)
		wg.Go(func() {
			if err := db.Migrate(context.WithoutCancel(t.Context())); err != nil {
				t.Error(fmt.Errorf("replica %d: %w", i, err))
			}
		})
	}
	wg.Wait()
}
