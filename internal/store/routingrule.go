package store

import (
	"context"
	"time"

	"github.com/trellis-ats/trellis/core"
)

type routingRuleRow struct {
	ID             core.ID                 `db:"id"`
	OrganizationID core.ID                 `db:"organization_id"`
	ConnectionID   core.ID                 `db:"connection_id"`
	JobID          core.ID                 `db:"job_id"`
	TestID         core.ID                 `db:"test_id"`
	Version        int                     `db:"version"`
	State          core.RuleState          `db:"state"`
	Terms          JSON[core.RoutingTerms] `db:"terms"`
	Proposer       string                  `db:"proposer"`
	ProposedBy     string                  `db:"proposed_by"`
	ProposedAt     Time                    `db:"proposed_at"`
	Approver       string                  `db:"approver"`
	ApprovedBy     string                  `db:"approved_by"`
	ApprovedAt     Time                    `db:"approved_at"`
	EffectiveFrom  Time                    `db:"effective_from"`
	Changer        string                  `db:"changer"`
	ChangedBy      string                  `db:"changed_by"`
	ChangedAt      Time                    `db:"changed_at"`
	Note           string                  `db:"note"`
	CountedFrom    Time                    `db:"counted_from"`
}

func newRoutingRuleRow(r *core.RoutingRule) routingRuleRow {
	return routingRuleRow{
		ID: r.ID, OrganizationID: r.OrganizationID, ConnectionID: r.ConnectionID, JobID: r.JobID, TestID: r.TestID,
		Version: r.Version, State: r.State, Terms: JSON[core.RoutingTerms]{r.Terms},
		Proposer: r.Proposed.Principal, ProposedBy: r.Proposed.Name, ProposedAt: Time{r.Proposed.At},
		Approver: r.Approved.Principal, ApprovedBy: r.Approved.Name, ApprovedAt: Time{r.Approved.At},
		EffectiveFrom: Time{r.EffectiveFrom}, Changer: r.Changed.Principal, ChangedBy: r.Changed.Name, ChangedAt: Time{r.Changed.At},
		Note: r.Note, CountedFrom: Time{r.CountedFrom},
	}
}

func (r routingRuleRow) rule() core.RoutingRule {
	return core.RoutingRule{
		ID: r.ID, OrganizationID: r.OrganizationID, ConnectionID: r.ConnectionID, JobID: r.JobID, TestID: r.TestID,
		Version: r.Version, State: r.State, Terms: r.Terms.V,
		Proposed:      core.Signature{Principal: r.Proposer, Name: r.ProposedBy, At: r.ProposedAt.Time},
		Approved:      core.Signature{Principal: r.Approver, Name: r.ApprovedBy, At: r.ApprovedAt.Time},
		Changed:       core.Signature{Principal: r.Changer, Name: r.ChangedBy, At: r.ChangedAt.Time},
		EffectiveFrom: r.EffectiveFrom.Time, Note: r.Note, CountedFrom: r.CountedFrom.Time,
	}
}

// RoutingRule implements core.RoutingRuleReader.
func (r reader) RoutingRule(ctx context.Context, organization, id core.ID) (*core.RoutingRule, error) {
	return r.routingRuleWhere(ctx, "organization_id = $1 AND id = $2", organization, id)
}

// LockRoutingRule implements core.RoutingRuleWriter.
func (t *tx) LockRoutingRule(ctx context.Context, organization, id core.ID) (*core.RoutingRule, error) {
	return t.routingRuleWhere(ctx, "organization_id = $1 AND id = $2"+t.dialect.lock(), organization, id)
}

func (r reader) routingRuleWhere(ctx context.Context, condition string, args ...any) (*core.RoutingRule, error) {
	var row routingRuleRow
	if err := r.q.get(ctx, &row, selectFrom[routingRuleRow]("routing_rules")+" WHERE "+condition, args...); err != nil {
		return nil, notFound(err, "routing rule")
	}
	rule := row.rule()
	return &rule, nil
}

// RoutingRulesByID implements core.RoutingRuleReader.
func (r reader) RoutingRulesByID(ctx context.Context, organization core.ID, ids []core.ID) ([]core.RoutingRule, error) {
	rows, err := readByID[routingRuleRow](ctx, r.q, "routing_rules", owned(organization), ids)
	return convertAll(rows, routingRuleRow.rule), err
}

// RoutingRules implements core.RoutingRuleReader.
func (r reader) RoutingRules(ctx context.Context, organization, connection core.ID) ([]core.RoutingRule, error) {
	rows := []routingRuleRow{}
	query := selectFrom[routingRuleRow]("routing_rules") + " WHERE organization_id = $1 AND connection_id = $2 ORDER BY id DESC"
	err := r.q.list(ctx, &rows, query, organization, connection)
	return convertAll(rows, routingRuleRow.rule), err
}

// RoutingRulesFor implements core.RoutingRuleReader.
func (r reader) RoutingRulesFor(ctx context.Context, organization, job, test core.ID, at time.Time) ([]core.RoutingRule, error) {
	rows := []routingRuleRow{}
	query := selectFrom[routingRuleRow]("routing_rules") + ` WHERE organization_id = $1 AND job_id IN ('', $2) AND test_id IN ('', $3)
		AND approved_at IS NOT NULL AND effective_from <= $4
		AND EXISTS (SELECT 1 FROM connections AS c WHERE c.id = routing_rules.connection_id AND NOT c.disabled)`
	err := r.q.list(ctx, &rows, query, organization, job, test, Time{at})
	return convertAll(rows, routingRuleRow.rule), err
}

// InsertRoutingRule implements core.RoutingRuleWriter.
func (t *tx) InsertRoutingRule(ctx context.Context, r *core.RoutingRule) error {
	return insert(ctx, t.q, "routing_rules", newRoutingRuleRow(r))
}

// UpdateRoutingRule implements core.RoutingRuleWriter.
func (t *tx) UpdateRoutingRule(ctx context.Context, r *core.RoutingRule) error {
	return update(ctx, t.q, "routing_rules", "routing rule", newRoutingRuleRow(r), "state", "approver", "approved_by", "approved_at",
		"effective_from", "changer", "changed_by", "changed_at", "note", "counted_from")
}
