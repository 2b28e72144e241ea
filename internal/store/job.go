package store

import (
	"context"
	"time"

	"github.com/trellis-ats/trellis/core"
)

type jobRow struct {
	ID             core.ID `db:"id"`
	OrganizationID core.ID `db:"organization_id"`
	ConnectionID   core.ID `db:"connection_id"`
	ExternalID     string  `db:"external_id"`
	Name           string  `db:"name"`
	CreatedAt      Time    `db:"created_at"`
}

func newJobRow(j *core.Job) jobRow {
	return jobRow{
		ID: j.ID, OrganizationID: j.OrganizationID, ConnectionID: j.ConnectionID, ExternalID: j.ExternalID,
		Name: j.Name, CreatedAt: Time{j.CreatedAt},
	}
}

func (r jobRow) job() core.Job {
	return core.Job{
		ID: r.ID, OrganizationID: r.OrganizationID, ConnectionID: r.ConnectionID, ExternalID: r.ExternalID,
		Name: r.Name, CreatedAt: r.CreatedAt.Time,
	}
}

type jobShareRow struct {
	OrganizationID core.ID `db:"organization_id"`
	JobID          core.ID `db:"job_id"`
	Principal      string  `db:"principal"`
	CreatedAt      Time    `db:"created_at"`
}

// Job implements core.JobReader.
func (r reader) Job(ctx context.Context, organization, id core.ID) (*core.Job, error) {
	var row jobRow
	err := r.q.get(ctx, &row, selectFrom[jobRow]("jobs")+" WHERE organization_id = $1 AND id = $2", organization, id)
	if err != nil {
		return nil, notFound(err, "job")
	}
	j := row.job()
	return &j, nil
}

// JobsByID implements core.JobReader.
func (r reader) JobsByID(ctx context.Context, organization core.ID, ids []core.ID) ([]core.Job, error) {
	rows, err := readByID[jobRow](ctx, r.q, "jobs", owned(organization), ids)
	return convertAll(rows, jobRow.job), err
}

// Jobs implements core.JobReader.
func (r reader) Jobs(ctx context.Context, organization core.ID, s core.Sight, p core.Page) (*core.Paged[core.Job], error) {
	l := listing{table: "jobs", where: owned(organization)}
	l.where.inSight(s, "id %s")
	rows, err := readPage[jobRow](ctx, r.q, l, p)
	return convertPage(rows, err, jobRow.job)
}

// SharedJobs implements core.JobReader.
func (r reader) SharedJobs(ctx context.Context, organization core.ID, principal string) ([]core.ID, error) {
	ids := []core.ID{}
	const query = "SELECT job_id FROM job_shares WHERE organization_id = $1 AND principal = $2 ORDER BY job_id"
	err := r.q.list(ctx, &ids, query, organization, principal)
	return ids, err
}

// JobShares implements core.JobReader.
func (r reader) JobShares(ctx context.Context, organization core.ID, jobs []core.ID) (map[core.ID][]string, error) {
	shares := make(map[core.ID][]string, len(jobs))
	if len(jobs) == 0 {
		return shares, nil
	}
	w := owned(organization)
	in(&w, "job_id %s", jobs)
	rows := []jobShareRow{}
	query := selectFrom[jobShareRow]("job_shares") + w.String() + " ORDER BY job_id, principal"
	err := r.q.list(ctx, &rows, query, w.arguments...)
	for _, row := range rows {
		shares[row.JobID] = append(shares[row.JobID], row.Principal)
	}
	return shares, err
}

// InsertJob implements core.JobWriter. Errors: fault.Conflict if the
// connection has a job with this external id.
func (t *tx) InsertJob(ctx context.Context, j *core.Job) error {
	return insert(ctx, t.q, "jobs", newJobRow(j))
}

// ShareJob implements core.JobWriter. Errors: fault.NotFound.
func (t *tx) ShareJob(ctx context.Context, organization, job core.ID, principal string, at time.Time) error {
	if _, err := t.Job(ctx, organization, job); err != nil {
		return err
	}
	row := jobShareRow{OrganizationID: organization, JobID: job, Principal: principal, CreatedAt: Time{at}}
	_, err := t.q.exec(ctx, insertInto[jobShareRow]("job_shares")+" ON CONFLICT DO NOTHING", valuesOf(row)...)
	return err
}

// UnshareJob implements core.JobWriter.
func (t *tx) UnshareJob(ctx context.Context, organization, job core.ID, principal string) error {
	const query = "DELETE FROM job_shares WHERE organization_id = $1 AND job_id = $2 AND principal = $3"
	_, err := t.q.exec(ctx, query, organization, job, principal)
	return err
}
