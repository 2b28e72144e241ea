package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/internal/app"
	"github.com/trellis-ats/trellis/internal/config"
)

// setupCommand makes an organization that can work at once.
type setupCommand struct {
	config.Config
	Organization string            `required:"" help:"The hiring company's name; one of this name is added to."`
	Adapter      string            `required:"" help:"The adapter of its ATS, for example greenhouse."`
	Set          map[string]string `help:"A setting of the connection." placeholder:"KEY=VALUE" mapsep:"none"`
	SampleTests  bool              `help:"Add a chat, a voice and a video scenario."`
	JSON         bool              `name:"json" help:"Print JSON."`
}

// credentials is what setup prints. The secrets are shown this once.
type credentials struct {
	OrganizationID string `json:"organizationId"`
	AdminToken     string `json:"adminToken"`
	EngineToken    string `json:"engineToken"`
	ConnectionID   string `json:"connectionId"`
	PartnerKey     string `json:"partnerKey"`
	WebhookURL     string `json:"webhookUrl"`
	WebhookSecret  string `json:"webhookSecret"`
}

// Run sets the organization up; the server may be running meanwhile.
func (c *setupCommand) Run(p *program) error {
	if c.LogLevel == "info" {
		c.LogLevel = "warn" // the output is for reading
	}
	o, err := p.options(c.Config, false)
	if err != nil {
		return err
	}
	return withApp(p.ctx, o, func(a *app.App) error {
		made, err := setUp(p, a, core.SetupOptions{
			Organization: c.Organization, Adapter: c.Adapter, Settings: c.Set, SampleTests: c.SampleTests,
		})
		if err != nil {
			return err
		}
		return made.print(p.out, c.JSON)
	})
}

func setUp(p *program, a *app.App, o core.SetupOptions) (*credentials, error) {
	made, err := a.Setup(p.ctx, o)
	if err != nil {
		return nil, err
	}
	return &credentials{
		OrganizationID: string(made.Organization.ID), AdminToken: made.AdminToken.Reveal(),
		EngineToken: made.EngineToken.Reveal(), ConnectionID: string(made.Connection.ID),
		PartnerKey: made.PartnerKey.Reveal(), WebhookURL: a.WebhookURL(made.Connection),
		WebhookSecret: made.WebhookSecret.Reveal(),
	}, nil
}

func (c *credentials) print(w io.Writer, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(c)
	}
	_, err := fmt.Fprintf(w, `Organization    %s
Connection      %s

These are shown this once:
Admin token     %s
Engine token    %s
Partner key     %s
Web hook URL    %s
Web hook secret %s
`, c.OrganizationID, c.ConnectionID, c.AdminToken, c.EngineToken, c.PartnerKey, c.WebhookURL, c.WebhookSecret)
	return err
}
