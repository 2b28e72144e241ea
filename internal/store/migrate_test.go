package store_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trellis-ats/trellis/core"
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

// before is what the second migration finds: an assessment whose second
// result counts, and one without.
const before = `
	INSERT INTO organizations VALUES ('org_1', 'Acme', '2026-03-01T12:00:00.000000Z');
	INSERT INTO tokens (id, organization_id, name, role, hash, created_at) VALUES ('tok_1', 'org_1', 'n', 'ADMIN', 'h', '2026-03-01T12:00:00.000000Z');
	INSERT INTO connections (id, organization_id, adapter, name, settings, sealed_secrets, disabled, created_at)
		VALUES ('con_1', 'org_1', 'fake', 'n', '{}', NO BYTES, FALSE, '2026-03-01T12:00:00.000000Z');
	INSERT INTO tests VALUES ('tst_1', 'org_1', 'n', '', 'CHAT', 1, '[]', FALSE, '2026-03-01T12:00:00.000000Z');
	INSERT INTO candidates VALUES ('cnd_1', 'org_1', '', '', 'Ada', 'Lovelace', '', 'Ada@example.com', '', '', '2026-03-01T12:00:00.000000Z', '2026-03-01T12:00:00.000000Z');
	INSERT INTO assessments (id, organization_id, test_id, candidate_id, connection_id, order_key, ats_order, ordered_by, status, delivery, delivery_note, delivered_revision, report_link_gen)
		VALUES ('asm_1', 'org_1', 'tst_1', 'cnd_1', '', '', '{}', '', 'SCORED', 'NONE', '', 0, 0), ('asm_2', 'org_1', 'tst_1', 'cnd_1', '', '', '{}', '', 'ORDERED', 'NONE', '', 0, 0);
	INSERT INTO results VALUES
		('res_1', 'org_1', 'asm_1', 'tst_1', 1, FALSE, 100, 1, 100, '[]', '{}', '', '2026-03-01T12:00:00.000000Z'),
		('res_2', 'org_1', 'asm_1', 'tst_1', 2, TRUE, 200, 2, 100, '[]', '{}', '', '2026-03-01T12:00:00.000000Z')`

func TestMigrationKeepsWhatIsThere(t *testing.T) {
	t.Parallel()
	check := func(t *testing.T, address, noBytes string) {
		t.Parallel()
		db := storetest.OpenURL(t, address)
		own, err := store.OwnMigrations(db)
		if err != nil {
			t.Fatal(err)
		}
		_, first := own.UpTo(t.Context(), 1)
		_, inserted := db.SQL().ExecContext(t.Context(), strings.Replace(before, "NO BYTES", noBytes, 1))
		_, up := own.Up(t.Context())
		if err := errors.Join(first, inserted, up); err != nil {
			t.Fatal(err)
		}
		looksMigrated(t, db)
		_, down := own.DownTo(t.Context(), 1)
		_, again := own.Up(t.Context())
		if err := errors.Join(down, again); err != nil {
			t.Fatal(err)
		}
		looksMigrated(t, db)
	}
	t.Run("sqlite", func(t *testing.T) { check(t, filepath.Join(t.TempDir(), "old.db"), "x''") })
	t.Run("postgres", func(t *testing.T) { check(t, storetest.NewPostgresSchema(t), "''") })
}

func looksMigrated(t *testing.T, db *store.DB) {
	t.Helper()
	token, err := db.TokenByHash(t.Context(), "h")
	if err != nil || token.Scopes != nil || token.PreviousHash != "" {
		t.Errorf("token: %+v, %v", token, err)
	}
	c, err := db.Connection(t.Context(), "org_1", "con_1")
	if err != nil || c.Health.Status != core.HealthUnknown {
		t.Errorf("connection: %+v, %v", c, err)
	}
	score := core.Score(200)
	for name, f := range map[string]core.AssessmentFilter{
		"score": {MinScore: &score, MaxScore: &score}, "search": {Search: "a love", Statuses: []core.Status{core.StatusScored}},
	} {
		page, err := db.Assessments(t.Context(), "org_1", f, core.AssessmentSort{By: core.AssessmentsByScore}, core.Page{First: 10})
		if err != nil || len(page.Items) != 1 || page.Items[0].ID != "asm_1" {
			t.Fatalf("%s: %+v, %v", name, page, err)
		}
		if a := page.Items[0]; a.Decision != core.DecisionNone || a.ATSOutcome != core.OutcomeUnknown || a.JobID != "" {
			t.Errorf("%s: %+v", name, a)
		}
	}
}
