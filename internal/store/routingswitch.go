package store

import (
	"context"

	"github.com/trellis-ats/trellis/core"
)

type routingSwitchRow struct {
	OrganizationID core.ID `db:"organization_id"`
	ConnectionID   core.ID `db:"connection_id"`
	JobID          core.ID `db:"job_id"`
	Off            bool    `db:"off"`
	Note           string  `db:"note"`
	ChangedBy      string  `db:"changed_by"`
	ChangedAt      Time    `db:"changed_at"`
}

func (r routingSwitchRow) routingSwitch() core.RoutingSwitch {
	return core.RoutingSwitch{
		OrganizationID: r.OrganizationID, ConnectionID: r.ConnectionID, JobID: r.JobID, Off: r.Off, Note: r.Note,
		ChangedBy: r.ChangedBy, ChangedAt: r.ChangedAt.Time,
	}
}

// RoutingSwitches implements core.RoutingSwitchReader.
func (r reader) RoutingSwitches(ctx context.Context, organization, connection core.ID) ([]core.RoutingSwitch, error) {
	rows := []routingSwitchRow{}
	query := selectFrom[routingSwitchRow]("routing_switches") + " WHERE organization_id = $1 AND connection_id = $2 ORDER BY job_id"
	err := r.q.list(ctx, &rows, query, organization, connection)
	return convertAll(rows, routingSwitchRow.routingSwitch), err
}

// SaveRoutingSwitch implements core.RoutingSwitchWriter.
func (t *tx) SaveRoutingSwitch(ctx context.Context, s *core.RoutingSwitch) error {
	row := routingSwitchRow{
		OrganizationID: s.OrganizationID, ConnectionID: s.ConnectionID, JobID: s.JobID, Off: s.Off, Note: s.Note,
		ChangedBy: s.ChangedBy, ChangedAt: Time{s.ChangedAt},
	}
	query := insertInto[routingSwitchRow]("routing_switches") + ` ON CONFLICT (connection_id, job_id) DO UPDATE SET
		off = excluded.off, note = excluded.note, changed_by = excluded.changed_by, changed_at = excluded.changed_at
		WHERE routing_switches.organization_id = excluded.organization_id`
	_, err := t.q.exec(ctx, query, valuesOf(row)...)
	return err
}
