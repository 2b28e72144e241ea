package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

type syncEntryRow struct {
	ID             core.ID               `db:"id"`
	OrganizationID sql.NullString        `db:"organization_id"`
	ConnectionID   core.ID               `db:"connection_id"`
	AssessmentID   core.ID               `db:"assessment_id"`
	PushID         core.ID               `db:"push_id"`
	Adapter        string                `db:"adapter"`
	Direction      core.Direction        `db:"direction"`
	Operation      string                `db:"operation"`
	Outcome        core.SyncOutcome      `db:"outcome"`
	FaultCode      fault.Code            `db:"fault_code"`
	Message        string                `db:"message"`
	Advice         string                `db:"advice"`
	Steps          JSON[[]core.PushStep] `db:"steps"`
	Attempt        int                   `db:"attempt"`
	RequestID      string                `db:"request_id"`
	Exchanges      JSON[[]exchangeJSON]  `db:"exchanges"`
	StartedAt      Time                  `db:"started_at"`
	Duration       time.Duration         `db:"duration_ns"`
}

// exchangeJSON fixes the stored names of ats.Exchange. It has the same fields,
// or the conversions below would not compile.
type exchangeJSON struct {
	Method         string            `json:"method"`
	URL            string            `json:"url"`
	RequestBody    string            `json:"requestBody,omitempty"`
	Status         int               `json:"status"`
	ResponseBody   string            `json:"responseBody,omitempty"`
	ResponseHeader map[string]string `json:"responseHeader,omitempty"`
	StartedAt      time.Time         `json:"startedAt"`
	Duration       time.Duration     `json:"durationNs"`
	Error          string            `json:"error,omitempty"`
}

func newExchangeJSON(e ats.Exchange) exchangeJSON {
	e.StartedAt = e.StartedAt.UTC().Truncate(time.Microsecond)
	return exchangeJSON(e)
}

func (e exchangeJSON) exchange() ats.Exchange { return ats.Exchange(e) }

// newSyncEntryRow cleans what strangers can influence: an entry must be kept
// whatever they sent.
func newSyncEntryRow(e *core.SyncEntry) syncEntryRow {
	return syncEntryRow{
		ID: e.ID, OrganizationID: sql.NullString{String: string(e.OrganizationID), Valid: e.OrganizationID != ""},
		ConnectionID: e.ConnectionID, AssessmentID: core.ID(cleaned(string(e.AssessmentID))), PushID: e.PushID, Adapter: e.Adapter,
		Direction: e.Direction, Operation: cleaned(e.Operation), Outcome: e.Outcome, FaultCode: e.FaultCode,
		Message: cleaned(e.Message), Advice: cleaned(e.Advice), Steps: JSON[[]core.PushStep]{orEmpty(e.Steps)}, Attempt: e.Attempt, RequestID: cleaned(e.RequestID),
		Exchanges: JSON[[]exchangeJSON]{convertAll(e.Exchanges, newExchangeJSON)},
		StartedAt: Time{e.StartedAt}, Duration: e.Duration,
	}
}

func (r syncEntryRow) syncEntry() core.SyncEntry {
	return core.SyncEntry{
		ID: r.ID, OrganizationID: core.ID(r.OrganizationID.String), ConnectionID: r.ConnectionID, AssessmentID: r.AssessmentID, PushID: r.PushID,
		Adapter: r.Adapter, Direction: r.Direction, Operation: r.Operation, Outcome: r.Outcome, FaultCode: r.FaultCode,
		Message: r.Message, Advice: r.Advice, Steps: r.Steps.V, Attempt: r.Attempt, RequestID: r.RequestID,
		Exchanges: convertAll(r.Exchanges.V, exchangeJSON.exchange),
		StartedAt: r.StartedAt.Time, Duration: r.Duration,
	}
}

// SyncLog implements core.SyncLogReader.
func (r reader) SyncLog(ctx context.Context, organization core.ID, f core.SyncFilter, p core.Page) (*core.Paged[core.SyncEntry], error) {
	l := listing{table: "sync_log", where: owned(organization), newestFirst: true}
	equal(&l.where, "assessment_id", f.AssessmentID)
	equal(&l.where, "connection_id", f.ConnectionID)
	equal(&l.where, "push_id", f.PushID)
	equal(&l.where, "direction", f.Direction)
	equal(&l.where, "operation", f.Operation)
	equal(&l.where, "adapter", f.Adapter)
	in(&l.where, "outcome %s", f.Outcomes)
	l.where.within("started_at", f.From, f.Until)
	rows, err := readPage[syncEntryRow](ctx, r.q, l, p)
	return convertPage(rows, err, syncEntryRow.syncEntry)
}

// SyncEntriesByID implements core.SyncLogReader.
func (r reader) SyncEntriesByID(ctx context.Context, organization core.ID, ids []core.ID) ([]core.SyncEntry, error) {
	rows, err := readByID[syncEntryRow](ctx, r.q, "sync_log", owned(organization), ids)
	return convertAll(rows, syncEntryRow.syncEntry), err
}

// SyncEntriesOf implements core.SyncLogReader.
func (r reader) SyncEntriesOf(ctx context.Context, organization core.ID, assessments []core.ID, perAssessment int) ([]core.SyncEntry, error) {
	o := outermost{table: "sync_log", group: "assessment_id", newest: true, each: perAssessment}
	rows, err := readOutermost[syncEntryRow](ctx, r.q, o, organization, assessments)
	return convertAll(rows, syncEntryRow.syncEntry), err
}

// InsertSyncEntry implements core.SyncLogWriter.
func (t *tx) InsertSyncEntry(ctx context.Context, e *core.SyncEntry) error {
	return insert(ctx, t.q, "sync_log", newSyncEntryRow(e))
}

// UpdateSyncEntry implements core.SyncLogWriter.
func (t *tx) UpdateSyncEntry(ctx context.Context, e *core.SyncEntry) error {
	row := newSyncEntryRow(e)
	var id core.ID
	err := t.q.get(ctx, &id, `UPDATE sync_log SET outcome = $3, fault_code = $4, message = $5, advice = $6, steps = $7, exchanges = $8, duration_ns = $9
		WHERE organization_id = $1 AND id = $2 RETURNING id`,
		e.OrganizationID, e.ID, row.Outcome, row.FaultCode, row.Message, row.Advice, row.Steps, row.Exchanges, row.Duration)
	return notFound(err, "entry of the sync log")
}

// EndSyncEntries implements core.SyncLogWriter.
func (t *tx) EndSyncEntries(ctx context.Context, organization, push core.ID, message string) error {
	_, err := t.q.exec(ctx, `UPDATE sync_log SET outcome = 'RETRY', message = $3
		WHERE organization_id = $1 AND push_id = $2 AND push_id <> '' AND outcome = 'RUNNING'`, organization, push, message)
	return err
}

// orEmpty makes no items a list of none.
func orEmpty[T any](items []T) []T {
	if items == nil {
		return []T{}
	}
	return items
}
