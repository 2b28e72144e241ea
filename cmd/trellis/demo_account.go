package main

import (
	"strconv"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/internal/app"
	"github.com/trellis-ats/trellis/internal/sandbox"
	"github.com/trellis-ats/trellis/internal/sandbox/account"
)

// sandboxAccount is the sandbox's account as the demo's connection sees it
// (docs/sandbox.md).
func (c *demoCommand) sandboxAccount(made *credentials, given sandbox.Credentials) app.DemoAccount {
	box := "http://" + c.SandboxListen
	return app.DemoAccount{
		OrganizationID: core.ID(made.OrganizationID), ConnectionID: core.ID(made.ConnectionID),
		Settings: map[string]string{"harvest_url": box, "app_url": box, "auth_url": box + "/oauth"},
		ClientID: given.ClientID, ClientSecret: core.Secret(given.ClientSecret), WebhookSecret: core.Secret(made.WebhookSecret),
		ActingUser: strconv.Itoa(account.UserAdmin), SourceID: strconv.Itoa(account.SourceTrellis), Fields: assessmentFields(),
		Jobs: []app.DemoJob{
			demoJob("Account Executive", account.JobExecutive, account.StagePhone, core.PushManual),
			demoJob("Sales Development Rep", account.JobDevelopment, account.StagePhoneDevelopment, core.PushOnComplete),
		},
	}
}

func demoJob(name string, external, stage int, mode core.PushMode) app.DemoJob {
	return app.DemoJob{Name: name, ExternalID: strconv.Itoa(external), ExternalStageID: strconv.Itoa(stage), Mode: mode}
}

// assessmentFields are the custom fields that the account has for a result.
func assessmentFields() []core.Destination {
	field := func(d core.Datum, key string) core.Destination {
		return core.Destination{Datum: d, To: core.ToField, FieldKey: key, Owner: ats.OwnerApplication}
	}
	return []core.Destination{
		field(core.DatumScore, "assessment_score"), field(core.DatumRecommendation, "assessment_band"),
		field(core.DatumReportURL, "assessment_report"), field(core.DatumSummary, "assessment_remarks"),
	}
}

// trellisHook tells Trellis of what happens in the account.
func (c *demoCommand) trellisHook(a *app.App, made *credentials) account.HookInput {
	address := a.WebhookURL(&core.Connection{ID: core.ID(made.ConnectionID), Adapter: demoAdapter})
	return account.HookInput{Name: "Trellis", URL: address, Secret: made.WebhookSecret, All: true}
}
