package store

import (
	"context"

	"github.com/trellis-ats/trellis/core"
)

type pushRuleRow struct {
	OrganizationID core.ID       `db:"organization_id"`
	ConnectionID   core.ID       `db:"connection_id"`
	JobID          core.ID       `db:"job_id"`
	Mode           core.PushMode `db:"mode"`
	Minimum        core.Score    `db:"minimum"`
	UpdatedAt      Time          `db:"updated_at"`
}

func (r pushRuleRow) pushRule() core.PushRule {
	return core.PushRule{
		OrganizationID: r.OrganizationID, ConnectionID: r.ConnectionID, JobID: r.JobID,
		Mode: r.Mode, Minimum: r.Minimum, UpdatedAt: r.UpdatedAt.Time,
	}
}

// PushRule implements core.PushRuleReader.
func (r reader) PushRule(ctx context.Context, organization, connection, job core.ID) (*core.PushRule, error) {
	rows := []pushRuleRow{}
	query := selectFrom[pushRuleRow]("push_rules") + `
		WHERE organization_id = $1 AND connection_id = $2 AND job_id IN ('', $3) ORDER BY job_id DESC LIMIT 1`
	if err := r.q.list(ctx, &rows, query, organization, connection, job); err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return &core.PushRule{OrganizationID: organization, ConnectionID: connection, Mode: core.PushManual}, nil
	}
	rule := rows[0].pushRule()
	return &rule, nil
}

// PushRulesOf implements core.PushRuleReader.
func (r reader) PushRulesOf(ctx context.Context, organization, connection core.ID) ([]core.PushRule, error) {
	rows := []pushRuleRow{}
	query := selectFrom[pushRuleRow]("push_rules") + " WHERE organization_id = $1 AND connection_id = $2 ORDER BY job_id"
	err := r.q.list(ctx, &rows, query, organization, connection)
	return convertAll(rows, pushRuleRow.pushRule), err
}

// PushRulesFor implements core.PushRuleReader. A job's own rule sorts after
// the connection's, whose job is empty.
func (r reader) PushRulesFor(ctx context.Context, organization, job core.ID) ([]core.PushRule, error) {
	rows := []pushRuleRow{}
	query := selectFrom[pushRuleRow]("push_rules") + ` WHERE organization_id = $1 AND job_id IN ('', $2)
		AND EXISTS (SELECT 1 FROM connections AS c WHERE c.id = push_rules.connection_id AND NOT c.disabled)
		ORDER BY connection_id, job_id`
	if err := r.q.list(ctx, &rows, query, organization, job); err != nil {
		return nil, err
	}
	rules := []core.PushRule{}
	for i, row := range rows {
		if i+1 == len(rows) || rows[i+1].ConnectionID != row.ConnectionID {
			rules = append(rules, row.pushRule())
		}
	}
	return rules, nil
}

// SavePushRule implements core.PushRuleWriter.
func (t *tx) SavePushRule(ctx context.Context, r *core.PushRule) error {
	row := pushRuleRow{
		OrganizationID: r.OrganizationID, ConnectionID: r.ConnectionID, JobID: r.JobID,
		Mode: r.Mode, Minimum: r.Minimum, UpdatedAt: Time{r.UpdatedAt},
	}
	query := insertInto[pushRuleRow]("push_rules") + ` ON CONFLICT (organization_id, connection_id, job_id)
		DO UPDATE SET mode = excluded.mode, minimum = excluded.minimum, updated_at = excluded.updated_at`
	_, err := t.q.exec(ctx, query, valuesOf(row)...)
	return err
}

// DeletePushRule implements core.PushRuleWriter.
func (t *tx) DeletePushRule(ctx context.Context, organization, connection, job core.ID) error {
	const query = "DELETE FROM push_rules WHERE organization_id = $1 AND connection_id = $2 AND job_id = $3"
	n, err := t.q.exec(ctx, query, organization, connection, job)
	return removed(n, err, "push rule")
}
