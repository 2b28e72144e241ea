package core

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// operationReadBack is what the sync log calls the calls of reconciliation.
const operationReadBack = "read-back"

const (
	// readBackLost is after how long a queued reading back counts as lost.
	readBackLost = 6 * time.Hour
	// readBackPages is how many pages one task reads before others may.
	readBackPages = 10
	// readBackOverlap makes up for a clock of the ATS that is behind ours.
	readBackOverlap = 10 * time.Minute
	// readBackMost is how far back the first reading goes, and how old a place
	// in the ATS's list may be.
	readBackMost, readBackStale = 30 * 24 * time.Hour, 24 * time.Hour
	// Each push is looked for in the ATS once a day; those that it did not show, each time.
	pushCheckEvery, pushCheckAgain = 24 * time.Hour, 5 * time.Minute
	// readAtOnce is how many applications an ATS reads at once (ats.ApplicationQuery).
	readAtOnce = 50
)

// ReadBack is how far a connection's applications were read back from its ATS,
// so that no event is missed for good.
type ReadBack struct {
	OrganizationID ID
	ConnectionID   ID
	QueuedAt       time.Time // when the task was enqueued that has not ended; zero for none
	Since          time.Time // the running pass reads what changed since
	Cursor         string    // its next page; empty between passes
	BeganAt        time.Time // when the running pass began
	CaughtUpAt     time.Time // all that changed before was read; zero for never
	Message        string    // why the last task failed; empty if it did not
}

// ReadBackWriter keeps how far reading back is.
type ReadBackWriter interface {
	// LockReadBack returns how far a connection is, a zero one at first, and
	// keeps others from changing it until the transaction ends.
	LockReadBack(ctx context.Context, organization, connection ID) (*ReadBack, error)
	SaveReadBack(ctx context.Context, b *ReadBack) error
	// NotePushCheck keeps when pushes were looked for in the ATS.
	NotePushCheck(ctx context.Context, organization ID, pushes []ID, at time.Time) error
}

// PushCheckQuery asks for pushes that are to be looked for in the ATS.
type PushCheckQuery struct {
	ReconciliationScope
	FinishedAfter time.Time
	CheckedBefore time.Time // or never
	// DoubtedBefore counts instead for those with an open issue.
	DoubtedBefore time.Time
	Limit         int
}

// queueReadBack enqueues the task of a connection unless one is under way.
func queueReadBack(ctx context.Context, tx Tx, s ReconciliationScope, now time.Time) error {
	b, err := tx.LockReadBack(ctx, s.OrganizationID, s.ConnectionID)
	if err != nil || !b.QueuedAt.IsZero() && now.Sub(b.QueuedAt) < readBackLost {
		return err
	}
	b.QueuedAt = now
	if err := tx.SaveReadBack(ctx, b); err != nil {
		return err
	}
	return tx.Enqueue(ctx, s.task(TaskReadBack))
}

// ReadBack asks a connection's ATS for what only it knows: whether pushes are
// there, what changed that no web hook told, and who waits in a stage whose
// test was not sent. It is the handler of TaskReadBack.
// Errors: *Postponed while the ATS takes no more requests or pages are left;
// those of the adapter.
func (rs *Reconciliations) ReadBack(ctx context.Context, t Task, try Attempt) error {
	c, err := rs.o.Store.Connection(ctx, t.OrganizationID, t.SubjectID)
	if err != nil {
		return err
	}
	err = rs.readBack(ctx, c)
	var postponed *Postponed
	if errors.As(err, &postponed) || err != nil && fault.Repeatable(err) && !try.Last {
		return err
	}
	return errors.Join(err, rs.changeReadBack(ctx, c, func(b *ReadBack) {
		b.QueuedAt, b.Message = time.Time{}, ""
		if err != nil {
			b.Message = fault.From(err).Message
		}
	}))
}

func (rs *Reconciliations) changeReadBack(ctx context.Context, c *Connection, change func(*ReadBack)) error {
	return rs.o.Store.Atomically(ctx, func(tx Tx) error {
		b, err := tx.LockReadBack(ctx, c.OrganizationID, c.ID)
		if err != nil {
			return err
		}
		change(b)
		return tx.SaveReadBack(ctx, b)
	})
}

func (rs *Reconciliations) readBack(ctx context.Context, c *Connection) error {
	if c.Disabled {
		return nil
	}
	if err := rs.checkPushes(ctx, c); err != nil {
		return unlessBarred(err)
	}
	sync, err := syncOf(ctx, rs.o.Store, c)
	if err != nil {
		return err
	}
	if !sync.Enabled {
		now := rs.o.Clock.Now()
		return rs.closeUnseen(ctx, scopeOf(c), IssueTestNotSent, time.Time{}, now)
	}
	// What was missed comes first: looking for people again can take all the
	// requests that there are.
	if err := rs.catchUp(ctx, c, sync); err != nil {
		return unlessBarred(err)
	}
	return unlessBarred(rs.recheckStages(ctx, c))
}

func scopeOf(c *Connection) ReconciliationScope { return ReconciliationScope{c.OrganizationID, c.ID} }

// checkPushes looks whether the ATS shows what was pushed.
func (rs *Reconciliations) checkPushes(ctx context.Context, c *Connection) error {
	began := rs.o.Clock.Now()
	for range readBackPages {
		pushes, err := rs.o.Store.PushesToCheck(ctx, PushCheckQuery{
			ReconciliationScope: scopeOf(c), Limit: readAtOnce, FinishedAfter: began.Add(-rs.o.PushVisible),
			CheckedBefore: began.Add(-pushCheckEvery), DoubtedBefore: began.Add(-pushCheckAgain),
		})
		if err != nil {
			return err
		}
		if len(pushes) == 0 {
			break
		}
		if err := rs.checkSome(ctx, c, pushes); err != nil {
			return err
		}
	}
	// One that is not looked for any more, for its age for instance, closes too.
	return rs.closeUnseen(ctx, scopeOf(c), IssuePushNotVisible, began.Add(-2*pushCheckEvery), began)
}

func (rs *Reconciliations) checkSome(ctx context.Context, c *Connection, pushes []Push) error {
	ids, checked := make([]string, len(pushes)), make([]ID, len(pushes))
	for i := range pushes {
		ids[i], checked[i] = pushes[i].ExternalApplicationID, pushes[i].ID
	}
	slices.Sort(ids)
	list, err := rs.get(ctx, c, ats.ApplicationQuery{IDs: slices.Compact(ids)})
	if err != nil {
		return err
	}
	shown := func(id string) bool {
		return slices.ContainsFunc(list.Applications, func(r ats.ApplicationRecord) bool { return r.ID == id })
	}
	now := rs.o.Clock.Now()
	return rs.o.Store.Atomically(ctx, func(tx Tx) error {
		for i := range pushes {
			p := &pushes[i]
			err := (&Issue{
				OrganizationID: p.OrganizationID, ConnectionID: p.ConnectionID, Kind: IssuePushNotVisible, Subject: string(p.ID),
				AssessmentID: p.AssessmentID, PushID: p.ID, ApplicationID: p.ExternalApplicationID, FoundAt: now, SeenAt: now,
				Cause: "The ATS does not show the application " + p.ExternalApplicationID + " that was pushed.",
			}).settle(ctx, tx, !shown(p.ExternalApplicationID))
			if err != nil {
				return err
			}
		}
		return tx.NotePushCheck(ctx, c.OrganizationID, checked, now)
	})
}

// settle keeps the issue if it is there, and closes it if it is not.
func (i *Issue) settle(ctx context.Context, tx Tx, there bool) error {
	if there {
		return i.found(ctx, tx)
	}
	_, err := IssueClosing{
		OrganizationID: i.OrganizationID, ConnectionID: i.ConnectionID, Kind: i.Kind, Subject: i.Subject, At: i.SeenAt,
	}.close(ctx, tx)
	return err
}

// get asks the ATS for applications and notes it in the sync log, without what
// the ATS answered: nobody could find a person in it who is to be forgotten.
func (rs *Reconciliations) get(ctx context.Context, c *Connection, q ats.ApplicationQuery) (*ats.ApplicationList, error) {
	entry := outboundEntry(c, operationReadBack, rs.o.Clock.Now())
	list, err := rs.o.Webhooks.getApplications(ctx, c, q)
	if list == nil || err == nil && len(list.Applications) == 0 {
		return list, err // nothing was asked, or nothing came of it
	}
	entry.explain(err, SyncFailed)
	entry.Duration = rs.o.Clock.Now().Sub(entry.StartedAt)
	for _, x := range list.Exchanges {
		x.RequestBody, x.ResponseBody = "", ""
		entry.Exchanges = append(entry.Exchanges, x)
	}
	kept := rs.o.Store.Atomically(ctx, func(tx Tx) error { return appendSyncEntry(ctx, tx, entry) })
	return list, settled(err, kept)
}

// catchUp reads what changed since the last time, a page at a time.
func (rs *Reconciliations) catchUp(ctx context.Context, c *Connection, sync *WebhookSync) error {
	var b ReadBack
	begin := func(kept *ReadBack) {
		kept.begin(sync, rs.o.Clock.Now())
		b = *kept
	}
	if err := rs.changeReadBack(ctx, c, begin); err != nil {
		return err
	}
	for range readBackPages {
		list, err := rs.get(ctx, c, ats.ApplicationQuery{ChangedSince: b.Since, Cursor: b.Cursor})
		if fault.Is(err, fault.Invalid) && b.Cursor != "" { // the ATS has forgotten the place: begin again
			return errors.Join(err, rs.changeReadBack(ctx, c, func(kept *ReadBack) { kept.Cursor = "" }))
		}
		if err != nil {
			return err
		}
		if err := rs.takeIn(ctx, c, list.Applications); err != nil {
			return err
		}
		b.Cursor = list.Next
		if b.Cursor == "" {
			b.CaughtUpAt = b.BeganAt
		}
		if err := rs.changeReadBack(ctx, c, func(kept *ReadBack) { kept.Cursor, kept.CaughtUpAt = b.Cursor, b.CaughtUpAt }); err != nil {
			return err
		}
		if b.Cursor == "" {
			return nil
		}
	}
	return &Postponed{For: time.Second, Why: "the ATS has more pages of changes"}
}

// begin starts a pass unless one is under way.
func (b *ReadBack) begin(sync *WebhookSync, now time.Time) {
	if b.Cursor != "" && now.Sub(b.BeganAt) < readBackStale {
		return
	}
	since := b.CaughtUpAt
	if sync.EnabledAt.After(since) {
		since = sync.EnabledAt
	}
	b.Since, b.Cursor, b.BeganAt = latest(since, now.Add(-readBackMost)).Add(-readBackOverlap), "", now
}
