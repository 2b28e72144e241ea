package graph_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/coretest"
)

// configured is a mutation that changes the configuration, and what the audit
// log tells of it.
type configured struct {
	name   string
	input  string
	shown  string // more to select; "secret:" before what must not be in the log
	action string
	before bool // whether something was before
	after  bool
}

// configurations are in the order in which they need each other.
func configurations() []configured {
	const con = `connectionId: "${connection}"`
	return []configured{
		{"createTest", `name: "T", modality: CHAT`, "", "test.created", false, true},
		{"createConnection", `adapter: "fake", name: "C", settings: [{name: "account", value: "a"}, {name: "api_key", value: "typed-secret"}]`, "partnerKey webhookSecret", "connection.created", false, true},
		{"updateConnection", con + `, name: "Renamed", settings: [{name: "api_key", value: "typed-secret"}]`, "", "connection.updated", true, true},
		{"connectCredentials", con + `, clientId: "c", clientSecret: "typed-secret"`, "", "connection.authorization_changed", true, true},
		{"disconnectConnection", con, "", "connection.authorization_changed", true, true},
		{"rotatePartnerKey", con, "partnerKey", "connection.partner_key_rotated", false, true},
		{"setWebhookSync", con + `, enabled: true, scope: ALL_KNOWN, secret: "typed-secret-of-the-ats"`, "", "connection.webhooks_configured", true, true},
		{"rotateWebhookSecret", con, "webhookSecret", "connection.webhook_secret_rotated", true, true},
		{"createStageTrigger", con + `, externalJobId: "job-1", stageId: "job-1-stage-1", testId: "${test}"`, "", "stage_trigger.created", false, true},
		{"deleteStageTrigger", `stageTriggerId: "${trigger}"`, "", "stage_trigger.deleted", true, false},
		{"createJob", `name: "J"`, "", "job.created", false, true},
		{"shareJob", `jobId: "${job}", with: "m@example.com"`, "", "job.shared", false, true},
		{"unshareJob", `jobId: "${job}", with: "m@example.com"`, "", "job.unshared", true, false},
		{"createApiToken", `name: "T", role: VIEWER`, "secret", "token.created", false, true},
		{"rotateApiToken", `tokenId: "${token_VIEWER}"`, "secret", "token.rotated", true, true},
		{"revokeApiToken", `tokenId: "${token_VIEWER}"`, "", "token.revoked", true, true},
		{"mapJob", con + `, jobId: "${job}", externalJobId: "job-1"`, "", "connection.job_mapped", false, true},
		{"unmapJob", con + `, jobId: "${job}"`, "", "connection.job_unmapped", true, false},
		{"setPushRule", con + `, mode: ON_COMPLETE`, "", "connection.push_rule_set", false, true},
		{"deletePushRule", con, "", "connection.push_rule_deleted", true, false},
		{"updateScorecardMapping", con + `, reportOnlyTraits: ["calm"]`, "", "connection.push_profile_updated", true, true},
		{"setActingUser", con + `, userId: "user-1"`, "", "connection.updated", true, true},
		{"proposeRoutingRule", con + `, advance: 75, review: 0`, "", "routing_rule.proposed", false, true},
		{"approveRoutingRule", `ruleId: "${rule}"`, "", "routing_rule.approved", true, true},
		{"pauseRoutingRule", `ruleId: "${rule}", note: "why"`, "", "routing_rule.paused", true, true},
		{"resumeRoutingRule", `ruleId: "${rule}"`, "", "routing_rule.resumed", true, true},
		{"retireRoutingRule", `ruleId: "${rule}", note: "why"`, "", "routing_rule.retired", true, true},
		{"setRoutingSwitch", con + `, off: true, note: "why"`, "", "connection.routing_switched", false, true},
		{"setRoutingSwitch", con + `, off: false`, "", "connection.routing_switched", true, true},
		{"updateCandidate", `candidateId: "${candidate}", candidate: {lastName: "Corrected"}`, "", "candidate.updated", false, true},
		{"eraseCandidate", `candidateId: "${candidate}"`, "", "candidate.erased", false, true},
	}
}

// TestConfiguringIsAudited lets each mutation that configures leave one entry,
// with what was before and after, and without a secret.
func TestConfiguringIsAudited(t *testing.T) {
	t.Parallel()
	w := rich(t)
	w.adapters.Whole = &coretest.Asking{ATS: w.ats, Secret: "typed-secret"}
	w.names["trigger"] = w.column(t, "SELECT id FROM stage_triggers")[0]
	var secrets []string
	for _, c := range configurations() {
		w.clock.Turn(time.Minute)
		known := w.entries(t)
		role := "ADMIN"
		if c.name == "approveRoutingRule" {
			role = "APPROVER"
			w.names["rule"] = w.column(t, "SELECT id FROM routing_rules WHERE state = 'PROPOSED' ORDER BY id DESC")[0]
		}
		body := w.ask(t, role, w.expand(t, fmt.Sprintf("mutation { %s(input: {%s}) { %s userErrors { code message } } }", c.name, c.input, c.shown)), nil)
		data, _ := body["data"].(map[string]any)
		payload, _ := data[c.name].(map[string]any)
		if payload == nil || len(payload["userErrors"].([]any)) > 0 {
			t.Errorf("%s: %v", c.name, body)
			continue
		}
		for _, field := range strings.Fields(c.shown) {
			secrets = append(secrets, fmt.Sprint(payload[field]))
		}
		fresh := w.entries(t)[len(known):]
		if len(fresh) != 1 || !strings.HasPrefix(fresh[0], c.action+"|"+role+"|"+w.names["token_"+role]+"|") {
			t.Errorf("%s leaves %q", c.name, fresh)
			continue
		}
		parts := strings.SplitN(fresh[0], "|", 5)
		if (parts[3] != "null") != c.before || (parts[4] != "null") != c.after || parts[3] == parts[4] {
			t.Errorf("%s: before %s, after %s", c.name, parts[3], parts[4])
		}
	}
	log := strings.Join(w.entries(t), "\n")
	for _, secret := range append(secrets, "typed-secret", "hidden-key") {
		if secret == "" || secret == "<nil>" || strings.Contains(log, secret) {
			t.Errorf("%q is in the audit log", secret)
		}
	}
}

// entries are those of the audit log, the oldest first.
func (w *world) entries(t *testing.T) []string {
	t.Helper()
	return w.column(t, `SELECT action || '|' || actor_role || '|' || actor_id || '|' || value_before || '|' || value_after
		FROM audit_log WHERE organization_id = '`+w.names["organization"]+`' ORDER BY rowid`)
}

// configuration are the tables that hold it.
func configuration() []string {
	return []string{
		"tests", "connections", "partner_keys", "tokens", "jobs", "job_shares", "job_mappings", "push_profiles", "push_rules",
		"webhook_syncs", "stage_triggers", "connection_authorizations", "routing_rules", "routing_switches", "erasures",
	}
}

// TestNothingIsConfiguredUnnoticed sends every mutation that there is: one that
// changes a row of the configuration leaves an entry.
func TestNothingIsConfiguredUnnoticed(t *testing.T) {
	t.Parallel()
	w := rich(t)
	state := func() (all []string) {
		for _, table := range configuration() {
			columns := slices.DeleteFunc(w.column(t, "SELECT name FROM pragma_table_info('"+table+"')"), func(c string) bool {
				return c == "last_used_at" || c == "health" // are no configuration
			})
			all = append(all, w.column(t, "SELECT coalesce("+strings.Join(columns, ", '') || '|' || coalesce(")+", '') FROM "+table+" ORDER BY rowid")...)
		}
		return all
	}
	changed := 0
	for name, m := range mutations() {
		before, noted := state(), len(w.entries(t))
		w.ask(t, "ADMIN", w.expand(t, m.operation), nil)
		if slices.Equal(before, state()) {
			continue
		}
		changed++
		if len(w.entries(t)) == noted {
			t.Errorf("%s changes the configuration unnoticed", name)
		}
	}
	if changed < 10 {
		t.Errorf("only %d mutations changed something", changed)
	}
}

func TestAuditLogFilters(t *testing.T) {
	t.Parallel()
	w := rich(t)
	for filter, want := range map[string]string{
		`actions: ["job.created"]`:                      "map[action:job.created]",
		`actions: ["job.created", "job.shared"]`:        "map[action:job.shared] map[action:job.created]",
		`actions: ["no.such"]`:                          "",
		`actorId: "tok_00000000000000000000000000"`:     "",
		`until: "2020-01-01T00:00:00Z"`:                 "",
		`from: "2100-01-01T00:00:00Z"`:                  "",
		`subjectId: "${job}", actions: ["job.created"]`: "map[action:job.created]",
	} {
		got := fmt.Sprint(w.ask(t, "APPROVER", w.expand(t, `{ auditLog(filter: {`+filter+`}) { nodes { action } } }`), nil))
		if got != "map[data:map[auditLog:map[nodes:["+want+"]]]]" {
			t.Errorf("%s: %s", filter, got)
		}
	}
	if core.EventPurged != "organization.purged" {
		t.Error("the name of the action is part of the API")
	}
}
