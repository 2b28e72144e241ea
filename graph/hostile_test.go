package graph_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/trellis-ats/trellis/graph"
)

const marker = "zqxmarker"

func TestErrorsDoNotRepeatTheRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.core.Introspection, w.core.Suggestions = graph.Introspection{}, false
	w.handler = graph.NewServer(w.core)
	const create = `mutation($i: CreateTestInput!) { createTest(input: $i) { test { id } } }`
	for name, c := range map[string]struct {
		query, want string
		variables   map[string]any
	}{
		"field":            {query: "{ viewer { " + marker + " } }", want: "GRAPHQL_VALIDATION_FAILED"},
		"nearly a field":   {query: "{ viewer { nam } }", want: "GRAPHQL_VALIDATION_FAILED"},
		"argument":         {query: "{ tests(" + marker + ": 1) { nodes { id } } }", want: "GRAPHQL_VALIDATION_FAILED"},
		"directive":        {query: "{ viewer { name @" + marker + " } }", want: "GRAPHQL_VALIDATION_FAILED"},
		"type":             {query: "query($x: " + marker + ") { viewer { name } }", want: "GRAPHQL_VALIDATION_FAILED"},
		"enum":             {query: `mutation { createTest(input: {name: "x", modality: ` + marker + `}) { test { id } } }`, want: "GRAPHQL_VALIDATION_FAILED"},
		"syntax":           {query: "{ viewer { " + marker + " ( } }", want: "GRAPHQL_PARSE_FAILED"},
		"text":             {query: marker, want: "GRAPHQL_PARSE_FAILED"},
		"value":            {query: create, variables: map[string]any{"i": map[string]any{"name": "x", "modality": marker}}, want: "GRAPHQL_VALIDATION_FAILED"},
		"field of a value": {query: create, variables: map[string]any{"i": map[string]any{"name": "x", "modality": "CHAT", marker: 1}}, want: "GRAPHQL_VALIDATION_FAILED"},
		"schema":           {query: "{ __schema { types { name } } }", want: "FORBIDDEN"},
		"type by name":     {query: `{ __type(name: "` + marker + `") { name } }`, want: "FORBIDDEN"},
		"directives":       {query: "{ viewer { name " + strings.Repeat("@"+marker+" ", 51) + "} }", want: "TOO_LARGE"},
		"of a fragment":    {query: "{ viewer { name } } fragment f on Viewer " + strings.Repeat("@"+marker+" ", 51) + "{ name }", want: "TOO_LARGE"},
	} {
		body := w.ask(t, "ADMIN", c.query, c.variables)
		raw, err := json.Marshal(body)
		check(t, err)
		if codeOf(body) != c.want || strings.Contains(string(raw), marker) || strings.Contains(string(raw), "mean") {
			t.Errorf("%s: %s, want %s", name, raw, c.want)
		}
	}
	if log := w.log.String(); log != "" {
		t.Errorf("refusals were logged: %s", log)
	}
}

func TestErrorsAreFewAndShort(t *testing.T) {
	t.Parallel()
	w := newWorld(t) // which quotes
	long := w.ask(t, "ADMIN", "{ viewer { "+strings.Repeat("x", 100_000)+" } }", nil)
	many := w.ask(t, "ADMIN", "{ viewer { "+numbered("x%d ", 500)+" } }", nil)
	for name, body := range map[string]map[string]any{"long": long, "many": many} {
		raw, err := json.Marshal(body)
		check(t, err)
		if len(raw) > 8<<10 || codeOf(body) != "GRAPHQL_VALIDATION_FAILED" {
			t.Errorf("%s: %d bytes: %.300s", name, len(raw), raw)
		}
	}
}

func TestManyValuesAreNotRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	post := func(variables string) int {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/graphql", strings.NewReader(`{"query":"{ viewer { name } }","variables":`+variables+`}`))
		r.Header.Set("Content-Type", jsonType)
		return w.serve(r, "ADMIN").StatusCode
	}
	if got := post(`{"x":[` + strings.Repeat("1,", 60_000) + `1]}`); got != http.StatusRequestEntityTooLarge {
		t.Errorf("60,000 values: %d", got)
	}
	if got := post(`{"x":"` + strings.Repeat(`,[{\"`, 60_000) + `"}`); got != http.StatusOK {
		t.Errorf("one text with 180,000 marks: %d", got)
	}
}

func TestOneCallersOperationsTakeTurns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.core.Limits.Turns = 2
	w.handler = graph.NewServer(w.core)
	var mu sync.Mutex
	running, most := 0, 0
	count := func(change int) int {
		mu.Lock()
		defer mu.Unlock()
		running += change
		most = max(most, running)
		return running
	}
	var first sync.Once
	both, release := make(chan struct{}), make(chan struct{})
	w.store.fail = func(string) error {
		if count(1) == 2 {
			first.Do(func() { close(both) })
		}
		<-release
		count(-1)
		return nil
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() { w.ask(t, "ADMIN", `{ viewer { name } }`, nil) })
	}
	<-both
	close(release)
	wg.Wait()
	if most != 2 {
		t.Errorf("%d ran at the same time", most)
	}
}
