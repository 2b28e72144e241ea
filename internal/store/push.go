package store

import (
	"context"
	"time"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/fault"
)

type pushRow struct {
	ID                    core.ID                 `db:"id"`
	OrganizationID        core.ID                 `db:"organization_id"`
	ConnectionID          core.ID                 `db:"connection_id"`
	AssessmentID          core.ID                 `db:"assessment_id"`
	CandidateID           core.ID                 `db:"candidate_id"`
	JobID                 core.ID                 `db:"job_id"`
	Revision              int                     `db:"revision"`
	State                 core.PushState          `db:"state"`
	Trigger               core.PushMode           `db:"requested_as"`
	RequestedBy           string                  `db:"requested_by"`
	Round                 int                     `db:"round"`
	RunToken              core.ID                 `db:"run_token"`
	Attempts              int                     `db:"attempts"`
	FaultCode             fault.Code              `db:"fault_code"`
	Message               string                  `db:"message"`
	Advice                string                  `db:"advice"`
	Question              JSON[core.PushQuestion] `db:"question"`
	Answer                JSON[core.PushAnswer]   `db:"answer"`
	Plan                  JSON[core.PushPlan]     `db:"plan"`
	ExternalCandidateID   string                  `db:"external_candidate_id"`
	ExternalApplicationID string                  `db:"external_application_id"`
	ProfileURL            string                  `db:"profile_url"`
	RequestedAt           Time                    `db:"requested_at"`
	StartedAt             Time                    `db:"started_at"`
	FinishedAt            Time                    `db:"finished_at"`
	DueAt                 Time                    `db:"due_at"`
	UpdatedAt             Time                    `db:"updated_at"`
}

// newPushRow cleans what the ATS can influence: a push must be kept whatever
// it said.
func newPushRow(p *core.Push) pushRow {
	return pushRow{
		ID: p.ID, OrganizationID: p.OrganizationID, ConnectionID: p.ConnectionID, AssessmentID: p.AssessmentID,
		CandidateID: p.CandidateID, JobID: p.JobID, Revision: p.Revision, State: p.State, Trigger: p.Trigger,
		RequestedBy: p.RequestedBy, Round: p.Round, RunToken: p.RunToken, Attempts: p.Attempts,
		FaultCode: p.FaultCode, Message: cleaned(p.Message), Advice: cleaned(p.Advice),
		Question: JSON[core.PushQuestion]{p.Question}, Answer: JSON[core.PushAnswer]{p.Answer}, Plan: JSON[core.PushPlan]{p.Plan},
		ExternalCandidateID: cleaned(p.ExternalCandidateID), ExternalApplicationID: cleaned(p.ExternalApplicationID),
		ProfileURL: cleaned(p.ProfileURL), RequestedAt: Time{p.RequestedAt}, StartedAt: Time{p.StartedAt},
		FinishedAt: Time{p.FinishedAt}, DueAt: Time{p.DueAt}, UpdatedAt: Time{p.UpdatedAt},
	}
}

func (r pushRow) push() core.Push {
	return core.Push{
		ID: r.ID, OrganizationID: r.OrganizationID, ConnectionID: r.ConnectionID, AssessmentID: r.AssessmentID,
		CandidateID: r.CandidateID, JobID: r.JobID, Revision: r.Revision, State: r.State, Trigger: r.Trigger,
		RequestedBy: r.RequestedBy, Round: r.Round, RunToken: r.RunToken, Attempts: r.Attempts,
		FaultCode: r.FaultCode, Message: r.Message, Advice: r.Advice, Question: r.Question.V, Answer: r.Answer.V, Plan: r.Plan.V,
		ExternalCandidateID: r.ExternalCandidateID, ExternalApplicationID: r.ExternalApplicationID,
		ProfileURL: r.ProfileURL, RequestedAt: r.RequestedAt.Time, StartedAt: r.StartedAt.Time,
		FinishedAt: r.FinishedAt.Time, DueAt: r.DueAt.Time, UpdatedAt: r.UpdatedAt.Time,
	}
}

// Push implements core.PushReader.
func (r reader) Push(ctx context.Context, organization, id core.ID) (*core.Push, error) {
	return r.pushWhere(ctx, "organization_id = $1 AND id = $2", organization, id)
}

// PushOf implements core.PushReader.
func (r reader) PushOf(ctx context.Context, organization, connection, assessment core.ID, revision int) (*core.Push, error) {
	return r.pushWhere(ctx, "organization_id = $1 AND connection_id = $2 AND assessment_id = $3 AND revision = $4",
		organization, connection, assessment, revision)
}

// LockPush implements core.PushWriter.
func (t *tx) LockPush(ctx context.Context, organization, id core.ID) (*core.Push, error) {
	return t.pushWhere(ctx, "organization_id = $1 AND id = $2"+t.dialect.lock(), organization, id)
}

func (r reader) pushWhere(ctx context.Context, condition string, args ...any) (*core.Push, error) {
	var row pushRow
	if err := r.q.get(ctx, &row, selectFrom[pushRow]("pushes")+" WHERE "+condition, args...); err != nil {
		return nil, notFound(err, "push")
	}
	all, err := r.withSteps(ctx, []pushRow{row})
	if err != nil {
		return nil, err
	}
	return &all[0], nil
}

// LatestPush implements core.PushReader.
func (r reader) LatestPush(ctx context.Context, organization, connection, assessment core.ID) (int, error) {
	var revision int
	const query = `SELECT COALESCE(max(revision), 0) FROM pushes
		WHERE organization_id = $1 AND connection_id = $2 AND assessment_id = $3 AND state <> 'CANCELLED'`
	err := r.q.get(ctx, &revision, query, organization, connection, assessment)
	return revision, err
}

// PushesByID implements core.PushReader.
func (r reader) PushesByID(ctx context.Context, organization core.ID, s core.Sight, ids []core.ID) ([]core.Push, error) {
	w := owned(organization)
	w.pushesInSight(s)
	rows, err := readByID[pushRow](ctx, r.q, "pushes", w, ids)
	if err != nil {
		return nil, err
	}
	return r.withSteps(ctx, rows)
}

// PushesOf implements core.PushReader.
func (r reader) PushesOf(ctx context.Context, organization core.ID, s core.Sight, assessments []core.ID, perAssessment int) ([]core.Push, error) {
	seen, err := r.AssessmentsByID(ctx, organization, s, assessments)
	if err != nil {
		return nil, err
	}
	ids := make([]core.ID, len(seen))
	for i, a := range seen {
		ids[i] = a.ID
	}
	o := outermost{table: "pushes", group: "assessment_id", newest: true, each: perAssessment}
	rows, err := readOutermost[pushRow](ctx, r.q, o, organization, ids)
	if err != nil {
		return nil, err
	}
	return r.withSteps(ctx, rows)
}

// Pushes implements core.PushReader.
func (r reader) Pushes(ctx context.Context, organization core.ID, f core.PushFilter, p core.Page) (*core.Paged[core.Push], error) {
	l := listing{table: "pushes", where: owned(organization), newestFirst: true}
	l.where.pushesInSight(f.Sight)
	in(&l.where, "state %s", f.States)
	equal(&l.where, "connection_id", f.ConnectionID)
	equal(&l.where, "assessment_id", f.AssessmentID)
	equal(&l.where, "candidate_id", f.CandidateID)
	rows, err := readPage[pushRow](ctx, r.q, l, p)
	if err != nil {
		return nil, err
	}
	items, err := r.withSteps(ctx, rows.Items)
	return &core.Paged[core.Push]{Items: items, HasNext: rows.HasNext, HasPrevious: rows.HasPrevious}, err
}

// pushesInSight narrows to those of assessments in sight.
func (w *where) pushesInSight(s core.Sight) {
	w.inSight(s, `EXISTS (SELECT 1 FROM assessments AS a
		WHERE a.id = pushes.assessment_id AND a.organization_id = pushes.organization_id AND a.job_id %s)`)
}

// OverduePushes implements core.PushReader.
func (r reader) OverduePushes(ctx context.Context, before time.Time, limit int) ([]core.Push, error) {
	rows := []pushRow{}
	query := selectFrom[pushRow]("pushes") + " WHERE state IN ('PENDING', 'RUNNING', 'WAITING') AND due_at < $1 ORDER BY due_at LIMIT $2"
	if err := r.q.list(ctx, &rows, query, Time{before}, limit); err != nil {
		return nil, err
	}
	return r.withSteps(ctx, rows)
}

// InsertPush implements core.PushWriter.
func (t *tx) InsertPush(ctx context.Context, p *core.Push) (bool, error) {
	query := insertInto[pushRow]("pushes") + " ON CONFLICT (connection_id, assessment_id, revision) DO NOTHING"
	n, err := t.q.exec(ctx, query, valuesOf(newPushRow(p))...)
	if err != nil || n == 0 {
		return false, err
	}
	return true, t.savePushSteps(ctx, p)
}

// UpdatePush implements core.PushWriter.
func (t *tx) UpdatePush(ctx context.Context, p *core.Push) error {
	err := update(ctx, t.q, "pushes", "push", newPushRow(p),
		"job_id", "state", "requested_as", "requested_by", "round", "run_token", "attempts", "fault_code", "message", "advice",
		"question", "answer", "plan", "external_candidate_id", "external_application_id", "profile_url",
		"started_at", "finished_at", "due_at", "updated_at")
	if err != nil {
		return err
	}
	return t.savePushSteps(ctx, p)
}
