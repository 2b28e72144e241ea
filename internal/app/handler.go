package app

import (
	"context"
	"net/http"

	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/graph"
	"github.com/trellis-ats/trellis/internal/httpd"
	"github.com/trellis-ats/trellis/internal/mail"
	"github.com/trellis-ats/trellis/internal/report"
	"github.com/trellis-ats/trellis/internal/rest"
	"github.com/trellis-ats/trellis/plugins/host"
)

// handler mounts every edge.
func (a *App) handler() http.Handler {
	mux := http.NewServeMux()
	rest.New(rest.Options{
		Manifests: a.host, Inbound: a.core.inbound, RequestID: httpd.RequestID, Log: a.o.Log,
	}).Register(mux)
	mail.NewPage(mail.PageOptions{Invitations: a.core.invitations, Log: a.o.Log}).Register(mux)
	report.New(report.Options{Reports: a.core.reports, Log: a.o.Log}).Register(mux)
	mux.Handle("/graphql", a.graph())
	a.health.Register(mux)
	if a.mailbox != nil {
		mux.Handle("/dev/mail", a.mailbox.Handler())
	}
	return mux
}

func (a *App) graph() http.Handler {
	return graph.NewServer(graph.Options{
		Tokens: a.core.tokens, Organizations: a.core.organizations, Tests: a.core.tests, Candidates: a.core.candidates,
		Assessments: a.core.assessments, Connections: a.core.connections, Reports: a.core.reports, Events: a.core.events,
		SyncLog: a.core.syncLog, Links: a.core.links, Log: a.o.Log, RequestID: httpd.RequestID,
		Introspection: a.o.Demo, Suggestions: a.o.Demo,
	})
}

// newHealth tells whether the server can work.
func (a *App) newHealth() *httpd.Health {
	return httpd.NewHealth(httpd.HealthOptions{Log: a.o.Log, Checks: map[string]httpd.Check{
		"database":   a.store.Ping,
		"migrations": a.migrated,
		"adapters":   a.adaptersRun,
	}})
}

func (a *App) migrated(ctx context.Context) error {
	current, err := a.store.Migrated(ctx)
	if err == nil && !current {
		err = fault.New(fault.Config, "The tables are not this version's. Run: trellis migrate")
	}
	return err
}

// adaptersRun fails only for an adapter that was given up: one that restarts is
// back before a load balancer could act.
func (a *App) adaptersRun(context.Context) error {
	for _, s := range a.host.States() {
		if s.Status == host.Failed {
			return fault.New(fault.Config, "The adapter %s was given up: %s", s.Name, s.LastError)
		}
	}
	return nil
}
