package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/internal/app"
	"github.com/trellis-ats/trellis/internal/config"
	"github.com/trellis-ats/trellis/internal/sandbox"
	"github.com/trellis-ats/trellis/internal/sandbox/account"
)

// demoAdapter is of the ATS that the sandbox stands in for.
const demoAdapter = "greenhouse"

// demoCommand is everything at once, on this machine.
type demoCommand struct {
	config.Config
	SandboxListen string        `default:"127.0.0.1:8090" help:"Address of the sandbox."`
	Mode          string        `default:"patch" enum:"patch,poll" help:"How the stand-in Greenhouse learns of news: told by us, or by asking."`
	Pace          time.Duration `default:"3s" help:"How long the pretended candidate takes."`
	harvestFlags
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
	var box *sandbox.Sandbox
	box, err := sandbox.New(sandbox.Options{
		Listen: c.SandboxListen, PublicURL: "http://" + c.SandboxListen, TrellisURL: c.BaseURL(),
		PartnerKey: made.PartnerKey, EngineToken: made.EngineToken, Mode: c.Mode, Pace: c.Pace, Log: p.logger(c.Config),
		ClientSecret: c.clientSecret(made), PartnerSecret: c.PartnerSecret, Offset: idOffset(), Rules: c.rules,
		Hooks:  []account.HookInput{c.trellisHook(a, made)},
		Vendor: sandbox.Vendor{Token: made.AdminToken, ConnectionID: made.ConnectionID},
		Begun:  func(ctx context.Context) { c.connect(ctx, p, a, c.sandboxAccount(made, box.Credentials())) },
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(p.ctx)
	defer cancel()
	var running sync.WaitGroup
	var boxErr error // to be read when nothing runs
	err = a.Serve(ctx, func(string) {
		c.announce(p, made)
		running.Go(func() {
			defer cancel()
			boxErr = box.Run(ctx)
		})
	})
	cancel()
	running.Wait()
	return errors.Join(err, boxErr)
}

// connect leads the demo's connection to the sandbox's account. Without it the
// demo shows less, and says why.
func (c *demoCommand) connect(ctx context.Context, p *program, a *app.App, to app.DemoAccount) {
	if err := a.ConnectDemo(ctx, to); err != nil && ctx.Err() == nil {
		p.logger(c.Config).Warn("the demo cannot push into the sandbox; what else it shows works", "error", err)
	}
}

// clientSecret is the same at each start, as that which the connection holds is.
func (c *demoCommand) clientSecret(made *credentials) string {
	if c.ClientSecret != "" {
		return c.ClientSecret
	}
	sum := sha256.Sum256([]byte("sandbox client " + made.PartnerKey))
	return hex.EncodeToString(sum[:20])
}

func (c *demoCommand) announce(p *program, made *credentials) {
	where := "in " + c.DataDir
	if !c.Embedded() {
		where = "in the database"
	}
	_, _ = fmt.Fprintf(p.out, `
Trellis runs, with a sandbox that stands in for Greenhouse, a candidate and an engine.

  Sandbox   http://%s   press "Send Test", or "Assess somebody and push"
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
		Organization: "Acme Sales", Adapter: demoAdapter, SampleTests: true,
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
