package core

import (
	"context"
	"time"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// deliveryDeadline bounds one attempt. It is shorter than a task's time.
const deliveryDeadline = 30 * time.Second

// operationDeliver is what the sync log calls a delivery.
const operationDeliver = "deliver-result"

// Deliveries are the use cases around bringing results back to the ATS.
type Deliveries struct {
	store    Store
	clock    Clock
	adapters Adapters
	links    *Links
}

// NewDeliveries returns the use cases.
func NewDeliveries(s Store, c Clock, a Adapters, l *Links) *Deliveries {
	return &Deliveries{store: s, clock: c, adapters: a, links: l}
}

// Run tells the ATS about a result. It is the handler of TaskDeliverResult.
// The sync log gets an entry for each attempt, with the state it led to.
// Errors: those of ats.Results, after they were noted.
func (ds *Deliveries) Run(ctx context.Context, t Task, try Attempt) error {
	a, err := ds.store.Assessment(ctx, t.OrganizationID, t.AssessmentID)
	if err != nil {
		return err
	}
	if a.ConnectionID == "" || a.DeliveredRev >= t.Revision || !a.ErasedAt.IsZero() {
		return nil
	}
	entry := &SyncEntry{
		ID: NewID(PrefixSyncEntry), OrganizationID: a.OrganizationID, ConnectionID: a.ConnectionID, AssessmentID: a.ID,
		Direction: DirectionOutbound, Operation: operationDeliver, Attempt: try.Number, StartedAt: ds.clock.Now(),
	}
	told := delivering{entry: entry, attempt: try}
	told.receipt, told.err = ds.deliver(ctx, a, &told)
	entry.Duration = ds.clock.Now().Sub(entry.StartedAt)
	if told.receipt != nil {
		entry.Exchanges = told.receipt.Exchanges
	}
	if err := ds.note(ctx, a, told); err != nil {
		return err
	}
	return told.err
}

// delivering is one attempt and what came of it.
type delivering struct {
	entry    *SyncEntry
	attempt  Attempt
	revision int // that was told; 0 if there is no result yet
	receipt  *ats.DeliveryReceipt
	err      error
}

// deliver makes the call; no transaction is open.
func (ds *Deliveries) deliver(ctx context.Context, a *Assessment, d *delivering) (*ats.DeliveryReceipt, error) {
	c, err := ds.store.Connection(ctx, a.OrganizationID, a.ConnectionID)
	if err != nil {
		return nil, err
	}
	d.entry.Adapter = c.Adapter
	results, err := ds.adapters.Results(c.Adapter)
	if err != nil {
		return nil, err
	}
	progress, err := progressOf(ctx, ds.store, ds.links, a)
	if err != nil {
		return nil, err
	}
	if progress.Result != nil {
		d.revision = progress.Result.Revision
	}
	call, err := forCall(ctx, ds.store, ds.adapters, c, true)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, deliveryDeadline)
	defer cancel()
	return results.Deliver(ctx, &ats.Delivery{Connection: call, Order: a.Order, Key: a.OrderKey, Progress: *progress})
}

// note commits the entry and the state that the attempt led to.
func (ds *Deliveries) note(ctx context.Context, a *Assessment, d delivering) error {
	over := d.err != nil && (d.attempt.Last || !fault.Repeatable(d.err))
	outcome := SyncRetry
	if over {
		outcome = SyncFailed
	}
	d.entry.explain(d.err, outcome)
	_, err := changeAssessment(ctx, ds.store, ds.clock, a.OrganizationID, a.ID, func(tx Tx, a *Assessment, now time.Time) error {
		if !a.ErasedAt.IsZero() {
			d.entry.Exchanges, d.entry.Message = nil, "" // the person was erased during the call
			return appendSyncEntry(ctx, tx, d.entry)
		}
		if err := appendSyncEntry(ctx, tx, d.entry); err != nil {
			return err
		}
		if d.err != nil && d.revision > 0 && a.DeliveredRev >= d.revision {
			return nil // the ATS came for it during the call that failed
		}
		if over {
			return a.deliveryFailed(ctx, tx, d.entry, now)
		}
		if d.err == nil && !d.receipt.AwaitsPoll {
			return a.delivered(ctx, tx, SystemActor(a.OrganizationID), d.revision, now)
		}
		a.DeliveryNote = d.entry.Message
		if d.err == nil {
			a.DeliveryNote = "Waits until the ATS asks."
		}
		return nil
	})
	return err
}

func (a *Assessment) deliveryFailed(ctx context.Context, tx Tx, entry *SyncEntry, now time.Time) error {
	a.Delivery, a.DeliveryNote = DeliveryFailed, entry.Message
	data := map[string]any{"code": entry.FaultCode, "message": entry.Message, "syncEntryId": entry.ID}
	return appendEvent(ctx, tx, SystemActor(a.OrganizationID), now, EventDeliveryFailed, a.ID, data)
}

// delivered notes that the ATS has a revision, told or fetched.
func (a *Assessment) delivered(ctx context.Context, tx Tx, by Actor, revision int, now time.Time) error {
	if revision <= a.DeliveredRev {
		return nil
	}
	current, err := tx.LatestResult(ctx, a.OrganizationID, a.ID)
	if err != nil {
		return err
	}
	a.DeliveredRev, a.DeliveredAt = revision, now
	if revision == current.Revision {
		a.Delivery, a.DeliveryNote = DeliveryDelivered, ""
	}
	return appendEvent(ctx, tx, by, now, EventDeliveryDelivered, a.ID, map[string]any{"revision": revision})
}

// progressOf tells how far an assessment is, in the words of the contract.
func progressOf(ctx context.Context, r Reader, links *Links, a *Assessment) (*ats.Progress, error) {
	p := &ats.Progress{
		AssessmentID: string(a.ID), State: ats.State(a.Status),
		OrderedAt: a.OrderedAt, StartedAt: a.StartedAt, CompletedAt: a.CompletedAt,
	}
	if a.Status != StatusScored {
		return p, nil
	}
	result, err := r.LatestResult(ctx, a.OrganizationID, a.ID)
	if err != nil {
		return nil, err
	}
	sentence, err := benchmark(ctx, r, result)
	if err != nil {
		return nil, err
	}
	p.Result = &ats.ResultRecord{
		Score: result.Score.Float(), Revision: result.Revision, Benchmark: sentence,
		Summary: result.Report.Summary, ReportURL: links.Permalink(a),
	}
	p.Result.Indicator, p.Result.Recommendation, err = indicate(ctx, r, a, a.ConnectionID, result)
	if err != nil {
		return nil, err
	}
	for _, t := range result.Traits {
		p.Result.Traits = append(p.Result.Traits, ats.TraitRecord{Key: t.Key, Name: t.Name, Score: t.Score.Float()})
	}
	return p, nil
}
