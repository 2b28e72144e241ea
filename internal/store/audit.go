package store

import (
	"context"
	"encoding/json"

	"github.com/trellis-ats/trellis/core"
)

type auditEntryRow struct {
	ID             core.ID        `db:"id"`
	OrganizationID core.ID        `db:"organization_id"`
	Action         core.EventType `db:"action"`
	SubjectID      core.ID        `db:"subject_id"`
	ActorRole      core.Role      `db:"actor_role"`
	ActorID        core.ID        `db:"actor_id"`
	ActorName      string         `db:"actor_name"`
	At             Time           `db:"at"`
	Before         string         `db:"value_before"`
	After          string         `db:"value_after"`
}

func newAuditEntryRow(e *core.AuditEntry) auditEntryRow {
	return auditEntryRow{
		ID: e.ID, OrganizationID: e.OrganizationID, Action: e.Action, SubjectID: e.SubjectID,
		ActorRole: e.ActorRole, ActorID: e.ActorID, ActorName: cleaned(e.ActorName), At: Time{e.At},
		Before: orNull(e.Before), After: orNull(e.After),
	}
}

func orNull(value json.RawMessage) string {
	if len(value) == 0 {
		return "null"
	}
	return string(value)
}

func (r auditEntryRow) auditEntry() core.AuditEntry {
	return core.AuditEntry{
		ID: r.ID, OrganizationID: r.OrganizationID, Action: r.Action, SubjectID: r.SubjectID,
		ActorRole: r.ActorRole, ActorID: r.ActorID, ActorName: r.ActorName, At: r.At.Time,
		Before: json.RawMessage(r.Before), After: json.RawMessage(r.After),
	}
}

// AuditLog implements core.AuditReader.
func (r reader) AuditLog(ctx context.Context, organization core.ID, f core.AuditFilter, p core.Page) (*core.Paged[core.AuditEntry], error) {
	l := listing{table: "audit_log", where: owned(organization), newestFirst: true}
	equal(&l.where, "subject_id", f.SubjectID)
	equal(&l.where, "actor_id", f.ActorID)
	in(&l.where, "action %s", f.Actions)
	l.where.within("at", f.From, f.Until)
	rows, err := readPage[auditEntryRow](ctx, r.q, l, p)
	return convertPage(rows, err, auditEntryRow.auditEntry)
}

// InsertAuditEntry implements core.AuditWriter.
func (t *tx) InsertAuditEntry(ctx context.Context, e *core.AuditEntry) error {
	return insert(ctx, t.q, "audit_log", newAuditEntryRow(e))
}
