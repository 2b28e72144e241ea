package core

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/trellis-ats/trellis/core/fault"
)

const (
	purgeAtOnce = 500
	// purgeRounds bounds one run, so that it ends well before a task's deadline.
	purgeRounds = 40
)

// Retained is a kind of rows that are not kept for ever.
type Retained string

// The kinds. The register of decisions is none: it is kept apart from what was
// said on the wire, and holds nobody's name.
const (
	RetainExchanges       Retained = "exchanges"       // of entries of the sync log, which stay
	RetainSyncLog         Retained = "syncLog"         // whole entries
	RetainWebhookRequests Retained = "webhookRequests" // of web hooks, which stay
	RetainWebhooks        Retained = "webhooks"        // whole ones
	RetainEvents          Retained = "events"          // also who opened a report
	RetainAuditLog        Retained = "auditLog"
	RetainSessions        Retained = "sessions" // that ended
	RetainIssues          Retained = "issues"   // that closed
	// RetainCandidates is no kind of rows: people of whom nothing happened for so
	// long are erased, each as if somebody had asked for it.
	RetainCandidates Retained = "candidates"
)

// RetainedKinds are those of rows, in the order in which they are looked at.
func RetainedKinds() []Retained {
	return []Retained{
		RetainExchanges, RetainSyncLog, RetainWebhookRequests, RetainWebhooks, RetainEvents, RetainAuditLog, RetainSessions,
		RetainIssues,
	}
}

// Purge asks for what is older than a moment.
type Purge struct {
	Organization ID // empty: what belongs to none, as the calls of strangers
	Kind         Retained
	Before       time.Time
	Limit        int
}

// RetentionReader finds what retention looks at.
type RetentionReader interface {
	// OrganizationsAfter returns the next ids in order; for the system alone.
	OrganizationsAfter(ctx context.Context, after ID, limit int) ([]ID, error)
	// IdleCandidates returns people of whom nothing was written since a moment
	// and who are not erased, the oldest first.
	IdleCandidates(ctx context.Context, organization ID, before time.Time, limit int) ([]ID, error)
	// EventFloor returns the position up to which events may have been deleted.
	EventFloor(ctx context.Context) (int64, error)
}

// RetentionWriter deletes what was kept long enough.
type RetentionWriter interface {
	// Purge deletes or empties at most p.Limit rows, the oldest first, and
	// returns how many. What is in use stays: open pushes' entries, web hooks
	// that were not applied yet, events without a position. Rows that another
	// transaction holds are left for the next time.
	Purge(ctx context.Context, p Purge) (int, error)
}

// RetentionOptions is what Retention is made of.
type RetentionOptions struct {
	Store  Store
	Clock  Clock
	Keep   map[Retained]time.Duration // 0 or none: for ever
	Log    *slog.Logger
	AtOnce int // rows of a kind in one transaction; 0 means 500
}

// Retention deletes what was kept long enough. It is safe for concurrent use.
type Retention struct{ o RetentionOptions }

// NewRetention returns the use case.
func NewRetention(o RetentionOptions) *Retention {
	if o.AtOnce == 0 {
		o.AtOnce = purgeAtOnce
	}
	return &Retention{o}
}

// Run is the handler of TaskPurge. It works in transactions of bounded size,
// each with its entry in the audit log, and postpones what is too much for one run.
func (r *Retention) Run(ctx context.Context, _ Task, _ Attempt) error {
	rounds := purgeRounds
	if err := r.forget(ctx); err != nil {
		return err
	}
	if err := r.clear(ctx, "", &rounds); err != nil {
		return err
	}
	for after := ID(""); ; {
		ids, err := r.o.Store.OrganizationsAfter(ctx, after, MaxPage)
		if err != nil || len(ids) == 0 {
			return err
		}
		for _, id := range ids {
			if err := r.clear(ctx, id, &rounds); err != nil {
				return err
			}
			if err := r.erase(ctx, id, &rounds); err != nil {
				return err
			}
		}
		after = ids[len(ids)-1]
	}
}

// forget deletes outcomes whose time is over; they tell their time themselves.
func (r *Retention) forget(ctx context.Context) error {
	return r.o.Store.Atomically(ctx, func(tx Tx) error { return tx.ForgetOutcomes(ctx, r.o.Clock.Now(), r.o.AtOnce) })
}

// clear deletes all of an organization that is due.
func (r *Retention) clear(ctx context.Context, organization ID, rounds *int) error {
	for more := true; more; {
		if *rounds == 0 {
			return &Postponed{For: time.Minute, Why: "more is left to delete than one run takes"}
		}
		var err error
		if more, err = r.round(ctx, organization); err != nil {
			return err
		}
		if more {
			*rounds--
		}
	}
	return nil
}

// round deletes a part of each kind, and reports whether more may be left.
func (r *Retention) round(ctx context.Context, organization ID) (more bool, err error) {
	now, purged := r.o.Clock.Now(), map[Retained]int{}
	err = r.o.Store.Atomically(ctx, func(tx Tx) error {
		for _, kind := range RetainedKinds() {
			if r.o.Keep[kind] <= 0 {
				continue
			}
			n, err := tx.Purge(ctx, Purge{Organization: organization, Kind: kind, Before: now.Add(-r.o.Keep[kind]), Limit: r.o.AtOnce})
			if err != nil {
				return err
			}
			if n > 0 {
				purged[kind] = n
			}
			more = more || n == r.o.AtOnce
		}
		if len(purged) == 0 || organization == "" {
			return nil
		}
		return record(ctx, tx, SystemActor(organization), change{At: now, Event: EventPurged, Subject: organization, After: purged})
	})
	if err == nil && len(purged) > 0 {
		r.o.Log.InfoContext(ctx, "what was kept long enough is deleted", "organization", organization, "rows", purged)
	}
	return more, err
}

// erase erases the organization's people of whom nothing happened for long.
func (r *Retention) erase(ctx context.Context, organization ID, rounds *int) error {
	keep, by := r.o.Keep[RetainCandidates], SystemActor(organization)
	if keep <= 0 {
		return nil
	}
	for ; *rounds > 0; *rounds-- {
		now := r.o.Clock.Now()
		idle, err := r.o.Store.IdleCandidates(ctx, organization, now.Add(-keep), r.o.AtOnce)
		if err != nil || len(idle) == 0 {
			return err
		}
		var failed error
		for _, id := range idle { // one who cannot be erased keeps nobody else
			err := r.o.Store.Atomically(ctx, func(tx Tx) error {
				still, err := tx.LockIdleCandidate(ctx, organization, id, now.Add(-keep))
				if err != nil || !still {
					return err
				}
				return erase(ctx, tx, by, now, Erasure{CandidateID: id, Cause: "retention"})
			})
			failed = errors.Join(failed, err)
		}
		if failed != nil {
			return failed
		}
	}
	return &Postponed{For: time.Minute, Why: "more people are left to erase than one run takes"}
}

// Resume checks that nothing after a position was deleted that the reader of
// the feed would miss. Errors: fault.Invalid naming "after".
func (f *Feed) Resume(ctx context.Context, position int64) error {
	floor, err := f.store.EventFloor(ctx)
	if err == nil && position < floor {
		err = fault.InvalidField("after", "TOO_OLD",
			"Events after this cursor are no longer kept. Read the lists that you show again, and subscribe without it.")
	}
	return err
}
