package store

import (
	"context"
	"time"

	"github.com/trellis-ats/trellis/core"
)

type sessionRow struct {
	ID             core.ID   `db:"id"`
	OrganizationID core.ID   `db:"organization_id"`
	TokenID        core.ID   `db:"token_id"`
	Role           core.Role `db:"role"`
	Name           string    `db:"name"`
	Principal      string    `db:"principal"`
	Hash           string    `db:"hash"`
	CreatedAt      Time      `db:"created_at"`
	ExpiresAt      Time      `db:"expires_at"`
	EndedAt        Time      `db:"ended_at"`
}

func newSessionRow(s *core.Session) sessionRow {
	return sessionRow{
		ID: s.ID, OrganizationID: s.OrganizationID, TokenID: s.TokenID, Role: s.Role, Name: s.Name, Principal: s.Principal,
		Hash: s.Hash, CreatedAt: Time{s.CreatedAt}, ExpiresAt: Time{s.ExpiresAt}, EndedAt: Time{s.EndedAt},
	}
}

func (r sessionRow) session() core.Session {
	return core.Session{
		ID: r.ID, OrganizationID: r.OrganizationID, TokenID: r.TokenID, Role: r.Role, Name: r.Name, Principal: r.Principal,
		Hash: r.Hash, CreatedAt: r.CreatedAt.Time, ExpiresAt: r.ExpiresAt.Time, EndedAt: r.EndedAt.Time,
	}
}

// SessionByHash implements core.SessionReader.
func (r reader) SessionByHash(ctx context.Context, hash string) (*core.Session, error) {
	var row sessionRow
	if err := r.q.get(ctx, &row, selectFrom[sessionRow]("sessions")+" WHERE hash = $1", hash); err != nil {
		return nil, notFound(err, "session")
	}
	s := row.session()
	return &s, nil
}

// InsertSession implements core.SessionWriter.
func (t *tx) InsertSession(ctx context.Context, s *core.Session) error {
	return insert(ctx, t.q, "sessions", newSessionRow(s))
}

// EndSession implements core.SessionWriter. One that ended keeps its end.
func (t *tx) EndSession(ctx context.Context, id core.ID, at time.Time) error {
	_, err := t.q.exec(ctx, "UPDATE sessions SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL", id, Time{at})
	return err
}
