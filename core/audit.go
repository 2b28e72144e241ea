package core

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// AuditEntry tells who changed the configuration or decided something, and
// what was before and after. It is never changed and holds no secret.
type AuditEntry struct {
	ID             ID
	OrganizationID ID
	Action         EventType
	SubjectID      ID
	ActorRole      Role
	ActorID        ID
	ActorName      string
	At             time.Time
	Before         json.RawMessage // null if there was nothing
	After          json.RawMessage // null if nothing is left
}

// AuditReader finds audit entries.
type AuditReader interface {
	// AuditLog returns a page of the organization's entries, newest first.
	AuditLog(ctx context.Context, organization ID, f AuditFilter, p Page) (*Paged[AuditEntry], error)
}

// AuditFilter narrows the audit log; empty fields do not.
type AuditFilter struct {
	SubjectID ID
	Actions   []EventType
	ActorID   ID
	From      time.Time // the first moment
	Until     time.Time // the first moment after
}

// AuditWriter keeps audit entries.
type AuditWriter interface {
	InsertAuditEntry(ctx context.Context, e *AuditEntry) error
}

// AuditLog are the use cases around the audit log.
type AuditLog struct{ store Store }

// NewAuditLog returns the use cases.
func NewAuditLog(s Store) *AuditLog { return &AuditLog{store: s} }

// List returns a page, newest first. Errors: fault.Forbidden, fault.Invalid.
func (l *AuditLog) List(ctx context.Context, by Actor, f AuditFilter, p Page) (*Paged[AuditEntry], error) {
	if err := by.Require(PermitAudit); err != nil {
		return nil, err
	}
	p, err := p.Normalize()
	if err != nil {
		return nil, err
	}
	return l.store.AuditLog(ctx, by.OrganizationID, f, p)
}

// change is a change of the configuration: it is an event and an audit entry.
type change struct {
	At      time.Time
	Event   EventType
	Subject ID
	Before  any // without secrets; nil for nothing
	After   any
}

// record keeps a change's event and its audit entry.
func record(ctx context.Context, tx Tx, by Actor, c change) error {
	if err := audit(ctx, tx, by, c); err != nil {
		return err
	}
	return appendEvent(ctx, tx, by, c.At, c.Event, c.Subject, nil)
}

// audit keeps a change's audit entry.
func audit(ctx context.Context, tx Tx, by Actor, c change) error {
	before, err := json.Marshal(c.Before)
	if err != nil {
		return fmt.Errorf("audit %s: %w", c.Event, err)
	}
	after, err := json.Marshal(c.After)
	if err != nil {
		return fmt.Errorf("audit %s: %w", c.Event, err)
	}
	entry := &AuditEntry{
		ID: NewID(PrefixAuditEntry), OrganizationID: by.OrganizationID, Action: c.Event, SubjectID: c.Subject,
		ActorRole: by.Role, ActorID: by.ID, ActorName: by.Name, At: c.At, Before: before, After: after,
	}
	return tx.InsertAuditEntry(ctx, entry)
}
