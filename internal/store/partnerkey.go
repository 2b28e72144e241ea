package store

import (
	"context"
	"time"

	"github.com/trellis-ats/trellis/core"
)

type partnerKeyRow struct {
	ID             core.ID `db:"id"`
	OrganizationID core.ID `db:"organization_id"`
	ConnectionID   core.ID `db:"connection_id"`
	Adapter        string  `db:"adapter"`
	Hash           string  `db:"hash"`
	SealedKey      []byte  `db:"sealed_key"`
	CreatedAt      Time    `db:"created_at"`
	ExpiresAt      Time    `db:"expires_at"`
	LastUsedAt     Time    `db:"last_used_at"`
}

func newPartnerKeyRow(k *core.PartnerKey, sealed []byte) partnerKeyRow {
	return partnerKeyRow{
		ID: k.ID, OrganizationID: k.OrganizationID, ConnectionID: k.ConnectionID, Adapter: k.Adapter, Hash: k.Hash, SealedKey: sealed,
		CreatedAt: Time{k.CreatedAt}, ExpiresAt: Time{k.ExpiresAt}, LastUsedAt: Time{k.LastUsedAt},
	}
}

func (r partnerKeyRow) partnerKey() core.PartnerKey {
	return core.PartnerKey{
		ID: r.ID, OrganizationID: r.OrganizationID, ConnectionID: r.ConnectionID, Adapter: r.Adapter, Hash: r.Hash,
		CreatedAt: r.CreatedAt.Time, ExpiresAt: r.ExpiresAt.Time, LastUsedAt: r.LastUsedAt.Time,
	}
}

// PartnerKeyByHash implements core.PartnerKeyReader.
func (r reader) PartnerKeyByHash(ctx context.Context, adapter, hash string) (*core.PartnerKey, error) {
	var row partnerKeyRow
	err := r.q.get(ctx, &row, selectFrom[partnerKeyRow]("partner_keys")+" WHERE adapter = $1 AND hash = $2", adapter, hash)
	if err != nil {
		return nil, notFound(err, "partner key")
	}
	k := row.partnerKey()
	return &k, nil
}

// PartnerKeyInUse implements core.PartnerKeyReader.
func (r reader) PartnerKeyInUse(ctx context.Context, organization, connection core.ID) (core.Secret, error) {
	var row partnerKeyRow
	query := selectFrom[partnerKeyRow]("partner_keys") + `
		WHERE organization_id = $1 AND connection_id = $2 AND (expires_at IS NULL OR expires_at > $3)
		ORDER BY last_used_at DESC NULLS LAST, id DESC LIMIT 1`
	if err := r.q.get(ctx, &row, query, organization, connection, Time{r.clock.Now()}); err != nil {
		return "", notFound(err, "partner key")
	}
	plain, err := r.keys.open(string(row.ID), row.SealedKey)
	return core.Secret(plain), err
}

// InsertPartnerKey implements core.PartnerKeyWriter.
// Errors: fault.Config without a master key.
func (t *tx) InsertPartnerKey(ctx context.Context, k *core.PartnerKey, secret core.Secret) error {
	sealed, err := t.keys.seal(string(k.ID), []byte(secret.Reveal()))
	if err != nil {
		return err
	}
	return insert(ctx, t.q, "partner_keys", newPartnerKeyRow(k, sealed))
}

// ExpirePartnerKeys implements core.PartnerKeyWriter. A key that ends earlier
// already keeps its end.
func (t *tx) ExpirePartnerKeys(ctx context.Context, connection, keep core.ID, now, at time.Time) error {
	const all = `UPDATE partner_keys SET expires_at = $3
		WHERE connection_id = $1 AND id <> $2 AND (expires_at IS NULL OR expires_at > $3)`
	const allButNewest = all + ` AND id < (SELECT max(id) FROM partner_keys WHERE connection_id = $1 AND id <> $2)`
	if _, err := t.q.exec(ctx, all, connection, keep, Time{at}); err != nil {
		return err
	}
	_, err := t.q.exec(ctx, allButNewest, connection, keep, Time{now})
	return err
}

// TouchPartnerKey implements core.PartnerKeyWriter.
func (t *tx) TouchPartnerKey(ctx context.Context, id core.ID, at time.Time) error {
	_, err := t.q.exec(ctx, "UPDATE partner_keys SET last_used_at = $2 WHERE id = $1", id, Time{at})
	return err
}
