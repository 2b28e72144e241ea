// Package graph is the GraphQL API: the public contract is schema.graphqls.
// Resolvers parse, call core once and shape the answer; they hold no rule.
// Who may do what is core's to say.
package graph

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/graph/generated"
	"github.com/trellis-ats/trellis/graph/transport"
)

//go:generate go tool gqlgen generate

const (
	maxBody       = 1 << 20 // bytes
	cachedQueries = 1000
	// timeout bounds one query or mutation.
	timeout = 30 * time.Second
)

// Options is what the API is made of.
type Options struct {
	Tokens        *core.Tokens
	Organizations *core.Organizations
	Tests         *core.Tests
	Candidates    *core.Candidates
	Assessments   *core.Assessments
	Connections   *core.Connections
	Reports       *core.Reports
	Events        *core.Events
	SyncLog       *core.SyncLog
	Jobs          *core.Jobs
	AuditLog      *core.AuditLog
	Feed          *core.Feed
	Signals       Signals // tells subscriptions of news
	Links         *core.Links
	Log           *slog.Logger                 // nil: nothing is logged
	RequestID     func(context.Context) string // "" if there is none; nil: never any
	Introspection bool                         // whether callers may ask for the schema
	Suggestions   bool                         // whether errors suggest names of the schema
	Limits        Limits                       // zero values: DefaultLimits
}

// NewServer returns the handler of the API's one address. It is safe for
// concurrent use and holds nothing that must be closed.
func NewServer(o Options) http.Handler {
	o = o.orDefault()
	s := handler.New(generated.NewExecutableSchema(generated.Config{
		Resolvers: &root{o}, Complexity: costs(),
	}))
	overHTTP := transport.Options{Gate: gate{o.Tokens}.enter, MaxBody: maxBody, Timeout: timeout}
	s.AddTransport(transport.POST{Options: overHTTP})
	s.AddTransport(transport.GET{Options: overHTTP})
	s.AddTransport(transport.Other{})

	p := presenter{log: o.Log, requestID: o.RequestID}
	s.SetErrorPresenter(p.present)
	s.SetRecoverFunc(p.recovered)

	cache := lru.New[*ast.QueryDocument](cachedQueries)
	s.SetQueryCache(cache)
	s.SetParserTokenLimit(o.Limits.Tokens)
	s.Use(shape{limits: o.Limits, accepted: cache})
	s.Use(extension.FixedComplexityLimit(o.Limits.Complexity))
	s.SetDisableSuggestion(!o.Suggestions)
	if o.Introspection {
		s.Use(extension.Introspection{})
	}
	s.AroundResponses(o.withLoaders)
	return s
}

func (o Options) orDefault() Options {
	o.Limits = o.Limits.orDefault()
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.RequestID == nil {
		o.RequestID = func(context.Context) string { return "" }
	}
	return o
}
