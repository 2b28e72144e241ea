package rest

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/internal/ratelimit"
)

// Tokens lets callers in; *core.Tokens is one.
type Tokens interface {
	Authenticate(ctx context.Context, secret core.Secret) (*core.Admission, error)
}

// IntegrationOptions is what Integration needs.
type IntegrationOptions struct {
	Manifests     Manifests
	Tokens        Tokens
	SyncLog       SyncLog
	Connections   Connections
	Pushes        Pushes
	Exports       Exports
	Budgets       ratelimit.Budgets
	ClientAddress func(context.Context) netip.Addr
	RequestID     func(context.Context) string
	Log           *slog.Logger
}

// Integration serves what a vendor's own programs call, below
// /api/integrations/{adapter}/ and /api/exports/, with an API token as
// "Authorization: Bearer …". It is safe for concurrent use.
type Integration struct {
	o   IntegrationOptions
	mux *http.ServeMux
}

// NewIntegration returns the endpoints.
func NewIntegration(o IntegrationOptions) *Integration {
	i := &Integration{o: o, mux: http.NewServeMux()}
	for pattern, e := range map[string]endpoint{
		"GET /sync-log":             {http.StatusOK, i.listSyncLog},
		"GET /sync-log/{id}":        {http.StatusOK, i.getSyncEntry},
		"POST /sync-log/{id}/retry": {http.StatusAccepted, i.retry},
		"POST /push/{id}":           {http.StatusAccepted, i.push},
		"GET /health":               {http.StatusOK, i.health},
	} {
		i.mux.Handle(strings.Replace(pattern, " ", " /api/integrations/{adapter}", 1), i.handle(e))
	}
	i.mux.HandleFunc("GET /api/exports/{file}", i.export)
	i.mux.HandleFunc("GET /api/exports/candidates/{file}", i.exportCandidate)
	return i
}

// Register mounts the endpoints.
func (i *Integration) Register(mux *http.ServeMux) {
	mux.HandleFunc("/api/integrations/{path...}", i.serve)
	mux.HandleFunc("/api/exports/{path...}", i.serve)
}

// endpoint is what one address is for. answer returns what is written as JSON,
// with the status if it went well.
type endpoint struct {
	status int
	answer func(r *http.Request, by core.Actor) (any, error)
}

type actorKey struct{}

// serve lets the caller in, whatever is asked for, and counts the request.
func (i *Integration) serve(w http.ResponseWriter, r *http.Request) {
	admitted, err := i.admit(r)
	caller := ""
	if err == nil {
		caller = admitted.Caller()
	}
	if over := i.o.Budgets.Charge(r.Context(), w.Header(), caller, i.o.ClientAddress(r.Context())); over != nil {
		err = over
	}
	if err != nil {
		i.write(w, r, i.failure(r, err))
		return
	}
	handler, pattern := i.mux.Handler(r)
	if pattern == "" {
		i.write(w, r, refusalOf(r, handler))
		return
	}
	i.mux.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), actorKey{}, admitted.Actor)))
}

// admit authenticates by the API token. Errors: fault.Unauthenticated.
func (i *Integration) admit(r *http.Request) (*core.Admission, error) {
	token := credential(r, ats.CredentialBearer)
	if token == "" {
		return nil, fault.New(fault.Unauthenticated, "Send an API token as \"Authorization: Bearer trl_…\".")
	}
	return i.o.Tokens.Authenticate(r.Context(), token)
}

func (i *Integration) handle(e endpoint) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		by, _ := r.Context().Value(actorKey{}).(core.Actor)
		if _, err := i.o.Manifests.Manifest(r.PathValue("adapter")); fault.Is(err, fault.NotFound) {
			i.write(w, r, i.failure(r, err))
			return
		}
		shown, err := e.answer(r, by)
		if err != nil {
			i.write(w, r, i.failure(r, err))
			return
		}
		body, err := json.Marshal(shown)
		if err != nil {
			i.write(w, r, i.failure(r, err))
			return
		}
		header := map[string][]string{"Content-Type": {"application/json; charset=utf-8"}}
		i.write(w, r, &ats.HTTPResponse{Status: e.status, Header: header, Body: body})
	}
}

// failure is Shape for callers with a token. What is our fault is logged here.
func (i *Integration) failure(r *http.Request, err error) *ats.HTTPResponse {
	answer := Shape(err)
	if answer.Status == http.StatusUnauthorized {
		answer.Header["Www-Authenticate"] = []string{`Bearer realm="Trellis"`}
	}
	if answer.Status == http.StatusInternalServerError {
		i.o.Log.ErrorContext(r.Context(), "integration call failed", "error", err, "requestId", i.o.RequestID(r.Context()))
	}
	return answer
}

func (i *Integration) write(w http.ResponseWriter, r *http.Request, answer *ats.HTTPResponse) {
	writeAnswer(w, r, i.o.Log, answer)
}
