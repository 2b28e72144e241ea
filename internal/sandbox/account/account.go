// Package account is one organization's account at the stand-in Greenhouse:
// OAuth at /oauth/, Harvest v3 at /v3/, its web hooks, and the switches by
// which demos and tests make it misbehave at /sandbox/. It is as strict as
// facts/greenhouse.md 4 says; where the facts are not settled, Rules choose.
// All is kept in memory.
package account

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Options configures an Account.
type Options struct {
	PublicURL     string            // required; how clients reach the account
	ClientID      string            // of a customer's own credential; ends in "-" and a number; default sandbox-1
	ClientSecret  string            // default: a random one
	PartnerID     string            // of the partner's credential; default trellis-2
	PartnerSecret string            // default: a random one
	RedirectHosts []string          // where the partner's redirect addresses may lead, host:port
	Offset        int64             // added to the ids that are given out, so that a later account gives out others
	People        []Person          // candidates that are there from the start
	Rules         func(*Rules)      // changes the defaults
	Clock         Clock             // default: the real one
	Changed       func()            // called after each change, without a lock held
	Entered       func(p Placed)    // called, without a lock held, when an application enters a stage with a take-home test and the rules say so
	Log           func(string)      // of what goes wrong in the background; nil: nothing
	Transport     http.RoundTripper // for web hooks; nil: the account's own
}

// Clock tells the time and waits.
type Clock interface {
	Now() time.Time
	Wait(ctx context.Context, until time.Time) bool // false: ctx ended first
}

// Account is the stand-in. It is safe for concurrent use.
type Account struct {
	o     Options
	clock Clock
	hooks *hooks

	mu      sync.Mutex // guards all below
	rules   Rules
	world   *world
	oauth   *oauth
	windows map[string]*window
	faults  faults
	stats   tally
}

// New returns an account with its seeded world. End it with Close.
func New(o Options) (*Account, error) {
	if u, err := url.Parse(o.PublicURL); err != nil || u.Host == "" {
		return nil, fmt.Errorf("account: PublicURL %q is not a web address", o.PublicURL)
	}
	o.PublicURL = strings.TrimRight(o.PublicURL, "/")
	if o.Clock == nil {
		o.Clock = realClock{}
	}
	if o.Changed == nil {
		o.Changed = func() {}
	}
	if o.Entered == nil {
		o.Entered = func(Placed) {}
	}
	if o.Log == nil {
		o.Log = func(string) {}
	}
	a := &Account{o: o, clock: o.Clock, rules: defaultRules(), windows: map[string]*window{}, stats: newTally()}
	if o.Rules != nil {
		o.Rules(&a.rules)
	}
	if err := a.rules.check(); err != nil {
		return nil, fmt.Errorf("account: %w", err)
	}
	var err error
	if a.oauth, err = newOAuth(o); err != nil {
		return nil, fmt.Errorf("account: %w", err)
	}
	a.world = newWorld(a.clock.Now(), o.Offset, o.People)
	a.hooks = newHooks(o)
	a.hooks.setScale(a.rules.HookScale)
	return a, nil
}

// Close ends the deliveries of web hooks and waits for them. It may be called twice.
func (a *Account) Close() { a.hooks.close() }

// AddHook configures a web hook and pings it; one that does not answer 200 is
// kept disabled. Errors say what of the input is wrong.
func (a *Account) AddHook(ctx context.Context, in HookInput) (Hook, error) {
	h, err := a.hooks.save(ctx, 0, in, a.Rules().PingSigned)
	a.o.Changed()
	return h, err
}

// Credentials are what a customer copies into Trellis.
type Credentials struct{ ClientID, ClientSecret, PartnerID, PartnerSecret string }

// Credentials returns those that the account began with.
func (a *Account) Credentials() Credentials {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.oauth.given
}

// realClock is the machine's.
type realClock struct{}

func (realClock) Now() time.Time { return time.Now() }

func (realClock) Wait(ctx context.Context, until time.Time) bool {
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// Mount adds the account's addresses to a mux: those of programs to outside,
// which asks for no token of a page, those of pages and buttons to inside.
func (a *Account) Mount(outside, inside *http.ServeMux) {
	outside.Handle("/v3/", a.harvestMux())
	outside.HandleFunc("POST /oauth/token", a.token)
	outside.HandleFunc("POST /oauth/introspect", a.introspect)
	inside.HandleFunc("GET /oauth/authorize", a.askConsent)
	inside.HandleFunc("POST /oauth/authorize", a.giveConsent)
	inside.HandleFunc("GET /sandbox/attachments/{id}/{filename}", a.download)
	a.mountControls(inside)
}
