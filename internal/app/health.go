package app

import (
	"context"

	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/internal/httpd"
	"github.com/trellis-ats/trellis/plugins/host"
)

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
