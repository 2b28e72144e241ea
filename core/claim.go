package core

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// Claim is some requests of a connection's window. Whoever claimed them must
// settle, whatever came of the calls. It is used by one goroutine.
type Claim struct {
	calls      *Calls
	connection *Connection
	id         ID
	scope      string
	settled    bool
	leave      func()
}

// Claim takes cost requests of the connection's window, which all processes
// share, and one of the few calls that a process has at a time on one
// connection. A cost beyond a whole window takes a whole one. What is not
// settled ends by itself with the window after this one. No transaction may be
// open. Errors: *Postponed until there is room.
func (cs *Calls) Claim(ctx context.Context, c *Connection, cost int) (*Claim, error) {
	id := NewID(PrefixRateClaim)
	wait, ok := cs.lanes.enter(c.ID, id, cs.clock.Now())
	if !ok {
		return nil, crowded(wait)
	}
	claim, err := cs.claim(ctx, c, scopeAPI, id, cost)
	if err != nil {
		cs.lanes.leave(c.ID, id)
		return nil, err
	}
	claim.leave = sync.OnceFunc(func() { cs.lanes.leave(c.ID, id) })
	return claim, nil
}

func crowded(wait time.Duration) *Postponed {
	return &Postponed{For: wait, Why: "as many calls as may be are under way on the connection"}
}

// Crowded tells, at no cost, that Claim would find no place. It is for tasks
// of which hundreds may wait. Errors: *Postponed.
func (cs *Calls) Crowded(connection ID) error {
	if wait := cs.lanes.full(connection, cs.clock.Now()); wait > 0 {
		return crowded(wait)
	}
	return nil
}

// claim takes requests of one scope.
func (cs *Calls) claim(ctx context.Context, c *Connection, scope string, id ID, cost int) (*Claim, error) {
	m, err := cs.adapters.Manifest(c.Adapter)
	if err != nil {
		return nil, err
	}
	var wait time.Duration
	err = cs.store.Atomically(ctx, func(tx Tx) error {
		wait, err = cs.take(ctx, tx, freshWindow(m, c, scope, cs.clock.Now()), id, cost)
		return err
	})
	if err != nil {
		return nil, err
	}
	if wait > 0 {
		return nil, &Postponed{For: jitter(wait), Why: "the ATS takes no more requests of the connection for now"}
	}
	return &Claim{calls: cs, connection: c, id: id, scope: scope, leave: func() {}}, nil
}

// take claims requests within a transaction, or tells how long to wait.
func (cs *Calls) take(ctx context.Context, tx Tx, fresh *RateWindow, id ID, cost int) (time.Duration, error) {
	w, err := tx.LockRateWindow(ctx, fresh)
	if err != nil {
		return 0, err
	}
	now := cs.clock.Now()
	before := *w
	w.roll(now)
	if *w != before {
		if err := tx.UpdateRateWindow(ctx, w); err != nil {
			return 0, err
		}
	}
	claimed, err := tx.ClaimedRequests(ctx, w.ConnectionID, w.Scope, now)
	if err != nil {
		return 0, err
	}
	cost = min(max(cost, 1), w.usable())
	if wait := w.wait(cost, claimed, now); wait > 0 {
		return wait, nil
	}
	return 0, tx.InsertRateClaim(ctx, &RateClaim{
		ID: id, ConnectionID: w.ConnectionID, Scope: w.Scope, Cost: cost, ExpiresAt: w.ResetsAt.Add(w.Length),
	})
}

// Settle ends a claim: it gives back what was not used and takes over what the
// ATS announced. err is that of the last call: fault.RateLimited closes the
// window for its RetryAfter, fault.Auth throws the access token away. It works
// on after ctx has ended, and does nothing the second time.
func (c *Claim) Settle(ctx context.Context, traces []ats.Trace, err error) error {
	if c.settled {
		return nil
	}
	c.settled = true
	defer c.leave()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleWithin)
	defer cancel()
	return c.calls.settle(ctx, c, traces, err)
}

func (cs *Calls) settle(ctx context.Context, c *Claim, traces []ats.Trace, cause error) error {
	m, err := cs.adapters.Manifest(c.connection.Adapter)
	if err != nil {
		return err
	}
	heard := hearing(c.scope, traces, cause)
	return cs.store.Atomically(ctx, func(tx Tx) error {
		for _, scope := range slices.Sorted(maps.Keys(heard)) { // one order, so that two never wait for each other
			now := cs.clock.Now()
			w, err := tx.LockRateWindow(ctx, freshWindow(m, c.connection, scope, now))
			if err != nil {
				return err
			}
			untold, until := w.settle(heard[scope], now)
			if err := tx.UpdateRateWindow(ctx, w); err != nil {
				return err
			}
			if untold > 0 {
				left := &RateClaim{ID: NewID(PrefixRateClaim), ConnectionID: w.ConnectionID, Scope: scope, Cost: untold, ExpiresAt: until}
				if err := tx.InsertRateClaim(ctx, left); err != nil {
					return err
				}
			}
		}
		if err := tx.DeleteRateClaim(ctx, c.id); err != nil || !fault.Is(cause, fault.Auth) {
			return err
		}
		return cs.doubt(ctx, tx, c.connection)
	})
}

// count notes requests that were made without a claim.
func (cs *Calls) count(ctx context.Context, c *Connection, exchanges []ats.Exchange) error {
	if len(exchanges) == 0 {
		return nil
	}
	claim := &Claim{calls: cs, connection: c, id: NewID(PrefixRateClaim), scope: scopeAPI, leave: func() {}}
	return claim.Settle(ctx, []ats.Trace{{Exchanges: exchanges}}, nil)
}

// Pace is how many requests a connection's ATS takes in how long, as far as is
// known. Errors: fault.NotFound, fault.Retryable before the adapter's first answer.
func (cs *Calls) Pace(ctx context.Context, c *Connection) (requests int, window time.Duration, err error) {
	w, err := cs.store.RateWindow(ctx, c.OrganizationID, c.ID, scopeAPI)
	if fault.Is(err, fault.NotFound) {
		var m *ats.Manifest
		if m, err = cs.adapters.Manifest(c.Adapter); err == nil {
			w = freshWindow(m, c, scopeAPI, cs.clock.Now())
		}
	}
	if err != nil {
		return 0, 0, err
	}
	return w.usable(), w.Length, nil
}
