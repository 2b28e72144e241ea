package store

import (
	"context"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/ats"
)

type applicationRow struct {
	OrganizationID      core.ID                `db:"organization_id"`
	ConnectionID        core.ID                `db:"connection_id"`
	ExternalID          string                 `db:"external_id"`
	CandidateExternalID string                 `db:"candidate_external_id"`
	JobExternalID       string                 `db:"job_external_id"`
	AssessmentID        core.ID                `db:"assessment_id"`
	CandidateID         core.ID                `db:"candidate_id"`
	Origin              core.ApplicationOrigin `db:"origin"`
	State               ats.ApplicationState   `db:"state"`
	StageID             string                 `db:"stage_id"`
	StageName           string                 `db:"stage_name"`
	ProfileURL          string                 `db:"profile_url"`
	ChangedAt           Time                   `db:"changed_at"`
	StagedAt            Time                   `db:"staged_at"`
	UpdatedAt           Time                   `db:"updated_at"`
	OwnState            ats.ApplicationState   `db:"own_state"`
	OwnStageID          string                 `db:"own_stage_id"`
	OwnAt               Time                   `db:"own_at"`
}

func newApplicationRow(a *core.Application) applicationRow {
	return applicationRow{
		OrganizationID: a.OrganizationID, ConnectionID: a.ConnectionID, ExternalID: a.ExternalID,
		CandidateExternalID: a.CandidateExternalID, JobExternalID: a.JobExternalID,
		AssessmentID: a.AssessmentID, CandidateID: a.CandidateID, Origin: a.Origin, State: a.State,
		StageID: a.StageID, StageName: a.StageName, ProfileURL: a.ProfileURL,
		ChangedAt: Time{a.ChangedAt}, StagedAt: Time{a.StagedAt}, UpdatedAt: Time{a.UpdatedAt},
		OwnState: a.OwnState, OwnStageID: a.OwnStageID, OwnAt: Time{a.OwnAt},
	}
}

func (r applicationRow) application() core.Application {
	return core.Application{
		OrganizationID: r.OrganizationID, ConnectionID: r.ConnectionID, ExternalID: r.ExternalID,
		CandidateExternalID: r.CandidateExternalID, JobExternalID: r.JobExternalID,
		AssessmentID: r.AssessmentID, CandidateID: r.CandidateID, Origin: r.Origin, State: r.State,
		StageID: r.StageID, StageName: r.StageName, ProfileURL: r.ProfileURL,
		ChangedAt: r.ChangedAt.Time, StagedAt: r.StagedAt.Time, UpdatedAt: r.UpdatedAt.Time,
		OwnState: r.OwnState, OwnStageID: r.OwnStageID, OwnAt: r.OwnAt.Time,
	}
}

// ApplicationsByExternal implements core.ApplicationReader.
func (r reader) ApplicationsByExternal(ctx context.Context, organization, connection core.ID, external string) ([]core.Application, error) {
	return r.applicationsWhere(ctx, "connection_id = $2 AND external_id = $3 ORDER BY assessment_id", organization, connection, external)
}

// ApplicationsOfPerson implements core.ApplicationReader.
func (r reader) ApplicationsOfPerson(ctx context.Context, organization, connection core.ID, person string) ([]core.Application, error) {
	return r.applicationsWhere(ctx, "connection_id = $2 AND candidate_external_id = $3 ORDER BY assessment_id", organization, connection, person)
}

// LockApplications implements core.ApplicationWriter.
func (t *tx) LockApplications(ctx context.Context, organization, connection core.ID, external string) ([]core.Application, error) {
	condition := "connection_id = $2 AND external_id = $3 ORDER BY assessment_id" + t.dialect.lock()
	return t.applicationsWhere(ctx, condition, organization, connection, external)
}

func (r reader) applicationsWhere(ctx context.Context, condition string, args ...any) ([]core.Application, error) {
	rows := []applicationRow{}
	err := r.q.list(ctx, &rows, selectFrom[applicationRow]("applications")+" WHERE organization_id = $1 AND "+condition, args...)
	return convertAll(rows, applicationRow.application), err
}

// ApplicationOf implements core.ApplicationReader. One whose external id is
// known comes before one without, one that is under way before one that ended,
// and a newer one, which has the greater number, before an older one.
func (r reader) ApplicationOf(ctx context.Context, organization, connection, assessment core.ID) (*core.Application, error) {
	var row applicationRow
	query := selectFrom[applicationRow]("applications") +
		" WHERE organization_id = $1 AND connection_id = $2 AND assessment_id = $3 ORDER BY external_id = '', state <> 'ACTIVE', length(external_id) DESC, external_id DESC LIMIT 1"
	if err := r.q.get(ctx, &row, query, organization, connection, assessment); err != nil {
		return nil, notFound(err, "application")
	}
	a := row.application()
	return &a, nil
}

// ApplicationsOf implements core.ApplicationReader.
func (r reader) ApplicationsOf(ctx context.Context, organization core.ID, assessments []core.ID) ([]core.Application, error) {
	if len(assessments) == 0 {
		return nil, nil
	}
	w := owned(organization)
	in(&w, "assessment_id %s", assessments)
	rows := []applicationRow{}
	err := r.q.list(ctx, &rows, selectFrom[applicationRow]("applications")+w.String(), w.arguments...)
	return convertAll(rows, applicationRow.application), err
}

// SaveApplication implements core.ApplicationWriter. Another organization's
// stays as it is. Errors: fault.NotFound for one of those.
func (t *tx) SaveApplication(ctx context.Context, a *core.Application) error {
	query := insertInto[applicationRow]("applications") + ` ON CONFLICT (connection_id, external_id, assessment_id) DO UPDATE SET
		candidate_external_id = excluded.candidate_external_id, job_external_id = excluded.job_external_id,
		candidate_id = excluded.candidate_id, origin = excluded.origin, state = excluded.state,
		stage_id = excluded.stage_id, stage_name = excluded.stage_name, profile_url = excluded.profile_url,
		changed_at = excluded.changed_at, staged_at = excluded.staged_at, updated_at = excluded.updated_at,
		own_state = excluded.own_state, own_stage_id = excluded.own_stage_id, own_at = excluded.own_at
		WHERE applications.organization_id = excluded.organization_id
		RETURNING assessment_id`
	var id core.ID
	return notFound(t.q.get(ctx, &id, query, valuesOf(newApplicationRow(a))...), "assessment")
}

// ForgetApplication implements core.ApplicationWriter.
func (t *tx) ForgetApplication(ctx context.Context, organization, connection core.ID, external string, assessment core.ID) error {
	const query = `DELETE FROM applications WHERE organization_id = $1 AND connection_id = $2 AND external_id = $3
		AND assessment_id = $4 AND origin = $5`
	_, err := t.q.exec(ctx, query, organization, connection, external, assessment, core.ApplicationPushed)
	return err
}
