package session_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trellis-ats/trellis/internal/session"
)

const (
	jsonType = "application/json"
	formType = "application/x-www-form-urlencoded"
)

func TestSignInByToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	if r := w.do(t, "GET", "/session", ""); r.StatusCode != http.StatusUnauthorized {
		t.Errorf("before signing in: %d", r.StatusCode)
	}
	r := w.signIn(t, "trl_known")
	c := cookieOf(r)
	if r.StatusCode != http.StatusNoContent || c.Value == "" {
		t.Fatalf("status %d, cookie %v", r.StatusCode, c)
	}
	if !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || !c.Expires.After(w.clock.Now()) {
		t.Errorf("the cookie is %v", c)
	}
	r = w.do(t, "GET", "/session", "")
	raw, _ := io.ReadAll(r.Body)
	var body map[string]string
	if err := json.Unmarshal(raw, &body); err != nil {
		t.Fatal(err)
	}
	delete(body, "id")
	delete(body, "expiresAt")
	if diff := cmp.Diff(map[string]string{"organizationId": "org_1", "role": "ADMIN", "name": "token"}, body); diff != "" {
		t.Error(diff)
	}
	if strings.Contains(string(raw), c.Value) {
		t.Error("the answer holds the secret")
	}
}

func TestSignInAgainEndsTheSessionBefore(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	first := cookieOf(w.signIn(t, "trl_known")).Value
	second := cookieOf(w.signIn(t, "trl_known")).Value
	if first == second || len(w.sessions.live) != 1 || w.sessions.ended[0].Reveal() != first {
		t.Errorf("live %d, ended %d", len(w.sessions.live), len(w.sessions.ended))
	}
}

func TestSignOut(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		method, path, accept string
		status               int
	}{
		{"DELETE", "/session", "", http.StatusNoContent},
		{"POST", "/session/end", "", http.StatusNoContent},
		{"POST", "/session/end", "text/html", http.StatusSeeOther},
	} {
		w := newWorld(t, nil)
		w.signIn(t, "trl_known")
		r := w.do(t, c.method, c.path, "", "Accept", c.accept)
		if r.StatusCode != c.status || len(w.sessions.live) != 0 || w.cookies[session.Cookie] != "" {
			t.Errorf("%s %s: status %d, live %d, cookies %v", c.method, c.path, r.StatusCode, len(w.sessions.live), w.cookies)
		}
		if r := w.do(t, c.method, c.path, ""); r.StatusCode != http.StatusNoContent {
			t.Errorf("%s %s again: status %d", c.method, c.path, r.StatusCode)
		}
	}
}

func TestSignInRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for name, c := range map[string]struct {
		body, kind string
		status     int
		code       string
	}{
		"wrong token":     {`{"token":"trl_wrong"}`, jsonType, 401, "UNAUTHENTICATED"},
		"no token":        {`{}`, jsonType, 422, "INVALID"},
		"token a number":  {`{"token":7}`, jsonType, 422, "INVALID"},
		"not JSON":        {`{`, jsonType, 422, "INVALID"},
		"empty form":      {"", formType, 422, "INVALID"},
		"broken form":     {"token=%zz", formType, 422, "INVALID"},
		"text":            {`{"token":"trl_known"}`, "text/plain", 422, "INVALID"},
		"no content type": {`{"token":"trl_known"}`, "", 422, "INVALID"},
		"large":           {`{"token":"` + strings.Repeat("x", 5000) + `"}`, jsonType, 413, "TOO_LARGE"},
	} {
		r := w.do(t, "POST", "/session", c.body, "Content-Type", c.kind)
		raw, _ := io.ReadAll(r.Body)
		if r.StatusCode != c.status || !strings.Contains(string(raw), c.code) || cookieOf(r).Value != "" {
			t.Errorf("%s: status %d, %s", name, r.StatusCode, raw)
		}
		if strings.Contains(string(raw), "trl_wrong") {
			t.Errorf("%s: the answer holds the token: %s", name, raw)
		}
	}
}

func TestSignInByForm(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *session.Options) { o.PublicURL = "http://127.0.0.1:8080" })
	r := w.do(t, "POST", "/session", form("token", " trl_known "), "Content-Type", formType, "Accept", "text/html,*/*")
	if c := cookieOf(r); r.StatusCode != http.StatusSeeOther || r.Header.Get("Location") != "/" || c.Value == "" || c.Secure {
		t.Errorf("status %d, to %q, cookie %v", r.StatusCode, r.Header.Get("Location"), c)
	}
	r = w.do(t, "POST", "/session", form("token", "trl_wrong"), "Content-Type", formType, "Accept", "text/html,*/*")
	if raw, _ := io.ReadAll(r.Body); r.StatusCode != http.StatusUnauthorized || !strings.Contains(string(raw), "You were not signed in") {
		t.Errorf("status %d: %s", r.StatusCode, raw)
	}
}

func TestForeignPagesSignNobodyInOrOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.signIn(t, "trl_known")
	for _, c := range []struct{ method, path, body string }{
		{"POST", "/session", form("token", "trl_known")}, {"POST", "/session/end", ""}, {"DELETE", "/session", ""},
	} {
		for _, header := range [][]string{{"Origin", "https://evil.example.org"}, {"Sec-Fetch-Site", "cross-site"}, {"Origin", "null"}} {
			r := w.do(t, c.method, c.path, c.body, append(header, "Content-Type", formType)...)
			if r.StatusCode != http.StatusForbidden || len(r.Cookies()) > 0 || len(w.sessions.live) != 1 {
				t.Errorf("%s %s from %v: status %d, cookies %v", c.method, c.path, header, r.StatusCode, r.Cookies())
			}
		}
	}
}

func TestAttemptsAreLimited(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *session.Options) { o.Attempts = attempts(3) })
	for range 3 {
		if r := w.signIn(t, "trl_wrong"); r.StatusCode != http.StatusUnauthorized {
			t.Errorf("status %d", r.StatusCode)
		}
	}
	r := w.signIn(t, "trl_known")
	raw, _ := io.ReadAll(r.Body)
	if r.StatusCode != http.StatusTooManyRequests || r.Header.Get("Retry-After") == "" || cookieOf(r).Value != "" || !strings.Contains(string(raw), "RATE_LIMITED") {
		t.Errorf("status %d, %v: %s", r.StatusCode, r.Header, raw)
	}
}
