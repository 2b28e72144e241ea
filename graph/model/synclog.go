package model

import (
	"maps"
	"slices"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/ats"
)

// SyncEntry is an entry of the sync log as callers see it.
type SyncEntry struct {
	*core.SyncEntry
	Batch *Batch[core.SyncEntry]
}

// ViewSyncEntry is a view of one of a batch.
func ViewSyncEntry(e *core.SyncEntry, b *Batch[core.SyncEntry]) SyncEntry { return SyncEntry{e, b} }

// NewSyncEntry is a view of a single entry.
func NewSyncEntry(e *core.SyncEntry) SyncEntry { return ViewSyncEntry(e, alone(e)) }

// IsNode marks a node.
func (*SyncEntry) IsNode() {}

// FaultCode is nil if all went well.
func (e SyncEntry) FaultCode() *string { return optional(string(e.SyncEntry.FaultCode)) }

// Message is nil if there is nothing to say.
func (e SyncEntry) Message() *string { return optional(e.SyncEntry.Message) }

// Advice is nil if there is nothing to do.
func (e SyncEntry) Advice() *string { return optional(e.SyncEntry.Advice) }

// Steps are those of a push.
func (e SyncEntry) Steps() []PushStep { return pushSteps(e.SyncEntry.Steps) }

// RequestID is nil if no HTTP request brought the entry.
func (e SyncEntry) RequestID() *string { return optional(e.SyncEntry.RequestID) }

// DurationMs is how long it took, in milliseconds.
func (e SyncEntry) DurationMs() int { return int(e.Duration.Milliseconds()) }

// Exchanges are the HTTP exchanges that were made.
func (e SyncEntry) Exchanges() []HTTPExchange {
	exchanges := make([]HTTPExchange, len(e.SyncEntry.Exchanges))
	for i := range e.SyncEntry.Exchanges {
		exchanges[i] = HTTPExchange{&e.SyncEntry.Exchanges[i]}
	}
	return exchanges
}

// HTTPExchange is an HTTP exchange as callers see it.
type HTTPExchange struct{ *ats.Exchange }

// RequestBody is nil if there was none.
func (x HTTPExchange) RequestBody() *string { return optional(x.Exchange.RequestBody) }

// ResponseBody is nil if there was none.
func (x HTTPExchange) ResponseBody() *string { return optional(x.Exchange.ResponseBody) }

// Error is nil if an answer came.
func (x HTTPExchange) Error() *string { return optional(x.Exchange.Error) }

// Status is nil if no answer came.
func (x HTTPExchange) Status() *int {
	if x.Exchange.Status == 0 {
		return nil
	}
	return &x.Exchange.Status
}

// DurationMs is how long the answer took, in milliseconds.
func (x HTTPExchange) DurationMs() int { return int(x.Duration.Milliseconds()) }

// ResponseHeaders are the answer's headers, by name.
func (x HTTPExchange) ResponseHeaders() []HTTPHeader {
	headers := make([]HTTPHeader, 0, len(x.ResponseHeader))
	for _, name := range slices.Sorted(maps.Keys(x.ResponseHeader)) {
		headers = append(headers, HTTPHeader{name, x.ResponseHeader[name]})
	}
	return headers
}

// HTTPHeader is one header.
type HTTPHeader struct{ Name, Value string }

type (
	// SyncEntryConnection is a page of the sync log.
	SyncEntryConnection = Connection[SyncEntry]
	// SyncEntryEdge is an entry in a page.
	SyncEntryEdge = Edge[SyncEntry]
)

// NewSyncEntries shapes a page of the sync log.
func NewSyncEntries(p *core.Paged[core.SyncEntry]) *SyncEntryConnection {
	return connection(ListSyncLog, p, func(e *core.SyncEntry) core.ID { return e.ID }, ViewSyncEntry)
}

// SharedSyncEntries shapes a page of entries that were read together with others.
func SharedSyncEntries(p *core.Paged[core.SyncEntry], b *Batch[core.SyncEntry]) *SyncEntryConnection {
	return connection(ListSyncLog, p, func(e *core.SyncEntry) core.ID { return e.ID },
		func(e *core.SyncEntry, _ *Batch[core.SyncEntry]) SyncEntry { return SyncEntry{e, b} })
}
