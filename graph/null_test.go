package graph_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/trellis-ats/trellis/core/coretest"
)

// nulled gives every field that an input leaves out, and may, an explicit null,
// which is how many clients leave fields out.
func nulled(s *ast.Schema, input string, given map[string]any) map[string]any {
	full := map[string]any{}
	for _, f := range s.Types[input].Fields {
		value, ok := given[f.Name]
		switch nested := value.(type) {
		case map[string]any:
			full[f.Name] = nulled(s, f.Type.Name(), nested)
		case nil:
			if ok || !f.Type.NonNull {
				full[f.Name] = nil
			}
		default:
			full[f.Name] = nested
		}
	}
	return full
}

func TestNullIsLeftOut(t *testing.T) {
	t.Parallel()
	w, s := pushWorld(t), schema(t)
	w.adapters.Whole = &coretest.Asking{ATS: w.ats, Secret: "s"}
	for _, c := range []struct {
		role, mutation string
		input          map[string]any
	}{
		{"ADMIN", "createTest", map[string]any{"name": "Chat", "modality": "CHAT"}},
		{"ADMIN", "createJob", map[string]any{"name": "Engineer"}},
		{"ADMIN", "createApiToken", map[string]any{"name": "token", "role": "VIEWER"}},
		{"ADMIN", "createConnection", map[string]any{"adapter": "fake", "name": "Second", "settings": []any{map[string]any{"name": "account", "value": "a"}}}},
		{"ADMIN", "connectCredentials", map[string]any{"connectionId": w.names["connection"], "clientId": "c", "clientSecret": "s"}},
		{"ADMIN", "updateConnection", map[string]any{"connectionId": w.names["connection"]}},
		{"ADMIN", "createAssessment", map[string]any{"testId": w.names["test"], "candidate": map[string]any{"firstName": "Bob", "email": "bob@example.com"}}},
		{"ADMIN", "mapJob", map[string]any{"connectionId": w.names["connection"], "jobId": w.names["job"], "externalJobId": "job-1"}},
		{"ADMIN", "setPushRule", map[string]any{"connectionId": w.names["connection"], "mode": "MANUAL"}},
		{"ADMIN", "deletePushRule", map[string]any{"connectionId": w.names["connection"]}},
		{"ADMIN", "updateScorecardMapping", map[string]any{"connectionId": w.names["connection"]}},
		{"ADMIN", "updatePushDestinations", map[string]any{"connectionId": w.names["connection"]}},
		{"ADMIN", "updatePushPolicies", map[string]any{"connectionId": w.names["connection"]}},
		{"ADMIN", "setWebhookSync", map[string]any{"connectionId": w.names["connection"], "enabled": true}},
		{"ADMIN", "rotateWebhookSecret", map[string]any{"connectionId": w.names["connection"]}},
		{"ADMIN", "createStageTrigger", map[string]any{"connectionId": w.names["connection"], "externalJobId": "job-1", "stageId": "job-1-stage-1", "testId": w.names["test"]}},
		{"ADMIN", "proposeRoutingRule", map[string]any{"connectionId": w.names["connection"], "advance": 75, "review": 0}},
		{"ADMIN", "setRoutingSwitch", map[string]any{"connectionId": w.names["connection"], "off": false}},
		{"ADMIN", "pushAssessment", map[string]any{"assessmentId": w.names["pushable"], "connectionId": w.names["connection"]}},
		{"ADMIN", "pushAssessments", map[string]any{"assessmentIds": []any{w.names["pushable"]}, "connectionId": w.names["connection"]}},
		{"ADMIN", "resolvePush", map[string]any{"pushId": w.names["asking"], "resolution": map[string]any{"createNew": true}}},
		{"ADMIN", "assignJob", map[string]any{"assessmentId": w.names["ordered"]}},
		{"ENGINE", "startAssessment", map[string]any{"assessmentId": w.names["ordered"]}},
		{"ENGINE", "completeAssessment", map[string]any{"assessmentId": w.names["ordered"]}},
		{"ENGINE", "completeAssessment", map[string]any{"assessmentId": w.names["ordered"], "score": 50, "report": map[string]any{"summary": "Fine."}}},
	} {
		input := strings.ToUpper(c.mutation[:1]) + c.mutation[1:] + "Input"
		query := fmt.Sprintf(`mutation($input: %s!) { %s(input: $input) { userErrors { field message } } }`, input, c.mutation)
		body := w.ask(t, c.role, query, map[string]any{"input": nulled(s, input, c.input)})
		if text := fmt.Sprint(body); body["errors"] != nil || !strings.Contains(text, "userErrors:[]") {
			t.Errorf("%s: %s", c.mutation, text)
		}
	}
	for _, f := range s.Query.Fields {
		a := f.Arguments.ForName("filter")
		if a == nil {
			continue
		}
		query := fmt.Sprintf(`query($filter: %s) { %s(filter: $filter) { nodes { __typename } } }`, a.Type.Name(), f.Name)
		plain := w.ask(t, "ADMIN", query, nil)
		if nulls := w.ask(t, "ADMIN", query, map[string]any{"filter": nulled(s, a.Type.Name(), nil)}); fmt.Sprint(nulls) != fmt.Sprint(plain) || plain["errors"] != nil {
			t.Errorf("%s: %v, but %v", f.Name, plain, nulls)
		}
	}
}
