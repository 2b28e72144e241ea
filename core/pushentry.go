package core

import (
	"context"
	"slices"
	"time"
)

// openEntry begins the sync log's entry of a run. That of a run which was
// killed is closed: nobody else does.
func (r *pushRun) openEntry(ctx context.Context, tx Tx, now time.Time) error {
	p := r.push
	const cut = "The process ended while the push ran. The next entry tells how it went on."
	if err := tx.EndSyncEntries(ctx, p.OrganizationID, p.ID, cut); err != nil {
		return err
	}
	r.entry = p.entry(r.connection.Adapter, now)
	return appendSyncEntry(ctx, tx, r.entry)
}

// entry is that of a run which begins now.
func (p *Push) entry(adapter string, now time.Time) *SyncEntry {
	return &SyncEntry{
		ID: NewID(PrefixSyncEntry), OrganizationID: p.OrganizationID, ConnectionID: p.ConnectionID, AssessmentID: p.AssessmentID,
		PushID: p.ID, Adapter: adapter, Direction: DirectionOutbound, Operation: "push", Outcome: SyncRunning,
		Attempt: p.Attempts, Steps: slices.Clone(p.Steps), StartedAt: now,
	}
}

// tell keeps the entry as it is now, and an event for each step that is over
// since the last commit.
func (r *pushRun) tell(ctx context.Context, tx Tx, p *Push, now time.Time) error {
	r.entry.Steps, r.entry.Duration = slices.Clone(p.Steps), now.Sub(r.entry.StartedAt)
	if err := tx.UpdateSyncEntry(ctx, r.entry); err != nil {
		return err
	}
	if r.entry.Outcome != SyncRunning {
		if err := r.entry.tell(ctx, tx, EventSyncLogEnded, now); err != nil {
			return err
		}
	}
	by := SystemActor(p.OrganizationID)
	for _, s := range p.Steps {
		if !s.over() || r.push.step(s.Kind).over() {
			continue
		}
		data := map[string]any{"pushId": p.ID, "step": s.Kind, "state": s.State, "existed": s.Existed}
		if err := appendEvent(ctx, tx, by, now, EventPushStep, p.AssessmentID, data); err != nil {
			return err
		}
	}
	return nil
}

// conclude sums a run up.
func (e *SyncEntry) conclude(p *Push) {
	e.FaultCode, e.Message, e.Advice = p.FaultCode, p.Message, p.Advice
	switch p.State {
	case PushDone:
		e.Outcome = SyncOK
	case PushWaiting:
		e.Outcome = SyncRetry
	default:
		e.Outcome = SyncFailed
	}
}
