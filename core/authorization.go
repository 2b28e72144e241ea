package core

import (
	"context"
	"maps"
	"time"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// AuthorizationState tells whether a connection's tokens work.
type AuthorizationState string

// The states.
const (
	NotConnected   AuthorizationState = "NOT_CONNECTED"
	Connected      AuthorizationState = "CONNECTED"
	Expiring       AuthorizationState = "EXPIRING"        // the last refresh failed; it is tried again
	NeedsReconnect AuthorizationState = "NEEDS_RECONNECT" // only a person can help
)

// Authorization is what an ATS granted a connection. The tokens are kept apart.
type Authorization struct {
	ConnectionID     ID
	OrganizationID   ID
	Mode             string // one of ats.AuthMode…
	State            AuthorizationState
	Reason           string // of Expiring and NeedsReconnect, for people
	Account          string // the tenant's id at the ATS; it stays when the connection ends
	AccountName      string
	Subject          string // the acting user's id there
	Scopes           []string
	Version          int       // of the tokens: how often some were stored
	ExpiresAt        time.Time // of the access token
	RefreshExpiresAt time.Time // of the refresh token; zero: none, or not told
	ConnectedAt      time.Time
	RefreshedAt      time.Time // when the tokens were stored
	RefreshAt        time.Time // when they are refreshed though nobody needs them; zero: never
	LeaseID          string    // of the refresh that is under way; empty: none
	LeaseUntil       time.Time
	DoubtSince       time.Time // when a refresh was sent of which nobody knows what came; zero: none
}

// AuthorizationReader finds authorizations.
type AuthorizationReader interface {
	// Authorization returns a connection's. Errors: fault.NotFound.
	Authorization(ctx context.Context, organization, connection ID) (*Authorization, error)
	// AuthorizationsOf returns those of several connections that exist, in no
	// order; for loaders.
	AuthorizationsOf(ctx context.Context, organization ID, connections []ID) ([]Authorization, error)
	// AuthorizationTokens returns the decrypted tokens.
	// Errors: fault.NotFound, fault.Config if the master key does not open them.
	AuthorizationTokens(ctx context.Context, organization, connection ID) (map[string]Secret, error)
}

// AuthorizationWriter keeps authorizations.
type AuthorizationWriter interface {
	// LockAuthorization returns one and keeps others from changing it until
	// the transaction ends. Errors: fault.NotFound.
	LockAuthorization(ctx context.Context, organization, connection ID) (*Authorization, error)
	// SaveAuthorization keeps a connection's authorization, new or not. Its
	// tokens are replaced and encrypted at rest; nil leaves them.
	SaveAuthorization(ctx context.Context, a *Authorization, tokens map[string]Secret) error
	// DueAuthorizations returns at most limit of all organizations whose
	// RefreshAt has come, and keeps others from them until the transaction
	// ends. Those that others have are left out. It is for the system alone.
	DueAuthorizations(ctx context.Context, now time.Time, limit int) ([]Authorization, error)
}

// Authorizations are the use cases around connecting with an ATS.
type Authorizations struct {
	store       Store
	clock       Clock
	adapters    Adapters
	calls       *Calls
	connections *Connections
	links       *Links
}

// AuthorizationOptions is what Authorizations are made of.
type AuthorizationOptions struct {
	Store       Store
	Clock       Clock
	Adapters    Adapters
	Calls       *Calls
	Connections *Connections
	Links       *Links
}

// NewAuthorizations returns the use cases.
func NewAuthorizations(o AuthorizationOptions) *Authorizations {
	return &Authorizations{
		store: o.Store, clock: o.Clock, adapters: o.Adapters, calls: o.Calls, connections: o.Connections, links: o.Links,
	}
}

// Of returns the authorizations of several connections, by connection. One
// that was never connected is not in it. Errors: fault.Forbidden.
func (as *Authorizations) Of(ctx context.Context, by Actor, connections []ID) (map[ID]*Authorization, error) {
	if err := by.Require(PermitReadSetup); err != nil {
		return nil, err
	}
	all, err := as.store.AuthorizationsOf(ctx, by.OrganizationID, connections)
	found := make(map[ID]*Authorization, len(all))
	for i := range all {
		found[all[i].ConnectionID] = &all[i]
	}
	return found, err
}

// Disconnect forgets a connection's tokens and client secret. The account is
// remembered: what Trellis knows of candidates there belongs to it. What calls
// are under way may still end well.
// Errors: fault.Forbidden, fault.NotFound, fault.Conflict if it is not connected.
func (as *Authorizations) Disconnect(ctx context.Context, by Actor, connection ID) (*Connection, error) {
	if err := by.Require(PermitConfigure); err != nil {
		return nil, err
	}
	var changed *Connection
	err := as.store.Atomically(ctx, func(tx Tx) error {
		c, err := tx.LockConnection(ctx, by.OrganizationID, connection)
		if err != nil {
			return err
		}
		a, err := tx.LockAuthorization(ctx, by.OrganizationID, connection)
		if fault.Is(err, fault.NotFound) || (err == nil && a.State == NotConnected) {
			return notConnected(c)
		}
		if err != nil {
			return err
		}
		changed = c
		return as.forget(ctx, tx, by, c, a)
	})
	return changed, err
}

func (as *Authorizations) forget(ctx context.Context, tx Tx, by Actor, c *Connection, a *Authorization) error {
	before, now := *a, as.clock.Now()
	*a = Authorization{
		ConnectionID: a.ConnectionID, OrganizationID: a.OrganizationID, Mode: ats.AuthModeNone, State: NotConnected,
		Account: a.Account, AccountName: a.AccountName, Version: a.Version + 1,
	}
	if err := tx.SaveAuthorization(ctx, a, map[string]Secret{}); err != nil {
		return err
	}
	c.Settings = maps.Clone(c.Settings)
	c.Settings[ats.SettingAuthMode] = ats.AuthModeNone
	if err := c.become(ctx, tx, by, Health{Status: HealthUnknown}, now); err != nil {
		return err
	}
	if err := tx.SaveSecrets(ctx, c.OrganizationID, c.ID, map[string]Secret{ats.SettingClientSecret: ""}); err != nil {
		return err
	}
	return record(ctx, tx, by, authorizationChange(now, before, *a))
}

// authorizationChange is what the audit log and the event tell of a change.
func authorizationChange(now time.Time, before, after Authorization) change {
	return change{
		At: now, Event: EventAuthorizationChange, Subject: after.ConnectionID,
		Before: before.summary(), After: after.summary(),
	}
}

func (a Authorization) summary() map[string]any {
	return map[string]any{
		"mode": a.Mode, "state": a.State, "account": a.Account, "subject": a.Subject, "scopes": a.Scopes,
	}
}

func notConnected(c *Connection) *fault.Error {
	e := fault.New(fault.Conflict, "The connection %q is not connected with its ATS. Nothing was changed.", c.Name)
	e.Kind = "STATUS"
	return e
}

// granted takes over what the ATS granted and returns the tokens that count
// from now on: those of before, where it did not replace them.
func (a *Authorization) granted(g *ats.Grant, before map[string]Secret, now time.Time, refreshLife time.Duration) map[string]Secret {
	tokens := maps.Clone(before)
	if tokens == nil {
		tokens = map[string]Secret{}
	}
	for name, s := range g.Secrets {
		tokens[name] = Secret(s)
	}
	a.State, a.Reason, a.Version, a.RefreshedAt = Connected, "", a.Version+1, now
	a.LeaseID, a.LeaseUntil, a.DoubtSince = "", time.Time{}, time.Time{}
	a.ExpiresAt, a.RefreshExpiresAt = g.ExpiresAt, g.RefreshExpiresAt
	if a.ExpiresAt.IsZero() {
		a.ExpiresAt = now.Add(unsaidLife)
	}
	if g.Account != "" {
		a.Account, a.AccountName, a.Subject, a.Scopes = g.Account, g.AccountName, g.Subject, g.Scopes
	}
	a.RefreshAt = a.nextRefresh(tokens, now, refreshLife)
	return tokens
}

// refreshIdle is how often a connection that nobody uses is refreshed: every
// few hours, so that one which was taken back is noticed the same day, and
// however long a refresh token really lives (for example Greenhouse's:
// facts/greenhouse.md 4.1).
const refreshIdle = 6 * time.Hour

// nextRefresh is at refreshIdle, or at half of a shorter refresh token's life;
// without one a little before the access token's end.
func (a *Authorization) nextRefresh(tokens map[string]Secret, now time.Time, refreshLife time.Duration) time.Time {
	if tokens[ats.SecretRefreshToken] == "" {
		return latest(now.Add(time.Minute), a.ExpiresAt.Add(-10*time.Minute))
	}
	if !a.RefreshExpiresAt.IsZero() {
		refreshLife = a.RefreshExpiresAt.Sub(now)
	}
	return latest(now.Add(time.Minute), now.Add(min(refreshLife/2, refreshIdle)))
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// lives reports whether the access token can still be used for so long.
func (a *Authorization) lives(now time.Time, spare time.Duration) bool {
	return a.Version > 0 && now.Add(spare).Before(a.ExpiresAt)
}

// sameAccount refuses a grant of another tenant: the candidates that Trellis
// knows by their ids belong to the first.
func (a *Authorization) sameAccount(g *ats.Grant) error {
	switch {
	case a.Account == "" || a.Account == g.Account:
		return nil
	case g.Account == "":
		return fault.New(fault.Upstream, "The ATS did not say which account it is. Nothing was changed; try again.")
	}
	e := fault.New(fault.Conflict, "This connection belongs to the account %s; you have signed in to %s. Nothing was changed. Sign in to the first, or make another connection for the second.",
		accountText(a.AccountName, a.Account), accountText(g.AccountName, g.Account))
	e.Kind, e.Existing = "ACCOUNT", a.Account
	return e
}

func accountText(name, id string) string {
	if name == "" {
		return id
	}
	return name + " (" + id + ")"
}
