package main

import (
	"context"
	"errors"

	"github.com/trellis-ats/trellis/internal/app"
	"github.com/trellis-ats/trellis/internal/config"
)

// serveCommand is the server.
type serveCommand struct {
	config.Config
	Demo bool `env:"TRELLIS_DEMO" help:"Open what only a demo may: the mailbox at /dev/mail."`
}

// Run serves until interrupted.
func (c *serveCommand) Run(p *program) error {
	o, err := p.options(c.Config, c.Demo)
	if err != nil {
		return err
	}
	return withApp(p.ctx, o, func(a *app.App) error {
		return a.Serve(p.ctx, func(string) {})
	})
}

// withApp opens an App, uses it and closes it.
func withApp(ctx context.Context, o app.Options, use func(*app.App) error) error {
	a, err := app.Open(ctx, o)
	if err != nil {
		return err
	}
	return errors.Join(use(a), a.Close())
}

// migrateCommand brings the database up to date.
type migrateCommand struct{ config.Config }

// Run migrates.
func (c *migrateCommand) Run(p *program) error {
	o, err := p.options(c.Config, false)
	if err != nil {
		return err
	}
	return app.Migrate(p.ctx, o)
}
