package account_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/trellis-ats/trellis/internal/sandbox/account"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	secret        = "a secret of the customer"
	partnerSecret = "a secret of the partner"
)

// bench is an account behind a listener, and a client with a token.
type bench struct {
	t     *testing.T
	a     *account.Account
	url   string
	http  *http.Client
	token string
}

func newBench(t *testing.T, change func(*account.Options)) *bench {
	t.Helper()
	outside, inside := http.NewServeMux(), http.NewServeMux()
	server := httptest.NewServer(outside)
	o := account.Options{
		PublicURL: server.URL, ClientSecret: secret, PartnerSecret: partnerSecret, RedirectHosts: []string{"trellis.example.com"},
		People: []account.Person{{ID: 17680001, ApplicationID: 26230001, FirstName: "Mara", LastName: "Sample", Email: "mara.sample@example.com", JobID: account.JobExecutive}},
		Rules:  func(r *account.Rules) { r.RateLimit, r.TokenLimit = 100_000, 100_000 },
	}
	if change != nil {
		change(&o)
	}
	a, err := account.New(o)
	if err != nil {
		t.Fatal(err)
	}
	a.Mount(outside, inside)
	outside.Handle("/", inside)
	b := &bench{t: t, a: a, url: server.URL, http: &http.Client{Transport: &http.Transport{}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	t.Cleanup(func() {
		b.http.CloseIdleConnections()
		a.Close()
		server.Close()
	})
	b.token = b.as("")
	return b
}

// as gets a token for an acting user; "" is the service user.
func (b *bench) as(sub string) string {
	b.t.Helper()
	form := url.Values{"grant_type": {"client_credentials"}}
	if sub != "" {
		form.Set("sub", sub)
	}
	status, body := b.oauth("token", "sandbox-1", secret, form)
	if status != http.StatusOK {
		b.t.Fatalf("token: %d %s", status, body)
	}
	var token struct {
		AccessToken string `json:"access_token"`
	}
	decode(b.t, body, &token)
	return token.AccessToken
}

func (b *bench) oauth(path, id, secret string, form url.Values) (int, string) {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, b.url+"/oauth/"+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if id != "" {
		req.SetBasicAuth(id, secret)
	}
	resp, body, err := b.do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	return resp.StatusCode, body
}

func (b *bench) do(req *http.Request) (*http.Response, string, error) {
	resp, err := b.http.Do(req)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp, string(body), err
}

// try makes a Harvest call that may not be answered.
func (b *bench) try(method, path, body string) (*http.Response, string, error) {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.url+"/v3/"+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	if b.token != "" {
		req.Header.Set("Authorization", "Bearer "+b.token)
	}
	return b.do(req)
}

// call makes a Harvest call.
func (b *bench) call(method, path, body string) (*http.Response, string) {
	b.t.Helper()
	resp, answer, err := b.try(method, path, body)
	if err != nil {
		b.t.Fatalf("%s %s: %v", method, path, err)
	}
	return resp, answer
}

// want makes a call that must be answered with the status.
func (b *bench) want(status int, method, path, body string) string {
	b.t.Helper()
	resp, answer := b.call(method, path, body)
	if resp.StatusCode != status {
		b.t.Fatalf("%s %s %s: %d %s, want %d", method, path, body, resp.StatusCode, answer, status)
	}
	return answer
}

// list reads rows.
func (b *bench) list(path string) []map[string]any {
	b.t.Helper()
	var rows []map[string]any
	decode(b.t, b.want(http.StatusOK, "GET", path, ""), &rows)
	return rows
}

// press is a button, by JSON.
func (b *bench) press(path, body string) string {
	b.t.Helper()
	status, answer := b.pressed(path, body)
	if status != http.StatusOK {
		b.t.Fatalf("POST /sandbox/%s %s: %d %s", path, body, status, answer)
	}
	return answer
}

func (b *bench) pressed(path, body string) (int, string) {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, b.url+"/sandbox/"+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, answer, err := b.do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	return resp.StatusCode, answer
}

// candidate makes one with an application and returns their ids.
func (b *bench) candidate(email string) (candidate, application int64) {
	b.t.Helper()
	var made struct{ Candidate, Application struct{ ID int64 } }
	decode(b.t, b.want(http.StatusCreated, "POST", "candidates", fmt.Sprintf(
		`{"first_name":"Zoë","last_name":"Ünal <x>","email_addresses":[{"value":%q,"type":"personal"}],"application":{"job_id":%d,"initial_stage_id":%d}}`,
		email, account.JobExecutive, account.StageAssessment)), &made)
	return made.Candidate.ID, made.Application.ID
}

func decode(t *testing.T, body string, to any) {
	t.Helper()
	if err := json.NewDecoder(bytes.NewReader([]byte(body))).Decode(to); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
}

// fakeClock stands still until it is moved, and tells when somebody waits.
type fakeClock struct {
	mu      sync.Mutex
	now     time.Time
	waiters map[chan struct{}]time.Time
	waiting chan time.Duration // how long each new waiter wants to wait
}

func newFakeClock() *fakeClock {
	return &fakeClock{now: time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC), waiters: map[chan struct{}]time.Time{}, waiting: make(chan time.Duration, 1000)}
}

func (c *fakeClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *fakeClock) Wait(ctx context.Context, until time.Time) bool {
	c.mu.Lock()
	d := until.Sub(c.now)
	reached := make(chan struct{})
	if d > 0 {
		c.waiters[reached] = until
	} else {
		close(reached)
	}
	c.mu.Unlock()
	c.waiting <- d
	select {
	case <-reached:
		return true
	case <-ctx.Done():
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.waiters, reached)
		return false
	}
}

// advance moves the time on and wakes who waited for it.
func (c *fakeClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	for until, at := range c.waiters {
		if !at.After(c.now) {
			close(until)
			delete(c.waiters, until)
		}
	}
}
