package model

import "github.com/trellis-ats/trellis/core"

// AuditEntry is an entry of the audit log as callers see it.
type AuditEntry struct {
	*core.AuditEntry
	Batch *Batch[core.AuditEntry]
}

// ViewAuditEntry is a view of one of a batch.
func ViewAuditEntry(e *core.AuditEntry, b *Batch[core.AuditEntry]) AuditEntry {
	return AuditEntry{e, b}
}

// Action is what was done.
func (e AuditEntry) Action() string { return string(e.AuditEntry.Action) }

type (
	// AuditEntryConnection is a page of the audit log.
	AuditEntryConnection = Connection[AuditEntry]
	// AuditEntryEdge is an entry in a page.
	AuditEntryEdge = Edge[AuditEntry]
)

// NewAuditEntries shapes a page of the audit log.
func NewAuditEntries(p *core.Paged[core.AuditEntry]) *AuditEntryConnection {
	return connection(ListAuditLog, p, func(e *core.AuditEntry) core.ID { return e.ID }, ViewAuditEntry)
}
