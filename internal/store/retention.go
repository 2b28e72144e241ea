package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/trellis-ats/trellis/core"
)

// OrganizationsAfter implements core.RetentionReader.
func (r reader) OrganizationsAfter(ctx context.Context, after core.ID, limit int) ([]core.ID, error) {
	ids := []core.ID{}
	err := r.q.list(ctx, &ids, "SELECT id FROM organizations WHERE id > $1 ORDER BY id LIMIT $2", after, limit)
	return ids, err
}

// idleCandidates selects those of the organization $1 of whom nothing happened since $2.
const idleCandidates = `SELECT id FROM candidates AS c WHERE organization_id = $1 AND erased_at IS NULL AND updated_at < $2
	AND NOT EXISTS (SELECT 1 FROM assessments AS a WHERE a.candidate_id = c.id AND a.updated_at >= $2)
	AND NOT EXISTS (SELECT 1 FROM applications AS a WHERE a.candidate_id = c.id AND a.updated_at >= $2)
	AND NOT EXISTS (SELECT 1 FROM pushes AS p WHERE p.organization_id = $1 AND p.candidate_id = c.id AND p.updated_at >= $2)`

// IdleCandidates implements core.RetentionReader.
func (r reader) IdleCandidates(ctx context.Context, organization core.ID, before time.Time, limit int) ([]core.ID, error) {
	ids := []core.ID{}
	err := r.q.list(ctx, &ids, idleCandidates+" ORDER BY id LIMIT $3", organization, Time{before}, limit)
	return ids, err
}

// LockIdleCandidate implements core.ErasureWriter.
func (t *tx) LockIdleCandidate(ctx context.Context, organization, id core.ID, before time.Time) (bool, error) {
	ids := []core.ID{}
	err := t.q.list(ctx, &ids, idleCandidates+" AND id = $3"+t.dialect.lock(), organization, Time{before}, id)
	return len(ids) > 0, err
}

// EventFloor implements core.RetentionReader.
func (r reader) EventFloor(ctx context.Context) (int64, error) {
	var floor int64
	err := r.q.get(ctx, &floor, "SELECT position FROM event_floor")
	return floor, err
}

// retention tells how a kind is deleted. Ids are in the order of time, so it is
// enough to look at the first ones that are left.
type retention struct {
	table string
	how   string // the beginning of the statement
	among string // the oldest are those that meet it, through an index
	order string
	due   string // which of the oldest are, with $2 for the moment
}

// idle leaves out entries of pushes that are not over.
const idle = ` AND outcome <> 'RUNNING' AND NOT EXISTS (SELECT 1 FROM pushes AS p WHERE p.id = sync_log.push_id AND p.state NOT IN ('DONE', 'CANCELLED'))`

// retentions keeps the content of a web hook that failed, so that it can be tried
// again. Where it is not known whom it is about, it goes with the others: whoever
// is forgotten later would not be found in it.
func retentions() map[core.Retained]retention {
	return map[core.Retained]retention{
		core.RetainExchanges: {
			"sync_log", "UPDATE sync_log SET exchanges = '[]'", " AND exchanges <> '[]'" + idle, "id", "started_at < $2",
		},
		core.RetainSyncLog: {"sync_log", "DELETE FROM sync_log", idle, "id", "started_at < $2"},
		core.RetainWebhookRequests: {
			"webhooks", "UPDATE webhooks SET sealed_request = substr(sealed_request, 1, 0), person = ''",
			" AND length(sealed_request) > 0 AND state <> 'RECEIVED' AND NOT (state = 'FAILED' AND person <> '')", "id", "received_at < $2",
		},
		core.RetainWebhooks: {"webhooks", "DELETE FROM webhooks", " AND state <> 'RECEIVED'", "id", "received_at < $2"},
		core.RetainEvents:   {"events", "DELETE FROM events", " AND position > 0", "position", "at < $2"},
		core.RetainAuditLog: {"audit_log", "DELETE FROM audit_log", "", "id", "at < $2"},
		core.RetainSessions: {"sessions", "DELETE FROM sessions", "", "id", "COALESCE(ended_at, expires_at) < $2"},
		core.RetainIssues:   {"issues", "DELETE FROM issues", " AND closed_at IS NOT NULL", "id", "closed_at < $2"},
	}
}

func (r retention) statement(organization core.ID, lock string) string {
	owner := "organization_id = $1"
	if organization == "" {
		owner = "organization_id IS NULL AND $1 = ''"
	}
	// Materialized, or PostgreSQL may select more than once, and go past the limit.
	return fmt.Sprintf(`WITH oldest AS MATERIALIZED (SELECT id FROM %[3]s WHERE %[2]s%[4]s ORDER BY %[5]s LIMIT $3%[6]s)
		%[1]s WHERE %[2]s AND id IN (SELECT o.id FROM oldest AS o) AND %[7]s`, r.how, owner, r.table, r.among, r.order, lock, r.due)
}

// Purge implements core.RetentionWriter.
func (t *tx) Purge(ctx context.Context, p core.Purge) (int, error) {
	query := retentions()[p.Kind].statement(p.Organization, t.dialect.lockFree())
	arguments := []any{p.Organization, Time{p.Before}, p.Limit}
	switch p.Kind {
	case core.RetainEvents:
		return t.purgeEvents(ctx, query, arguments)
	case core.RetainAuditLog:
		return t.purgeAuditLog(ctx, query, arguments)
	default:
		n, err := t.q.exec(ctx, query, arguments...)
		return int(n), err
	}
}

// purgeEvents notes how far the feed has lost some.
func (t *tx) purgeEvents(ctx context.Context, query string, arguments []any) (int, error) {
	positions := []int64{}
	if err := t.q.list(ctx, &positions, query+" RETURNING position", arguments...); err != nil || len(positions) == 0 {
		return 0, err
	}
	_, err := t.q.exec(ctx, "UPDATE event_floor SET position = $1 WHERE position < $1", slices.Max(positions))
	return len(positions), err
}

// purgeAuditLog lets the database delete what it otherwise keeps from being deleted.
func (t *tx) purgeAuditLog(ctx context.Context, query string, arguments []any) (int, error) {
	if _, err := t.q.exec(ctx, "INSERT INTO audit_releases (before) VALUES ($1)", arguments[1]); err != nil {
		return 0, err
	}
	n, err := t.q.exec(ctx, query, arguments...)
	if err != nil {
		return 0, err
	}
	_, err = t.q.exec(ctx, "DELETE FROM audit_releases")
	return int(n), err
}
