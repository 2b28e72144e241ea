package store

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"

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
	Health         JSON[healthJSON]        `db:"health"`
	CreatedAt      Time                    `db:"created_at"`
}

func (r connectionRow) connection() core.Connection {
	return core.Connection{
		ID: r.ID, OrganizationID: r.OrganizationID, Adapter: r.Adapter, Name: r.Name,
		Settings: r.Settings.V, Disabled: r.Disabled, Health: r.Health.V.health(), CreatedAt: r.CreatedAt.Time,
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
	Health         JSON[healthJSON]        `db:"health"`
	CreatedAt      Time                    `db:"created_at"`
}

// Connection implements core.ConnectionReader.
func (r reader) Connection(ctx context.Context, organization, id core.ID) (*core.Connection, error) {
	return r.connectionOf(ctx, organization, id, "")
}

// LockConnection implements core.ConnectionWriter.
func (t *tx) LockConnection(ctx context.Context, organization, id core.ID) (*core.Connection, error) {
	return t.connectionOf(ctx, organization, id, t.dialect.lock())
}

func (r reader) connectionOf(ctx context.Context, organization, id core.ID, lock string) (*core.Connection, error) {
	var row connectionRow
	query := selectFrom[connectionRow]("connections") + " WHERE organization_id = $1 AND id = $2" + lock
	if err := r.q.get(ctx, &row, query, organization, id); err != nil {
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

// ConnectionsByID implements core.ConnectionReader.
func (r reader) ConnectionsByID(ctx context.Context, organization core.ID, ids []core.ID) ([]core.Connection, error) {
	rows, err := readByID[connectionRow](ctx, r.q, "connections", owned(organization), ids)
	return convertAll(rows, connectionRow.connection), err
}

// ConnectionSecrets implements core.ConnectionReader.
func (r reader) ConnectionSecrets(ctx context.Context, organization, id core.ID) (map[string]core.Secret, error) {
	return r.secretsOf(ctx, organization, id, "")
}

func (r reader) secretsOf(ctx context.Context, organization, id core.ID, lock string) (map[string]core.Secret, error) {
	var blob []byte
	query := "SELECT sealed_secrets FROM connections WHERE organization_id = $1 AND id = $2" + lock
	if err := r.q.get(ctx, &blob, query, organization, id); err != nil {
		return nil, notFound(err, "connection")
	}
	return r.keys.openSecrets(id, blob)
}

// openSecrets opens what sealSecrets sealed.
func (r *keyring) openSecrets(connection core.ID, blob []byte) (map[string]core.Secret, error) {
	plain, err := r.open(string(connection), blob)
	if err != nil {
		return nil, err
	}
	secrets := map[string]core.Secret{}
	if err := json.Unmarshal(plain, &secrets); err != nil {
		return nil, fmt.Errorf("store: secrets of %s: %w", connection, err)
	}
	if secrets == nil { // it was made without any
		secrets = map[string]core.Secret{}
	}
	return secrets, nil
}

// InsertConnection implements core.ConnectionWriter.
// Errors: fault.Config without a master key.
func (t *tx) InsertConnection(ctx context.Context, c *core.Connection, secrets map[string]core.Secret) error {
	blob, err := t.keys.sealSecrets(c.ID, secrets)
	if err != nil {
		return err
	}
	return insert(ctx, t.q, "connections", newConnectionRow{
		ID: c.ID, OrganizationID: c.OrganizationID, Adapter: c.Adapter, Name: c.Name,
		Settings: JSON[map[string]string]{c.Settings}, SealedSecrets: blob, Disabled: c.Disabled,
		Health: JSON[healthJSON]{newHealthJSON(c.Health)}, CreatedAt: Time{c.CreatedAt},
	})
}

// UpdateConnection implements core.ConnectionWriter. Errors: fault.NotFound.
func (t *tx) UpdateConnection(ctx context.Context, c *core.Connection) error {
	row := connectionRow{
		ID: c.ID, OrganizationID: c.OrganizationID, Name: c.Name, Settings: JSON[map[string]string]{c.Settings},
		Disabled: c.Disabled, Health: JSON[healthJSON]{newHealthJSON(c.Health)},
	}
	return update(ctx, t.q, "connections", "connection", row, "name", "settings", "disabled", "health")
}

// SaveSecrets implements core.ConnectionWriter. An empty one is removed. None
// at all change nothing and need no key.
// Errors: fault.NotFound; fault.Config if the master key is missing or does
// not open what is stored.
func (t *tx) SaveSecrets(ctx context.Context, organization, id core.ID, secrets map[string]core.Secret) error {
	if len(secrets) == 0 {
		return nil
	}
	merged, err := t.secretsOf(ctx, organization, id, t.dialect.lock())
	if err != nil {
		return err
	}
	maps.Copy(merged, secrets)
	maps.DeleteFunc(merged, func(_ string, s core.Secret) bool { return s == "" })
	blob, err := t.keys.sealSecrets(id, merged)
	if err != nil {
		return err
	}
	_, err = t.q.exec(ctx, "UPDATE connections SET sealed_secrets = $3 WHERE organization_id = $1 AND id = $2", organization, id, blob)
	return err
}

// sealSecrets seals a connection's secrets.
func (r *keyring) sealSecrets(connection core.ID, secrets map[string]core.Secret) ([]byte, error) {
	plain, err := json.Marshal(secrets)
	if err != nil {
		return nil, fmt.Errorf("store: secrets of %s: %w", connection, err)
	}
	return r.seal(string(connection), plain)
}
