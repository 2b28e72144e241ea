package app

import (
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/netip"

	"github.com/redis/go-redis/v9"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/graph"
	"github.com/trellis-ats/trellis/graph/explorer"
	"github.com/trellis-ats/trellis/internal/config"
	"github.com/trellis-ats/trellis/internal/connect"
	"github.com/trellis-ats/trellis/internal/httpd"
	"github.com/trellis-ats/trellis/internal/mail"
	"github.com/trellis-ats/trellis/internal/ratelimit"
	"github.com/trellis-ats/trellis/internal/report"
	"github.com/trellis-ats/trellis/internal/rest"
	"github.com/trellis-ats/trellis/internal/session"
)

// edges is everything that the server answers with.
type edges struct {
	mux     *http.ServeMux
	graph   *graph.Server
	proxies []netip.Prefix
	redis   *redis.Client // counts callers for all processes; nil: each for itself
	budgets ratelimit.Budgets
}

func (e *edges) close() error {
	if e.redis == nil {
		return nil
	}
	return e.redis.Close()
}

// newEdges mounts every edge.
func (a *App) newEdges(key []byte) (*edges, error) {
	c := a.o.Config
	e := &edges{mux: http.NewServeMux()}
	var err error
	if e.proxies, err = c.Proxies(); err != nil {
		return nil, err
	}
	if err = e.openRedis(c.RedisURL); err != nil {
		return nil, err
	}
	e.budgets = ratelimit.Budgets{
		Callers:   a.limiter(e, "callers", c.RateLimit, c.RateBurst),
		Strangers: a.limiter(e, "strangers", c.StrangerLimit, c.StrangerLimit),
	}
	if e.graph, err = a.newGraph(e); err != nil {
		return nil, err
	}
	sessions, err := a.newSessions(e, key)
	if err != nil {
		return nil, err
	}
	sessions.Register(e.mux)
	a.mountREST(e)
	a.mountPages(e)
	e.mux.Handle("/graphql", e.graph)
	return e, nil
}

// openRedis does nothing without an address.
func (e *edges) openRedis(address string) error {
	if address == "" {
		return nil
	}
	options, err := redis.ParseURL(address)
	if err != nil {
		return fmt.Errorf("TRELLIS_REDIS_URL is not an address of Redis: %w", err)
	}
	options.MaxRetries, options.DialerRetries, options.ContextTimeoutEnabled = -1, 1, true
	e.redis = redis.NewClient(options)
	return nil
}

// mountREST mounts what ATSs and the vendor's programs call.
func (a *App) mountREST(e *edges) {
	rest.New(rest.Options{
		Manifests: a.host, Inbound: a.core.inbound, RequestID: httpd.RequestID, Log: a.o.Log,
	}).Register(e.mux)
	rest.NewIntegration(rest.IntegrationOptions{
		Manifests: a.host, Tokens: a.core.tokens, SyncLog: a.core.syncLog, Connections: a.core.connections, Pushes: a.core.pushes,
		Exports: a.core.exports,
		Budgets: e.budgets, ClientAddress: httpd.ClientAddress, RequestID: httpd.RequestID, Log: a.o.Log,
	}).Register(e.mux)
	rest.NewWebhooks(a.core.webhooks, a.o.Log).Register(e.mux)
	a.health.Register(e.mux)
}

// mountPages mounts what people open.
func (a *App) mountPages(e *edges) {
	connect.New(connect.Options{
		Authorizations: a.core.authorizations, Sessions: a.core.sessions, Cookie: session.Cookie, Log: a.o.Log,
	}).Register(e.mux)
	mail.NewPage(mail.PageOptions{Invitations: a.core.invitations, Log: a.o.Log}).Register(e.mux)
	report.New(report.Options{Reports: a.core.reports, Printer: a.core.paper, Log: a.o.Log}).Register(e.mux)
	if a.o.Demo {
		e.mux.Handle("/graphiql/", explorer.Explorer())
		e.mux.Handle("/graphiql", explorer.Explorer())
	}
	if a.mailbox != nil {
		e.mux.Handle("/dev/mail", a.forgetting(a.mailbox.Handler()))
		e.mux.Handle("/dev/mail/", a.forgetting(a.mailbox.Handler()))
	}
}

// limiter counts callers, for all processes if there is a Redis.
func (a *App) limiter(e *edges, name string, perMinute, burst int) *ratelimit.Limiter {
	o := ratelimit.Options{Name: name, PerMinute: perMinute, Burst: burst, Log: a.o.Log}
	if e.redis != nil {
		o.Redis = e.redis
	}
	return ratelimit.New(o)
}

func (a *App) newGraph(e *edges) (*graph.Server, error) {
	c, u := a.o.Config, a.core
	o := graph.Options{
		Tokens: u.tokens, Organizations: u.organizations, Tests: u.tests, Candidates: u.candidates,
		Assessments: u.assessments, Connections: u.connections, Reports: u.reports, Events: u.events,
		SyncLog: u.syncLog, Jobs: u.jobs, AuditLog: u.audit, Feed: u.feed, Signals: a.bus, Links: u.links,
		JobMappings: u.jobMappings, PushProfiles: u.pushProfiles, PushRules: u.pushRules, RoutingRules: u.routingRules, RoutingDecisions: u.decisions, Pushes: u.pushes, ActingUsers: u.actingUsers,
		Authorizations: u.authorizations, ReferenceData: u.referenceData,
		Webhooks: u.webhooks, StageTriggers: u.stageTriggers, Erasures: u.erasures,
		Issues: u.issues, Reconciliations: u.reconciliations,
		Log: a.o.Log, RequestID: httpd.RequestID, Sessions: u.sessions, SessionCookie: session.Cookie,
		PublicURL: c.BaseURL(), ClientAddress: httpd.ClientAddress, Endings: a.endings,
		Introspection: graph.Introspection{
			Everyone: config.On(c.Introspection, a.o.Demo), Admins: config.On(c.Introspection, true),
		},
		Suggestions: config.On(c.Suggestions, a.o.Demo),
		Callers:     e.budgets.Callers,
		Strangers:   e.budgets.Strangers,
	}
	documents, err := c.AllowedDocuments()
	if err != nil {
		return nil, err
	}
	if documents != nil {
		if o.AllowList, err = graph.ParseAllowList(documents); err != nil {
			return nil, err
		}
	}
	return graph.NewServer(o), nil
}

func (a *App) newSessions(e *edges, key []byte) (*session.Handler, error) {
	c := a.o.Config
	o := session.Options{
		Sessions: a.core.sessions, PublicURL: c.BaseURL(), Clock: a.o.Clock, Log: a.o.Log,
		Attempts: a.limiter(e, "sign-in", c.SignInLimit, c.SignInLimit),
	}
	if c.OIDC.Configured() {
		provider, err := provider(c.OIDC, key)
		if err != nil {
			return nil, err
		}
		o.OIDC = provider
	}
	return session.New(o)
}

func provider(c config.OIDC, key []byte) (*session.OIDC, error) {
	signing, err := hkdf.Key(sha256.New, key, nil, "trellis sign-in v1", 32)
	if err != nil {
		return nil, fmt.Errorf("the key of sign-in: %w", err)
	}
	named, err := c.RoleMap()
	roles := make(map[string]core.Role, len(named))
	for name, role := range named {
		roles[name] = core.Role(role)
	}
	return &session.OIDC{
		Issuer: c.Issuer, ClientID: c.ClientID, ClientSecret: core.Secret(c.ClientSecret),
		OrganizationID: core.ID(c.Organization), RoleClaim: c.RoleClaim, Roles: roles,
		DefaultRole: core.Role(c.DefaultRole), Key: signing,
	}, err
}
