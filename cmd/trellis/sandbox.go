package main

import (
	"os"
	"time"

	"github.com/trellis-ats/trellis/internal/config"
	"github.com/trellis-ats/trellis/internal/sandbox"
)

// sandboxCommand is the stand-in Greenhouse and engine alone.
type sandboxCommand struct {
	Listen      string        `env:"TRELLIS_SANDBOX_LISTEN" default:"127.0.0.1:8090" help:"Address to listen on."`
	TrellisURL  string        `env:"TRELLIS_PUBLIC_URL" default:"http://127.0.0.1:8080" help:"Where the server is."`
	PartnerKey  string        `env:"TRELLIS_SANDBOX_PARTNER_KEY" required:"" help:"The connection's partner key, as printed by setup."`
	EngineToken string        `env:"TRELLIS_SANDBOX_ENGINE_TOKEN" required:"" help:"The engine's token, as printed by setup."`
	Mode        string        `default:"patch" enum:"patch,poll" help:"How it learns of news: told, or by asking."`
	PollEvery   time.Duration `default:"2s" help:"How often it asks, in poll mode."`
	Pace        time.Duration `default:"3s" help:"How long the pretended candidate takes."`
}

// Run serves until interrupted.
func (c *sandboxCommand) Run(p *program) error {
	box, err := sandbox.New(sandbox.Options{
		Listen: c.Listen, PublicURL: "http://" + c.Listen, TrellisURL: c.TrellisURL, PartnerKey: c.PartnerKey,
		EngineToken: c.EngineToken, Mode: c.Mode, PollEvery: c.PollEvery, Pace: c.Pace,
		Log: p.logger(config.Config{LogLevel: os.Getenv("TRELLIS_LOG_LEVEL")}),
	})
	if err != nil {
		return err
	}
	return box.Run(p.ctx)
}
