package core

import (
	"context"
	"slices"
	"time"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

const (
	// tokenSpare is how long a token lives at least that Prepare returns.
	tokenSpare = time.Minute
	// tokenLeast is the same where no newer one can be had at once.
	tokenLeast = 5 * time.Second
	// authorizeDeadline bounds one call to the ATS's token endpoint.
	authorizeDeadline = 20 * time.Second
	// leaseFor is longer, so that a lease never ends during its call.
	leaseFor = authorizeDeadline + 10*time.Second
	// storeWithin bounds the keeping of tokens that were just received: they
	// are the only ones that work.
	storeWithin = 15 * time.Second
	// unsaidLife is a token's life if the ATS does not tell it.
	unsaidLife = 30 * time.Minute
	// refreshAgain is when a failed refresh is tried again.
	refreshAgain = 2 * time.Minute
	// refreshLater is the same where the vendor must mend something first.
	refreshLater = 15 * time.Minute
	// refreshAside keeps a refresh that was enqueued from being enqueued again.
	refreshAside = 15 * time.Minute
)

// tokens returns what a call needs to be let in, refreshed if necessary; none
// for an adapter that knows no authorization.
func (cs *Calls) tokens(ctx context.Context, c *Connection) (map[string]Secret, error) {
	a, err := cs.store.Authorization(ctx, c.OrganizationID, c.ID)
	if fault.Is(err, fault.NotFound) || (err == nil && a.State == NotConnected) {
		return nil, cs.unconnected(c)
	}
	if err != nil {
		return nil, err
	}
	if now := cs.clock.Now(); !a.lives(now, tokenSpare) {
		err := a.refused(c)
		if err == nil {
			err = cs.refresh(ctx, c, a.Version)
		}
		if err != nil && !a.lives(now, tokenLeast) {
			return nil, err
		}
	}
	return cs.store.AuthorizationTokens(ctx, c.OrganizationID, c.ID)
}

// unsent is the error of calls that wait for a refresh which failed. If it is
// tried again they are too, whatever it was: of the call itself nothing was
// sent, and no customer can mend what the vendor configured.
func (a *Authorization) unsent(err error, c *Connection) error {
	if a.State == NeedsReconnect {
		return a.refused(c)
	}
	if err == nil || fault.Repeatable(err) {
		return err
	}
	f := fault.Wrap(err, fault.Retryable, "%s Nothing was sent.", a.Reason)
	if f.RetryAfter = fault.From(err).RetryAfter; fault.Is(err, fault.Config) {
		f.RetryAfter = refreshLater
	}
	return f
}

// unconnected refuses calls of an adapter that needs authorization.
func (cs *Calls) unconnected(c *Connection) error {
	m, err := cs.adapters.Manifest(c.Adapter)
	if err != nil || !needsAuthorization(m) {
		return err
	}
	return fault.New(fault.Auth, "The connection %q is not connected with its ATS. Nothing was sent; connect it first.", c.Name)
}

// needsAuthorization reports whether an adapter's connections must be
// connected: it offers authorization and asks how.
func needsAuthorization(m *ats.Manifest) bool {
	if !m.Has(ats.CapabilityAuthorization) {
		return false
	}
	for _, s := range m.Settings {
		if s.Name == ats.SettingAuthMode {
			return true
		}
	}
	return false
}

// refused is the error of calls for which only a person can help.
func (a *Authorization) refused(c *Connection) error {
	if a.State != NeedsReconnect {
		return nil
	}
	return fault.New(fault.Auth, "The connection %q must be connected anew: %s", c.Name, a.Reason)
}

// refresh gets new tokens and stores them before anybody uses them, unless
// somebody did since version. One process does it at a time; see
// docs/adr/0009-a-refresh-is-leased.md. No transaction is open during the call.
func (cs *Calls) refresh(ctx context.Context, c *Connection, version int) error {
	able, err := abilityOf[ats.Authorization](cs.adapters, c.Adapter, ats.CapabilityAuthorization)
	if err != nil {
		return err
	}
	call, err := cs.plain(ctx, c)
	if err != nil {
		return err
	}
	claim, err := cs.claim(ctx, c, scopeToken, NewID(PrefixRateClaim), 1)
	if err != nil {
		return err
	}
	r := &refreshing{calls: cs, connection: c, lease: string(NewID(PrefixLease)), version: version}
	if err := r.begin(ctx); err != nil || r.late {
		return settled(err, claim.Settle(ctx, nil, nil))
	}
	ctx = context.WithoutCancel(ctx) // what is on its way must be kept
	for name, s := range r.tokens {
		call.Secrets[name] = s.Reveal()
	}
	r.call(ctx, able, call)
	err = r.conclude(ctx)
	return settled(err, claim.Settle(ctx, []ats.Trace{r.grant.Trace}, ofWindow(r.err)))
}

// ofWindow leaves out a refusal of the token: it is not about calls with it.
func ofWindow(err error) error {
	if fault.Is(err, fault.Auth) {
		return nil
	}
	return err
}

// settled is the error of what was done, or else of settling.
func settled(err, settling error) error {
	if err != nil {
		return err
	}
	return settling
}

// refreshing is one refresh.
type refreshing struct {
	calls      *Calls
	connection *Connection
	lease      string
	version    int               // of the tokens that it spends
	tokens     map[string]Secret // that it spends
	subject    string            // who acted so far
	late       bool              // others have refreshed them
	entry      *SyncEntry
	grant      *ats.Grant
	err        error // of the call
}

// begin takes the lease. A lease that ended by itself belonged to a refresh
// that may have spent the refresh token.
// Errors: *Postponed while another has it.
func (r *refreshing) begin(ctx context.Context) error {
	c, now := r.connection, r.calls.clock.Now()
	return r.calls.store.Atomically(ctx, func(tx Tx) error {
		a, err := tx.LockAuthorization(ctx, c.OrganizationID, c.ID)
		if err != nil {
			return err
		}
		if r.late = a.Version != r.version; r.late {
			return nil
		}
		if a.LeaseID != "" && now.Before(a.LeaseUntil) {
			return &Postponed{For: jitter(min(a.LeaseUntil.Sub(now), 500*time.Millisecond)), Why: "another process refreshes the connection's token"}
		}
		if a.LeaseID != "" && a.DoubtSince.IsZero() {
			a.DoubtSince = a.LeaseUntil.Add(-leaseFor)
		}
		r.subject, a.LeaseID, a.LeaseUntil = a.Subject, r.lease, now.Add(leaseFor)
		if r.tokens, err = tx.AuthorizationTokens(ctx, c.OrganizationID, c.ID); err != nil {
			return err
		}
		return tx.SaveAuthorization(ctx, a, nil)
	})
}

// call asks the ATS; no transaction is open.
func (r *refreshing) call(ctx context.Context, able ats.Authorization, call ats.Connection) {
	r.entry = outboundEntry(r.connection, "refresh-token", r.calls.clock.Now())
	ctx, cancel := context.WithTimeout(ctx, authorizeDeadline)
	defer cancel()
	identify := r.subject == "" || call.Actor != "" && call.Actor != r.subject // others act from now on, or who does is not known
	r.grant, r.err = able.Refresh(ctx, &ats.RefreshRequest{Connection: call, Identify: identify})
	if r.grant == nil {
		r.grant = &ats.Grant{}
	}
	r.entry.Exchanges, r.entry.Duration = r.grant.Exchanges, r.calls.clock.Now().Sub(r.entry.StartedAt)
	r.entry.explain(r.err, SyncFailed)
}

// conclude keeps what came of the call. It tries more than once: tokens that
// are not kept are lost, and with them the connection.
func (r *refreshing) conclude(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, storeWithin)
	defer cancel()
	var outcome error
	for pause := 100 * time.Millisecond; ; pause *= 3 {
		err := r.calls.store.Atomically(ctx, func(tx Tx) (err error) {
			outcome, err = r.keep(ctx, tx)
			return err
		})
		if err == nil {
			return outcome
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
	}
}

// keep stores the new tokens, or the failure, unless others have stored tokens
// since: then theirs count, and ours were dropped or never needed. It returns
// the error that the refresh had for those who asked for it.
func (r *refreshing) keep(ctx context.Context, tx Tx) (outcome, err error) {
	cs, now := r.calls, r.calls.clock.Now()
	c, err := tx.LockConnection(ctx, r.connection.OrganizationID, r.connection.ID)
	if err != nil {
		return nil, err
	}
	a, err := tx.LockAuthorization(ctx, c.OrganizationID, c.ID)
	if err != nil {
		return nil, err
	}
	if err := appendSyncEntry(ctx, tx, r.entry); err != nil || a.Version != r.version {
		return nil, err
	}
	before, tokens := *a, map[string]Secret(nil)
	failed := r.err
	if failed == nil {
		failed = a.sameAccountIfSaid(r.grant, r.tokens)
	}
	if failed == nil {
		tokens = a.granted(r.grant, r.tokens, now, cs.refreshLife)
	} else {
		a.failed(failed, r.tokens, now)
	}
	if a.LeaseID == r.lease {
		a.LeaseID, a.LeaseUntil = "", time.Time{}
	}
	if err := tx.SaveAuthorization(ctx, a, tokens); err != nil {
		return nil, err
	}
	failed = a.unsent(failed, c)
	if before.State != Connected && a.State == Connected {
		if err := resumeRefused(ctx, tx, c); err != nil {
			return nil, err
		}
	}
	return failed, tellAuthorization(ctx, tx, c, before, *a, now)
}

// sameAccountIfSaid is sameAccount for a refresh, which need not tell it: a
// refresh token is the account's own. A credential that was changed since can
// be another's.
func (a *Authorization) sameAccountIfSaid(g *ats.Grant, spent map[string]Secret) error {
	if g.Account == "" && (spent[ats.SecretRefreshToken] != "" || a.Subject != "") {
		return nil
	}
	return a.sameAccount(g)
}

// failed notes a failed refresh. A refusal is for a person to mend; after
// anything else it is tried again, also after a mistake in what the vendor
// configured, which spends no refresh token.
func (a *Authorization) failed(err error, tokens map[string]Secret, now time.Time) {
	f := fault.From(err)
	if f.Code == fault.OutcomeUnknown && tokens[ats.SecretRefreshToken] != "" && a.DoubtSince.IsZero() {
		a.DoubtSince = now
	}
	switch {
	case f.Code == fault.Config && tokens[ats.SecretRefreshToken] != "":
		a.State, a.RefreshAt = Expiring, now.Add(refreshLater)
		a.Reason = "The token could not be refreshed because of a setting of the vendor's, which whoever runs Trellis must correct; it is tried again by itself. " + f.Message
	case slices.Contains([]fault.Code{fault.Auth, fault.Conflict, fault.Permission, fault.Invalid, fault.Config}, f.Code):
		a.State, a.Reason, a.RefreshAt = NeedsReconnect, f.Message, time.Time{}
		if !a.DoubtSince.IsZero() {
			a.Reason += " A refresh that began at " + a.DoubtSince.UTC().Format(time.RFC3339) +
				" never ended here, so the ATS may have taken the refresh token for used. Connect anew; nothing else is lost."
		}
	default:
		a.State, a.RefreshAt = Expiring, now.Add(max(refreshAgain, f.RetryAfter))
		a.Reason = "The token could not be refreshed; it is tried again. " + f.Message
	}
}

// tellAuthorization appends the event of a change of the state, and notes it in
// the connection's health.
func tellAuthorization(ctx context.Context, tx Tx, c *Connection, before, after Authorization, now time.Time) error {
	if before.State == after.State {
		return nil
	}
	by := SystemActor(c.OrganizationID)
	if err := c.become(ctx, tx, by, c.Health.withAuthorization(&after), now); err != nil {
		return err
	}
	data := map[string]any{"before": before.State, "after": after.State}
	return appendEvent(ctx, tx, by, now, EventAuthorizationChange, c.ID, data)
}

// doubt throws away an access token that the ATS refused, so that the next
// call refreshes it; at most once a minute, since a new one may be refused too.
func (cs *Calls) doubt(ctx context.Context, tx Tx, c *Connection) error {
	a, err := tx.LockAuthorization(ctx, c.OrganizationID, c.ID)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	now := cs.clock.Now()
	if err != nil || now.Sub(a.RefreshedAt) < time.Minute || !now.Before(a.ExpiresAt) {
		return err
	}
	a.ExpiresAt = now
	return tx.SaveAuthorization(ctx, a, nil)
}

// credentialSettings are what a token is fetched with, beside addresses.
func credentialSettings() []string {
	return []string{ats.SettingAuthMode, ats.SettingClientID, ats.SettingClientSecret, ats.SettingActingUser}
}

// outdate makes the next call fetch a token anew after a change of what it was
// fetched with, and ask whose it is: it may be another account's.
func (cs *Calls) outdate(ctx context.Context, tx Tx, c *Connection, changed map[string]string) error {
	m, err := cs.adapters.Manifest(c.Adapter)
	if err != nil || !slices.ContainsFunc(m.Settings, func(s ats.Setting) bool {
		_, is := changed[s.Name]
		return is && (s.Type == ats.TypeURL || slices.Contains(credentialSettings(), s.Name))
	}) {
		return err
	}
	a, err := tx.LockAuthorization(ctx, c.OrganizationID, c.ID)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if a.State == NotConnected {
		return nil
	}
	before, now := *a, cs.clock.Now()
	a.ExpiresAt, a.Subject = now, ""
	if a.State == NeedsReconnect { // what was changed may be what was wrong
		a.State, a.RefreshAt, a.Reason = Expiring, now, "The settings were changed; they are tried."
	}
	if err := tx.SaveAuthorization(ctx, a, nil); err != nil {
		return err
	}
	return tellAuthorization(ctx, tx, c, before, *a, now)
}

// RefreshDue enqueues the refreshes whose time has come. It is the handler of
// TaskRefreshAuthorizations, for all organizations.
func (as *Authorizations) RefreshDue(ctx context.Context, _ Task, _ Attempt) error {
	return as.store.Atomically(ctx, func(tx Tx) error {
		now := as.clock.Now()
		due, err := tx.DueAuthorizations(ctx, now, 100)
		if err != nil {
			return err
		}
		for _, a := range due {
			a.RefreshAt = now.Add(refreshAside)
			if err := tx.SaveAuthorization(ctx, &a, nil); err != nil {
				return err
			}
			if err := tx.Enqueue(ctx, Task{Kind: TaskRefreshAuthorization, OrganizationID: a.OrganizationID, SubjectID: a.ConnectionID}); err != nil {
				return err
			}
		}
		return tx.ForgetConsents(ctx, now, 100)
	})
}

// Refresh refreshes one connection's tokens though nobody needs them yet. It
// is the handler of TaskRefreshAuthorization. What failed is kept as state and
// tried again in its time, so only *Postponed is an error.
func (as *Authorizations) Refresh(ctx context.Context, t Task, _ Attempt) error {
	a, err := as.store.Authorization(ctx, t.OrganizationID, t.SubjectID)
	if err != nil || a.State == NotConnected || a.State == NeedsReconnect || as.clock.Now().Sub(a.RefreshedAt) < time.Minute {
		return err
	}
	c, err := as.store.Connection(ctx, t.OrganizationID, t.SubjectID)
	if err != nil {
		return err
	}
	err = as.calls.refresh(ctx, c, a.Version)
	if now, err := as.store.Authorization(ctx, t.OrganizationID, t.SubjectID); err == nil && now.State != Connected {
		return nil
	}
	return err
}
