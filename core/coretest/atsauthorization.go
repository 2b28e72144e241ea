package coretest

import (
	"context"
	"net/url"
	"time"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// Account is the tenant's id at the ATS.
const Account = "acme-at-the-ats"

// Lives of what is granted.
const (
	accessLife  = time.Hour
	refreshLife = 90 * 24 * time.Hour
)

// grants are the tokens that are out. A refresh token is spent by its use, and
// an access token lives until the next pair, or until it is revoked.
type grants struct {
	account string
	codes   map[string]bool // of consents that were not used yet
	access  map[string]bool // live ones
	refresh string          // the one that can be used
	revoked bool
}

// Begin implements ats.Authorization.
func (a *ATS) Begin(_ context.Context, r *ats.ConsentRequest) (*ats.ConsentPage, error) {
	query := url.Values{"state": {r.State}, "redirect_uri": {r.RedirectURL}}
	return &ats.ConsentPage{URL: "https://ats.example.com/consent?" + query.Encode()}, nil
}

// Consent is a person's consent: it returns the code that comes back with the
// browser.
func (a *ATS) Consent() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	code := "code-" + a.id()
	a.codes[code] = true
	return code
}

// Complete implements ats.Authorization.
func (a *ATS) Complete(ctx context.Context, r *ats.ConsentCode) (*ats.Grant, error) {
	return perform(ctx, a, OpComplete, &r.Connection, func(g *ats.Grant) error {
		if !a.codes[r.Code] {
			return refuse(fault.Auth, "The ATS does not know the code, or it was used. Connect anew.")
		}
		delete(a.codes, r.Code)
		a.revoked = false
		a.grant(g, true)
		a.identify(g)
		return nil
	})
}

// Refresh implements ats.Authorization: with the refresh token if there is one,
// or else with the client's own credentials, which is the secret "api_key".
func (a *ATS) Refresh(ctx context.Context, r *ats.RefreshRequest) (*ats.Grant, error) {
	return perform(ctx, a, OpRefresh, &r.Connection, func(g *ats.Grant) error {
		token, rotates := r.Connection.Secrets[ats.SecretRefreshToken]
		switch {
		case a.revoked, rotates && token != a.refresh, !rotates && r.Connection.Secrets["api_key"] == "":
			return refuse(fault.Auth, "The ATS does not take this credential any more. Connect anew.")
		}
		a.grant(g, rotates)
		if r.Identify {
			a.identify(g)
		}
		return nil
	})
}

func (a *ATS) grant(g *ats.Grant, rotates bool) {
	access := "access-" + a.id()
	a.access = map[string]bool{access: true}
	g.Secrets, g.ExpiresAt = map[string]string{ats.SecretAccessToken: access}, a.clock.Now().Add(accessLife)
	if !rotates {
		return
	}
	a.refresh = "refresh-" + a.id()
	g.Secrets[ats.SecretRefreshToken], g.RefreshExpiresAt = a.refresh, a.clock.Now().Add(refreshLife)
}

func (a *ATS) identify(g *ats.Grant) {
	g.Account, g.AccountName, g.Subject, g.Scopes = Account, "Acme", "user-1", []string{"all"}
	if a.account != "" {
		g.Account = a.account
	}
}

// Revoke takes all access back, until a person consents anew.
func (a *ATS) Revoke() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.access, a.refresh, a.revoked = make(map[string]bool), "", true
}

// ChangeAccount makes grants be those of another tenant.
func (a *ATS) ChangeAccount(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.account = id
}
