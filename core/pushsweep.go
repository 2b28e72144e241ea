package core

import (
	"context"
	"time"

	"github.com/trellis-ats/trellis/core/fault"
)

const (
	// overdueAfter is when an open push whose time has come is taken for
	// forgotten: its task was lost with a process, or given up.
	overdueAfter = 10 * time.Minute
	sweepAtOnce  = 200
)

// Sweep sets pushes going again that nobody goes on with. It is the handler of
// TaskSweepPushes, and looks at all organizations.
func (ps *Pushes) Sweep(ctx context.Context, _ Task, _ Attempt) error {
	before := ps.o.Clock.Now().Add(-overdueAfter)
	overdue, err := ps.o.Store.OverduePushes(ctx, before, sweepAtOnce)
	if err != nil {
		return err
	}
	for i := range overdue {
		if err := ps.revive(ctx, &overdue[i], before); err != nil {
			return err
		}
	}
	return nil
}

// revive begins the next round of a push as it is.
func (ps *Pushes) revive(ctx context.Context, old *Push, before time.Time) error {
	return ps.o.Store.Atomically(ctx, func(tx Tx) error {
		p, err := tx.LockPush(ctx, old.OrganizationID, old.ID)
		if fault.Is(err, fault.NotFound) {
			return nil
		}
		if err != nil || !p.State.Open() || !p.DueAt.Before(before) {
			return err
		}
		p.Round++
		p.State, p.RunToken, p.DueAt = PushPending, "", ps.o.Clock.Now()
		if err := tx.UpdatePush(ctx, p); err != nil {
			return err
		}
		return announcePush(ctx, tx, SystemActor(p.OrganizationID), p, EventPushRetried, p.DueAt)
	})
}

// ResumeRefused is the handler of TaskResumePushes, after a person has
// connected anew. Each goes on where it stopped.
func (ps *Pushes) ResumeRefused(ctx context.Context, t Task, _ Attempt) error {
	f := PushFilter{States: []PushState{PushNeedsAttention}, ConnectionID: t.SubjectID}
	by, next := SystemActor(t.OrganizationID), Page{First: MaxPage}
	for {
		page, err := ps.o.Store.Pushes(ctx, t.OrganizationID, f, next)
		if err != nil {
			return err
		}
		for i := range page.Items {
			p := &page.Items[i]
			next.After = p.ID
			if p.FaultCode != fault.Auth {
				continue
			}
			if _, err := ps.Retry(ctx, by, p.ID); err != nil && !fault.Is(err, fault.Conflict) {
				return err
			}
		}
		if !page.HasNext {
			return nil
		}
	}
}
