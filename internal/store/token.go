package store

import (
	"context"
	"time"

	"github.com/trellis-ats/trellis/core"
)

type tokenRow struct {
	ID             core.ID   `db:"id"`
	OrganizationID core.ID   `db:"organization_id"`
	Name           string    `db:"name"`
	Role           core.Role `db:"role"`
	Hash           string    `db:"hash"`
	CreatedAt      Time      `db:"created_at"`
	ExpiresAt      Time      `db:"expires_at"`
	RevokedAt      Time      `db:"revoked_at"`
	LastUsedAt     Time      `db:"last_used_at"`
}

func newTokenRow(t *core.Token) tokenRow {
	return tokenRow{
		ID: t.ID, OrganizationID: t.OrganizationID, Name: t.Name, Role: t.Role, Hash: t.Hash,
		CreatedAt: Time{t.CreatedAt}, ExpiresAt: Time{t.ExpiresAt}, RevokedAt: Time{t.RevokedAt}, LastUsedAt: Time{t.LastUsedAt},
	}
}

func (r tokenRow) token() core.Token {
	return core.Token{
		ID: r.ID, OrganizationID: r.OrganizationID, Name: r.Name, Role: r.Role, Hash: r.Hash,
		CreatedAt: r.CreatedAt.Time, ExpiresAt: r.ExpiresAt.Time, RevokedAt: r.RevokedAt.Time, LastUsedAt: r.LastUsedAt.Time,
	}
}

// TokenByHash implements core.TokenReader.
func (r reader) TokenByHash(ctx context.Context, hash string) (*core.Token, error) {
	var row tokenRow
	if err := r.q.get(ctx, &row, selectFrom[tokenRow]("tokens")+" WHERE hash = $1", hash); err != nil {
		return nil, notFound(err, "token")
	}
	t := row.token()
	return &t, nil
}

// InsertToken implements core.TokenWriter.
func (t *tx) InsertToken(ctx context.Context, token *core.Token) error {
	return insert(ctx, t.q, "tokens", newTokenRow(token))
}

// TouchToken implements core.TokenWriter.
func (t *tx) TouchToken(ctx context.Context, id core.ID, at time.Time) error {
	_, err := t.q.exec(ctx, "UPDATE tokens SET last_used_at = $2 WHERE id = $1", id, Time{at})
	return err
}
