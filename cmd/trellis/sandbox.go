package main

import (
	"fmt"
	"os"
	"time"

	"github.com/trellis-ats/trellis/internal/config"
	"github.com/trellis-ats/trellis/internal/sandbox"
	"github.com/trellis-ats/trellis/internal/sandbox/account"
)

// sandboxCommand is the stand-in Greenhouse and engine alone.
type sandboxCommand struct {
	Listen      string        `env:"TRELLIS_SANDBOX_LISTEN" default:"127.0.0.1:8090" help:"Address to listen on."`
	TrellisURL  string        `env:"TRELLIS_PUBLIC_URL" default:"http://127.0.0.1:8080" help:"Where the server is."`
	PartnerKey  string        `env:"TRELLIS_SANDBOX_PARTNER_KEY" required:"" help:"The connection's partner key, as printed by setup."`
	EngineToken string        `env:"TRELLIS_SANDBOX_ENGINE_TOKEN" required:"" help:"The engine's token, as printed by setup."`
	VendorToken string        `env:"TRELLIS_SANDBOX_VENDOR_TOKEN" help:"An API token of a recruiter; with it the sandbox assesses people and has them pushed."`
	Connection  string        `env:"TRELLIS_SANDBOX_CONNECTION" help:"The id of the connection to push over."`
	Mode        string        `default:"patch" enum:"patch,poll" help:"How it learns of news: told, or by asking."`
	PollEvery   time.Duration `default:"2s" help:"How often it asks, in poll mode."`
	Pace        time.Duration `default:"3s" help:"How long the pretended candidate takes."`
	harvestFlags
}

// harvestFlags are of the account that takes pushes and sends web hooks.
type harvestFlags struct {
	ClientSecret  string        `name:"sandbox-client-secret" env:"TRELLIS_SANDBOX_CLIENT_SECRET" help:"Of the customer's own Harvest credential; made up if it is empty."`
	PartnerSecret string        `name:"sandbox-partner-secret" env:"TRELLIS_SANDBOX_PARTNER_SECRET" help:"Of the partner's Harvest credential; made up if it is empty."`
	RateLimit     int           `name:"harvest-rate-limit" default:"75" help:"Harvest calls in a window."`
	RateWindow    time.Duration `name:"harvest-rate-window" default:"30s" help:"How long the window is."`
	HookScale     float64       `default:"0.01" help:"How fast the sandbox's web hooks are retried: 1 is 15 hours, as in Greenhouse."`
}

func (f harvestFlags) rules(r *account.Rules) {
	r.RateLimit, r.RateWindowMS, r.HookScale = f.RateLimit, int(f.RateWindow.Milliseconds()), f.HookScale
}

// idOffset lets a sandbox that is started again give out other ids than before.
func idOffset() int64 { return time.Now().Unix() - 1_700_000_000 }

// Run serves until interrupted.
func (c *sandboxCommand) Run(p *program) error {
	box, err := sandbox.New(sandbox.Options{
		Listen: c.Listen, PublicURL: "http://" + c.Listen, TrellisURL: c.TrellisURL, PartnerKey: c.PartnerKey,
		EngineToken: c.EngineToken, Vendor: sandbox.Vendor{Token: c.VendorToken, ConnectionID: c.Connection}, Mode: c.Mode, PollEvery: c.PollEvery, Pace: c.Pace,
		ClientSecret: c.ClientSecret, PartnerSecret: c.PartnerSecret, Offset: idOffset(), Rules: c.rules,
		Log: p.logger(config.Config{LogLevel: os.Getenv("TRELLIS_LOG_LEVEL")}),
	})
	if err != nil {
		return err
	}
	made := box.Credentials()
	_, _ = fmt.Fprintf(p.out, `The stand-in Greenhouse is at http://%s. To connect Harvest:

  harvest_url    http://%s
  auth_url       http://%s/oauth
  client         %s   secret %s
  as a partner   %s   secret %s

`, c.Listen, c.Listen, c.Listen, made.ClientID, made.ClientSecret, made.PartnerID, made.PartnerSecret)
	return box.Run(p.ctx)
}
