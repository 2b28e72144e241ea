package store

import (
	"context"

	"github.com/trellis-ats/trellis/core"
)

type jobMappingRow struct {
	ID                core.ID `db:"id"`
	OrganizationID    core.ID `db:"organization_id"`
	ConnectionID      core.ID `db:"connection_id"`
	JobID             core.ID `db:"job_id"`
	ExternalJobID     string  `db:"external_job_id"`
	ExternalJobName   string  `db:"external_job_name"`
	ExternalStageID   string  `db:"external_stage_id"`
	ExternalStageName string  `db:"external_stage_name"`
	CreatedAt         Time    `db:"created_at"`
	UpdatedAt         Time    `db:"updated_at"`
}

func newJobMappingRow(m *core.JobMapping) jobMappingRow {
	return jobMappingRow{
		ID: m.ID, OrganizationID: m.OrganizationID, ConnectionID: m.ConnectionID, JobID: m.JobID,
		ExternalJobID: m.ExternalJobID, ExternalJobName: m.ExternalJobName,
		ExternalStageID: m.ExternalStageID, ExternalStageName: m.ExternalStageName,
		CreatedAt: Time{m.CreatedAt}, UpdatedAt: Time{m.UpdatedAt},
	}
}

func (r jobMappingRow) jobMapping() core.JobMapping {
	return core.JobMapping{
		ID: r.ID, OrganizationID: r.OrganizationID, ConnectionID: r.ConnectionID, JobID: r.JobID,
		ExternalJobID: r.ExternalJobID, ExternalJobName: r.ExternalJobName,
		ExternalStageID: r.ExternalStageID, ExternalStageName: r.ExternalStageName,
		CreatedAt: r.CreatedAt.Time, UpdatedAt: r.UpdatedAt.Time,
	}
}

// JobMapping implements core.JobMappingReader.
func (r reader) JobMapping(ctx context.Context, organization, connection, job core.ID) (*core.JobMapping, error) {
	var row jobMappingRow
	query := selectFrom[jobMappingRow]("job_mappings") + " WHERE organization_id = $1 AND connection_id = $2 AND job_id = $3"
	if err := r.q.get(ctx, &row, query, organization, connection, job); err != nil {
		return nil, notFound(err, "mapping of a job")
	}
	m := row.jobMapping()
	return &m, nil
}

// JobMappings implements core.JobMappingReader.
func (r reader) JobMappings(ctx context.Context, organization core.ID, f core.JobMappingFilter, p core.Page) (*core.Paged[core.JobMapping], error) {
	l := listing{table: "job_mappings", where: owned(organization)}
	equal(&l.where, "connection_id", f.ConnectionID)
	equal(&l.where, "job_id", f.JobID)
	equal(&l.where, "external_job_id", f.ExternalJobID)
	rows, err := readPage[jobMappingRow](ctx, r.q, l, p)
	return convertPage(rows, err, jobMappingRow.jobMapping)
}

// SaveJobMapping implements core.JobMappingWriter.
func (t *tx) SaveJobMapping(ctx context.Context, m *core.JobMapping) error {
	var kept struct {
		ID        core.ID `db:"id"`
		CreatedAt Time    `db:"created_at"`
	}
	query := insertInto[jobMappingRow]("job_mappings") + `
		ON CONFLICT (organization_id, connection_id, job_id) DO UPDATE SET
			external_job_id = excluded.external_job_id, external_job_name = excluded.external_job_name,
			external_stage_id = excluded.external_stage_id, external_stage_name = excluded.external_stage_name,
			updated_at = excluded.updated_at
		RETURNING id, created_at`
	if err := t.q.get(ctx, &kept, query, valuesOf(newJobMappingRow(m))...); err != nil {
		return err
	}
	m.ID, m.CreatedAt = kept.ID, kept.CreatedAt.Time
	return nil
}

// DeleteJobMapping implements core.JobMappingWriter.
func (t *tx) DeleteJobMapping(ctx context.Context, organization, connection, job core.ID) error {
	const query = "DELETE FROM job_mappings WHERE organization_id = $1 AND connection_id = $2 AND job_id = $3"
	n, err := t.q.exec(ctx, query, organization, connection, job)
	return removed(n, err, "mapping of a job")
}
