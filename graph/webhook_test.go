package graph_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/coretest"
)

// hooked gives a connection a web hook that failed, a stage trigger and the
// record of an erasure. The words come past the use cases.
func (w *world) hooked(t *testing.T, connection, test core.ID, word string) {
	t.Helper()
	c, err := w.store.Connection(t.Context(), core.ID(w.owner(t, connection)), connection)
	check(t, err)
	now := w.clock.Now()
	hook := &core.Webhook{
		ID: core.NewID(core.PrefixWebhook), OrganizationID: c.OrganizationID, ConnectionID: c.ID, EventID: word, Action: word,
		State: core.WebhookFailed, Deliveries: 1, Message: word, ReceivedAt: now, AppliedAt: now,
	}
	trigger := &core.StageTrigger{
		ID: core.NewID(core.PrefixTrigger), OrganizationID: c.OrganizationID, ConnectionID: c.ID, ExternalJobID: word,
		ExternalJobName: word, StageID: word, StageName: word, TestID: test, RetakeDays: 180, CreatedAt: now,
	}
	erased := &core.Erasure{ID: core.NewID(core.PrefixErasure), OrganizationID: c.OrganizationID, ConnectionID: c.ID, Cause: word, ActorName: word, At: now}
	check(t, w.store.Atomically(t.Context(), func(tx core.Tx) error { return keepAll(t.Context(), tx, hook, trigger, erased) }))
	w.names["hook"], w.names["trigger"] = string(hook.ID), string(trigger.ID)
}

func keepAll(ctx context.Context, tx core.Tx, hook *core.Webhook, trigger *core.StageTrigger, erased *core.Erasure) error {
	if _, err := tx.KeepWebhook(ctx, hook); err != nil {
		return err
	}
	if err := tx.CountWebhook(ctx, hook); err != nil {
		return err
	}
	if err := tx.InsertStageTrigger(ctx, trigger); err != nil {
		return err
	}
	return tx.InsertErasure(ctx, erased)
}

// unasked is an ATS with web hooks that takes no credentials.
type unasked struct{ *coretest.ATS }

// Describe leaves the authorization out.
func (u unasked) Describe(ctx context.Context) (*ats.Manifest, error) {
	m, err := u.ATS.Describe(ctx)
	m.Capabilities = slices.DeleteFunc(m.Capabilities, func(c ats.Capability) bool { return c.Name == ats.CapabilityAuthorization })
	return m, err
}

// hookThat keeps a web hook in a state, and returns its id.
func (w *world) hookThat(t *testing.T, state core.WebhookState) string {
	t.Helper()
	hook := &core.Webhook{
		ID: core.NewID(core.PrefixWebhook), OrganizationID: core.ID(w.names["organization"]), ConnectionID: core.ID(w.names["connection"]),
		EventID: string(state), State: state, Deliveries: 1, ReceivedAt: w.clock.Now(), AppliedAt: w.clock.Now(),
	}
	check(t, w.store.Atomically(t.Context(), func(tx core.Tx) error {
		_, err := tx.KeepWebhook(t.Context(), hook)
		return err
	}))
	return string(hook.ID)
}

// erasable is a candidate whom nothing else is about.
func (w *world) erasable(t *testing.T) string {
	t.Helper()
	order := core.NewOrder{TestID: core.ID(w.names["test"]), Candidate: core.Candidate{FirstName: "Eve", Email: "eve@example.com"}}
	a, err := w.core.Assessments.Create(t.Context(), core.SystemActor(core.ID(w.names["organization"])), order, core.Key{})
	check(t, err)
	return string(a.CandidateID)
}

// owner is the organization of a connection.
func (w *world) owner(t *testing.T, connection core.ID) (organization string) {
	t.Helper()
	check(t, w.db.SQL().QueryRowContext(t.Context(), "SELECT organization_id FROM connections WHERE id = '"+string(connection)+"'").Scan(&organization))
	return organization
}

// badHooks are those of web hooks, stage triggers and erasures.
func badHooks(in func(name, input string) string) map[string]bad {
	const stage = `connectionId: "${connection}", externalJobId: "job-1", stageId: "job-1-stage-1", testId: "${test}"`
	table := map[string]bad{
		"webhooks: unknown scope":  {in("setWebhookSync", `connectionId: "${connection}", enabled: true, scope: ALL`), "GRAPHQL_VALIDATION_FAILED "},
		"webhooks: short secret":   {in("setWebhookSync", `connectionId: "${connection}", enabled: true, secret: "short"`), "INVALID secret"},
		"rotate: short secret":     {in("rotateWebhookSecret", `connectionId: "${connection}", secret: "short"`), "INVALID secret"},
		"trigger: no job":          {in("createStageTrigger", `connectionId: "${connection}", externalJobId: " ", stageId: "job-1-stage-1", testId: "${test}"`), "INVALID externalJobId"},
		"trigger: no stage":        {in("createStageTrigger", `connectionId: "${connection}", externalJobId: "job-1", stageId: "", testId: "${test}"`), "INVALID stageId"},
		"trigger: unknown job":     {in("createStageTrigger", `connectionId: "${connection}", externalJobId: "job-9", stageId: "job-1-stage-1", testId: "${test}"`), "INVALID externalJobId"},
		"trigger: another's stage": {in("createStageTrigger", `connectionId: "${connection}", externalJobId: "job-1", stageId: "job-2-stage-1", testId: "${test}"`), "INVALID stageId"},
		"trigger: window":          {in("createStageTrigger", stage+`, retakeDays: -1`), "INVALID retakeDays"},
		"trigger: another's test":  {in("createStageTrigger", `connectionId: "${connection}", externalJobId: "job-1", stageId: "job-1-stage-1", testId: "${outsideTest}"`), "NOT_FOUND testId"},
		"trigger: stage is taken":  {in("createStageTrigger", `connectionId: "${connection}", externalJobId: "job-1", stageId: "job-1-stage-3", testId: "${test}", retakeDays: 7`), "CONFLICT stageId"},
		"update: another's":        {in("updateCandidate", `candidateId: "${outsideCandidate}", candidate: {lastName: "x"}`), "NOT_FOUND candidateId"},
		"erase: another's":         {in("eraseCandidate", `candidateId: "${outsideCandidate}"`), "NOT_FOUND candidateId"},
		"retry: another's":         {in("retryWebhook", `webhookId: "${outsideHook}"`), "NOT_FOUND webhookId"},
		"trigger: delete theirs":   {in("deleteStageTrigger", `stageTriggerId: "${outsideTrigger}"`), "NOT_FOUND stageTriggerId"},
		"dismiss: another's":       {in("dismissWebhook", `webhookId: "${outsideHook}", reason: "x"`), "NOT_FOUND webhookId"},
		"dismiss: applied":         {in("dismissWebhook", `webhookId: "${appliedHook}", reason: "x"`), "CONFLICT webhookId"},
		"retry: applied":           {in("retryWebhook", `webhookId: "${appliedHook}"`), "CONFLICT webhookId"},
		"trigger: another's place": {in("createStageTrigger", `connectionId: "${outsideConnection}", externalJobId: "job-1", stageId: "job-1-stage-1", testId: "${test}"`), "NOT_FOUND connectionId"},
	}
	for name, field := range map[string]string{"retryWebhook": "webhookId", "deleteStageTrigger": "stageTriggerId", "eraseCandidate": "candidateId"} {
		for kind, id := range map[string]string{"nothing": "nothing", "empty": "", "another type": "${test}"} {
			table[name+": "+kind] = bad{in(name, fmt.Sprintf("%s: %q", field, id)), "NOT_FOUND " + field}
		}
	}
	for name, rest := range map[string]string{"setWebhookSync": `, enabled: true`, "rotateWebhookSecret": ""} {
		for kind, id := range map[string]string{"nothing": "nothing", "empty": "", "another type": "${test}", "another's": "${outsideConnection}"} {
			table[name+": connection: "+kind] = bad{in(name, fmt.Sprintf("connectionId: %q%s", id, rest)), "NOT_FOUND connectionId"}
		}
	}
	return table
}
