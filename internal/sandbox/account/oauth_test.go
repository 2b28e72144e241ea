package account_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/trellis-ats/trellis/internal/sandbox/account"
)

const back = "https://trellis.example.com/oauth/callback"

// The token endpoint's errors have the bodies that were seen (facts/greenhouse.md 4.1).
func TestTokenErrors(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	for name, tt := range map[string]struct {
		id, secret string
		form       url.Values
		status     int
		body       string
	}{
		"nothing":            {"", "", url.Values{}, 401, `"message":"Unauthorized"`},
		"no suffix":          {"notaclient", "x", url.Values{}, 400, `"message":"client_id=notaclient does not contain a valid client ID suffix"`},
		"unknown client":     {"other-7", "x", url.Values{}, 401, `{"error":"invalid_client"}`},
		"wrong secret":       {"sandbox-1", "x", url.Values{"grant_type": {"client_credentials"}}, 401, `{"error":"invalid_client"}`},
		"no grant type":      {"sandbox-1", secret, url.Values{}, 400, "Must include `grant_type` parameter in /token request"},
		"bad grant type":     {"sandbox-1", secret, url.Values{"grant_type": {"password"}}, 400, "grant_type=password is invalid, please use one of: authorization_code, refresh_token, client_credentials, urn:ietf:params:oauth:grant-type:token-exchange"},
		"unknown sub":        {"sandbox-1", secret, url.Values{"grant_type": {"client_credentials"}, "sub": {"1"}}, 400, `{"error":"invalid_grant"}`},
		"sub is a word":      {"sandbox-1", secret, url.Values{"grant_type": {"client_credentials"}, "sub": {"rita"}}, 400, `{"error":"invalid_grant"}`},
		"partner's own":      {"trellis-2", partnerSecret, url.Values{"grant_type": {"client_credentials"}}, 400, `{"error":"unauthorized_client"}`},
		"customer's code":    {"sandbox-1", secret, url.Values{"grant_type": {"authorization_code"}, "code": {"x"}}, 400, `{"error":"unauthorized_client"}`},
		"unknown code":       {"trellis-2", partnerSecret, url.Values{"grant_type": {"authorization_code"}, "code": {"x"}}, 400, `{"error":"invalid_grant"}`},
		"unknown refresh":    {"trellis-2", partnerSecret, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"x"}}, 400, `{"error":"invalid_grant"}`},
		"grant in the query": {"sandbox-1", secret, nil, 200, `"token_type":"Bearer"`},
	} {
		path := "token"
		if tt.form == nil {
			path = "token?grant_type=client_credentials"
		}
		if status, body := b.oauth(path, tt.id, tt.secret, tt.form); status != tt.status || !strings.Contains(body, tt.body) {
			t.Errorf("%s: %d %s", name, status, body)
		}
	}
}

type pair struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	In      int    `json:"expires_in"`
	At      string `json:"expires_at"`
}

// consent goes through the page's form and returns the code.
func (b *bench) consent(change func(url.Values)) string {
	b.t.Helper()
	form := url.Values{
		"response_type": {"code"}, "client_id": {"trellis-2"}, "redirect_uri": {back}, "state": {"s 1"},
		"scope": {"harvest:jobs:list harvest:users:list"}, "user": {fmt.Sprint(account.UserAdmin)}, "service": {"yes"}, "allow": {"yes"},
	}
	if change != nil {
		change(form)
	}
	resp, err := b.http.PostForm(b.url+"/oauth/authorize", form)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	u, err := resp.Location()
	if err != nil {
		return fmt.Sprint(resp.StatusCode)
	}
	if !strings.HasPrefix(u.String(), back+"?") || u.Query().Get("state") != "s 1" {
		b.t.Errorf("led to %s", u)
	}
	return u.Query().Get("code") + u.Query().Get("error")
}

func (b *bench) exchange(form url.Values) (int, pair) {
	b.t.Helper()
	status, body := b.oauth("token", "trellis-2", partnerSecret, form)
	var p pair
	decode(b.t, body, &p)
	return status, p
}

func (b *bench) redeem(code string) (int, pair) {
	return b.exchange(url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {back}})
}

func (b *bench) refresh(token string) (int, pair) {
	return b.exchange(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}})
}

// A code works once; so does each refresh token.
func TestAuthorizationCode(t *testing.T) {
	t.Parallel()
	clock := newFakeClock()
	b := newBench(t, func(o *account.Options) { o.Clock = clock })
	code := b.consent(nil)
	status, first := b.redeem(code)
	if status != http.StatusOK || first.Access == "" || first.Refresh == "" || first.In != 3600 || first.At != "2026-11-21T09:00:00.000Z" {
		t.Fatalf("%d %+v", status, first)
	}
	if status, _ := b.redeem(code); status != http.StatusBadRequest {
		t.Errorf("the code again: %d", status)
	}
	b.token = first.Access
	b.list("jobs")
	b.want(http.StatusForbidden, "GET", "candidates", "") // not asked for
	status, second := b.refresh(first.Refresh)
	if status != http.StatusOK || second.Refresh == first.Refresh || second.Access == first.Access {
		t.Errorf("%d %+v", status, second)
	}
	if status, _ := b.refresh(first.Refresh); status != http.StatusBadRequest {
		t.Errorf("the refresh token again: %d", status)
	}
	if got := b.a.Stats().Tokens; got.Refreshed != 1 || got.Reused != 1 {
		t.Errorf("tokens %+v", got)
	}
	clock.advance(time.Hour)
	b.want(http.StatusUnauthorized, "GET", "jobs", "")
	clock.advance(24 * time.Hour)
	if status, _ := b.refresh(second.Refresh); status != http.StatusBadRequest {
		t.Errorf("an old refresh token: %d", status)
	}
	late := b.consent(nil)
	clock.advance(time.Minute + time.Millisecond)
	if status, _ := b.redeem(late); status != http.StatusBadRequest {
		t.Errorf("a late code: %d", status)
	}
}

func TestConsentIsChecked(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	for name, tt := range map[string]struct {
		field, value, want string
	}{
		"refused":                        {"allow", "no", "access_denied"},
		"unknown client":                 {"client_id", "other-3", "400"},
		"customer's client":              {"client_id", "sandbox-1", "400"},
		"foreign address":                {"redirect_uri", "https://elsewhere.example.com/", "400"},
		"no code":                        {"response_type", "token", "400"},
		"no scope":                       {"scope", "", "400"},
		"foreign scope":                  {"scope", "harvest:everything:list", "400"},
		"no such user":                   {"user", "1", "400"},
		"service account by a job admin": {"user", fmt.Sprint(account.UserJobAdmin), "400"},
	} {
		if got := b.consent(func(f url.Values) { f.Set(tt.field, tt.value) }); got != tt.want {
			t.Errorf("%s: %s", name, got)
		}
	}
	q := url.Values{"response_type": {"code"}, "client_id": {"trellis-2"}, "redirect_uri": {back}, "scope": {"harvest:jobs:list"}, "state": {`"><b>`}}
	resp, err := b.http.Get(b.url + "/oauth/authorize?" + q.Encode())
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatal(err, resp)
	}
	_ = resp.Body.Close()
}

// introspection tells a token's organization, subject and scopes, to its own client.
func TestIntrospection(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	type told struct {
		Active     bool
		Sub, Scope string
		ClientID   string `json:"client_id"`
		Claims     struct {
			Organization struct {
				ID   int64
				Name string
			}
			Role string `json:"user_role"`
		} `json:"https://auth.greenhouse.io/claims"`
	}
	ask := func(id, secret, token string) told {
		var got told
		status, body := b.oauth("introspect", id, secret, url.Values{"token": {token}, "token_type_hint": {"access_token"}})
		if status != http.StatusOK {
			t.Errorf("%d %s", status, body)
		}
		decode(t, body, &got)
		return got
	}
	got := ask("sandbox-1", secret, b.as(fmt.Sprint(account.UserJobAdmin)))
	if !got.Active || got.Sub != "4003" || got.ClientID != "sandbox-1" || got.Claims.Organization.ID != account.OrganizationID || got.Claims.Role != "job_admin" || !strings.Contains(got.Scope, "harvest:candidates:create harvest:") {
		t.Errorf("got %+v", got)
	}
	for name, inactive := range map[string]told{"another client's": ask("trellis-2", partnerSecret, b.token), "none": ask("sandbox-1", secret, "x.y.z"), "forged": ask("sandbox-1", secret, b.token+"A")} {
		if inactive.Active {
			t.Errorf("%s token is active", name)
		}
	}
	b.press("organization", `{"id":10}`)
	b.press("clients/sandbox-1", `{"revoke_scopes":["harvest:candidates:create"]}`)
	if got := ask("sandbox-1", secret, b.token); got.Claims.Organization.ID != 10 || strings.Contains(got.Scope, "candidates:create") {
		t.Errorf("got %+v", got)
	}
	if status, _ := b.oauth("introspect", "sandbox-1", "wrong", url.Values{}); status != http.StatusUnauthorized {
		t.Errorf("wrong secret: %d", status)
	}
}

// What is taken away at run time is gone at once.
func TestRevocation(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	grant := url.Values{"grant_type": {"client_credentials"}}
	b.list("jobs")
	b.press("clients/sandbox-1", `{"revoke_scopes":["harvest:jobs:list"]}`)
	b.want(http.StatusForbidden, "GET", "jobs", "")
	b.press("clients/sandbox-1", `{"grant_scopes":["harvest:jobs:list"]}`)
	b.list("jobs")
	b.press("clients/sandbox-1", `{"add_secret":"second"}`)
	for _, good := range []string{secret, "second"} {
		if status, _ := b.oauth("token", "sandbox-1", good, grant); status != http.StatusOK {
			t.Errorf("during the rotation: %d", status)
		}
	}
	b.press("clients/sandbox-1", `{"revoke_secret":true}`)
	if status, body := b.oauth("token", "sandbox-1", secret, grant); status != http.StatusUnauthorized || !strings.Contains(body, "invalid_client") {
		t.Errorf("a revoked secret: %d %s", status, body)
	}
	b.list("jobs") // a token that was given out lives on
	b.press("clients/sandbox-1", `{"revoke_tokens":true}`)
	b.want(http.StatusUnauthorized, "GET", "jobs", "")
	_, partner := b.redeem(b.consent(nil))
	b.press("clients/trellis-2", `{"revoke_grants":true}`)
	if status, _ := b.refresh(partner.Refresh); status != http.StatusBadRequest {
		t.Errorf("after the customer disconnected: %d", status)
	}
	if status, _ := b.pressed("clients/none-9", `{}`); status != http.StatusNotFound {
		t.Errorf("unknown client: %d", status)
	}
	if status, _ := b.pressed("clients/trellis-2", `{"grant_scopes":["everything"]}`); status != http.StatusBadRequest {
		t.Errorf("unknown scope: %d", status)
	}
}
