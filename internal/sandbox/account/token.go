package account

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	tokenEndpoint = "POST oauth/token"
	maxForm       = 64 << 10
)

// refused is an error body of RFC 6749.
func refused(code string) answer {
	return answer{status: http.StatusBadRequest, body: map[string]string{"error": code}}
}

// token is POST /oauth/token with its three grants (facts/greenhouse.md 4.1).
func (a *Account) token(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	_ = r.ParseForm() // what cannot be read is missing
	s, result := a.answerToken(w.Header(), r)
	a.o.Changed()
	w.Header().Set("Cache-Control", "no-store")
	a.finish(w, r, s, result)
}

func (a *Account) answerToken(h http.Header, r *http.Request) (shot, answer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.clock.Now()
	id, secret, _ := r.BasicAuth()
	budget := "token"
	if _, known := a.oauth.clients[id]; known {
		budget += " " + id
	}
	s, result := shot{}, tooMany()
	if !a.window(budget, a.rules.TokenLimit, a.rules.TokenWindowMS, now).take(h, now) {
		s = a.faults.draw(tokenEndpoint)
		result = a.grantToken(r, id, secret, s, now)
	}
	if s.kind == faultTooMany {
		h.Set("Retry-After", strconv.Itoa(s.retryAfter))
	}
	a.stats.count(tokenEndpoint, s, result.status)
	return s, result
}

func (a *Account) grantToken(r *http.Request, id, secret string, s shot, now time.Time) answer {
	switch s.kind {
	case faultResetBefore:
		return answer{}
	case faultErrorBefore:
		return answer{status: http.StatusInternalServerError, body: failure{Message: "Internal Server Error"}}
	case faultTooMany:
		return tooMany()
	}
	c, no := a.oauth.authenticate(id, secret)
	if no != nil {
		return *no
	}
	switch kind := r.FormValue("grant_type"); kind {
	case "client_credentials":
		return a.byCredentials(c, r.FormValue("sub"), now)
	case "authorization_code":
		return a.byCode(c, r.FormValue("code"), r.FormValue("redirect_uri"), now)
	case "refresh_token":
		return a.byRefresh(c, r.FormValue("refresh_token"), now)
	case "":
		return answer{status: http.StatusBadRequest, body: failure{Message: "Must include `grant_type` parameter in /token request"}}
	default:
		return answer{status: http.StatusBadRequest, body: failure{
			Message: fmt.Sprintf("grant_type=%s is invalid, please use one of: authorization_code, refresh_token, client_credentials, urn:ietf:params:oauth:grant-type:token-exchange", kind),
		}}
	}
}

// authenticate returns the client, or why not.
func (o *oauth) authenticate(id, secret string) (*client, *answer) {
	refuse := func(status int, body any) (*client, *answer) { return nil, &answer{status: status, body: body} }
	if id == "" {
		return refuse(http.StatusUnauthorized, map[string]string{"message": "Unauthorized", "errorId": errorID()})
	}
	if !validClientID(id) {
		return refuse(http.StatusBadRequest, map[string]string{"message": "client_id=" + id + " does not contain a valid client ID suffix", "errorId": errorID()})
	}
	c, ok := o.clients[id]
	if !ok || !c.knows(secret) {
		return refuse(http.StatusUnauthorized, map[string]string{"error": "invalid_client"})
	}
	return c, nil
}

func (a *Account) byCredentials(c *client, sub string, now time.Time) answer {
	if c.partner {
		return refused("unauthorized_client")
	}
	acting := c.user
	if sub != "" {
		n, err := strconv.ParseInt(sub, 10, 64)
		u, ok := a.world.users.find(n)
		if err != nil || !ok || u.Deactivated {
			return refused("invalid_grant")
		}
		acting = n
	}
	return done(a.oauth.issue(grant{client: c.id, user: acting, scopes: slices.Clone(c.scopes)}, &a.rules, false, now))
}

func (a *Account) byCode(c *client, code, redirect string, now time.Time) answer {
	if !c.partner {
		return refused("unauthorized_client")
	}
	g, ok := a.oauth.codes[code]
	delete(a.oauth.codes, code) // it works once, also if it fails
	if !ok || g.client != c.id || g.redirect != redirect || now.After(g.expires) {
		return refused("invalid_grant")
	}
	return done(a.oauth.issue(g, &a.rules, true, now))
}

// byRefresh spends a refresh token for a new pair.
func (a *Account) byRefresh(c *client, token string, now time.Time) answer {
	g, ok := a.oauth.refresh[token]
	if !ok || g.client != c.id || now.After(g.expires) {
		if a.oauth.spent[token] {
			a.oauth.count.Reused++
		}
		return refused("invalid_grant")
	}
	delete(a.oauth.refresh, token)
	a.oauth.spent[token] = true
	a.oauth.count.Refreshed++
	return done(a.oauth.issue(g, &a.rules, true, now))
}

// introspect is POST /oauth/introspect: who a token is for.
func (a *Account) introspect(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	a.answerIntrospect(r).write(w)
}

func (a *Account) answerIntrospect(r *http.Request) answer {
	a.mu.Lock()
	defer a.mu.Unlock()
	id, secret, _ := r.BasicAuth()
	c, no := a.oauth.authenticate(id, secret)
	if no != nil {
		return *no
	}
	t := a.oauth.parse(r.PostFormValue("token"), a.clock.Now())
	if t == nil || t.ClientID != c.id {
		return done(map[string]bool{"active": false})
	}
	role := roleBasic
	if u, ok := a.world.users.find(t.sub); ok {
		role = u.role
	}
	return done(map[string]any{
		"active": true, "client_id": c.id, "sub": t.Subject, "scope": strings.Join(a.oauth.effective(t), " "),
		"https://auth.greenhouse.io/claims": map[string]any{
			"organization": map[string]any{"id": a.world.organization, "name": OrganizationName}, "user_role": role,
		},
	})
}

// ClientChange is what can be changed of a client while it is in use.
type ClientChange struct {
	Revoke       []string `json:"revoke_scopes"`
	Grant        []string `json:"grant_scopes"`
	Secret       string   `json:"secret"`        // the only one from now on
	AddSecret    string   `json:"add_secret"`    // good beside the others
	RevokeSecret bool     `json:"revoke_secret"` // none is good any more
	RevokeTokens bool     `json:"revoke_tokens"` // those given out
	RevokeGrants bool     `json:"revoke_grants"` // refresh tokens and codes too: the customer disconnected
	User         int64    `json:"user"`          // who acts without a sub
}

// change applies it; unknown scopes are refused.
func (o *oauth) change(c *client, b ClientChange, known []string) error {
	for _, s := range slices.Concat(b.Grant, b.Revoke) {
		if !slices.Contains(known, s) && s != scopePrefix+restricted {
			return fmt.Errorf("%q is not a scope", s)
		}
	}
	c.scopes = slices.DeleteFunc(c.scopes, func(s string) bool { return slices.Contains(b.Revoke, s) })
	for _, s := range b.Grant {
		if !slices.Contains(c.scopes, s) {
			c.scopes = append(c.scopes, s)
		}
	}
	switch {
	case b.RevokeSecret:
		c.secrets = nil
	case b.Secret != "":
		c.secrets = []string{b.Secret}
	case b.AddSecret != "":
		c.secrets = append(c.secrets, b.AddSecret)
	}
	if b.RevokeTokens || b.RevokeGrants {
		c.revoked = c.grants
		c.grants++
	}
	if b.RevokeGrants {
		mine := func(_ string, g grant) bool { return g.client == c.id }
		maps.DeleteFunc(o.refresh, mine)
		maps.DeleteFunc(o.codes, mine)
	}
	if b.User != 0 {
		c.user = b.User
	}
	return nil
}
