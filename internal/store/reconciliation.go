package store

import (
	"context"
	"time"

	"github.com/trellis-ats/trellis/core"
)

// ReconciliationScopes implements core.ReconciliationReader.
func (r reader) ReconciliationScopes(ctx context.Context) ([]core.ReconciliationScope, error) {
	rows := []struct {
		OrganizationID core.ID `db:"organization_id"`
		ConnectionID   core.ID `db:"connection_id"`
	}{}
	const query = `SELECT organization_id, id AS connection_id FROM connections WHERE NOT disabled
		UNION ALL SELECT id, '' FROM organizations ORDER BY 1, 2`
	if err := r.q.list(ctx, &rows, query); err != nil {
		return nil, err
	}
	scopes := make([]core.ReconciliationScope, len(rows))
	for i, row := range rows {
		scopes[i] = core.ReconciliationScope{OrganizationID: row.OrganizationID, ConnectionID: row.ConnectionID}
	}
	return scopes, nil
}

// suspicion is what makes an assessment one of a kind of issue; $1 is the
// moment before which it became so.
func suspicion(k core.IssueKind) string {
	switch k {
	case core.IssueNotDelivered:
		return "delivery = 'PENDING' AND status = 'SCORED' AND EXISTS (SELECT 1 FROM results AS r WHERE r.assessment_id = assessments.id AND r.latest AND r.created_at < $1)"
	case core.IssueDeliveryFailed:
		return "delivery = 'FAILED' AND updated_at <= $1"
	case core.IssueNotInvited:
		// To send it again touches the assessment, and is not yet a cure.
		return `status = 'ORDERED' AND (updated_at < $1 OR EXISTS (SELECT 1 FROM issues AS i WHERE i.organization_id = assessments.organization_id
			AND i.connection_id = assessments.connection_id AND i.kind = 'INVITATION_NOT_SENT' AND i.subject = assessments.id AND i.closed_at IS NULL))`
	case core.IssueNotOpened:
		return "status = 'INVITED' AND invited_at < $1"
	case core.IssueNotFinished:
		return "status = 'STARTED' AND started_at < $1"
	case core.IssueNotScored:
		return "status = 'COMPLETED' AND completed_at < $1"
	default:
		return "1 = 0"
	}
}

// Suspects implements core.ReconciliationReader.
func (r reader) Suspects(ctx context.Context, q core.SuspectQuery) ([]core.Assessment, error) {
	return r.assessmentsWhere(ctx, suspicion(q.Kind)+` AND organization_id = $2 AND connection_id = $3 AND id > $4 AND erased_at IS NULL
		ORDER BY id LIMIT $5`, Time{q.Before}, q.OrganizationID, q.ConnectionID, q.After, q.Limit)
}

// OverdueAssessments implements core.ReconciliationReader.
func (r reader) OverdueAssessments(ctx context.Context, s core.ReconciliationScope, now time.Time, limit int) ([]core.Assessment, error) {
	return r.assessmentsWhere(ctx, `status IN ('ORDERED', 'INVITED') AND expires_at < $1 AND organization_id = $2 AND connection_id = $3
		ORDER BY id LIMIT $4`, Time{now}, s.OrganizationID, s.ConnectionID, limit)
}

func (r reader) assessmentsWhere(ctx context.Context, condition string, args ...any) ([]core.Assessment, error) {
	rows := []assessmentRow{}
	err := r.q.list(ctx, &rows, selectFrom[assessmentRow]("assessments")+" WHERE "+condition, args...)
	return convertAll(rows, assessmentRow.assessment), err
}

// PushesToCheck implements core.ReconciliationReader. A push that was followed
// by a newer one is not looked for, nor one whose application is known to be
// deleted, nor an erased person's.
func (r reader) PushesToCheck(ctx context.Context, q core.PushCheckQuery) ([]core.Push, error) {
	const condition = ` WHERE organization_id = $1 AND connection_id = $2 AND state = 'DONE' AND finished_at >= $3 AND external_application_id <> ''
		AND (checked_at IS NULL OR checked_at < $4 OR checked_at < $5 AND EXISTS (SELECT 1 FROM issues AS i
			WHERE i.organization_id = $1 AND i.connection_id = $2 AND i.kind = 'PUSH_NOT_VISIBLE' AND i.subject = pushes.id AND i.closed_at IS NULL))
		AND NOT EXISTS (SELECT 1 FROM pushes AS p WHERE p.connection_id = pushes.connection_id AND p.assessment_id = pushes.assessment_id
			AND p.revision > pushes.revision AND p.state = 'DONE')
		AND NOT EXISTS (SELECT 1 FROM applications AS a WHERE a.connection_id = pushes.connection_id
			AND a.external_id = pushes.external_application_id AND a.assessment_id = pushes.assessment_id AND a.state = 'REMOVED')
		AND NOT EXISTS (SELECT 1 FROM assessments AS a WHERE a.id = pushes.assessment_id AND a.erased_at IS NOT NULL)
		ORDER BY finished_at LIMIT $6`
	rows := []pushRow{}
	err := r.q.list(ctx, &rows, selectFrom[pushRow]("pushes")+condition,
		q.OrganizationID, q.ConnectionID, Time{q.FinishedAfter}, Time{q.CheckedBefore}, Time{q.DoubtedBefore}, q.Limit)
	return convertAll(rows, pushRow.push), err
}
