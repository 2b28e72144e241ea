package greenhouse

import (
	"context"
	"net/url"
	"strings"
	"time"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// The grants (facts/greenhouse.md 4.1).
const (
	grantCode    = "authorization_code"
	grantClient  = "client_credentials"
	grantRefresh = "refresh_token"
)

// Begin implements ats.Authorization: Greenhouse's consent page, for partners
// (facts/greenhouse.md 4.1). The person should be a Site Admin and tick
// "Authorize using a service account".
// Errors: fault.Config for another mode or without the vendor's client.
func (a *adapter) Begin(_ context.Context, r *ats.ConsentRequest) (*ats.ConsentPage, error) {
	if err := codeMode(&r.Connection); err != nil {
		return nil, err
	}
	client, err := clientOf(&r.Connection)
	if err != nil {
		return nil, err
	}
	page, err := serviceURL(&r.Connection, settingAuthURL, defaultAuthAddress)
	if err != nil {
		return nil, err
	}
	page = page.JoinPath("authorize")
	page.RawQuery = url.Values{
		"response_type": {"code"}, "client_id": {client.id}, "redirect_uri": {r.RedirectURL},
		"scope": {strings.Join(wanted(&r.Connection), " ")}, "state": {r.State},
	}.Encode()
	return &ats.ConsentPage{URL: page.String()}, nil
}

// Complete implements ats.Authorization. A code lives for one minute.
func (a *adapter) Complete(ctx context.Context, r *ats.ConsentCode) (*ats.Grant, error) {
	if err := codeMode(&r.Connection); err != nil {
		return &ats.Grant{}, err
	}
	t, err := a.tokens(&r.Connection, r.Code)
	if err != nil {
		return &ats.Grant{}, err
	}
	grant, err := t.grant(ctx, url.Values{
		"grant_type": {grantCode}, "code": {r.Code}, "redirect_uri": {r.RedirectURL},
	})
	if err != nil {
		return grant, err
	}
	return t.identified(ctx, grant), nil
}

// Refresh implements ats.Authorization for both modes. If only the
// introspection that Identify asks for fails, the grant is good and comes
// without what it would have told.
func (a *adapter) Refresh(ctx context.Context, r *ats.RefreshRequest) (*ats.Grant, error) {
	c := &r.Connection
	form, err := refreshForm(c)
	if err != nil {
		return &ats.Grant{}, err
	}
	t, err := a.tokens(c, c.Secrets[ats.SecretRefreshToken])
	if err != nil {
		return &ats.Grant{}, err
	}
	grant, err := t.grant(ctx, form)
	if err != nil || !r.Identify {
		return grant, err
	}
	return t.identified(ctx, grant), nil
}

func refreshForm(c *ats.Connection) (url.Values, error) {
	switch setting(c, ats.SettingAuthMode, ats.AuthModeNone) {
	case ats.AuthModeClientCredentials:
		form := url.Values{"grant_type": {grantClient}}
		if user := actingUser(c); user != "" {
			if _, err := numeric("settings."+ats.SettingActingUser, user); err != nil {
				return nil, err
			}
			form.Set("sub", user)
		}
		return form, nil
	case ats.AuthModeAuthorizationCode:
		token := c.Secrets[ats.SecretRefreshToken]
		if token == "" {
			return nil, fault.New(fault.Auth, "The connection has no refresh token. A Site Admin must connect Harvest again.")
		}
		return url.Values{"grant_type": {grantRefresh}, "refresh_token": {token}}, nil
	default:
		return nil, fault.New(fault.Config, "%s Nothing was sent.", notConnected)
	}
}

func codeMode(c *ats.Connection) error {
	if setting(c, ats.SettingAuthMode, ats.AuthModeNone) == ats.AuthModeAuthorizationCode {
		return nil
	}
	return fault.New(fault.Config, "Nobody can be asked for consent: auth_mode is not authorization_code. Set it, or use client_credentials, which needs no consent.")
}

// actingUser is the user who becomes the token's sub; empty for the
// credential's own service user.
func actingUser(c *ats.Connection) string {
	if c.Actor != "" {
		return c.Actor
	}
	return setting(c, ats.SettingActingUser, "")
}

// client is an OAuth client of Greenhouse's.
type client struct{ id, secret string }

// clientOf is the customer's own client, or the vendor's for the consent of
// many customers. Errors: fault.Config without one.
func clientOf(c *ats.Connection) (client, error) {
	own := client{id: setting(c, ats.SettingClientID, ""), secret: c.Secrets[ats.SettingClientSecret]}
	vendors := client{id: c.Vendor[ats.SettingClientID], secret: c.Vendor[ats.SettingClientSecret]}
	if setting(c, ats.SettingAuthMode, ats.AuthModeNone) == ats.AuthModeAuthorizationCode && vendors.id != "" {
		own = vendors
	}
	if own.id == "" || own.secret == "" {
		return client{}, fault.New(fault.Config, "There is no OAuth client to connect Harvest with: client_id or client_secret is missing. Nothing was sent; enter both.")
	}
	return own, nil
}

// expiry is when a token ends. Documents and servers disagree about which of
// the two is sent (facts/greenhouse.md 4.1); without either, it is an hour.
func expiry(now time.Time, in float64, at time.Time) time.Time {
	const usual = time.Hour
	switch {
	case in > 0:
		return now.Add(time.Duration(min(in, (24*time.Hour).Seconds()) * float64(time.Second)))
	case !at.IsZero():
		return at
	default:
		return now.Add(usual)
	}
}
