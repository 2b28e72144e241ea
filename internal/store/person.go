package store

import (
	"context"
	"time"

	"github.com/trellis-ats/trellis/core"
)

type atsPersonRow struct {
	OrganizationID core.ID `db:"organization_id"`
	ConnectionID   core.ID `db:"connection_id"`
	Key            string  `db:"key"`
	ExternalID     string  `db:"external_id"`
	HeldBy         core.ID `db:"held_by"`
	FreeAt         Time    `db:"free_at"`
	UpdatedAt      Time    `db:"updated_at"`
}

func newATSPersonRow(p *core.ATSPerson) atsPersonRow {
	return atsPersonRow{
		OrganizationID: p.OrganizationID, ConnectionID: p.ConnectionID, Key: p.Key, ExternalID: cleaned(p.ExternalID),
		HeldBy: p.HeldBy, FreeAt: Time{p.FreeAt}, UpdatedAt: Time{p.UpdatedAt},
	}
}

func (r atsPersonRow) atsPerson() *core.ATSPerson {
	return &core.ATSPerson{
		OrganizationID: r.OrganizationID, ConnectionID: r.ConnectionID, Key: r.Key, ExternalID: r.ExternalID,
		HeldBy: r.HeldBy, FreeAt: r.FreeAt.Time, UpdatedAt: r.UpdatedAt.Time,
	}
}

// LockPerson implements core.PersonWriter.
func (t *tx) LockPerson(ctx context.Context, organization, connection core.ID, key string, now time.Time) (*core.ATSPerson, error) {
	fresh := newATSPersonRow(&core.ATSPerson{OrganizationID: organization, ConnectionID: connection, Key: key, UpdatedAt: now})
	insert := insertInto[atsPersonRow]("ats_people") + " ON CONFLICT (organization_id, connection_id, key) DO NOTHING"
	if _, err := t.q.exec(ctx, insert, valuesOf(fresh)...); err != nil {
		return nil, err
	}
	var row atsPersonRow
	query := selectFrom[atsPersonRow]("ats_people") + " WHERE organization_id = $1 AND connection_id = $2 AND key = $3" + t.dialect.lock()
	if err := t.q.get(ctx, &row, query, organization, connection, key); err != nil {
		return nil, notFound(err, "person")
	}
	return row.atsPerson(), nil
}

// UpdatePerson implements core.PersonWriter.
func (t *tx) UpdatePerson(ctx context.Context, p *core.ATSPerson) error {
	row := newATSPersonRow(p)
	_, err := t.q.exec(ctx, `UPDATE ats_people SET external_id = $4, held_by = $5, free_at = $6, updated_at = $7
		WHERE organization_id = $1 AND connection_id = $2 AND key = $3`,
		row.OrganizationID, row.ConnectionID, row.Key, row.ExternalID, row.HeldBy, row.FreeAt, row.UpdatedAt)
	return err
}
