package store

import (
	"context"
	"time"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/fault"
)

type routingDecisionRow struct {
	ID             core.ID                  `db:"id"`
	OrganizationID core.ID                  `db:"organization_id"`
	ConnectionID   core.ID                  `db:"connection_id"`
	AssessmentID   core.ID                  `db:"assessment_id"`
	JobID          core.ID                  `db:"job_id"`
	TestID         core.ID                  `db:"test_id"`
	Revision       int                      `db:"revision"`
	RuleID         core.ID                  `db:"rule_id"`
	RuleVersion    int                      `db:"rule_version"`
	Terms          JSON[core.RoutingTerms]  `db:"terms"`
	Inputs         JSON[core.RoutingInputs] `db:"inputs"`
	Suggestion     core.RoutingAction       `db:"suggestion"`
	Indicator      core.Indicator           `db:"indicator"`
	State          core.DecisionState       `db:"state"`
	Action         core.RoutingAction       `db:"action"`
	Hold           core.Hold                `db:"hold"`
	Note           string                   `db:"note"`
	Reason         string                   `db:"reason"`
	ActorRole      core.Role                `db:"actor_role"`
	ActorName      string                   `db:"actor_name"`
	ApplicationID  string                   `db:"application_id"`
	StageID        string                   `db:"stage_id"`
	ToStageID      string                   `db:"to_stage_id"`
	Round          int                      `db:"round"`
	FaultCode      fault.Code               `db:"fault_code"`
	DueAt          Time                     `db:"due_at"`
	SentAt         Time                     `db:"sent_at"`
	RejectedAt     Time                     `db:"rejected_at"`
	DoneAt         Time                     `db:"done_at"`
	CreatedAt      Time                     `db:"created_at"`
	UpdatedAt      Time                     `db:"updated_at"`
}

// newRoutingDecisionRow cleans what the ATS can influence.
func newRoutingDecisionRow(d *core.RoutingDecision) routingDecisionRow {
	return routingDecisionRow{
		ID: d.ID, OrganizationID: d.OrganizationID, ConnectionID: d.ConnectionID, AssessmentID: d.AssessmentID,
		JobID: d.JobID, TestID: d.TestID, Revision: d.Revision, RuleID: d.RuleID, RuleVersion: d.RuleVersion,
		Terms: JSON[core.RoutingTerms]{d.Terms}, Inputs: JSON[core.RoutingInputs]{d.Inputs}, Suggestion: d.Suggestion,
		Indicator: d.Indicator, State: d.State, Action: d.Action, Hold: d.Hold, Note: cleaned(d.Note),
		Reason: cleaned(d.Reason), ActorRole: d.ActorRole, ActorName: d.ActorName,
		ApplicationID: cleaned(d.ApplicationID), StageID: cleaned(d.StageID), ToStageID: cleaned(d.ToStageID),
		Round: d.Round, FaultCode: d.FaultCode, DueAt: Time{d.DueAt}, SentAt: Time{d.SentAt}, RejectedAt: Time{d.RejectedAt}, DoneAt: Time{d.DoneAt},
		CreatedAt: Time{d.CreatedAt}, UpdatedAt: Time{d.UpdatedAt},
	}
}

func (r routingDecisionRow) decision() core.RoutingDecision {
	return core.RoutingDecision{
		ID: r.ID, OrganizationID: r.OrganizationID, ConnectionID: r.ConnectionID, AssessmentID: r.AssessmentID,
		JobID: r.JobID, TestID: r.TestID, Revision: r.Revision, RuleID: r.RuleID, RuleVersion: r.RuleVersion,
		Terms: r.Terms.V, Inputs: r.Inputs.V, Suggestion: r.Suggestion, Indicator: r.Indicator, State: r.State,
		Action: r.Action, Hold: r.Hold, Note: r.Note, Reason: r.Reason, ActorRole: r.ActorRole, ActorName: r.ActorName,
		ApplicationID: r.ApplicationID, StageID: r.StageID, ToStageID: r.ToStageID, Round: r.Round,
		FaultCode: r.FaultCode, DueAt: r.DueAt.Time, SentAt: r.SentAt.Time, RejectedAt: r.RejectedAt.Time, DoneAt: r.DoneAt.Time,
		CreatedAt: r.CreatedAt.Time, UpdatedAt: r.UpdatedAt.Time,
	}
}

type decisionStepRow struct {
	ID             core.ID            `db:"id"`
	OrganizationID core.ID            `db:"organization_id"`
	DecisionID     core.ID            `db:"decision_id"`
	AssessmentID   core.ID            `db:"assessment_id"`
	From           core.DecisionState `db:"from_state"`
	To             core.DecisionState `db:"to_state"`
	Action         core.RoutingAction `db:"action"`
	Hold           core.Hold          `db:"hold"`
	Note           string             `db:"note"`
	Reason         string             `db:"reason"`
	RuleID         core.ID            `db:"rule_id"`
	RuleVersion    int                `db:"rule_version"`
	ActorRole      core.Role          `db:"actor_role"`
	ActorID        core.ID            `db:"actor_id"`
	ActorName      string             `db:"actor_name"`
	At             Time               `db:"at"`
}

func (r decisionStepRow) step() core.DecisionStep {
	return core.DecisionStep{
		ID: r.ID, OrganizationID: r.OrganizationID, DecisionID: r.DecisionID, AssessmentID: r.AssessmentID,
		From: r.From, To: r.To, Action: r.Action, Hold: r.Hold, Note: r.Note, Reason: r.Reason, RuleID: r.RuleID,
		RuleVersion: r.RuleVersion, ActorRole: r.ActorRole, ActorID: r.ActorID, ActorName: r.ActorName, At: r.At.Time,
	}
}

// RoutingDecision implements core.RoutingDecisionReader.
func (r reader) RoutingDecision(ctx context.Context, organization, id core.ID) (*core.RoutingDecision, error) {
	return r.routingDecisionWhere(ctx, "organization_id = $1 AND id = $2", organization, id)
}

// LockRoutingDecision implements core.RoutingDecisionWriter.
func (t *tx) LockRoutingDecision(ctx context.Context, organization, id core.ID) (*core.RoutingDecision, error) {
	return t.routingDecisionWhere(ctx, "organization_id = $1 AND id = $2"+t.dialect.lock(), organization, id)
}

func (r reader) routingDecisionWhere(ctx context.Context, condition string, args ...any) (*core.RoutingDecision, error) {
	var row routingDecisionRow
	if err := r.q.get(ctx, &row, selectFrom[routingDecisionRow]("routing_decisions")+" WHERE "+condition, args...); err != nil {
		return nil, notFound(err, "decision")
	}
	d := row.decision()
	return &d, nil
}

// RoutingDecisionsByID implements core.RoutingDecisionReader.
func (r reader) RoutingDecisionsByID(ctx context.Context, organization core.ID, s core.Sight, ids []core.ID) ([]core.RoutingDecision, error) {
	w := owned(organization)
	w.decisionsInSight(s)
	rows, err := readByID[routingDecisionRow](ctx, r.q, "routing_decisions", w, ids)
	return convertAll(rows, routingDecisionRow.decision), err
}

// RoutingDecisionsOf implements core.RoutingDecisionReader.
func (r reader) RoutingDecisionsOf(ctx context.Context, organization core.ID, s core.Sight, assessments []core.ID) ([]core.RoutingDecision, error) {
	if len(assessments) == 0 {
		return nil, nil
	}
	w := owned(organization)
	in(&w, "assessment_id %s", assessments)
	w.decisionsInSight(s)
	rows := []routingDecisionRow{}
	err := r.q.list(ctx, &rows, selectFrom[routingDecisionRow]("routing_decisions")+w.String()+" ORDER BY id DESC", w.arguments...)
	return convertAll(rows, routingDecisionRow.decision), err
}

// RoutingDecisions implements core.RoutingDecisionReader.
func (r reader) RoutingDecisions(ctx context.Context, organization core.ID, f core.DecisionFilter, p core.Page) (*core.Paged[core.RoutingDecision], error) {
	l := listing{table: "routing_decisions", where: owned(organization), newestFirst: true}
	l.where.decisionsInSight(f.Sight)
	in(&l.where, "state %s", f.States)
	in(&l.where, "indicator %s", f.Indicators)
	equal(&l.where, "connection_id", f.ConnectionID)
	equal(&l.where, "job_id", f.JobID)
	equal(&l.where, "test_id", f.TestID)
	equal(&l.where, "assessment_id", f.AssessmentID)
	l.where.within("created_at", f.From, f.Until)
	rows, err := readPage[routingDecisionRow](ctx, r.q, l, p)
	return convertPage(rows, err, routingDecisionRow.decision)
}

// decisionsInSight narrows to those of assessments in sight.
func (w *where) decisionsInSight(s core.Sight) {
	w.inSight(s, `EXISTS (SELECT 1 FROM assessments AS a WHERE a.id = routing_decisions.assessment_id
		AND a.organization_id = routing_decisions.organization_id AND a.job_id %s)`)
}

// DecisionSteps implements core.RoutingDecisionReader.
func (r reader) DecisionSteps(ctx context.Context, organization core.ID, decisions []core.ID) ([]core.DecisionStep, error) {
	if len(decisions) == 0 {
		return nil, nil
	}
	w := owned(organization)
	in(&w, "decision_id %s", decisions)
	rows := []decisionStepRow{}
	err := r.q.list(ctx, &rows, selectFrom[decisionStepRow]("routing_decision_steps")+w.String()+" ORDER BY id", w.arguments...)
	return convertAll(rows, decisionStepRow.step), err
}

// LastSuggestions implements core.RoutingDecisionReader.
func (r reader) LastSuggestions(ctx context.Context, organization, rule core.ID, since time.Time, limit int) ([]core.RoutingAction, error) {
	all := []core.RoutingAction{}
	const query = `SELECT suggestion FROM routing_decisions
		WHERE organization_id = $1 AND rule_id = $2 AND created_at >= $3 ORDER BY id DESC LIMIT $4`
	err := r.q.list(ctx, &all, query, organization, rule, Time{since}, limit)
	return all, err
}

// RejectionsSince implements core.RoutingDecisionReader.
func (r reader) RejectionsSince(ctx context.Context, organization, connection core.ID, since time.Time) (int, error) {
	var n int
	const query = `SELECT count(*) FROM routing_decisions
		WHERE organization_id = $1 AND connection_id = $2 AND rejected_at >= $3`
	err := r.q.get(ctx, &n, query, organization, connection, Time{since})
	return n, err
}

// InsertRoutingDecision implements core.RoutingDecisionWriter.
func (t *tx) InsertRoutingDecision(ctx context.Context, d *core.RoutingDecision) (bool, error) {
	query := insertInto[routingDecisionRow]("routing_decisions") + " ON CONFLICT (connection_id, assessment_id, revision) DO NOTHING"
	n, err := t.q.exec(ctx, query, valuesOf(newRoutingDecisionRow(d))...)
	return n == 1, err
}

// UpdateRoutingDecision implements core.RoutingDecisionWriter.
func (t *tx) UpdateRoutingDecision(ctx context.Context, d *core.RoutingDecision) error {
	return update(ctx, t.q, "routing_decisions", "decision", newRoutingDecisionRow(d),
		"state", "action", "hold", "note", "reason", "actor_role", "actor_name", "application_id", "stage_id", "to_stage_id",
		"round", "fault_code", "due_at", "sent_at", "rejected_at", "done_at", "updated_at")
}

// AppendDecisionStep implements core.RoutingDecisionWriter.
func (t *tx) AppendDecisionStep(ctx context.Context, s *core.DecisionStep) error {
	return insert(ctx, t.q, "routing_decision_steps", decisionStepRow{
		ID: s.ID, OrganizationID: s.OrganizationID, DecisionID: s.DecisionID, AssessmentID: s.AssessmentID,
		From: s.From, To: s.To, Action: s.Action, Hold: s.Hold, Note: cleaned(s.Note), Reason: cleaned(s.Reason),
		RuleID: s.RuleID, RuleVersion: s.RuleVersion, ActorRole: s.ActorRole, ActorID: s.ActorID,
		ActorName: s.ActorName, At: Time{s.At},
	})
}
