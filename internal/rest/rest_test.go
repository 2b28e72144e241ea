package rest_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/internal/rest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type manifests map[string]*ats.Manifest

func (m manifests) Manifest(name string) (*ats.Manifest, error) {
	if found, ok := m[name]; ok {
		return found, nil
	}
	return nil, fault.New(fault.NotFound, "There is no adapter of this name.")
}

// recorder keeps the call that it got.
type recorder struct{ got *core.InboundCall }

func (r *recorder) Answer(_ context.Context, call *core.InboundCall) *ats.HTTPResponse {
	r.got = call
	return &ats.HTTPResponse{Status: http.StatusCreated, Header: map[string][]string{"Content-Type": {"text/plain"}}, Body: []byte("done")}
}

func serve(t *testing.T, r *http.Request) (*httptest.ResponseRecorder, *core.InboundCall) {
	t.Helper()
	answerer := &recorder{}
	shim := rest.New(rest.Options{
		Manifests: manifests{"lever": {Name: "lever", Routes: []ats.Route{
			{Name: "order", Method: "POST", Path: "orders", Credential: ats.CredentialBasicUser},
			{Name: "status", Method: "GET", Path: "orders/{id}", Credential: ats.CredentialBearer},
		}}},
		Inbound: answerer, Log: slog.New(slog.DiscardHandler),
		RequestID: func(context.Context) string { return "req-1" },
	})
	mux := http.NewServeMux()
	shim.Register(mux)
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	return w, answerer.got
}

func TestRoutesComeFromTheManifest(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest("POST", "/api/lever/orders?x=1", strings.NewReader(`{"a":1}`))
	r.SetBasicAuth("the-key", "")
	r.Header.Set("Cookie", "session=secret")
	r.Header.Set("Content-Type", "application/json")
	w, got := serve(t, r)
	if w.Code != http.StatusCreated || w.Body.String() != "done" || w.Header().Get("Content-Type") != "text/plain" {
		t.Errorf("the answer was not written as given: %d %s", w.Code, w.Body)
	}
	want := &core.InboundCall{
		Adapter: "lever", Route: "order", Key: "the-key", RequestID: "req-1",
		HTTP: ats.HTTPRequest{
			Method: "POST", Path: "/api/lever/orders", Params: map[string]string{}, Query: map[string][]string{"x": {"1"}},
			Header: map[string][]string{"Content-Type": {"application/json"}}, Body: []byte(`{"a":1}`),
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestBearerAndWildcard(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest("GET", "/api/lever/orders/o%2F1", nil)
	r.Header.Set("Authorization", "Bearer token-1")
	_, got := serve(t, r)
	if got == nil || got.Key != "token-1" || got.HTTP.Params["id"] != "o/1" {
		t.Errorf("got %+v", got)
	}
}

func TestUnknownPathsAndMethods(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/api/workday/orders", 404},
		{"GET", "/api/lever/nothing", 404},
		{"DELETE", "/api/lever/orders", 405},
		{"GET", "/api/lever/orders/1/2", 404},
	} {
		w, got := serve(t, httptest.NewRequest(c.method, c.path, nil))
		if w.Code != c.status || got != nil || !strings.HasPrefix(w.Header().Get("Content-Type"), "application/json") {
			t.Errorf("%s %s: %d %s", c.method, c.path, w.Code, w.Body)
		}
		if c.status == 405 && w.Header().Get("Allow") != "POST" {
			t.Errorf("Allow is %q", w.Header().Get("Allow"))
		}
	}
}

func TestBodyOverTheLimit(t *testing.T) {
	t.Parallel()
	_, got := serve(t, httptest.NewRequest("POST", "/api/lever/orders", strings.NewReader(strings.Repeat("x", 1<<20))))
	if got.Problem != nil || len(got.HTTP.Body) != 1<<20 {
		t.Errorf("a body of exactly 1 MiB: %v", got.Problem)
	}
	_, got = serve(t, httptest.NewRequest("POST", "/api/lever/orders", strings.NewReader(strings.Repeat("x", 1<<20+1))))
	if !fault.Is(got.Problem, fault.TooLarge) || got.HTTP.Body != nil {
		t.Errorf("one byte more: %v", got.Problem)
	}
	_, got = serve(t, httptest.NewRequest("POST", "/api/lever/orders", io.MultiReader(strings.NewReader("half"), broken{})))
	if !fault.Is(got.Problem, fault.Invalid) {
		t.Errorf("a body that breaks off: %v", got.Problem)
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("reset") }

func TestShape(t *testing.T) {
	t.Parallel()
	limited := fault.New(fault.RateLimited, "Slow down.")
	limited.RetryAfter = 1500 * time.Millisecond
	for _, c := range []struct {
		err    error
		status int
		body   string
	}{
		{limited, 429, `{"code":"RATE_LIMITED","message":"Slow down."}`},
		{fault.InvalidField("a.b", "REQUIRED", "a.b is required."), 422, `{"code":"INVALID","message":"a.b is required.","errors":[{"field":"a.b","code":"REQUIRED","message":"a.b is required."}]}`},
		{fault.New(fault.Unauthenticated, "No."), 401, `{"code":"UNAUTHENTICATED","message":"No."}`},
		{fault.Wrap(errors.New("password=hunter2"), fault.Retryable, "Later."), 503, `{"code":"RETRYABLE","message":"Later."}`},
	} {
		got := rest.Shape(c.err)
		if got.Status != c.status || string(got.Body) != c.body {
			t.Errorf("%v: %d %s", c.err, got.Status, got.Body)
		}
	}
	if got := rest.Shape(limited).Header["Retry-After"]; !cmp.Equal(got, []string{"2"}) {
		t.Errorf("Retry-After is %v", got)
	}
	if got := rest.Shape(errors.New("select * from secrets")); got.Status != 500 || strings.Contains(string(got.Body), "select") {
		t.Errorf("an unknown error left: %s", got.Body)
	}
}
