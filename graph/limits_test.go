package graph_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/trellis-ats/trellis/graph"
)

func TestHostileDocumentsAreRefusedAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var bomb strings.Builder
	bomb.WriteString("{ ...f0 } fragment f24 on Query { viewer { name } }")
	for i := range 24 {
		fmt.Fprintf(&bomb, " fragment f%d on Query { ...f%d ...f%d }", i, i+1, i+1)
	}
	nested := "id"
	for range 20 {
		nested = "... on Assessment { events { nodes { id } } } ... on Test { traits { name } } " + nested
	}
	for name, c := range map[string]struct{ query, code string }{
		"repetition":  {"{ viewer {" + strings.Repeat(" name", 3000) + " } }", "TOO_LARGE"},
		"aliases":     {"{" + numbered("a%d: viewer { name } ", 51) + "}", "TOO_LARGE"},
		"fields":      {"{ __schema { " + strings.Repeat("... { types { name kind } } ", 400) + "} }", "TOO_LARGE"},
		"fragments":   {bomb.String(), "TOO_LARGE"},
		"self-spread": {"{ ...f } fragment f on Query { ...f }", "GRAPHQL_VALIDATION_FAILED"},
		"tokens":      {"{ viewer { name } " + strings.Repeat("# \n viewer { name } ", 2000) + "}", "GRAPHQL_PARSE_FAILED"},
		"depth":       {strings.Repeat("{ viewer ", 16) + strings.Repeat("}", 16), "TOO_LARGE"},
		"complexity":  {"{ assessments(first: 100) { nodes { syncLog(first: 100) { nodes { exchanges { url } } } } } }", "COMPLEXITY_LIMIT_EXCEEDED"},
		"clamped":     {"{ assessments(first: 2147483647) { nodes { events(first: -5) { nodes { id } } syncLog(last: 1000000) { nodes { id } } } } }", "COMPLEXITY_LIMIT_EXCEEDED"},
		"nodes":       {"{ nodes(ids: [" + strings.Repeat(`"x" `, 101) + "]) { id } }", "INVALID"},
		"reports":     {"{ assessments(first: 100) { nodes { result { report { summary } } } } }", "COMPLEXITY_LIMIT_EXCEEDED"},
		"lists":       {"{ nodes(ids: [" + strings.Repeat(`"x" `, 90) + "]) { " + nested + " } }", "COMPLEXITY_LIMIT_EXCEEDED"},
	} {
		start := time.Now()
		body := w.ask(t, "ADMIN", c.query, nil)
		errs, _ := body["errors"].([]any)
		if len(errs) == 0 {
			t.Errorf("%s: no error: %v", name, body)
			continue
		}
		if code := errs[0].(map[string]any)["extensions"].(map[string]any)["code"]; code != c.code {
			t.Errorf("%s: code %v, want %s: %v", name, code, c.code, errs[0])
		}
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("%s took %s", name, took)
		}
	}
}

func numbered(format string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

func TestOrdinaryDocumentsPass(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, query := range []string{
		`{ __schema { types { fields { args { type { ofType { ofType { ofType { ofType { ofType { ofType { ofType { ofType { ofType { name } } } } } } } } } } } } } } }`,
		`{ assessments { nodes { id status delivery { state note } test { name modality } candidate { name email } connection { name } result { score traits { name score } } reportUrl orderedAt } pageInfo { endCursor hasNextPage } } }`,
		`{ assessments(first: 20) { nodes { id events(first: 10) { nodes { type at data } } } } }`,
	} {
		for range 2 { // the second time from the cache
			if body := w.ask(t, "ADMIN", query, nil); body["errors"] != nil {
				t.Errorf("%s: %v", query, body["errors"])
			}
		}
	}
}

func TestSchemaCanBeHidden(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if text := fmt.Sprint(w.ask(t, "ADMIN", `{ viewer { nam } __schema { types { name } } }`, nil)); !strings.Contains(text, `Did you mean "name"`) {
		t.Errorf("no suggestion: %s", text)
	}
	w.core.Introspection, w.core.Suggestions = graph.Introspection{}, false
	w.handler = graph.NewServer(w.core)
	if text := fmt.Sprint(w.ask(t, "ADMIN", `{ viewer { nam } }`, nil)); strings.Contains(text, "mean") {
		t.Errorf("suggestion: %s", text)
	}
	body := w.ask(t, "ADMIN", `{ __schema { types { name } } }`, nil)
	if body["errors"] == nil {
		t.Errorf("introspection: %v", body)
	}
}

func TestIntrospectionForAdmins(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.core.Introspection = graph.Introspection{Admins: true}
	w.handler = graph.NewServer(w.core)
	for _, query := range []string{
		`{ __schema { types { name } } }`, `{ viewer { name } ... { __type(name: "Test") { name } } }`,
		`{ ...F } fragment F on Query { __schema { types { name } } }`,
	} {
		if body := w.ask(t, "ADMIN", query, nil); body["errors"] != nil {
			t.Errorf("an admin: %v", body)
		}
		if body := fmt.Sprint(w.ask(t, "RECRUITER", query, nil)); !strings.Contains(body, "FORBIDDEN") {
			t.Errorf("a recruiter, after an admin asked the same: %s", body)
		}
	}
}
