package graph_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
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
	w, s := newWorld(t), schema(t)
	for _, c := range []struct {
		role, mutation string
		input          map[string]any
	}{
		{"ADMIN", "createTest", map[string]any{"name": "Chat", "modality": "CHAT"}},
		{"ADMIN", "createJob", map[string]any{"name": "Engineer"}},
		{"ADMIN", "createApiToken", map[string]any{"name": "token", "role": "VIEWER"}},
		{"ADMIN", "createConnection", map[string]any{"adapter": "fake", "name": "Second", "settings": []any{map[string]any{"name": "account", "value": "a"}}}},
		{"ADMIN", "updateConnection", map[string]any{"connectionId": w.names["connection"]}},
		{"ADMIN", "createAssessment", map[string]any{"testId": w.names["test"], "candidate": map[string]any{"firstName": "Bob", "email": "bob@example.com"}}},
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
