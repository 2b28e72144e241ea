package core_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// secrets are those of the connection that a person typed.
func (w *world) secrets() map[string]core.Secret {
	w.t.Helper()
	all, err := w.store.ConnectionSecrets(w.t.Context(), w.admin.OrganizationID, w.connection.ID)
	w.ok(err)
	if all[ats.SecretWebhook] == "" {
		w.t.Fatal("the web hook secret is lost")
	}
	delete(all, ats.SecretWebhook)
	return all
}

func TestAnUpdateKeepsWhatItDoesNotName(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	name := "Renamed"
	for _, step := range []struct {
		update   core.ConnectionUpdate
		settings map[string]string
		secret   core.Secret
	}{
		{core.ConnectionUpdate{Settings: map[string]string{"api_key": "one", "region": "eu"}}, map[string]string{"account": "acme", "region": "eu"}, "one"},
		{core.ConnectionUpdate{Name: &name}, map[string]string{"account": "acme", "region": "eu"}, "one"},
		{core.ConnectionUpdate{Settings: map[string]string{"region": "", "api_key": "two"}}, map[string]string{"account": "acme"}, "two"},
		{core.ConnectionUpdate{Settings: map[string]string{"api_key": ""}}, map[string]string{"account": "acme"}, ""},
	} {
		c, err := w.connections.Update(t.Context(), w.admin, w.connection.ID, step.update)
		w.ok(err)
		if diff := cmp.Diff(step.settings, c.Settings); diff != "" {
			t.Errorf("settings (-want +got):\n%s", diff)
		}
		if got := w.secrets()["api_key"]; got.Reveal() != step.secret.Reveal() {
			t.Errorf("the secret is %q, want %q", got.Reveal(), step.secret.Reveal())
		}
	}
	_, err := w.connections.Update(t.Context(), w.admin, w.connection.ID, core.ConnectionUpdate{Settings: map[string]string{"account": ""}})
	w.refused(err, fault.Invalid)
	_, err = w.connections.Update(t.Context(), w.engine, w.connection.ID, core.ConnectionUpdate{Name: &name})
	w.refused(err, fault.Forbidden)
}

func TestCapabilitiesFollowTheLastCheck(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	can := func(c *core.Connection) string {
		t.Helper()
		all, err := w.connections.Capabilities(t.Context(), w.admin, c)
		w.ok(err)
		said := ""
		for _, one := range all {
			if one.Available {
				said += string(one.Name) + " "
			}
			for _, reason := range one.Reasons {
				said += "(" + reason + ") "
			}
		}
		return said
	}
	if got := can(w.connection); got != "RESULTS " {
		t.Errorf("before a check: %q", got)
	}
	failing := *w.connection
	failing.Health = core.Health{Status: core.HealthFailing, Message: "refused"}
	if got := can(&failing); got != "(refused) (refused) " {
		t.Errorf("failing: %q", got)
	}
	checked := *w.connection
	checked.Health = core.Health{Status: core.HealthDegraded, Capabilities: []ats.Capability{{Name: ats.CapabilityInbound, Available: true, Reasons: []string{"in part"}}}}
	if got := can(&checked); got != "INBOUND (in part) " {
		t.Errorf("checked: %q", got)
	}
	gone := *w.connection
	gone.Adapter = "gone"
	if got := can(&gone); got != "" {
		t.Errorf("without its adapter: %q", got)
	}
	_, err := w.connections.Capabilities(t.Context(), w.engine, w.connection)
	w.refused(err, fault.Forbidden)
}

func TestSyncFilterMatches(t *testing.T) {
	t.Parallel()
	e := &core.SyncEntry{AssessmentID: "asm_1", ConnectionID: "con_1", Direction: core.DirectionInbound, Outcome: core.SyncOK, Operation: "send-test"}
	for _, c := range []struct {
		filter core.SyncFilter
		want   bool
	}{
		{core.SyncFilter{}, true},
		{core.SyncFilter{AssessmentID: "asm_1", ConnectionID: "con_1", Direction: core.DirectionInbound, Outcomes: []core.SyncOutcome{core.SyncOK, core.SyncFailed}, Operation: "send-test"}, true},
		{core.SyncFilter{AssessmentID: "asm_2"}, false},
		{core.SyncFilter{ConnectionID: "con_2"}, false},
		{core.SyncFilter{Direction: core.DirectionOutbound}, false},
		{core.SyncFilter{Outcomes: []core.SyncOutcome{core.SyncFailed}}, false},
		{core.SyncFilter{Operation: "test-status"}, false},
	} {
		if got := c.filter.Matches(e); got != c.want {
			t.Errorf("%+v: %t", c.filter, got)
		}
	}
}
