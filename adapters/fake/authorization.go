package fake

import (
	"context"
	"net/url"
	"slices"
	"time"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// accessLife is how long an access token is good.
const accessLife = time.Hour

// Begin implements ats.Authorization.
func (a *adapter) Begin(ctx context.Context, r *ats.ConsentRequest) (*ats.ConsentPage, error) {
	knobs := knobsOf(&r.Connection)
	if err := knobs.misbehave(ctx, callBegin); err != nil {
		return nil, err
	}
	query := url.Values{"state": {r.State}, "redirect_uri": {r.RedirectURL}}
	return &ats.ConsentPage{URL: "https://ats.example.com/consent?" + query.Encode()}, knobs.failure(callBegin)
}

// Complete implements ats.Authorization. Any code is good once.
func (a *adapter) Complete(ctx context.Context, r *ats.ConsentCode) (*ats.Grant, error) {
	return perform(ctx, callComplete, &r.Connection, func(s *state, g *ats.Grant) error {
		if r.Code == "" || slices.Contains(s.Codes, r.Code) {
			return declined(fault.Auth, "The code was used. Connect anew.")
		}
		s.Codes = append(s.Codes, r.Code)
		s.grant(g)
		identify(g, &r.Connection)
		return nil
	})
}

// Refresh implements ats.Authorization. A refresh token is spent by its use.
func (a *adapter) Refresh(ctx context.Context, r *ats.RefreshRequest) (*ats.Grant, error) {
	return perform(ctx, callRefresh, &r.Connection, func(s *state, g *ats.Grant) error {
		token := r.Connection.Secrets[ats.SecretRefreshToken]
		if token == "" || token != s.Refresh {
			return declined(fault.Auth, "The refresh token was used. Connect anew.")
		}
		s.grant(g)
		if r.Identify {
			identify(g, &r.Connection)
		}
		return nil
	})
}

func (s *state) grant(g *ats.Grant) {
	s.Refresh = "refresh-" + s.id()
	g.Secrets = map[string]string{ats.SecretAccessToken: "access-" + s.id(), ats.SecretRefreshToken: s.Refresh}
	g.ExpiresAt = time.Now().UTC().Add(accessLife)
}

func identify(g *ats.Grant, c *ats.Connection) {
	g.Account, g.AccountName, g.Subject, g.Scopes = c.Settings["account"], "Fake", "u1", []string{"all"}
}
