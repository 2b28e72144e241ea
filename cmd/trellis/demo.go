package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/internal/app"
	"github.com/trellis-ats/trellis/internal/config"
	"github.com/trellis-ats/trellis/internal/sandbox"
)

// demoCommand is everything at once, on this machine.
type demoCommand struct {
	config.Config
	SandboxListen string        `default:"127.0.0.1:8090" help:"Address of the sandbox."`
	Mode          string        `default:"patch" enum:"patch,poll" help:"How the stand-in Greenhouse learns of news: told by us, or by asking."`
	Pace          time.Duration `default:"3s" help:"How long the pretended candidate takes."`
}

// Run serves until interrupted.
func (c *demoCommand) Run(p *program) error {
	if c.LogLevel == "info" {
		c.LogLevel = "warn" // the addresses are what a person looks for
	}
	if c.EngineURL == "" {
		c.EngineURL = "http://" + c.SandboxListen + "/engine?assessment={assessment}&token={token}"
	}
	local, err := c.WithLocalKey() // PostgreSQL too is set by one variable
	if err != nil {
		return err
	}
	o, err := p.options(local, true)
	if err != nil {
		return err
	}
	return withApp(p.ctx, o, func(a *app.App) error {
		made, err := c.credentials(p, a)
		if err != nil {
			return err
		}
		return c.serve(p, a, made)
	})
}

// serve runs server and sandbox; either's end is the other's.
func (c *demoCommand) serve(p *program, a *app.App, made *credentials) error {
	box, err := sandbox.New(sandbox.Options{
		Listen: c.SandboxListen, PublicURL: "http://" + c.SandboxListen, TrellisURL: c.BaseURL(),
		PartnerKey: made.PartnerKey, EngineToken: made.EngineToken, Mode: c.Mode, Pace: c.Pace, Log: p.logger(c.Config),
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(p.ctx)
	defer cancel()
	ended := make(chan error, 1)
	err = a.Serve(ctx, func(string) {
		c.announce(p, made)
		go func() {
			defer cancel()
			ended <- box.Run(ctx)
		}()
	})
	cancel()
	select {
	case boxErr := <-ended:
		return errors.Join(err, boxErr)
	default:
		return err // the sandbox never began
	}
}

func (c *demoCommand) announce(p *program, made *credentials) {
	where := "in " + c.DataDir
	if !c.Embedded() {
		where = "in the database"
	}
	_, _ = fmt.Fprintf(p.out, `
Trellis runs, with a sandbox that stands in for Greenhouse, a candidate and an engine.

  Sandbox   http://%s   press "Send Test" and watch the scorecard
  GraphQL   %s/graphql   to explore: %s/graphiql
  Mailbox   %s/dev/mail
  Token     %s   (admin; send it as "Authorization: Bearer …")

Stop with Ctrl-C. What was made is kept %s.
`, c.SandboxListen, c.BaseURL(), c.BaseURL(), c.BaseURL(), made.AdminToken, where)
}

// credentials are those of the demo's organization, made at the first start
// on a database and kept in the data directory.
func (c *demoCommand) credentials(p *program, a *app.App) (*credentials, error) {
	path := filepath.Join(c.DataDir, "demo.json")
	made, err := keptCredentials(p.ctx, a, path)
	if made != nil || err != nil {
		return made, err
	}
	host, _, err := net.SplitHostPort(c.SandboxListen)
	if err != nil {
		return nil, fmt.Errorf("--sandbox-listen is host:port: %w", err)
	}
	made, err = setUp(p, a, core.SetupOptions{
		Organization: "Acme Sales", Adapter: "greenhouse", SampleTests: true,
		Settings: map[string]string{"callback_hosts": host}, // on any port
	})
	if err != nil {
		return nil, err
	}
	encoded, err := json.MarshalIndent(made, "", "  ")
	if err != nil {
		return nil, err
	}
	return made, errors.Join(os.MkdirAll(c.DataDir, 0o700), os.WriteFile(path, encoded, 0o600))
}

// keptCredentials returns those of an earlier start, or nil if there are none
// or they belong to another database.
func keptCredentials(ctx context.Context, a *app.App, path string) (*credentials, error) {
	kept, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // "none yet" is an answer, not an error
	}
	if err != nil {
		return nil, err
	}
	made := &credentials{}
	if err := json.Unmarshal(kept, made); err != nil {
		return nil, fmt.Errorf("%s is damaged; delete it: %w", path, err)
	}
	known, err := a.Knows(ctx, core.Secret(made.AdminToken))
	if err != nil || !known {
		return nil, err
	}
	return made, nil
}
