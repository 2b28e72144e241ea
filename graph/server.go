// Package graph is the GraphQL API: the public contract is schema.graphqls.
// Resolvers parse, call core once and shape the answer; they hold no rule.
// Who may do what is core's to say.
package graph

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/graph/generated"
	"github.com/trellis-ats/trellis/graph/transport"
	"github.com/trellis-ats/trellis/internal/ratelimit"
)

//go:generate go tool gqlgen generate

const (
	maxBody = 1 << 20 // bytes
	// cachedQueries is how much text of parsed documents is kept, in bytes;
	// what was parsed takes up to some hundred times as much.
	cachedQueries = 1 << 20
	// timeout bounds one query or mutation.
	timeout = 30 * time.Second
	// initTimeout bounds the time until a websocket is let in.
	initTimeout = 3 * time.Second
)

// Options is what the API is made of.
type Options struct {
	Tokens           *core.Tokens
	Organizations    *core.Organizations
	Tests            *core.Tests
	Candidates       *core.Candidates
	Assessments      *core.Assessments
	Connections      *core.Connections
	Reports          *core.Reports
	Events           *core.Events
	SyncLog          *core.SyncLog
	Jobs             *core.Jobs
	JobMappings      *core.JobMappings
	PushProfiles     *core.PushProfiles
	PushRules        *core.PushRules
	Pushes           *core.Pushes
	RoutingRules     *core.RoutingRules
	RoutingDecisions *core.RoutingDecisions
	ActingUsers      *core.ActingUsers
	Authorizations   *core.Authorizations
	ReferenceData    *core.ReferenceData
	Webhooks         *core.Webhooks
	StageTriggers    *core.StageTriggers
	Erasures         *core.Erasures
	Issues           *core.Issues

	Reconciliations *core.Reconciliations

	AuditLog      *core.AuditLog
	Feed          *core.Feed
	Signals       Signals // tells subscriptions of news
	Links         *core.Links
	Log           *slog.Logger                 // nil: nothing is logged
	RequestID     func(context.Context) string // "" if there is none; nil: never any
	Introspection Introspection                // who may ask for the schema
	Suggestions   bool                         // whether errors quote the request and suggest names of the schema
	Limits        Limits                       // zero values: DefaultLimits

	Sessions      *core.Sessions                   // nil: only API tokens let callers in
	SessionCookie string                           // the name of a session's cookie
	PublicURL     string                           // where browsers reach the server; "" if that is its own host
	ClientAddress func(context.Context) netip.Addr // where a request comes from; nil: not known
	Callers       *ratelimit.Limiter               // of one token or person; nil: no limit
	Strangers     *ratelimit.Limiter               // of one address that nothing lets in; nil: no limit
	AllowList     AllowList                        // the only documents to run; zero: all, and callers may persist theirs
	Endings       Watcher                          // ends open connections; nil: they last
}

// Watcher tells when an admission ends; *Endings does.
type Watcher interface {
	Watch(a *core.Admission) (ended <-chan struct{}, stop func())
}

// Server is the API's one address. It is safe for concurrent use.
type Server struct {
	handler http.Handler
	sockets *transport.Websocket
	events  *transport.SSE
}

// NewServer returns the server; Close it.
func NewServer(o Options) *Server {
	o = o.orDefault()
	g := newGate(o)
	s := &Server{sockets: o.sockets(g), events: o.events(g)}
	gql := o.newHandler()
	overHTTP := transport.Options{Gate: g.enter, MaxBody: maxBody, Timeout: timeout}
	gql.AddTransport(s.sockets)
	gql.AddTransport(s.events)
	gql.AddTransport(transport.POST{Options: overHTTP})
	gql.AddTransport(transport.GET{Options: overHTTP})
	gql.AddTransport(transport.Other{})
	s.handler = g.around(gql, s.sockets.Supports)
	return s
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Close ends what is open: websockets are told that the server goes away. It
// waits for them until ctx ends, and then cuts them. Call it before the HTTP
// server's Shutdown.
func (s *Server) Close(ctx context.Context) error {
	return errors.Join(s.sockets.Close(ctx), s.events.Close(ctx))
}

func (o Options) sockets(g gate) *transport.Websocket {
	return &transport.Websocket{
		Init: g.enterSocket, InitTimeout: initTimeout, Revoked: o.revoked, CheckOrigin: g.origins.allowed,
		Timeout: timeout, Log: o.Log,
	}
}

func (o Options) events(g gate) *transport.SSE {
	return &transport.SSE{
		Gate: g.enterStream, Revoked: o.revoked, Timeout: timeout, ReadLimit: maxBody, Log: o.Log,
		CheckOrigin: g.origins.allowed, // a cookie counts only where the gate finds it willed
		Caller: func(ctx context.Context) string {
			return admissionOf(ctx).Caller()
		},
	}
}

// revoked returns a channel that is closed when what let the caller in ends.
func (o Options) revoked(ctx context.Context) <-chan struct{} {
	a := admissionOf(ctx)
	if o.Endings == nil || a == nil {
		return nil
	}
	ended, stop := o.Endings.Watch(a)
	context.AfterFunc(ctx, stop)
	return ended
}

// newHandler puts together what every operation passes, in this order.
func (o Options) newHandler() *handler.Server {
	s := handler.New(generated.NewExecutableSchema(generated.Config{
		Resolvers: &root{o}, Complexity: costs(),
	}))
	p := presenter{log: o.Log, requestID: o.RequestID}
	s.SetErrorPresenter(words{quote: o.Suggestions, next: p.present}.present)
	s.SetRecoverFunc(p.recovered)
	s.SetDisableSuggestion(!o.Suggestions)

	cache := newSized(cachedQueries, func(*ast.QueryDocument) int { return 0 })
	s.SetQueryCache(cache)
	s.SetParserTokenLimit(o.Limits.Tokens)
	if o.AllowList.empty() {
		s.Use(automatic())
	} else {
		s.Use(allowed{o.AllowList})
	}
	s.Use(shape{limits: o.Limits, accepted: cache})
	s.Use(extension.FixedComplexityLimit(o.Limits.Complexity))
	s.Use(meter{o.Callers})
	s.Use(newTurns(o.Limits.Turns))
	s.Use(o.Introspection)
	s.AroundResponses(o.withLoaders)
	s.AroundRootFields(o.perMutation)
	return s
}

func (o Options) orDefault() Options {
	o.Limits = o.Limits.orDefault()
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.ClientAddress == nil {
		o.ClientAddress = func(context.Context) netip.Addr { return netip.Addr{} }
	}
	if o.RequestID == nil {
		o.RequestID = func(context.Context) string { return "" }
	}
	return o
}
