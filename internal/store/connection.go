package store

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/trellis-ats/trellis/core"
)

// connectionRow leaves the sealed secrets out: lists must not carry them.
type connectionRow struct {
	ID             core.ID                 `db:"id"`
	OrganizationID core.ID                 `db:"organization_id"`
	Adapter        string                  `db:"adapter"`
	Name           string                  `db:"name"`
	Settings       JSON[map[string]string] `db:"settings"`
	Disabled       bool                    `db:"disabled"`
	CreatedAt      Time                    `db:"created_at"`
}

func (r connectionRow) connection() core.Connection {
	return core.Connection{
		ID: r.ID, OrganizationID: r.OrganizationID, Adapter: r.Adapter, Name: r.Name,
		Settings: r.Settings.V, Disabled: r.Disabled, CreatedAt: r.CreatedAt.Time,
	}
}

// newConnectionRow is a connectionRow with its secrets.
type newConnectionRow struct {
	ID             core.ID                 `db:"id"`
	OrganizationID core.ID                 `db:"organization_id"`
	Adapter        string                  `db:"adapter"`
	Name           string                  `db:"name"`
	Settings       JSON[map[string]string] `db:"settings"`
	SealedSecrets  []byte                  `db:"sealed_secrets"`
	Disabled       bool                    `db:"disabled"`
	CreatedAt      Time                    `db:"created_at"`
}

// Connection implements core.ConnectionReader.
func (r reader) Connection(ctx context.Context, organization, id core.ID) (*core.Connection, error) {
	var row connectionRow
	err := r.q.get(ctx, &row, selectFrom[connectionRow]("connections")+" WHERE organization_id = $1 AND id = $2", organization, id)
	if err != nil {
		return nil, notFound(err, "connection")
	}
	c := row.connection()
	return &c, nil
}

// Connections implements core.ConnectionReader.
func (r reader) Connections(ctx context.Context, organization core.ID) ([]core.Connection, error) {
	rows := []connectionRow{}
	err := r.q.list(ctx, &rows, selectFrom[connectionRow]("connections")+" WHERE organization_id = $1 ORDER BY id", organization)
	if err != nil {
		return nil, err
	}
	return convertAll(rows, connectionRow.connection), nil
}

// ConnectionSecrets implements core.ConnectionReader.
func (r reader) ConnectionSecrets(ctx context.Context, organization, id core.ID) (map[string]core.Secret, error) {
	var blob []byte
	err := r.q.get(ctx, &blob, "SELECT sealed_secrets FROM connections WHERE organization_id = $1 AND id = $2", organization, id)
	if err != nil {
		return nil, notFound(err, "connection")
	}
	plain, err := r.keys.open(string(id), blob)
	if err != nil {
		return nil, err
	}
	secrets := map[string]core.Secret{}
	if err := json.Unmarshal(plain, &secrets); err != nil {
		return nil, fmt.Errorf("store: secrets of %s: %w", id, err)
	}
	return secrets, nil
}

// InsertConnection implements core.ConnectionWriter.
// Errors: fault.Config without a master key.
func (t *tx) InsertConnection(ctx context.Context, c *core.Connection, secrets map[string]core.Secret) error {
	plain, err := json.Marshal(secrets)
	if err != nil {
		return fmt.Errorf("store: secrets of %s: %w", c.ID, err)
	}
	blob, err := t.keys.seal(string(c.ID), plain)
	if err != nil {
		return err
	}
	return insert(ctx, t.q, "connections", newConnectionRow{
		ID: c.ID, OrganizationID: c.OrganizationID, Adapter: c.Adapter, Name: c.Name,
		Settings: JSON[map[string]string]{c.Settings}, SealedSecrets: blob, Disabled: c.Disabled, CreatedAt: Time{c.CreatedAt},
	})
}
