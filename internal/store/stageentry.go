package store

import (
	"context"
	"time"

	"github.com/trellis-ats/trellis/core"
)

type stageEntryRow struct {
	OrganizationID core.ID `db:"organization_id"`
	ConnectionID   core.ID `db:"connection_id"`
	ApplicationID  string  `db:"application_id"`
	StageID        string  `db:"stage_id"`
	EnteredAt      Time    `db:"entered_at"`
	AssessmentID   core.ID `db:"assessment_id"`
}

// EnterStage implements core.StageEntryWriter. A second transaction with the
// same application and stage waits for the first to end.
func (t *tx) EnterStage(ctx context.Context, e *core.StageEntry) (bool, error) {
	const later = "SELECT count(*) FROM stage_entries WHERE connection_id = $1 AND application_id = $2 AND entered_at > $3"
	var n int
	if err := t.q.get(ctx, &n, later, e.ConnectionID, e.ApplicationID, Time{e.EnteredAt}); err != nil || n > 0 {
		return false, err
	}
	row := stageEntryRow{
		OrganizationID: e.OrganizationID, ConnectionID: e.ConnectionID, ApplicationID: e.ApplicationID, StageID: e.StageID,
		EnteredAt: Time{e.EnteredAt}, AssessmentID: e.AssessmentID,
	}
	kept, err := t.q.exec(ctx, insertInto[stageEntryRow]("stage_entries")+" ON CONFLICT (connection_id, application_id, stage_id) DO NOTHING", valuesOf(row)...)
	return kept == 1, err
}

// StageEntered implements core.StageEntryReader.
func (r reader) StageEntered(ctx context.Context, connection core.ID, application, stage string, at time.Time) (bool, error) {
	var n int
	const query = "SELECT count(*) FROM stage_entries WHERE connection_id = $1 AND application_id = $2 AND (stage_id = $3 OR entered_at > $4)"
	err := r.q.get(ctx, &n, query, connection, application, stage, Time{at})
	return n > 0, err
}
