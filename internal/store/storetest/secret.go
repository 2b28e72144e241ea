package storetest

import (
	"strings"
	"testing"
	"time"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/internal/store"
)

// testSecretsAreNotReadable looks for secrets in every column of every row.
func testSecretsAreNotReadable(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	secrets := map[string]core.Secret{"api_key": core.NewSecret("key_"), "webhook_secret": core.NewSecret("whs_")}
	c := f.newConnection(t, secrets)
	_, key := f.newKey(t, time.Time{}, time.Time{})
	outcome, made := f.claim("key"), core.NewSecret("trl_")
	outcome.Outcome = []byte(made.Reveal())
	keep(t, db, outcome, now())
	tokens := map[string]core.Secret{"access_token": core.NewSecret("tok_")}
	f.newAuthorization(t, tokens)
	stored := dump(t, db)
	for _, there := range []string{string(c.ID), key.Hash(), f.candidate.Phone, outcome.Principal} {
		if !strings.Contains(stored, there) {
			t.Errorf("the dump misses %q, so it proves nothing", there)
		}
	}
	for _, s := range []core.Secret{secrets["api_key"], secrets["webhook_secret"], key, made, tokens["access_token"]} {
		if strings.Contains(stored, s.Reveal()) || strings.Contains(stored, s.Reveal()[4:]) {
			t.Error("a secret is readable in the database")
		}
	}
}

// dump returns all that is stored in Trellis's tables.
func dump(t *testing.T, db *store.DB) string {
	t.Helper()
	var all strings.Builder
	for _, table := range []string{"organizations", "tokens", "connections", "connection_authorizations", "partner_keys", "candidates", "events", "outcomes"} {
		rows, err := db.SQL().QueryContext(t.Context(), "SELECT * FROM "+table)
		if err != nil {
			t.Fatal(err)
		}
		columns, err := rows.Columns()
		if err != nil {
			t.Fatal(err)
		}
		cells, targets := make([][]byte, len(columns)), make([]any, len(columns))
		for i := range cells {
			targets[i] = &cells[i]
		}
		for rows.Next() {
			if err := rows.Scan(targets...); err != nil {
				t.Fatal(err)
			}
			for _, cell := range cells {
				all.Write(cell)
				all.WriteByte('\n')
			}
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
	}
	return all.String()
}

func testMigrated(t *testing.T, db *store.DB) {
	same(t, "migrated", true, found[bool](t)(db.Migrated(t.Context())))
	if err := db.Migrate(t.Context()); err != nil { // again
		t.Error(err)
	}
	if _, err := db.SQL().ExecContext(t.Context(), "DELETE FROM goose_db_version WHERE version_id > 0"); err != nil {
		t.Fatal(err)
	}
	same(t, "behind", false, found[bool](t)(db.Migrated(t.Context())))
}
