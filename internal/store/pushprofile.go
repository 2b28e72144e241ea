package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/trellis-ats/trellis/core"
)

type pushProfileRow struct {
	OrganizationID   core.ID                  `db:"organization_id"`
	ConnectionID     core.ID                  `db:"connection_id"`
	Bands            JSON[core.Bands]         `db:"bands"`
	ReportOnlyTraits JSON[[]string]           `db:"report_only_traits"`
	Destinations     JSON[[]core.Destination] `db:"destinations"`
	Policies         JSON[core.Policies]      `db:"policies"`
	SourceID         string                   `db:"source_id"`
	SourceName       string                   `db:"source_name"`
	Version          int                      `db:"version"`
	UpdatedAt        Time                     `db:"updated_at"`
}

func newPushProfileRow(p *core.PushProfile) pushProfileRow {
	return pushProfileRow{
		OrganizationID: p.OrganizationID, ConnectionID: p.ConnectionID, Bands: JSON[core.Bands]{p.Bands},
		ReportOnlyTraits: JSON[[]string]{p.ReportOnlyTraits}, Destinations: JSON[[]core.Destination]{p.Destinations},
		Policies: JSON[core.Policies]{p.Policies}, SourceID: p.SourceID, SourceName: p.SourceName,
		Version: p.Version, UpdatedAt: Time{p.UpdatedAt},
	}
}

func (r pushProfileRow) pushProfile() *core.PushProfile {
	return &core.PushProfile{
		OrganizationID: r.OrganizationID, ConnectionID: r.ConnectionID, Bands: r.Bands.V,
		ReportOnlyTraits: r.ReportOnlyTraits.V, Destinations: r.Destinations.V, Policies: r.Policies.V,
		SourceID: r.SourceID, SourceName: r.SourceName, Version: r.Version, UpdatedAt: r.UpdatedAt.Time,
	}
}

// PushProfile implements core.PushProfileReader.
func (r reader) PushProfile(ctx context.Context, organization, connection core.ID) (*core.PushProfile, error) {
	var row pushProfileRow
	query := selectFrom[pushProfileRow]("push_profiles") + " WHERE organization_id = $1 AND connection_id = $2"
	err := r.q.get(ctx, &row, query, organization, connection)
	if errors.Is(err, sql.ErrNoRows) {
		return core.DefaultPushProfile(organization, connection), nil
	}
	if err != nil {
		return nil, err
	}
	return row.pushProfile(), nil
}

// SavePushProfile implements core.PushProfileWriter.
func (t *tx) SavePushProfile(ctx context.Context, p *core.PushProfile) error {
	query := insertInto[pushProfileRow]("push_profiles") + ` ON CONFLICT (organization_id, connection_id) DO UPDATE SET
		bands = excluded.bands, report_only_traits = excluded.report_only_traits, destinations = excluded.destinations,
		policies = excluded.policies, source_id = excluded.source_id, source_name = excluded.source_name,
		version = excluded.version, updated_at = excluded.updated_at`
	_, err := t.q.exec(ctx, query, valuesOf(newPushProfileRow(p))...)
	return err
}
