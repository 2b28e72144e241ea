package session_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/coretest"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/internal/httpd"
	"github.com/trellis-ats/trellis/internal/ratelimit"
	"github.com/trellis-ats/trellis/internal/session"
)

const public = "https://trellis.example.com"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sessions keeps sessions in memory, as core does in the database.
type sessions struct {
	clock core.Clock
	token core.Secret // the one that is known

	mu    sync.Mutex
	live  map[core.Secret]core.Actor
	ended []core.Secret
}

func (s *sessions) SignIn(_ context.Context, secret core.Secret) (*core.Session, core.Secret, error) {
	if secret != s.token {
		return nil, "", fault.New(fault.Unauthenticated, "This API token is unknown, expired or revoked.")
	}
	return s.begin(core.Actor{OrganizationID: "org_1", Role: core.RoleAdmin, Name: "token", Principal: "tok_1"})
}

func (s *sessions) Admit(_ context.Context, p core.Person) (*core.Session, core.Secret, error) {
	if p.OrganizationID != "org_1" {
		return nil, "", fault.New(fault.NotFound, "There is no such organization.")
	}
	return s.begin(core.Actor{OrganizationID: p.OrganizationID, Role: p.Role, Name: p.Name, Principal: p.Email})
}

func (s *sessions) begin(by core.Actor) (*core.Session, core.Secret, error) {
	secret := core.NewSecret("trs_")
	by.ID = core.NewID(core.PrefixSession)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.live[secret] = by
	return &core.Session{ID: by.ID, ExpiresAt: s.clock.Now().Add(12 * time.Hour)}, secret, nil
}

func (s *sessions) Authenticate(_ context.Context, secret core.Secret) (*core.Admission, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	by, ok := s.live[secret]
	if !ok {
		return nil, fault.New(fault.Unauthenticated, "You are signed out. Sign in again.")
	}
	return &core.Admission{Actor: by, Until: s.clock.Now().Add(12 * time.Hour), Roots: []core.ID{by.ID}}, nil
}

func (s *sessions) SignOut(_ context.Context, secret core.Secret) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.live, secret)
	s.ended = append(s.ended, secret)
	return nil
}

// world is the handler behind the server's middleware, and a browser.
type world struct {
	handler  http.Handler
	sessions *sessions
	clock    *coretest.Clock
	cookies  map[string]string
}

func newWorld(t *testing.T, adjust func(*session.Options)) *world {
	t.Helper()
	w := &world{clock: coretest.NewClock(), cookies: map[string]string{}}
	w.sessions = &sessions{clock: w.clock, token: "trl_known", live: map[core.Secret]core.Actor{}}
	o := session.Options{Sessions: w.sessions, PublicURL: public, Clock: w.clock}
	if adjust != nil {
		adjust(&o)
	}
	h, err := session.New(o)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	h.Register(mux)
	if w.handler, err = httpd.Middleware(httpd.MiddlewareOptions{Handler: mux, PublicURL: o.PublicURL}); err != nil {
		t.Fatal(err)
	}
	return w
}

// do sends what a browser or program would, and keeps its cookies.
func (w *world) do(t *testing.T, method, target, body string, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	for name, value := range w.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	recorded := httptest.NewRecorder()
	w.handler.ServeHTTP(recorded, r)
	answer := recorded.Result()
	for _, c := range answer.Cookies() {
		if c.MaxAge < 0 {
			delete(w.cookies, c.Name)
		} else {
			w.cookies[c.Name] = c.Value
		}
	}
	return answer
}

func (w *world) signIn(t *testing.T, token string) *http.Response {
	t.Helper()
	return w.do(t, "POST", "/session", `{"token":"`+token+`"}`, "Content-Type", "application/json")
}

func cookieOf(r *http.Response) *http.Cookie {
	for _, c := range r.Cookies() {
		if c.Name == session.Cookie {
			return c
		}
	}
	return &http.Cookie{}
}

func form(values ...string) string {
	v := url.Values{}
	for i := 0; i < len(values); i += 2 {
		v.Set(values[i], values[i+1])
	}
	return v.Encode()
}

func attempts(n int) *ratelimit.Limiter {
	return ratelimit.New(ratelimit.Options{PerMinute: n, Burst: n})
}
