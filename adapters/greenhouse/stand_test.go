package greenhouse_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/trellis-ats/trellis/adapters/greenhouse"
	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/plugins/sdk"
	"github.com/trellis-ats/trellis/plugins/sdk/sdktest"
)

// patient returns the adapter behind real gRPC, with a deadline that a test can
// wait for.
func patient(t testing.TB) sdktest.Client {
	t.Helper()
	return sdktest.Serve(t, greenhouse.New, sdktest.Options{
		HTTP: sdk.NewHTTPClient(sdk.HTTPOptions{Timeout: 2 * time.Second}),
	})
}

// said is one answer of the stand-in.
type said struct {
	status int // 0: 200
	body   string
	header []string // pairs
}

// asked is one request as the stand-in saw it.
type asked struct {
	Route, Query, Body string
}

// stand is a stand-in Greenhouse that gives the answers of a script: for each
// route one after the other, the last one again and again.
type stand struct {
	t      testing.TB
	server *httptest.Server

	mu     sync.Mutex
	script map[string][]said
	seen   []asked
	hang   string // a route that never answers
	cut    string // a route that cuts the connection after it took the request
	auth   []string
}

const (
	token        = "tok_test_abcdef"
	clientID     = "client-test-123"
	clientSecret = "cs_test_0123456789"
)

func newStand(t testing.TB, script map[string][]said) *stand {
	t.Helper()
	s := &stand{t: t, script: script}
	s.server = httptest.NewServer(s)
	t.Cleanup(func() {
		s.server.CloseClientConnections()
		s.server.Close()
	})
	return s
}

func (s *stand) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	route := r.Method + " " + r.URL.Path
	query, _ := url.QueryUnescape(r.URL.RawQuery)
	s.mu.Lock()
	s.seen = append(s.seen, asked{route, query, string(body)})
	s.auth = append(s.auth, r.Header.Get("Authorization"))
	answers := s.script[route]
	if len(answers) > 1 {
		s.script[route] = answers[1:]
	}
	hang, cut := s.hang == route, s.cut == route
	s.mu.Unlock()
	switch {
	case hang:
		<-r.Context().Done()
	case cut:
		panic(http.ErrAbortHandler)
	case len(answers) == 0:
		s.t.Errorf("unexpected %s?%s %s", route, query, body)
		w.WriteHeader(http.StatusNotImplemented)
	default:
		answers[0].write(w)
	}
}

func (a said) write(w http.ResponseWriter) {
	for i := 0; i < len(a.header); i += 2 {
		w.Header().Add(a.header[i], a.header[i+1])
	}
	if a.status != 0 {
		w.WriteHeader(a.status)
	}
	_, _ = io.WriteString(w, a.body)
}

// requests returns what was asked, and forgets it.
func (s *stand) requests() []asked {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.seen
	s.seen = nil
	return all
}

// routes returns which routes were asked, in order.
func (s *stand) routes() string {
	var all []string
	for _, a := range s.requests() {
		all = append(all, a.Route)
	}
	return strings.Join(all, ", ")
}

// connected is a connection to the stand-in, with its settings changed by pairs.
func (s *stand) connected(a ats.Adapter, pairs ...string) ats.Connection {
	s.t.Helper()
	c := connection(s.t, a, append([]string{
		"auth_mode", "client_credentials", "client_id", clientID, "harvest_url", s.server.URL, "auth_url", s.server.URL + "/oauth",
	}, pairs...)...)
	c.Secrets[ats.SecretAccessToken], c.Secrets["client_secret"] = token, clientSecret
	return c
}

// ok is a script of one answer.
func ok(body string) []said { return []said{{body: body}} }
