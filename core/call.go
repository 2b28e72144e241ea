package core

import (
	"context"
	"errors"
	"maps"
	"time"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// callsAtATime is how many calls a process has at a time on one connection.
const callsAtATime = 4

// Calls are what every call to an ATS begins and ends with: what travels along,
// and how many requests the ATS still takes. They are safe for concurrent use.
type Calls struct {
	store       Store
	clock       Clock
	adapters    Adapters
	vendor      map[string]map[string]string
	refreshLife time.Duration
	lanes       *lanes
}

// CallsOptions is what Calls are made of.
type CallsOptions struct {
	Store    Store
	Clock    Clock
	Adapters Adapters
	// Vendor is what the vendor configures once for all customers, by the
	// adapter's name.
	Vendor map[string]map[string]string
	// AtATime is how many claims this process has at a time on one connection;
	// 0 means 4.
	AtATime int
	// RefreshLife is how long a refresh token lives if the ATS does not say;
	// 0 means 24 hours, the shorter life where an ATS's documents tell two (for
	// example Greenhouse's: facts/greenhouse.md 4.1).
	RefreshLife time.Duration
}

// NewCalls returns the use case.
func NewCalls(o CallsOptions) *Calls {
	if o.AtATime <= 0 {
		o.AtATime = callsAtATime
	}
	if o.RefreshLife <= 0 {
		o.RefreshLife = 24 * time.Hour
	}
	return &Calls{
		store: o.Store, clock: o.Clock, adapters: o.Adapters, vendor: o.Vendor,
		refreshLife: o.RefreshLife, lanes: newLanes(o.AtATime),
	}
}

// plain is what travels with a call, without tokens.
func (cs *Calls) plain(ctx context.Context, c *Connection) (ats.Connection, error) {
	call, err := forCall(ctx, cs.store, cs.adapters, c, true)
	if err != nil {
		return ats.Connection{}, err
	}
	call.Vendor = maps.Clone(cs.vendor[c.Adapter])
	call.Actor = call.Settings[ats.SettingActingUser]
	return call, nil
}

// Prepare returns what travels with a call to the ATS: settings, secrets, what
// the vendor configured, the acting user, and a token that lives for a minute,
// or for as long as it can while no newer one is to be had. No transaction may
// be open.
// Errors: fault.Auth if a person must connect anew; *Postponed while another
// process refreshes the token; fault.Retryable or fault.RateLimited where that
// failed and is tried again.
func (cs *Calls) Prepare(ctx context.Context, c *Connection) (ats.Connection, error) {
	tokens, err := cs.tokens(ctx, c)
	if err != nil {
		return ats.Connection{}, err
	}
	call, err := cs.plain(ctx, c)
	if err != nil {
		return ats.Connection{}, err
	}
	for name, s := range tokens {
		call.Secrets[name] = s.Reveal()
	}
	return call, nil
}

// prepareCheck is Prepare for a look at the connection, which goes without a
// token where there is none. A customer's own credential is tried anew, which
// spends nothing: it tells whether it still works, and what it may do by now.
func (cs *Calls) prepareCheck(ctx context.Context, c *Connection) (ats.Connection, error) {
	a, err := cs.store.Authorization(ctx, c.OrganizationID, c.ID)
	if err == nil && a.Mode == ats.AuthModeClientCredentials && a.State != NotConnected && cs.clock.Now().Sub(a.RefreshedAt) >= time.Minute {
		_ = cs.refresh(ctx, c, a.Version) // what came of it is the authorization's state
	}
	if fault.Is(err, fault.NotFound) {
		return cs.plain(ctx, c)
	}
	if err != nil {
		return ats.Connection{}, err
	}
	call, err := cs.Prepare(ctx, c)
	if fault.Is(err, fault.Auth) {
		call, err = cs.plain(ctx, c)
	}
	return call, told(err)
}

// told makes a *Postponed an error that people can read.
func told(err error) error {
	var postponed *Postponed
	if !errors.As(err, &postponed) {
		return err
	}
	e := fault.New(fault.RateLimited, "The ATS cannot be asked just now: %s. Nothing was changed; try again in %d seconds.", postponed.Why, int(postponed.For.Seconds())+1)
	e.Source, e.RetryAfter = fault.ATS, postponed.For
	return e
}
