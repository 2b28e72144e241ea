package store

import (
	"context"

	"github.com/trellis-ats/trellis/core"
)

type stageTriggerRow struct {
	ID              core.ID `db:"id"`
	OrganizationID  core.ID `db:"organization_id"`
	ConnectionID    core.ID `db:"connection_id"`
	ExternalJobID   string  `db:"external_job_id"`
	ExternalJobName string  `db:"external_job_name"`
	StageID         string  `db:"stage_id"`
	StageName       string  `db:"stage_name"`
	TestID          core.ID `db:"test_id"`
	RetakeDays      int     `db:"retake_days"`
	CreatedAt       Time    `db:"created_at"`
}

func newStageTriggerRow(t *core.StageTrigger) stageTriggerRow {
	return stageTriggerRow{
		ID: t.ID, OrganizationID: t.OrganizationID, ConnectionID: t.ConnectionID, ExternalJobID: t.ExternalJobID,
		ExternalJobName: t.ExternalJobName, StageID: t.StageID, StageName: t.StageName, TestID: t.TestID,
		RetakeDays: t.RetakeDays, CreatedAt: Time{t.CreatedAt},
	}
}

func (r stageTriggerRow) stageTrigger() core.StageTrigger {
	return core.StageTrigger{
		ID: r.ID, OrganizationID: r.OrganizationID, ConnectionID: r.ConnectionID, ExternalJobID: r.ExternalJobID,
		ExternalJobName: r.ExternalJobName, StageID: r.StageID, StageName: r.StageName, TestID: r.TestID,
		RetakeDays: r.RetakeDays, CreatedAt: r.CreatedAt.Time,
	}
}

// StageTrigger implements core.StageTriggerReader.
func (r reader) StageTrigger(ctx context.Context, organization, id core.ID) (*core.StageTrigger, error) {
	return r.stageTriggerWhere(ctx, "organization_id = $1 AND id = $2", organization, id)
}

// StageTriggerFor implements core.StageTriggerReader.
func (r reader) StageTriggerFor(ctx context.Context, connection core.ID, job, stage string) (*core.StageTrigger, error) {
	return r.stageTriggerWhere(ctx, "connection_id = $1 AND external_job_id = $2 AND stage_id = $3", connection, job, stage)
}

func (r reader) stageTriggerWhere(ctx context.Context, condition string, args ...any) (*core.StageTrigger, error) {
	var row stageTriggerRow
	if err := r.q.get(ctx, &row, selectFrom[stageTriggerRow]("stage_triggers")+" WHERE "+condition, args...); err != nil {
		return nil, notFound(err, "stage trigger")
	}
	t := row.stageTrigger()
	return &t, nil
}

// StageTriggers implements core.StageTriggerReader.
func (r reader) StageTriggers(ctx context.Context, organization, connection core.ID) ([]core.StageTrigger, error) {
	w := owned(organization)
	equal(&w, "connection_id", connection)
	rows := []stageTriggerRow{}
	err := r.q.list(ctx, &rows, selectFrom[stageTriggerRow]("stage_triggers")+w.String()+" ORDER BY id", w.arguments...)
	return convertAll(rows, stageTriggerRow.stageTrigger), err
}

// Assessed implements core.StageTriggerReader.
func (r reader) Assessed(ctx context.Context, organization core.ID, q core.AssessedQuery) (bool, error) {
	const query = `SELECT count(*) FROM assessments WHERE organization_id = $1 AND test_id = $2 AND ordered_at >= $3
		AND status NOT IN ('EXPIRED', 'CANCELLED', 'FAILED') AND candidate_id IN (
			SELECT p.id FROM candidates AS p WHERE p.organization_id = $1 AND p.id = $4
			UNION SELECT p.id FROM candidates AS p WHERE p.organization_id = $1 AND lower(p.email) = $5 AND p.email <> '')`
	var n int
	err := r.q.get(ctx, &n, query, organization, q.TestID, Time{q.Since}, q.CandidateID, q.Email)
	return n > 0, err
}

// InsertStageTrigger implements core.StageTriggerWriter.
func (t *tx) InsertStageTrigger(ctx context.Context, s *core.StageTrigger) error {
	return insert(ctx, t.q, "stage_triggers", newStageTriggerRow(s))
}

// DeleteStageTrigger implements core.StageTriggerWriter.
func (t *tx) DeleteStageTrigger(ctx context.Context, organization, id core.ID) error {
	var gone core.ID
	const query = "DELETE FROM stage_triggers WHERE organization_id = $1 AND id = $2 RETURNING id"
	return notFound(t.q.get(ctx, &gone, query, organization, id), "stage trigger")
}
