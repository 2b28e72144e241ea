// Package rest serves the endpoints that an ATS calls, below /api/{adapter}/,
// and those that a vendor's programs call, below /api/integrations/{adapter}/.
// The former are told by the adapters' manifests: nothing here knows an ATS by
// name. A handler reads the request, calls core once and writes what core
// answers.
package rest

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// maxBody bounds a request's body, in bytes.
const maxBody = 1 << 20

// Manifests tells what the installed adapters offer.
type Manifests interface {
	Manifest(name string) (*ats.Manifest, error)
}

// Answerer does what an ATS asks; *core.Inbound is one.
type Answerer interface {
	Answer(ctx context.Context, call *core.InboundCall) *ats.HTTPResponse
}

// Options is what Shim needs.
type Options struct {
	Manifests Manifests
	Inbound   Answerer
	RequestID func(context.Context) string
	Log       *slog.Logger
}

// Shim serves all adapters' routes. It is safe for concurrent use.
type Shim struct {
	o      Options
	routes sync.Map // adapter name → *routes, made anew when the manifest changes
}

// routes is one adapter's routes.
type routes struct {
	manifest *ats.Manifest
	mux      *http.ServeMux
}

// New returns the shim.
func New(o Options) *Shim { return &Shim{o: o} }

// Register mounts the shim.
func (s *Shim) Register(mux *http.ServeMux) {
	mux.HandleFunc("/api/{adapter}/{path...}", s.serve)
}

func (s *Shim) serve(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("adapter")
	m, err := s.o.Manifests.Manifest(name)
	if err != nil {
		s.write(w, r, Shape(err))
		return
	}
	routes := s.routesOf(name, m)
	handler, pattern := routes.mux.Handler(r)
	if pattern == "" {
		s.write(w, r, refusalOf(r, handler))
		return
	}
	routes.mux.ServeHTTP(w, r)
}

// refusalOf is the answer to a path or method that is not there, as JSON. std is
// what a ServeMux gave for the request.
func refusalOf(r *http.Request, std http.Handler) *ats.HTTPResponse {
	probe := &statusRecorder{header: http.Header{}}
	std.ServeHTTP(probe, r)
	answer := Shape(fault.New(fault.NotFound, "There is no such endpoint."))
	if probe.status == http.StatusMethodNotAllowed {
		answer = Shape(fault.New(fault.Unsupported, "This endpoint does not take the method %s.", r.Method))
		answer.Status = http.StatusMethodNotAllowed
		answer.Header["Allow"] = probe.header["Allow"]
	}
	return answer
}

// statusRecorder learns what the standard mux would answer.
type statusRecorder struct {
	header http.Header
	status int
}

func (p *statusRecorder) Header() http.Header         { return p.header }
func (p *statusRecorder) Write(b []byte) (int, error) { return len(b), nil }
func (p *statusRecorder) WriteHeader(status int)      { p.status = status }

// routesOf returns the adapter's routes, made from its manifest.
func (s *Shim) routesOf(name string, m *ats.Manifest) *routes {
	if known, ok := s.routes.Load(name); ok && known.(*routes).manifest == m {
		return known.(*routes)
	}
	fresh := &routes{manifest: m, mux: http.NewServeMux()}
	for _, route := range m.Routes {
		fresh.mux.Handle(route.Method+" /api/"+name+"/"+route.Path, s.route(name, route))
	}
	s.routes.Store(name, fresh)
	return fresh
}

func (s *Shim) route(adapter string, route ats.Route) http.HandlerFunc {
	wildcards := wildcardsOf(route.Path)
	return func(w http.ResponseWriter, r *http.Request) {
		call := &core.InboundCall{
			Adapter: adapter, Route: route.Name, Key: credential(r, route.Credential),
			HTTP: requestOf(r, wildcards), RequestID: s.o.RequestID(r.Context()),
		}
		call.HTTP.Body, call.Problem = readBody(w, r)
		s.write(w, r, s.o.Inbound.Answer(r.Context(), call))
	}
}

// requestOf carries the request without its credentials.
func requestOf(r *http.Request, wildcards []string) ats.HTTPRequest {
	header := map[string][]string(r.Header.Clone())
	delete(header, "Authorization")
	delete(header, "Cookie")
	params := map[string]string{}
	for _, name := range wildcards {
		params[name] = r.PathValue(name)
	}
	return ats.HTTPRequest{Method: r.Method, Path: r.URL.Path, Params: params, Query: r.URL.Query(), Header: header}
}

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, fault.New(fault.TooLarge, "The body is larger than %d bytes. Nothing was kept.", maxBody)
	}
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "The body did not arrive whole. Nothing was kept; send it again.")
	}
	return body, nil
}

func credential(r *http.Request, where ats.Credential) core.Secret {
	switch where {
	case ats.CredentialBasicUser:
		user, _, _ := r.BasicAuth()
		return core.Secret(user)
	case ats.CredentialBearer:
		token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !ok {
			return ""
		}
		return core.Secret(token)
	default:
		return ""
	}
}

func wildcardsOf(path string) []string {
	var names []string
	for part := range strings.SplitSeq(path, "/") {
		if inner, ok := strings.CutPrefix(part, "{"); ok {
			names = append(names, strings.TrimSuffix(strings.TrimSuffix(inner, "}"), "..."))
		}
	}
	return names
}

func (s *Shim) write(w http.ResponseWriter, r *http.Request, answer *ats.HTTPResponse) {
	writeAnswer(w, r, s.o.Log, answer)
}

func writeAnswer(w http.ResponseWriter, r *http.Request, log *slog.Logger, answer *ats.HTTPResponse) {
	for name, values := range answer.Header {
		w.Header()[http.CanonicalHeaderKey(name)] = values
	}
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(answer.Status)
	if _, err := w.Write(answer.Body); err != nil {
		log.DebugContext(r.Context(), "the caller went away before the answer was written", "error", err)
	}
}
