package graph_test

import (
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/internal/store"
	"github.com/trellis-ats/trellis/internal/store/storetest"
)

// creation is a mutation that creates, with a field of its input to vary.
type creation struct{ input, selection, vary string }

// creations are all mutations that create. Variables give the input, so that
// the order of its fields can be turned around.
func creations() map[string]creation {
	return map[string]creation{
		"createTest":       {"CreateTestInput", "test { id name traits { key } }", "name"},
		"createAssessment": {"CreateAssessmentInput", "assessment { id status candidate { id name } }", "jobId"},
		"createConnection": {"CreateConnectionInput", "connection { id name } partnerKey webhookSecret webhookUrl", "name"},
		"createJob":        {"CreateJobInput", "job { id name externalId }", "name"},
		"createApiToken":   {"CreateApiTokenInput", "apiToken { id name role scopes expiresAt } secret", "name"},
	}
}

func (c creation) query(name string) string {
	return fmt.Sprintf(`mutation ($input: %s!) { %s(input: $input) { %s userErrors { code reason field } } }`, c.input, name, c.selection)
}

func (w *world) inputs() map[string]map[string]any {
	return map[string]map[string]any{
		"createTest":       {"name": "Chat", "modality": "CHAT", "traits": []any{map[string]any{"key": "wit", "name": "Wit"}}},
		"createAssessment": {"testId": w.names["test"], "candidate": map[string]any{"firstName": "Bo", "email": "bo@example.com"}},
		"createConnection": {"adapter": "fake", "name": "Second", "settings": []any{map[string]any{"name": "account", "value": "b"}, map[string]any{"name": "api_key", "value": "k"}}},
		"createJob":        {"name": "Job"},
		"createApiToken":   {"name": "Token", "role": "VIEWER", "scopes": []any{"READ"}, "expiresAt": "2027-01-01T00:00:00Z"},
	}
}

func keyed(input map[string]any, key string, more ...any) map[string]any {
	in := maps.Clone(input)
	in["idempotencyKey"] = key
	for i := 0; i < len(more); i += 2 {
		in[more[i].(string)] = more[i+1]
	}
	return map[string]any{"input": in}
}

func TestARepeatGivesTheFirstOutcome(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		t.Helper()
		w := newWorldOn(t, db)
		w.token(t, core.ID(w.names["organization"]), "OTHER", "other admin", core.RoleAdmin)
		for name, c := range creations() {
			input, query := w.inputs()[name], c.query(name)
			first := w.ask(t, "ADMIN", query, keyed(input, name))
			if refusal(first) != "" || strings.Contains(fmt.Sprint(first), "<nil>") && name != "createJob" {
				t.Fatalf("%s: %v", name, first)
			}
			again := w.ask(t, "ADMIN", query, keyed(input, name))
			if diff := cmp.Diff(first, again); diff != "" {
				t.Errorf("%s: a repeat differs (-first +again):\n%s", name, diff)
			}
			changed := any("another")
			if c.vary == "jobId" {
				changed = w.names["job"]
			}
			if got := refusal(w.ask(t, "ADMIN", query, keyed(input, name, c.vary, changed))); got != "CONFLICT idempotencyKey" {
				t.Errorf("%s: another input with the key: %q", name, got)
			}
			if got := refusal(w.ask(t, "ADMIN", creations()["createJob"].query("createJob"), map[string]any{"input": map[string]any{"name": "X", "idempotencyKey": name}})); name != "createJob" && got != "CONFLICT idempotencyKey" {
				t.Errorf("%s: another mutation with the key: %q", name, got)
			}
			for _, role := range []string{"OTHER", "ADMIN"} { // another actor, another key
				key := map[string]string{"OTHER": name, "ADMIN": name + "2"}[role]
				theirs := w.ask(t, role, query, keyed(input, key))
				if refusal(theirs) != "" || cmp.Equal(first, theirs) {
					t.Errorf("%s by %s with key %s: %v", name, role, key, theirs)
				}
			}
			w.clock.Turn(24*time.Hour + time.Second)
			if late := w.ask(t, "ADMIN", query, keyed(input, name)); refusal(late) != "" || cmp.Equal(first, late) {
				t.Errorf("%s: after 24 hours: %v", name, late)
			}
		}
	})
}

func TestARefusalIsNotKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	query := creations()["createJob"].query("createJob")
	if got := refusal(w.ask(t, "ADMIN", query, keyed(map[string]any{"name": ""}, "k"))); got != "INVALID name" {
		t.Fatal(got)
	}
	if got := refusal(w.ask(t, "ADMIN", query, keyed(map[string]any{"name": "Mended"}, "k"))); got != "" {
		t.Errorf("the mended input: %q", got)
	}
}

func TestWithoutAKeyNothingIsARepeat(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, c := range creations() {
		in := map[string]any{"input": w.inputs()[name]}
		first, second := w.ask(t, "ADMIN", c.query(name), in), w.ask(t, "ADMIN", c.query(name), in)
		if refusal(first) != "" || refusal(second) != "" || cmp.Equal(first, second) {
			t.Errorf("%s: %v and %v", name, first, second)
		}
	}
}

func TestConcurrentRepeatsMakeOne(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		t.Helper()
		w := newWorldOn(t, db)
		w.ask(t, "ADMIN", `{ viewer { name } }`, nil)
		for name, c := range creations() {
			answers := make([]string, 12)
			var all sync.WaitGroup
			for i := range answers {
				all.Go(func() {
					answers[i] = fmt.Sprint(w.ask(t, "ADMIN", c.query(name), keyed(w.inputs()[name], "one "+name)))
				})
			}
			all.Wait()
			for _, a := range answers {
				if a != answers[0] || strings.Contains(a, "errors:[map") {
					t.Fatalf("%s: %s and %s", name, answers[0], a)
				}
			}
		}
		jobs := w.ask(t, "ADMIN", `{ jobs { nodes { name } } }`, nil)
		if n := strings.Count(fmt.Sprint(jobs), "name:"); n != 2 { // one was there
			t.Errorf("%d jobs", n)
		}
	})
}
