package storetest

import (
	"slices"
	"sync"
	"testing"

	"github.com/trellis-ats/trellis/internal/store"
)

// Statements are those that a database was sent. It is safe for concurrent use.
type Statements struct {
	mu   sync.Mutex
	sent []string
}

func (s *Statements) add(query string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent = append(s.sent, query)
}

// During returns the statements that were sent while f ran, whoever sent them.
func (s *Statements) During(f func()) []string {
	s.mu.Lock()
	before := len(s.sent)
	s.mu.Unlock()
	f()
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.sent[before:])
}

// EachCounted is Each with the statements that the database is sent. Those of
// the task queue, BEGIN and COMMIT are not among them.
func EachCounted(t *testing.T, f func(t *testing.T, db *store.DB, sent *Statements)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		sent := &Statements{}
		f(t, openWith(t, store.Options{URL: NewSQLiteFile(t), OnStatement: sent.add}), sent)
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		sent := &Statements{}
		db := openWith(t, store.Options{URL: NewPostgresSchema(t), OnStatement: sent.add})
		if err := db.Migrate(t.Context()); err != nil {
			t.Fatalf("migrate: %v", err)
		}
		f(t, db, sent)
	})
}
