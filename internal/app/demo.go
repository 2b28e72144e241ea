package app

import (
	"context"
	"fmt"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/ats"
)

// DemoAccount is the ATS account that a demo's connection leads to, and what is
// set up with it the first time.
type DemoAccount struct {
	OrganizationID core.ID
	ConnectionID   core.ID
	Settings       map[string]string // the account's addresses
	ClientID       string
	ClientSecret   core.Secret
	WebhookSecret  core.Secret // that the account signs its web hooks with
	ActingUser     string      // the ATS's id
	SourceID       string      // the ATS's id of the source of pushed candidates
	Fields         []core.Destination
	Jobs           []DemoJob
}

// DemoJob is a job of ours, and which of the ATS's it is.
type DemoJob struct {
	Name            string
	ExternalID      string
	ExternalStageID string
	Mode            core.PushMode
}

// ConnectDemo lets a demo's connection push into the account and take its web
// hooks. The account must answer already. Called at each start, it renews the
// connection and leaves what people have set since.
// Errors: those of the use cases; what was done before one is kept.
func (a *App) ConnectDemo(ctx context.Context, d DemoAccount) error {
	demo := &demo{DemoAccount: d, core: a.core, by: core.SystemActor(d.OrganizationID)}
	if err := demo.takeWebhooks(ctx); err != nil {
		return fmt.Errorf("web hooks: %w", err)
	}
	if err := demo.connect(ctx); err != nil {
		return fmt.Errorf("connection: %w", err)
	}
	if err := demo.fillProfile(ctx); err != nil {
		return fmt.Errorf("push destinations: %w", err)
	}
	for _, j := range d.Jobs {
		if err := demo.mapJob(ctx, j); err != nil {
			return fmt.Errorf("job %s: %w", j.Name, err)
		}
	}
	return nil
}

type demo struct {
	DemoAccount
	core *useCases
	by   core.Actor
}

// takeWebhooks enables them, unless somebody disabled them.
func (d *demo) takeWebhooks(ctx context.Context) error {
	found, err := d.core.webhooks.SyncOf(ctx, d.by, []core.ID{d.ConnectionID})
	if err != nil || (len(found) == 1 && !found[0].EnabledAt.IsZero()) {
		return err
	}
	_, err = d.core.webhooks.SetSync(ctx, d.by, d.ConnectionID, core.SyncChange{
		Enabled: true, Scope: core.ScopeKnown, Secret: d.WebhookSecret,
	})
	return err
}

// connect keeps the acting user that somebody chose.
func (d *demo) connect(ctx context.Context) error {
	c, err := d.core.connections.Update(ctx, d.by, d.ConnectionID, core.ConnectionUpdate{Settings: d.Settings})
	if err != nil {
		return err
	}
	user := c.Settings[ats.SettingActingUser]
	if user == "" {
		user = d.ActingUser
	}
	_, err = d.core.authorizations.Connect(ctx, d.by, core.Credentials{
		ConnectionID: d.ConnectionID, ClientID: d.ClientID, ClientSecret: d.ClientSecret, ActingUser: user,
	})
	return err
}

// fillProfile adds custom fields and the source to the default destinations.
func (d *demo) fillProfile(ctx context.Context) error {
	profile, err := d.core.pushProfiles.Of(ctx, d.by, d.ConnectionID)
	if err != nil || profile.Version > 0 {
		return err
	}
	_, err = d.core.pushProfiles.UpdateDestinations(ctx, d.by, d.ConnectionID, core.Destinations{
		All: append(core.DefaultDestinations(), d.Fields...), SourceID: &d.SourceID,
	})
	return err
}

// mapJob makes a job with its push rule, if none is mapped to the ATS's yet.
func (d *demo) mapJob(ctx context.Context, j DemoJob) error {
	mapped, err := d.core.jobMappings.List(ctx, d.by, core.JobMappingFilter{
		ConnectionID: d.ConnectionID, ExternalJobID: j.ExternalID,
	}, core.Page{First: 1})
	if err != nil || len(mapped.Items) > 0 {
		return err
	}
	made, err := d.core.jobs.Create(ctx, d.by, core.Job{Name: j.Name}, core.Key{})
	if err != nil {
		return err
	}
	rule := core.NewPushRule{ConnectionID: d.ConnectionID, JobID: made.ID, Mode: j.Mode}
	if _, err := d.core.pushRules.Set(ctx, d.by, rule); err != nil {
		return err
	}
	_, err = d.core.jobMappings.Map(ctx, d.by, core.NewMapping{
		ConnectionID: d.ConnectionID, JobID: made.ID, ExternalJobID: j.ExternalID, ExternalStageID: j.ExternalStageID,
	})
	return err
}
