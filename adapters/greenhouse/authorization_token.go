package greenhouse

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/plugins/sdk"
)

// tokens makes the calls to Greenhouse's authorization server.
type tokens struct {
	client  client
	base    *url.URL
	session *sdk.Session
	budget  *ats.RateBudget
}

// tokens masks the client and the secrets in what is recorded: Greenhouse
// echoes a client id in an error.
func (a *adapter) tokens(c *ats.Connection, secrets ...string) (*tokens, error) {
	client, err := clientOf(c)
	if err != nil {
		return nil, err
	}
	base, err := serviceURL(c, settingAuthURL, defaultAuthAddress)
	if err != nil {
		return nil, err
	}
	secrets = append(secrets, client.secret, client.id, c.Secrets[ats.SecretAccessToken])
	session := a.rt.HTTP.Session(sdk.SessionOptions{
		AllowHosts: reachable(base), Secrets: secrets, Sensitive: append(sensitive(), "code", "token"),
	})
	return &tokens{client: client, base: base, session: session}, nil
}

func (t *tokens) trace() ats.Trace {
	return ats.Trace{Exchanges: t.session.Exchanges(), Budget: t.budget}
}

// tokenAnswer is an answer of the token endpoint, good or bad.
type tokenAnswer struct {
	AccessToken      string  `json:"access_token"`
	RefreshToken     string  `json:"refresh_token"`
	ExpiresIn        float64 `json:"expires_in"` // seconds
	ExpiresAt        moment  `json:"expires_at"`
	RefreshExpiresIn float64 `json:"refresh_token_expires_in"` // seconds; not documented
	Scope            string  `json:"scope"`
	Error            string  `json:"error"`
}

// grant asks for tokens.
//
// Errors: fault.Auth if a customer's client or the grant is refused;
// fault.Config if a partner's client is, which spends nothing, or if Greenhouse
// does not understand the request; fault.RateLimited with Scope
// "token", which is metered apart; fault.OutcomeUnknown if a refresh token or
// code was sent and may be spent; fault.Retryable for client credentials, of
// which nothing is spent.
func (t *tokens) grant(ctx context.Context, form url.Values) (*ats.Grant, error) {
	spends := form.Get("grant_type") != grantClient
	reply, err := t.post(ctx, "token", form)
	if err != nil {
		return &ats.Grant{Trace: t.trace()}, spent(err, spends)
	}
	var a tokenAnswer
	unread := json.Unmarshal(reply.Body, &a)
	if err := tokenVerdict(reply, a.Error, spends, time.Now()); err != nil {
		return &ats.Grant{Trace: t.trace()}, err
	}
	if unread != nil || a.AccessToken == "" {
		e := answered(fault.Upstream, 0, "Greenhouse's authorization server said yes and gave no token that could be read.")
		return &ats.Grant{Trace: t.trace()}, spent(e, spends)
	}
	return t.granted(&a, time.Now()), nil
}

func (t *tokens) granted(a *tokenAnswer, now time.Time) *ats.Grant {
	g := &ats.Grant{
		Secrets:   map[string]string{ats.SecretAccessToken: a.AccessToken},
		ExpiresAt: expiry(now, a.ExpiresIn, time.Time(a.ExpiresAt)), Scopes: strings.Fields(a.Scope), Trace: t.trace(),
	}
	if a.RefreshToken != "" {
		g.Secrets[ats.SecretRefreshToken] = a.RefreshToken
	}
	if a.RefreshExpiresIn > 0 {
		g.RefreshExpiresAt = now.Add(time.Duration(a.RefreshExpiresIn) * time.Second)
	}
	return g
}

func (t *tokens) post(ctx context.Context, endpoint string, form url.Values) (*sdk.HTTPReply, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.base.JoinPath(endpoint).String(), strings.NewReader(form.Encode()))
	if err != nil {
		return nil, fault.Wrap(err, fault.Config, "The authorization server was not called: its address in the settings cannot be used.")
	}
	req.SetBasicAuth(t.client.id, t.client.secret)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "Trellis/"+version)
	reply, err := t.session.Do(req)
	if err == nil {
		if b := budgetOf(reply.Header, "token"); b != nil {
			t.budget = b
		}
	}
	return reply, err
}

// spent is the class of a request whose answer did not come or is of no use:
// only what was spent by it makes the outcome matter.
func spent(err error, spends bool) error {
	var lost *sdk.CallError
	unsent := errors.As(err, &lost) && !lost.Sent || fault.Is(err, fault.Config) || fault.Is(err, fault.Internal)
	switch {
	case unsent:
		return err
	case spends:
		return answered(fault.OutcomeUnknown, 0, "Greenhouse's authorization server gave no usable answer to a code or refresh token, which works once and may be spent. If the next try is refused, connect Harvest again.")
	default:
		return answered(fault.Retryable, 0, "Greenhouse's authorization server gave no usable answer; it is asked again later.")
	}
}

// tokenVerdict reads the five error bodies (facts/greenhouse.md 4.1).
func tokenVerdict(reply *sdk.HTTPReply, code string, spends bool, now time.Time) error {
	switch s := reply.Status; {
	case s >= 200 && s < 300:
		return nil
	case s == http.StatusTooManyRequests:
		return limited(reply.Header, now, "token")
	case spends && code == "unauthorized_client": // said of a dead code or refresh token, too (facts/greenhouse.md 4.1)
		return answered(fault.Auth, 0, "Greenhouse does not accept the grant (unauthorized_client): it expired, was used before or was revoked, or the partner's OAuth client may not use it. Connect Harvest again.")
	case spends && code == "invalid_client":
		return answered(fault.Config, 0, "Greenhouse does not accept the OAuth client that partners connect with (%s), so no grant was spent. Whoever runs Trellis must configure its current id and secret.", code)
	case code == "invalid_client" || code == "unauthorized_client":
		return answered(fault.Auth, 0, "Greenhouse does not accept the OAuth client (%s): its secret was revoked or mistyped, or it may not use this grant. Enter the current client id and secret.", code)
	case code == "invalid_grant" && !spends: // nothing but the sub was granted
		e := answered(fault.Auth, 0, "Greenhouse gives no token for this acting user (invalid_grant): there is none with this id, or they are deactivated. Choose another acting user.")
		e.Kind = ats.KindActingUser
		return e
	case code == "invalid_grant":
		return answered(fault.Auth, 0, "Greenhouse does not accept the grant (invalid_grant): it expired, was used before or was revoked. Connect Harvest again.")
	case code == "invalid_scope":
		return answered(fault.Config, 0, "Greenhouse does not give this client the scopes that were asked for (invalid_scope). Ask Greenhouse to add them to the client.")
	case s == http.StatusUnauthorized || s == http.StatusForbidden:
		return answered(fault.Auth, 0, "Greenhouse's authorization server refused the credential (%d). Enter the current client id and secret.", s)
	case s == http.StatusRequestTimeout || s >= 500 || s < 400:
		return spent(answered(fault.Upstream, 0, "status %d", s), spends)
	default:
		return answered(fault.Config, 0, "Greenhouse's authorization server did not understand the request (%d): the client id, which ends in a hyphen and a number, or auth_url is wrong.", s)
	}
}

// identity is an answer of the introspection endpoint.
type identity struct {
	Active bool       `json:"active"`
	Sub    identifier `json:"sub"`
	Scope  string     `json:"scope"`
	Claims struct {
		Organization struct {
			ID   identifier `json:"id"`
			Name string     `json:"name"`
		} `json:"organization"`
		UserRole string `json:"user_role"`
	} `json:"https://auth.greenhouse.io/claims"`
}

// introspect asks what a token is good for. Errors: as grant, with nothing spent.
func (t *tokens) introspect(ctx context.Context, token string) (*identity, error) {
	reply, err := t.post(ctx, "introspect", url.Values{"token": {token}, "token_type_hint": {ats.SecretAccessToken}})
	if err != nil {
		return nil, spent(err, false)
	}
	var refused tokenAnswer
	_ = json.Unmarshal(reply.Body, &refused) // only its error is looked at
	if err := tokenVerdict(reply, refused.Error, false, time.Now()); err != nil {
		return nil, err
	}
	var who identity
	if err := json.Unmarshal(reply.Body, &who); err != nil {
		return nil, answered(fault.Upstream, 0, "Greenhouse's answer about the token could not be read.")
	}
	return &who, nil
}

// identified adds to a grant whose it is. The tokens are worth more than the
// answer: without one the grant comes as it is, and says so.
func (t *tokens) identified(ctx context.Context, g *ats.Grant) *ats.Grant {
	who, err := t.introspect(ctx, g.Secrets[ats.SecretAccessToken])
	g.Trace = t.trace()
	if err != nil {
		g.Degraded = append(g.Degraded, "Whose token it is could not be asked: "+fault.From(err).Message)
		return g
	}
	g.Account, g.AccountName = string(who.Claims.Organization.ID), who.Claims.Organization.Name
	g.Subject = string(who.Sub)
	if who.Scope != "" {
		g.Scopes = strings.Fields(who.Scope)
	}
	return g
}
