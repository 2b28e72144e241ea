package store

import (
	"context"
	"time"

	"github.com/trellis-ats/trellis/core"
)

type consentRow struct {
	Hash           string  `db:"hash"`
	OrganizationID core.ID `db:"organization_id"`
	ConnectionID   core.ID `db:"connection_id"`
	Principal      string  `db:"principal"`
	ExpiresAt      Time    `db:"expires_at"`
}

// InsertConsent implements core.ConsentWriter.
func (t *tx) InsertConsent(ctx context.Context, c *core.Consent) error {
	return insert(ctx, t.q, "consents", consentRow{
		Hash: c.Hash, OrganizationID: c.OrganizationID, ConnectionID: c.ConnectionID, Principal: c.Principal, ExpiresAt: Time{c.ExpiresAt},
	})
}

// TakeConsent implements core.ConsentWriter.
func (t *tx) TakeConsent(ctx context.Context, by core.Actor, hash string, now time.Time) (*core.Consent, error) {
	var row consentRow
	const query = `DELETE FROM consents WHERE hash = $1 AND organization_id = $2 AND principal = $3 AND expires_at > $4
		RETURNING hash, organization_id, connection_id, principal, expires_at`
	if err := t.q.get(ctx, &row, query, hash, by.OrganizationID, by.Principal, Time{now}); err != nil {
		return nil, notFound(err, "consent")
	}
	return &core.Consent{
		Hash: row.Hash, OrganizationID: row.OrganizationID, ConnectionID: row.ConnectionID, Principal: row.Principal, ExpiresAt: row.ExpiresAt.Time,
	}, nil
}

// ForgetConsents implements core.ConsentWriter. Rows that another transaction
// holds are left to it.
func (t *tx) ForgetConsents(ctx context.Context, now time.Time, limit int) error {
	query := "DELETE FROM consents WHERE hash IN (SELECT hash FROM consents WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2" + t.dialect.lockFree() + ")"
	_, err := t.q.exec(ctx, query, Time{now}, limit)
	return err
}
