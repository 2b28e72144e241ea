package store

import (
	"context"
	"time"

	"github.com/trellis-ats/trellis/core"
)

type tokenRow struct {
	ID             core.ID                 `db:"id"`
	OrganizationID core.ID                 `db:"organization_id"`
	Name           string                  `db:"name"`
	Role           core.Role               `db:"role"`
	Scopes         JSON[[]core.Permission] `db:"scopes"`
	Hash           string                  `db:"hash"`
	PreviousHash   string                  `db:"previous_hash"`
	PreviousUntil  Time                    `db:"previous_until"`
	CreatedAt      Time                    `db:"created_at"`
	ExpiresAt      Time                    `db:"expires_at"`
	RevokedAt      Time                    `db:"revoked_at"`
	LastUsedAt     Time                    `db:"last_used_at"`
}

func newTokenRow(t *core.Token) tokenRow {
	return tokenRow{
		ID: t.ID, OrganizationID: t.OrganizationID, Name: t.Name, Role: t.Role,
		Scopes: JSON[[]core.Permission]{t.Scopes}, Hash: t.Hash, PreviousHash: t.PreviousHash, PreviousUntil: Time{t.PreviousUntil},
		CreatedAt: Time{t.CreatedAt}, ExpiresAt: Time{t.ExpiresAt}, RevokedAt: Time{t.RevokedAt}, LastUsedAt: Time{t.LastUsedAt},
	}
}

func (r tokenRow) token() core.Token {
	return core.Token{
		ID: r.ID, OrganizationID: r.OrganizationID, Name: r.Name, Role: r.Role,
		Scopes: r.Scopes.V, Hash: r.Hash, PreviousHash: r.PreviousHash, PreviousUntil: r.PreviousUntil.Time,
		CreatedAt: r.CreatedAt.Time, ExpiresAt: r.ExpiresAt.Time, RevokedAt: r.RevokedAt.Time, LastUsedAt: r.LastUsedAt.Time,
	}
}

// TokenByHash implements core.TokenReader. Each side of the OR has an index of its own.
func (r reader) TokenByHash(ctx context.Context, hash string) (*core.Token, error) {
	return r.tokenWhere(ctx, "hash = $1 OR (previous_hash = $1 AND previous_hash <> '')", hash)
}

// Token implements core.TokenReader.
func (r reader) Token(ctx context.Context, organization, id core.ID) (*core.Token, error) {
	return r.tokenWhere(ctx, "organization_id = $1 AND id = $2", organization, id)
}

// LockToken implements core.TokenWriter.
func (t *tx) LockToken(ctx context.Context, organization, id core.ID) (*core.Token, error) {
	return t.tokenWhere(ctx, "organization_id = $1 AND id = $2"+t.dialect.lock(), organization, id)
}

func (r reader) tokenWhere(ctx context.Context, condition string, args ...any) (*core.Token, error) {
	var row tokenRow
	if err := r.q.get(ctx, &row, selectFrom[tokenRow]("tokens")+" WHERE "+condition, args...); err != nil {
		return nil, notFound(err, "token")
	}
	t := row.token()
	return &t, nil
}

// TokensByID implements core.TokenReader.
func (r reader) TokensByID(ctx context.Context, organization core.ID, ids []core.ID) ([]core.Token, error) {
	rows, err := readByID[tokenRow](ctx, r.q, "tokens", owned(organization), ids)
	return convertAll(rows, tokenRow.token), err
}

// Tokens implements core.TokenReader.
func (r reader) Tokens(ctx context.Context, organization core.ID, p core.Page) (*core.Paged[core.Token], error) {
	rows, err := readPage[tokenRow](ctx, r.q, listing{table: "tokens", where: owned(organization)}, p)
	return convertPage(rows, err, tokenRow.token)
}

// InsertToken implements core.TokenWriter.
func (t *tx) InsertToken(ctx context.Context, token *core.Token) error {
	return insert(ctx, t.q, "tokens", newTokenRow(token))
}

// UpdateToken implements core.TokenWriter. Errors: fault.NotFound.
func (t *tx) UpdateToken(ctx context.Context, token *core.Token) error {
	return update(ctx, t.q, "tokens", "token", newTokenRow(token),
		"hash", "previous_hash", "previous_until", "expires_at", "revoked_at", "last_used_at")
}

// TouchToken implements core.TokenWriter.
func (t *tx) TouchToken(ctx context.Context, id core.ID, at time.Time) error {
	_, err := t.q.exec(ctx, "UPDATE tokens SET last_used_at = $2 WHERE id = $1", id, Time{at})
	return err
}
