package connect_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/internal/connect"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// stand is core as the page sees it.
type stand struct {
	got    core.ConsentAnswer
	by     core.Actor
	called int
	status core.HealthStatus
	err    error
}

func (s *stand) CompleteConsent(_ context.Context, by core.Actor, a core.ConsentAnswer) (*core.Connection, error) {
	s.called, s.by, s.got = s.called+1, by, a
	return &core.Connection{Name: "Main <b>", Health: core.Health{Status: s.status}}, s.err
}

func (*stand) Authenticate(_ context.Context, secret core.Secret) (*core.Admission, error) {
	if secret != "live" {
		return nil, fault.New(fault.Unauthenticated, "You are signed out.")
	}
	return &core.Admission{Actor: core.Actor{OrganizationID: "org_1", Principal: "ada@example.com"}}, nil
}

func open(t *testing.T, s *stand, cookie, query string) (int, string) {
	t.Helper()
	mux := http.NewServeMux()
	connect.New(connect.Options{Authorizations: s, Sessions: s, Cookie: "session"}).Register(mux)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/connect/fake/callback?"+query, nil)
	if cookie != "" {
		r.AddCookie(&http.Cookie{Name: "session", Value: cookie})
	}
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func TestThePageSaysWhatHappened(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		stand  stand
		cookie string
		query  string
		status int
		says   string
		called int
	}{
		"connected":         {stand{status: core.HealthOK}, "live", "state=s&code=c", 200, "Main &lt;b&gt; works", 1},
		"something missing": {stand{status: core.HealthDegraded}, "live", "state=s&code=c", 200, "something is missing", 1},
		"signed out":        {stand{}, "", "state=s&code=c", 401, "Nobody is signed in", 0},
		"session over":      {stand{}, "old", "state=s&code=c", 401, "Nobody is signed in", 0},
		"too much":          {stand{}, "live", "state=" + strings.Repeat("x", 9000), 413, "more than it may", 0},
		"not theirs":        {stand{err: fault.New(fault.NotFound, "This attempt is not yours.")}, "live", "state=s&code=c", 404, "not yours", 1},
		"another account":   {stand{err: fault.New(fault.Conflict, "This connection belongs to acme.")}, "live", "state=s&code=c", 409, "belongs to acme", 1},
		"wrong client":      {stand{err: fault.New(fault.Config, "The client is not configured.")}, "live", "state=s&code=c", 502, "not configured", 1},
		"ours":              {stand{err: context.Canceled}, "live", "state=s&code=c", 500, "Something went wrong on our side", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, body := open(t, &c.stand, c.cookie, c.query)
			if status != c.status || !strings.Contains(body, c.says) || c.stand.called != c.called {
				t.Errorf("%d, %d calls: %s", status, c.stand.called, body)
			}
		})
	}
}

func TestWhatCameBackReachesTheUseCase(t *testing.T) {
	t.Parallel()
	s := &stand{status: core.HealthOK}
	open(t, s, "live", "state=the-state&code=the-code&error=access_denied")
	if s.by.Principal != "ada@example.com" || s.got.Adapter != "fake" || s.got.State != "the-state" || s.got.Code != "the-code" || s.got.Problem != "access_denied" {
		t.Errorf("got %+v by %+v", s.got, s.by)
	}
}
