package core

import (
	"context"
	"errors"
	"time"

	"github.com/trellis-ats/trellis/core/fault"
)

// suspectsAtOnce is how many suspects one transaction takes.
const suspectsAtOnce = 200

// ReconciliationScope is what one run looks at: a connection, or with an empty
// one the assessments of an organization that no ATS ordered.
type ReconciliationScope struct {
	OrganizationID ID
	ConnectionID   ID
}

// SuspectQuery asks for the assessments of a scope that are stuck, by id.
type SuspectQuery struct {
	ReconciliationScope
	// Kind is that of an issue about an assessment.
	Kind IssueKind
	// Before is when they must have become so. It says nothing to a failed delivery.
	Before time.Time
	After  ID // the last of those before; empty for the first
	Limit  int
}

// ReconciliationReader finds what may be wrong. It is for the system alone.
type ReconciliationReader interface {
	// ReconciliationScopes returns those of all organizations, without the
	// connections that are disabled.
	ReconciliationScopes(ctx context.Context) ([]ReconciliationScope, error)
	// Suspects returns stuck assessments, without those that were erased.
	Suspects(ctx context.Context, q SuspectQuery) ([]Assessment, error)
	// OverdueAssessments returns at most limit of a scope that were not started
	// in time.
	OverdueAssessments(ctx context.Context, s ReconciliationScope, now time.Time, limit int) ([]Assessment, error)
	// PushesToCheck returns pushes that are done, the newest of an assessment.
	PushesToCheck(ctx context.Context, q PushCheckQuery) ([]Push, error)
}

// Reconciliations find and repair what nobody told us. They are safe for
// concurrent use, also by several processes.
type Reconciliations struct{ o ReconciliationOptions }

// ReconciliationOptions is what Reconciliations are made of.
type ReconciliationOptions struct {
	Store    Store
	Clock    Clock
	Webhooks *Webhooks
	ReconciliationLimits
}

// ReconciliationLimits are from when on something is an issue. Zero values
// mean the defaults.
type ReconciliationLimits struct {
	Undelivered time.Duration // after the result; 30 min
	Uninvited   time.Duration // after the order; 1 h
	Unopened    time.Duration // after the invitation; 7 days
	Unfinished  time.Duration // after the start; 2 days
	Unscored    time.Duration // after the completion; 1 h
	PushVisible time.Duration // after the push, for as long it is looked for in the ATS; 30 days
	RepairAgain time.Duration // after a repair that did not help; 6 h
}

func (l *ReconciliationLimits) fillIn() {
	const day = 24 * time.Hour
	for limit, otherwise := range map[*time.Duration]time.Duration{
		&l.Undelivered: 30 * time.Minute, &l.Uninvited: time.Hour, &l.Unopened: 7 * day, &l.Unfinished: 2 * day,
		&l.Unscored: time.Hour, &l.PushVisible: 30 * day, &l.RepairAgain: 6 * time.Hour,
	} {
		if *limit <= 0 {
			*limit = otherwise
		}
	}
}

// NewReconciliations returns the use cases.
func NewReconciliations(o ReconciliationOptions) *Reconciliations {
	o.fillIn()
	return &Reconciliations{o}
}

// RunAll enqueues a run for each connection and organization. It is the handler
// of TaskReconcileAll, which runs on its own.
func (rs *Reconciliations) RunAll(ctx context.Context, _ Task, _ Attempt) error {
	scopes, err := rs.o.Store.ReconciliationScopes(ctx)
	if err != nil {
		return err
	}
	return rs.o.Store.Atomically(ctx, func(tx Tx) error {
		for _, s := range scopes {
			if err := tx.Enqueue(ctx, s.task(TaskReconcile)); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s ReconciliationScope) task(k TaskKind) Task {
	return Task{Kind: k, OrganizationID: s.OrganizationID, SubjectID: s.ConnectionID}
}

// Request enqueues a run for a connection. Errors: fault.Forbidden,
// fault.NotFound, fault.Conflict if it is disabled.
func (rs *Reconciliations) Request(ctx context.Context, by Actor, connection ID) (*Connection, error) {
	if err := by.Require(PermitOrder); err != nil {
		return nil, err
	}
	c, err := rs.o.Store.Connection(ctx, by.OrganizationID, connection)
	if err != nil {
		return nil, err
	}
	if c.Disabled {
		return nil, fault.ConflictField("connectionId", "DISABLED", "DISABLED", "The connection is disabled. Nothing was changed; enable it first.")
	}
	return c, rs.o.Store.Atomically(ctx, func(tx Tx) error {
		return tx.Enqueue(ctx, ReconciliationScope{by.OrganizationID, connection}.task(TaskReconcile))
	})
}

// Run looks at what is stored of one scope, repairs what it can, and lets the
// ATS be asked. It is the handler of TaskReconcile and makes no call.
func (rs *Reconciliations) Run(ctx context.Context, t Task, _ Attempt) error {
	s := ReconciliationScope{t.OrganizationID, t.SubjectID}
	now := rs.o.Clock.Now()
	if err := rs.expire(ctx, s, now); err != nil {
		return err
	}
	for _, q := range rs.suspicions(now) {
		q.ReconciliationScope = s
		if err := rs.suspect(ctx, q, now); err != nil {
			return err
		}
	}
	if s.ConnectionID == "" {
		return nil
	}
	c, err := rs.o.Store.Connection(ctx, s.OrganizationID, s.ConnectionID)
	if err != nil || c.Disabled {
		return err
	}
	if err := errors.Join(rs.listen(ctx, c, now), rs.hear(ctx, c, now)); err != nil {
		return err
	}
	return rs.o.Store.Atomically(ctx, func(tx Tx) error {
		if c.Health.stale(now) {
			if err := tx.Enqueue(ctx, s.task(TaskCheckConnection)); err != nil {
				return err
			}
		}
		return queueReadBack(ctx, tx, s, now)
	})
}

// suspicions are the kinds of issues about assessments, and since when each
// must last.
func (rs *Reconciliations) suspicions(now time.Time) []SuspectQuery {
	return []SuspectQuery{
		{Kind: IssueNotDelivered, Before: now.Add(-rs.o.Undelivered)},
		{Kind: IssueDeliveryFailed, Before: now},
		{Kind: IssueNotInvited, Before: now.Add(-rs.o.Uninvited)},
		{Kind: IssueNotOpened, Before: now.Add(-rs.o.Unopened)},
		{Kind: IssueNotFinished, Before: now.Add(-rs.o.Unfinished)},
		{Kind: IssueNotScored, Before: now.Add(-rs.o.Unscored)},
	}
}

// suspect makes issues of all stuck assessments of a kind, and closes those
// that are no more.
func (rs *Reconciliations) suspect(ctx context.Context, q SuspectQuery, now time.Time) error {
	q.Limit = suspectsAtOnce
	for {
		stuck, err := rs.o.Store.Suspects(ctx, q)
		if err != nil {
			return err
		}
		err = rs.o.Store.Atomically(ctx, func(tx Tx) error {
			for i := range stuck {
				if err := rs.accuse(ctx, tx, &stuck[i], q.Kind, now); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		if len(stuck) < q.Limit {
			break
		}
		q.After = stuck[len(stuck)-1].ID
	}
	return rs.closeUnseen(ctx, q.ReconciliationScope, q.Kind, now, now)
}

// accuse makes an issue of a stuck assessment and begins the repair, if there
// is one.
func (rs *Reconciliations) accuse(ctx context.Context, tx Tx, a *Assessment, k IssueKind, now time.Time) error {
	i := &Issue{
		OrganizationID: a.OrganizationID, ConnectionID: a.ConnectionID, Kind: k, Subject: string(a.ID), AssessmentID: a.ID,
		Cause: causeOf(a, k), FoundAt: now, SeenAt: now,
	}
	if err := i.found(ctx, tx); err != nil {
		return err
	}
	if k != IssueNotDelivered || now.Sub(i.RepairedAt) < rs.o.RepairAgain {
		return nil
	}
	result, err := tx.LatestResult(ctx, a.OrganizationID, a.ID)
	if err != nil {
		return err
	}
	i.RepairedAt = now
	if err := tx.NoteRepair(ctx, i); err != nil {
		return err
	}
	return tx.Enqueue(ctx, Task{
		Kind: TaskDeliverResult, OrganizationID: a.OrganizationID, AssessmentID: a.ID, Revision: result.Revision,
	})
}

// causeOf says why, in words that hold nothing of the person or the ATS.
func causeOf(a *Assessment, k IssueKind) string {
	on := func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 MST") }
	switch k {
	case IssueNotDelivered:
		return "The result of " + on(a.ScoredAt) + " has not been confirmed by the ATS."
	case IssueDeliveryFailed:
		return "The ATS refused the result, or could not be reached for too long."
	case IssueNotInvited:
		return "The test was ordered on " + on(a.OrderedAt) + ", and no invitation has gone out."
	case IssueNotOpened:
		return "The candidate was invited on " + on(a.InvitedAt) + " and has not begun."
	case IssueNotFinished:
		return "The candidate began on " + on(a.StartedAt) + " and has not finished."
	default:
		return "The test was completed on " + on(a.CompletedAt) + ", and the engine has told no score."
	}
}

// closeUnseen closes the open issues of a kind that were last found before a moment.
func (rs *Reconciliations) closeUnseen(ctx context.Context, s ReconciliationScope, k IssueKind, before, now time.Time) error {
	c := IssueClosing{OrganizationID: s.OrganizationID, ConnectionID: s.ConnectionID, Kind: k, SeenBefore: before, At: now}
	for more := true; more; {
		err := rs.o.Store.Atomically(ctx, func(tx Tx) (err error) {
			more, err = c.close(ctx, tx)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// expire ends what was not started in time.
func (rs *Reconciliations) expire(ctx context.Context, s ReconciliationScope, now time.Time) error {
	for {
		overdue, err := rs.o.Store.OverdueAssessments(ctx, s, now, suspectsAtOnce)
		if err != nil {
			return err
		}
		for i := range overdue {
			if _, err := expireAssessment(ctx, rs.o.Store, rs.o.Clock, &overdue[i]); err != nil {
				return err
			}
		}
		if len(overdue) < suspectsAtOnce {
			return nil
		}
	}
}

// listen makes an issue of a hook that is silent for longer than usual.
func (rs *Reconciliations) listen(ctx context.Context, c *Connection, now time.Time) error {
	sync, err := syncOf(ctx, rs.o.Store, c)
	if err != nil {
		return err
	}
	counts, err := rs.o.Store.WebhookCounts(ctx, c.OrganizationID, []ID{c.ID})
	if err != nil {
		return err
	}
	if sync.Enabled && sync.silent(counts, now) {
		limit, last := silence(counts)
		i := &Issue{
			OrganizationID: c.OrganizationID, ConnectionID: c.ID, Kind: IssueHooksSilent, Subject: string(c.ID), FoundAt: now, SeenAt: now,
			Cause: "The last web hook came on " + last.UTC().Format("2006-01-02 15:04 MST") + "; usually one comes within " + limit.Round(time.Hour).String() + ".",
		}
		if err := rs.o.Store.Atomically(ctx, func(tx Tx) error { return i.found(ctx, tx) }); err != nil {
			return err
		}
	}
	return rs.closeUnseen(ctx, ReconciliationScope{c.OrganizationID, c.ID}, IssueHooksSilent, now, now)
}

// hear makes an issue of web hooks that could not be applied.
func (rs *Reconciliations) hear(ctx context.Context, c *Connection, now time.Time) error {
	f := WebhookFilter{ConnectionID: c.ID, States: []WebhookState{WebhookFailed}}
	failed, err := rs.o.Store.Webhooks(ctx, c.OrganizationID, f, Page{First: 1})
	if err != nil {
		return err
	}
	if len(failed.Items) > 0 {
		w := failed.Items[0]
		i := &Issue{
			OrganizationID: c.OrganizationID, ConnectionID: c.ID, Kind: IssueHooksFailed, Subject: string(c.ID), FoundAt: now, SeenAt: now,
			Cause: "Web hooks could not be applied; the last of them is " + string(w.ID) + ", " + w.Action + ".",
		}
		if err := rs.o.Store.Atomically(ctx, func(tx Tx) error { return i.found(ctx, tx) }); err != nil {
			return err
		}
	}
	return rs.closeUnseen(ctx, ReconciliationScope{c.OrganizationID, c.ID}, IssueHooksFailed, now, now)
}
