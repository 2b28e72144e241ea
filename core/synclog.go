package core

import (
	"context"
	"slices"
	"time"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// Direction tells who called whom.
type Direction string

// The directions.
const (
	DirectionInbound  Direction = "INBOUND"  // the ATS called us
	DirectionOutbound Direction = "OUTBOUND" // we called the ATS
)

// Directions are both.
func Directions() []Direction { return []Direction{DirectionInbound, DirectionOutbound} }

// SyncOutcome tells how an exchange ended.
type SyncOutcome string

// The outcomes.
const (
	SyncOK      SyncOutcome = "OK"
	SyncRefused SyncOutcome = "REFUSED" // the caller's fault
	SyncFailed  SyncOutcome = "FAILED"
	SyncRetry   SyncOutcome = "RETRY"   // failed, and will be tried again
	SyncRunning SyncOutcome = "RUNNING" // under way
)

// SyncOutcomes are all that there are.
func SyncOutcomes() []SyncOutcome {
	return []SyncOutcome{SyncOK, SyncRefused, SyncFailed, SyncRetry, SyncRunning}
}

// SyncEntry is one exchange of meaning with an ATS. What was said is redacted:
// credentials are gone and personal data is masked.
type SyncEntry struct {
	ID             ID
	OrganizationID ID // empty for a caller whose key is unknown
	ConnectionID   ID
	AssessmentID   ID
	PushID         ID // empty if it is about none
	Adapter        string
	Direction      Direction
	Operation      string // the route or what was delivered: "send-test", "deliver-result"
	Outcome        SyncOutcome
	FaultCode      fault.Code // empty if all went well
	Message        string     // for people
	Advice         string     // what to do about it, for people; empty for nothing
	Steps          []PushStep // of a push, as they were when the entry was kept last
	Attempt        int        // from 1
	RequestID      string
	Exchanges      []ats.Exchange
	StartedAt      time.Time
	Duration       time.Duration
}

// SyncFilter narrows the sync log; empty fields do not.
type SyncFilter struct {
	AssessmentID ID
	ConnectionID ID
	PushID       ID
	Direction    Direction
	Outcomes     []SyncOutcome
	Operation    string
	Adapter      string
	From         time.Time // the first moment at which it began
	Until        time.Time // the first moment after
}

// Matches reports whether an entry is among those that the filter leaves.
func (f SyncFilter) Matches(e *SyncEntry) bool {
	return (f.AssessmentID == "" || f.AssessmentID == e.AssessmentID) &&
		(f.ConnectionID == "" || f.ConnectionID == e.ConnectionID) &&
		(f.PushID == "" || f.PushID == e.PushID) &&
		(f.Direction == "" || f.Direction == e.Direction) &&
		(len(f.Outcomes) == 0 || slices.Contains(f.Outcomes, e.Outcome)) &&
		(f.Operation == "" || f.Operation == e.Operation) &&
		(f.Adapter == "" || f.Adapter == e.Adapter) &&
		!e.StartedAt.Before(f.From) && (f.Until.IsZero() || e.StartedAt.Before(f.Until))
}

// SyncLogReader finds entries of the sync log.
type SyncLogReader interface {
	// SyncLog returns a page of the organization's entries, newest first.
	SyncLog(ctx context.Context, organization ID, f SyncFilter, p Page) (*Paged[SyncEntry], error)
	// SyncEntriesByID returns those that exist, in no order; for loaders.
	SyncEntriesByID(ctx context.Context, organization ID, ids []ID) ([]SyncEntry, error)
	// SyncEntriesOf returns the newest entries of several assessments, at most
	// perAssessment of each, newest first; for loaders.
	SyncEntriesOf(ctx context.Context, organization ID, assessments []ID, perAssessment int) ([]SyncEntry, error)
}

// SyncLogWriter keeps entries of the sync log.
type SyncLogWriter interface {
	InsertSyncEntry(ctx context.Context, e *SyncEntry) error
	// UpdateSyncEntry keeps what came of an entry that was under way.
	// Errors: fault.NotFound.
	UpdateSyncEntry(ctx context.Context, e *SyncEntry) error
	// EndSyncEntries marks a push's entries that are still under way as to be
	// tried again, with a message.
	EndSyncEntries(ctx context.Context, organization, push ID, message string) error
}

// SyncLog are the use cases around the sync log.
type SyncLog struct{ store Store }

// NewSyncLog returns the use cases.
func NewSyncLog(s Store) *SyncLog { return &SyncLog{store: s} }

// List returns a page, newest first. Errors: fault.Forbidden, fault.Invalid.
func (l *SyncLog) List(ctx context.Context, by Actor, f SyncFilter, p Page) (*Paged[SyncEntry], error) {
	if err := by.Require(PermitReadSetup); err != nil {
		return nil, err
	}
	p, err := p.Normalize()
	if err != nil {
		return nil, err
	}
	return l.store.SyncLog(ctx, by.OrganizationID, f, p)
}

// Get returns one entry of an adapter's. Errors: fault.Forbidden, fault.NotFound.
func (l *SyncLog) Get(ctx context.Context, by Actor, adapter string, id ID) (*SyncEntry, error) {
	found, err := l.ByID(ctx, by, []ID{id})
	if err != nil {
		return nil, err
	}
	if len(found) == 0 || found[0].Adapter != adapter {
		return nil, fault.New(fault.NotFound, "There is no entry of the sync log with this id.")
	}
	return &found[0], nil
}

// ByID returns those of several entries that exist, in no order. Errors: fault.Forbidden.
func (l *SyncLog) ByID(ctx context.Context, by Actor, ids []ID) ([]SyncEntry, error) {
	if err := by.Require(PermitReadSetup); err != nil {
		return nil, err
	}
	return l.store.SyncEntriesByID(ctx, by.OrganizationID, ids)
}

// Of returns the newest entries of several assessments, at most perAssessment
// of each, newest first. Errors: fault.Forbidden.
func (l *SyncLog) Of(ctx context.Context, by Actor, assessments []ID, perAssessment int) ([]SyncEntry, error) {
	if err := by.Require(PermitReadSetup); err != nil {
		return nil, err
	}
	return l.store.SyncEntriesOf(ctx, by.OrganizationID, assessments, min(perAssessment, MaxPage+1))
}

// appendSyncEntry keeps an entry and, if its organization is known, the event
// that tells of it.
func appendSyncEntry(ctx context.Context, tx Tx, e *SyncEntry) error {
	if err := tx.InsertSyncEntry(ctx, e); err != nil || e.OrganizationID == "" {
		return err
	}
	return e.tell(ctx, tx, EventSyncLogAppended, e.StartedAt)
}

// tell appends an event about the entry.
func (e *SyncEntry) tell(ctx context.Context, tx Tx, kind EventType, at time.Time) error {
	data := map[string]any{"operation": e.Operation, "outcome": e.Outcome}
	if e.AssessmentID != "" {
		data["assessmentId"] = e.AssessmentID
	}
	return appendEvent(ctx, tx, SystemActor(e.OrganizationID), at, kind, e.ID, data)
}

// outboundEntry opens an entry about a call that is about no assessment.
func outboundEntry(c *Connection, operation string, now time.Time) *SyncEntry {
	return &SyncEntry{
		ID: NewID(PrefixSyncEntry), OrganizationID: c.OrganizationID, ConnectionID: c.ID, Adapter: c.Adapter,
		Direction: DirectionOutbound, Operation: operation, Attempt: 1, StartedAt: now,
	}
}

// explain notes an error on the entry.
func (e *SyncEntry) explain(err error, outcome SyncOutcome) {
	if err == nil {
		e.Outcome = SyncOK
		return
	}
	f := fault.From(err)
	e.Outcome, e.FaultCode, e.Message = outcome, f.Code, f.Message
	if outcome == SyncFailed && e.Direction == DirectionOutbound {
		e.Advice = adviceOn(f)
	}
}
