package main

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/trellis-ats/trellis/internal/sandbox/account"
)

// dueAfter is when a call fetches a new token: a token must live for a minute.
const dueAfter = time.Second

// TestRefreshRotation: each refresh token works once. Two processes never show
// one twice, and a process that dies with one costs the connection nothing if
// the new pair was kept, or says why it must be connected anew.
func TestRefreshRotation(t *testing.T) {
	t.Parallel()
	d, env := shared(t)
	one := prepare(t, d)
	at := newStandIn(t, account.Options{
		RedirectHosts: []string{strings.TrimPrefix(one.base, "http://")},
		Rules:         func(r *account.Rules) { r.AccessTTLMS = int((time.Minute + dueAfter).Milliseconds()) },
	})
	partner := at.Credentials()
	one.env = append(append(one.env, env...), "TRELLIS_VENDOR=greenhouse.client_id="+partner.PartnerID+",greenhouse.client_secret="+partner.PartnerSecret)
	one.made = one.setup("Acme", at.settings()...)
	one.start()
	one.chooseTest()
	one.consent(at)
	job := one.newJob(one.made.ConnectionID, "Account Executive", account.JobExecutive, account.StagePhone, nil)
	one.pushed(one.scored(job, "First", 70), "DONE")
	two := one.replica()

	due(t)
	var pressing sync.WaitGroup
	for i := range 6 {
		id := one.scored(job, fmt.Sprintf("Both%d", i), 82.5)
		pressing.Go(func() { []*server{one, two}[i%2].pushed(id, "DONE") })
	}
	pressing.Wait()
	used := at.Stats().Tokens
	if used.Refreshed == 0 || used.Reused > 0 || one.authorization().State != "CONNECTED" {
		t.Fatalf("%+v, %+v", used, one.authorization())
	}

	// It dies with the new pair stored, while it uses it for the first time.
	two.stop()
	due(t)
	one.killAmid(at, job, "GET candidates", "Stored", func() bool { return at.Stats().Tokens.Refreshed > used.Refreshed })
	two.start()
	until(t, "the push of the dead process", func() bool { return at.arrived()[address("Stored")].Tags != nil })
	if now := two.authorization(); at.Stats().Tokens.Reused > 0 || now.State != "CONNECTED" {
		t.Errorf("%+v, %+v", at.Stats().Tokens, now)
	}

	// It dies before the new pair arrives: that pair is lost.
	two.stop()
	one.start()
	used = at.Stats().Tokens
	due(t)
	one.killAmid(at, job, "POST oauth/token", "Lost", func() bool { return at.Stats().Tokens.Refreshed > used.Refreshed })
	two.start()
	var now authorization
	within(t, 2*time.Minute, time.Second, "the state that says so", func() bool {
		two.push(two.scored(job, "Nudge", 10)) // which needs a token
		now = two.authorization()
		return now.State == "NEEDS_RECONNECT"
	})
	if !strings.Contains(now.Reason, "never ended here") {
		t.Errorf("the reason is %q", now.Reason)
	}
	two.stop()
	one.start()
	one.consent(at)
	if now := one.authorization(); now.State != "CONNECTED" || now.Reason != "" {
		t.Errorf("connected anew: %+v", now)
	}
	one.pushed(one.scored(job, "After", 70), "DONE")
}

// due waits until the token is.
func due(t *testing.T) {
	t.Helper()
	begun := time.Now()
	until(t, "the token to be due", func() bool { return time.Since(begun) > dueAfter+200*time.Millisecond })
}

// killAmid pushes and kills the server while an endpoint's answer is held back.
func (s *server) killAmid(at *standIn, job, endpoint, name string, refreshed func() bool) {
	s.t.Helper()
	at.press("harvest/faults", map[string]any{"slow_ms": 15_000, "next": []any{map[string]any{"endpoint": endpoint, "kind": "slow"}}})
	before := at.Stats().ByEndpoint[endpoint]
	s.push(s.scored(job, name, 82.5))
	until(s.t, "the call to "+endpoint, func() bool { return refreshed() && at.Stats().ByEndpoint[endpoint] > before })
	s.kill()
	at.press("harvest/faults", map[string]any{})
}

type authorization struct{ State, Reason string }

func (s *server) authorization() authorization {
	s.t.Helper()
	var data struct {
		Node struct{ Authorization authorization }
	}
	s.graphql(s.made.AdminToken, `query($id: ID!) { node(id: $id) { ... on Connection { authorization { state reason } } } }`,
		map[string]any{"id": s.made.ConnectionID}, &data)
	return data.Node.Authorization
}

// consent connects as a partner, as an administrator's browser does.
func (s *server) consent(at *standIn) {
	s.t.Helper()
	cookie := s.signIn()
	var begun struct{ AuthorizationURL string }
	mutate(s, "beginGreenhouseAuthorization", map[string]any{"connectionId": s.made.ConnectionID}, "authorizationUrl", &begun)
	to, err := url.Parse(begun.AuthorizationURL)
	if err != nil {
		s.t.Fatal(err)
	}
	form := to.Query()
	form.Set("user", strconv.Itoa(account.UserAdmin))
	form.Set("service", "yes")
	form.Set("allow", "yes")
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, at.URL+to.Path, strings.NewReader(form.Encode()))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	back, err := send(r)
	if err != nil || back.status != http.StatusSeeOther {
		s.t.Fatalf("the consent: %v %+v", err, back)
	}
	if a := s.get(back.header.Get("Location"), "Cookie", cookie); a.status != http.StatusOK || !strings.Contains(a.body, "works") {
		s.t.Fatalf("back from the consent: %d %s", a.status, a.body)
	}
}

// signIn returns the cookie of the admin's browser.
func (s *server) signIn() string {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.base+"/session", strings.NewReader(fmt.Sprintf(`{"token":%q}`, s.made.AdminToken)))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	a, err := send(r)
	cookie, _, ok := strings.Cut(a.header.Get("Set-Cookie"), ";")
	if err != nil || !ok {
		s.t.Fatalf("signing in: %v %+v", err, a)
	}
	return cookie
}

// TestPushWithARevokedSecret: nothing is written, and both push and connection
// say what to do; connected anew, the push is done.
func TestPushWithARevokedSecret(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, d database) {
		at := newStandIn(t, account.Options{Rules: func(r *account.Rules) { r.AccessTTLMS = int((time.Minute + dueAfter).Milliseconds()) }})
		s := newPushing(t, d, at)
		job := s.newJob(s.made.ConnectionID, "Account Executive", account.JobExecutive, account.StagePhone, nil)
		client := "clients/" + at.Credentials().ClientID
		at.press(client, map[string]any{"revoke_secret": true, "revoke_tokens": true})
		due(t)
		id := s.scored(job, "Lovelace", 82.5)
		s.push(id)
		p := s.pushed(id, "NEEDS_ATTENTION", "DONE")
		if p.State != "NEEDS_ATTENTION" || p.FaultCode != "AUTH" || !strings.Contains(p.Advice, "Connect") || p.Message == "" {
			t.Errorf("the push: %+v", p)
		}
		if now := s.authorization(); now.State != "NEEDS_RECONNECT" || now.Reason == "" {
			t.Errorf("the authorization: %+v", now)
		}
		if at.writes() != 0 || at.Stats().Candidates != 0 {
			t.Errorf("something was sent: %+v", at.Stats().ByEndpoint)
		}
		at.press(client, map[string]any{"secret": at.Credentials().ClientSecret})
		s.connect(s.made.ConnectionID, at)
		if err := s.retry(p.ID); err != nil {
			t.Error(err)
		}
		s.pushed(id, "DONE")
	})
}
