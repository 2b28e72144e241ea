package greenhouse_test

import (
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

const (
	issued       = `{"token_type":"Bearer","access_token":"new.access.token","refresh_token":"new-refresh","expires_in":3600,"expires_at":"2020-01-01T00:00:00.000Z"}`
	introspected = `{"active":true,"client_id":"client-test-123","sub":4001,"scope":"harvest:candidates:list harvest:jobs:list","https://auth.greenhouse.io/claims":{"organization":{"id":9,"name":"Example Inc"},"user_role":"site_admin"}}`
)

// partner is a connection in authorization code mode with the vendor's client.
func (s *stand) partner(a ats.Adapter, pairs ...string) ats.Connection {
	c := s.connected(a, append([]string{"auth_mode", "authorization_code", "client_id", ""}, pairs...)...)
	delete(c.Secrets, "client_secret")
	c.Vendor = map[string]string{"client_id": clientID, "client_secret": clientSecret}
	c.Secrets[ats.SecretRefreshToken] = "old-refresh"
	return c
}

func TestBegin(t *testing.T) {
	t.Parallel()
	a := patient(t)
	s := newStand(t, nil)
	page, err := a.Begin(t.Context(), &ats.ConsentRequest{Connection: s.partner(a), RedirectURL: "https://trellis.example.com/oauth/callback", State: "st&te"})
	if err != nil {
		t.Fatal(err)
	}
	u, _ := url.Parse(page.URL)
	q := u.Query()
	scopes := strings.Fields(q.Get("scope"))
	q.Del("scope")
	want := url.Values{"response_type": {"code"}, "client_id": {clientID}, "redirect_uri": {"https://trellis.example.com/oauth/callback"}, "state": {"st&te"}}
	if diff := cmp.Diff(want, q); diff != "" || !strings.HasPrefix(page.URL, s.server.URL+"/oauth/authorize?") {
		t.Error(page.URL, diff)
	}
	for _, scope := range []string{"harvest:candidates:create", "harvest:applications:move", "harvest:notes:create", "harvest:email_templates:list"} {
		if !slices.Contains(scopes, scope) {
			t.Errorf("does not ask for %s", scope)
		}
	}
	if slices.Contains(scopes, "harvest:scorecards:create") || strings.Contains(page.URL, clientSecret) || len(s.requests()) != 0 {
		t.Errorf("asks for too much: %s", page.URL)
	}
	if page, err = a.Begin(t.Context(), &ats.ConsentRequest{Connection: s.partner(a, "scorecards", "restricted")}); !strings.Contains(page.URL, "scorecards%3Acreate") || err != nil {
		t.Errorf("restricted: %v, %v", page, err)
	}
}

func TestBeginRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]func(*ats.Connection){
		"another mode":     func(c *ats.Connection) { c.Settings["auth_mode"] = "client_credentials" },
		"no vendor client": func(c *ats.Connection) { c.Vendor = nil },
		"no secret":        func(c *ats.Connection) { delete(c.Vendor, "client_secret") },
		"plain address":    func(c *ats.Connection) { c.Settings["auth_url"] = "http://auth.example.com" },
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := patient(t)
			c := newStand(t, nil).partner(a)
			change(&c)
			if page, err := a.Begin(t.Context(), &ats.ConsentRequest{Connection: c}); !fault.Is(err, fault.Config) || page != nil {
				t.Errorf("got %+v, %v", page, err)
			}
		})
	}
}

func about(t *testing.T, at time.Time, in time.Duration) {
	t.Helper()
	if d := time.Until(at); d > in || d < in-time.Minute {
		t.Errorf("expires in %s, want %s", d, in)
	}
}

func TestRefreshWithClientCredentials(t *testing.T) {
	t.Parallel()
	a := patient(t)
	s := newStand(t, map[string][]said{"POST /oauth/token": ok(`{"access_token":"new.access.token","expires_in":1800}`), "POST /oauth/introspect": ok(introspected)})
	grant, err := a.Refresh(t.Context(), &ats.RefreshRequest{Connection: s.connected(a, "acting_user", "4001"), Identify: true})
	if err != nil {
		t.Fatal(err)
	}
	about(t, grant.ExpiresAt, 30*time.Minute)
	if diff := cmp.Diff(map[string]string{"access_token": "new.access.token"}, grant.Secrets); diff != "" {
		t.Error(diff)
	}
	if grant.Account != "9" || grant.AccountName != "Example Inc" || grant.Subject != "4001" || len(grant.Scopes) != 2 || len(grant.Exchanges) != 2 {
		t.Errorf("got %+v", grant)
	}
	want := []asked{
		{"POST /oauth/token", "", "grant_type=client_credentials&sub=4001"},
		{"POST /oauth/introspect", "", "token=new.access.token&token_type_hint=access_token"},
	}
	if diff := cmp.Diff(want, s.requests()); diff != "" {
		t.Error(diff)
	}
	if s.auth[0] != "Basic "+base64.StdEncoding.EncodeToString([]byte(clientID+":"+clientSecret)) {
		t.Errorf("authorized by %s", s.auth[0])
	}
}

func TestRefreshWithoutActingUserAndIdentity(t *testing.T) {
	t.Parallel()
	a := patient(t)
	s := newStand(t, map[string][]said{"POST /oauth/token": ok(`{"access_token":"x","expires_at":"2099-01-02T03:04:05.000Z"}`)})
	grant, err := a.Refresh(t.Context(), &ats.RefreshRequest{Connection: s.connected(a)})
	if err != nil || !grant.ExpiresAt.Equal(time.Date(2099, 1, 2, 3, 4, 5, 0, time.UTC)) || grant.Account != "" {
		t.Errorf("got %+v, %v", grant, err)
	}
	if diff := cmp.Diff([]asked{{"POST /oauth/token", "", "grant_type=client_credentials"}}, s.requests()); diff != "" {
		t.Error(diff)
	}
}

func TestRefreshSpendsTheRefreshToken(t *testing.T) {
	t.Parallel()
	a := patient(t)
	s := newStand(t, map[string][]said{"POST /oauth/token": ok(issued)})
	grant, err := a.Refresh(t.Context(), &ats.RefreshRequest{Connection: s.partner(a)})
	if err != nil {
		t.Fatal(err)
	}
	about(t, grant.ExpiresAt, time.Hour) // expires_in does not depend on either clock
	if diff := cmp.Diff(map[string]string{"access_token": "new.access.token", "refresh_token": "new-refresh"}, grant.Secrets); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]asked{{"POST /oauth/token", "", "grant_type=refresh_token&refresh_token=old-refresh"}}, s.requests()); diff != "" {
		t.Error(diff)
	}
	for _, x := range grant.Exchanges {
		if all := x.RequestBody + x.ResponseBody; strings.Contains(all, "refresh-") || strings.Contains(all, "old-refresh") || strings.Contains(all, "new.access") {
			t.Errorf("kept %s", all)
		}
	}
}

func TestComplete(t *testing.T) {
	t.Parallel()
	a := patient(t)
	s := newStand(t, map[string][]said{"POST /oauth/token": ok(issued), "POST /oauth/introspect": {{status: 500}}})
	grant, err := a.Complete(t.Context(), &ats.ConsentCode{Connection: s.partner(a), Code: "c0de", RedirectURL: "https://trellis.example.com/cb"})
	if err != nil || grant.Secrets[ats.SecretRefreshToken] != "new-refresh" {
		t.Fatal(grant, err)
	}
	if grant.Account != "" || len(grant.Degraded) != 1 || len(grant.Exchanges) != 2 {
		t.Errorf("a failed introspection must not lose the tokens: %+v", grant)
	}
	if all := s.requests(); all[0].Body != "code=c0de&grant_type=authorization_code&redirect_uri=https%3A%2F%2Ftrellis.example.com%2Fcb" {
		t.Errorf("asked %s", all[0].Body)
	}
	if strings.Contains(grant.Exchanges[0].RequestBody, "c0de") {
		t.Error("the code is kept")
	}
}

func TestTokenErrors(t *testing.T) {
	t.Parallel()
	reset := []string{"Retry-After", "11"}
	tests := map[string]struct {
		answer         said
		client, spends fault.Code
	}{
		"no credentials":      {said{status: 401, body: `{"message":"Unauthorized","errorId":"err-1"}`}, fault.Auth, fault.Auth},
		"malformed client id": {said{status: 400, body: `{"message":"client_id=client-test-123 does not contain a valid client ID suffix","errorId":"err-1"}`}, fault.Config, fault.Config},
		"wrong secret":        {said{status: 401, body: `{"error":"invalid_client"}`}, fault.Auth, fault.Config},
		"no grant type":       {said{status: 400, body: "{\"message\":\"Must include `grant_type` parameter in /token request\"}"}, fault.Config, fault.Config},
		"bad grant type":      {said{status: 400, body: `{"message":"grant_type=x is invalid, please use one of: authorization_code"}`}, fault.Config, fault.Config},
		"used refresh token":  {said{status: 400, body: `{"error":"invalid_grant"}`}, fault.Auth, fault.Auth},
		"used, as 401":        {said{status: 401, body: `{"error":"invalid_grant"}`}, fault.Auth, fault.Auth},
		"unauthorized client": {said{status: 400, body: `{"error":"unauthorized_client"}`}, fault.Auth, fault.Auth},
		"scopes":              {said{status: 400, body: `{"error":"invalid_scope"}`}, fault.Config, fault.Config},
		"too many":            {said{status: 429, header: reset}, fault.RateLimited, fault.RateLimited},
		"500":                 {said{status: 500}, fault.Retryable, fault.OutcomeUnknown},
		"408":                 {said{status: 408}, fault.Retryable, fault.OutcomeUnknown},
		"redirect":            {said{status: 302}, fault.Retryable, fault.OutcomeUnknown},
		"yes without a token": {said{body: `{}`}, fault.Retryable, fault.OutcomeUnknown},
		"yes without JSON":    {said{body: `ok`}, fault.Retryable, fault.OutcomeUnknown},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := patient(t)
			s := newStand(t, map[string][]said{"POST /oauth/token": {tt.answer}})
			for _, one := range []struct {
				c    ats.Connection
				want fault.Code
			}{{s.connected(a), tt.client}, {s.partner(a), tt.spends}} {
				grant, err := a.Refresh(t.Context(), &ats.RefreshRequest{Connection: one.c, Identify: true})
				if fault.CodeOf(err) != one.want || grant == nil || len(grant.Secrets) != 0 || len(grant.Exchanges) != 1 {
					t.Errorf("got %+v, %v, want %s", grant, err, one.want)
				}
				if e := fault.From(err); one.want == fault.RateLimited && (e.Scope != "token" || e.RetryAfter != 11*time.Second) {
					t.Errorf("scope %q after %s", e.Scope, e.RetryAfter)
				}
				if all := err.Error() + grant.Exchanges[0].ResponseBody; strings.Contains(all, clientID) {
					t.Errorf("echoes the client: %s", all)
				}
			}
		})
	}
}

func TestTokenWithoutAnswer(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		arrange        func(*stand)
		client, spends fault.Code
	}{
		"cut":  {func(s *stand) { s.cut = "POST /oauth/token" }, fault.Retryable, fault.OutcomeUnknown},
		"hang": {func(s *stand) { s.hang = "POST /oauth/token" }, fault.Retryable, fault.OutcomeUnknown},
		"gone": {func(s *stand) { s.server.Close() }, fault.Retryable, fault.Retryable},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := patient(t)
			s := newStand(t, nil)
			own, partner := s.connected(a), s.partner(a)
			tt.arrange(s)
			if _, err := a.Refresh(t.Context(), &ats.RefreshRequest{Connection: own}); fault.CodeOf(err) != tt.client {
				t.Errorf("client credentials: %v", err)
			}
			if _, err := a.Refresh(t.Context(), &ats.RefreshRequest{Connection: partner}); fault.CodeOf(err) != tt.spends {
				t.Errorf("refresh token: %v", err)
			}
		})
	}
}

func TestRefreshRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(*ats.Connection)
		want   fault.Code
	}{
		"not connected":    {func(c *ats.Connection) { c.Settings["auth_mode"] = "none" }, fault.Config},
		"no refresh token": {func(c *ats.Connection) { delete(c.Secrets, ats.SecretRefreshToken) }, fault.Auth},
		"no client":        {func(c *ats.Connection) { c.Vendor = nil }, fault.Config},
		"an odd acting user": {func(c *ats.Connection) {
			c.Settings["auth_mode"], c.Settings["acting_user"] = "client_credentials", "-4"
		}, fault.Invalid},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := patient(t)
			s := newStand(t, nil)
			c := s.partner(a)
			tt.change(&c)
			if grant, err := a.Refresh(t.Context(), &ats.RefreshRequest{Connection: c}); fault.CodeOf(err) != tt.want || grant == nil || len(s.requests()) != 0 {
				t.Errorf("got %+v, %v", grant, err)
			}
		})
	}
}
