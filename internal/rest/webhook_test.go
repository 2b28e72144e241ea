package rest_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/internal/rest"
)

// receiver keeps the call that it got.
type receiver struct{ got *core.WebhookCall }

func (r *receiver) Receive(_ context.Context, call *core.WebhookCall) *ats.HTTPResponse {
	r.got = call
	return &ats.HTTPResponse{Status: http.StatusOK, Body: []byte("kept")}
}

func sendHook(t *testing.T, r *http.Request) (*httptest.ResponseRecorder, *core.WebhookCall) {
	t.Helper()
	got := &receiver{}
	log := slog.New(slog.DiscardHandler)
	mux := http.NewServeMux()
	rest.New(rest.Options{Manifests: manifests{}, Inbound: &recorder{}, Log: log, RequestID: func(context.Context) string { return "" }}).Register(mux)
	rest.NewWebhooks(got, log).Register(mux)
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	return w, got.got
}

// The raw body and the proof of who sent it reach core; cookies do not.
func TestWebhookIsHandedOver(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest("POST", "/api/webhooks/lever?connection=con_1&x=2", strings.NewReader("{\"a\": \"\\u00e9\"}\n"))
	r.Header.Set("Signature", "sha256 00")
	r.Header.Set("Authorization", "Basic dTpw")
	r.Header.Set("Cookie", "session=1")
	w, got := sendHook(t, r)
	want := &core.WebhookCall{
		Adapter: "lever", Connection: "con_1",
		HTTP: ats.HTTPRequest{
			Method: "POST", Path: "/api/webhooks/lever", Params: map[string]string{},
			Query:  map[string][]string{"connection": {"con_1"}, "x": {"2"}},
			Header: map[string][]string{"Signature": {"sha256 00"}, "Authorization": {"Basic dTpw"}},
			Body:   []byte("{\"a\": \"\\u00e9\"}\n"),
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if w.Code != 200 || w.Body.String() != "kept" || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("answered %d %s", w.Code, w.Body)
	}
}

func TestWebhookLimits(t *testing.T) {
	t.Parallel()
	_, got := sendHook(t, httptest.NewRequest("POST", "/api/webhooks/lever", strings.NewReader(strings.Repeat("x", 1<<20+1))))
	if !fault.Is(got.Problem, fault.TooLarge) || got.HTTP.Body != nil {
		t.Errorf("one byte too many: %v", got.Problem)
	}
	if w, got := sendHook(t, httptest.NewRequest("GET", "/api/webhooks/lever", nil)); w.Code != 404 || got != nil {
		t.Errorf("a GET: %d", w.Code)
	}
}
