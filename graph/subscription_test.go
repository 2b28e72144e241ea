package graph_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/trellis-ats/trellis/core"
)

// number gives all events their positions and tells subscribers.
func (w *world) number(t *testing.T) {
	t.Helper()
	last, _, err := w.db.NumberEvents(t.Context(), 10_000)
	check(t, err)
	w.bus.Tell(last)
	w.names["zero"] = base64.RawURLEncoding.EncodeToString([]byte("feed:0"))
}

// subscribe returns the first n messages of a subscription, or fewer if it ends.
func (w *world) subscribe(t *testing.T, role, query string, n int, variables ...any) []map[string]any {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	server := httptest.NewServer(w.handler)
	defer server.Close()
	defer server.CloseClientConnections()
	operation := map[string]any{"query": query}
	if len(variables) > 0 {
		operation["variables"] = variables[0]
	}
	encoded, err := json.Marshal(operation)
	check(t, err)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL+"/graphql", bytes.NewReader(encoded))
	check(t, err)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "text/event-stream")
	if secret, ok := w.tokens[role]; ok {
		r.Header.Set("Authorization", "Bearer "+secret.Reveal())
	}
	response, err := server.Client().Do(r)
	check(t, err)
	defer func() { _ = response.Body.Close() }()
	if !strings.HasPrefix(response.Header.Get("Content-Type"), "text/event-stream") {
		return []map[string]any{decoded(t, response)}
	}
	var messages []map[string]any
	for lines := bufio.NewScanner(response.Body); len(messages) < n && lines.Scan(); {
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			var message map[string]any
			check(t, json.Unmarshal([]byte(data), &message))
			messages = append(messages, message)
		}
	}
	if len(messages) == 0 {
		t.Fatal("the subscription ended without a message")
	}
	return messages
}

func TestSubscriptionsTellWhatIs(t *testing.T) {
	t.Parallel()
	w := rich(t)
	for _, c := range []struct{ query, want string }{
		{
			`subscription { assessmentChanged(after: "${zero}", filter: {types: ["assessment.scored"]}) { event { type subject { id } } assessment { id status candidate { name } test { name } result { score } lastSyncEntry { id } } } }`,
			`map[data:map[assessmentChanged:map[assessment:map[candidate:map[name:Ada Example] id:${ordered} lastSyncEntry:map[id:${pushEntry}] result:map[score:80] status:SCORED test:map[name:Cold Call]] event:map[subject:map[id:${ordered}] type:assessment.scored]]]]`,
		},
		{
			`subscription { assessmentChanged(after: "${zero}", filter: {statuses: [SCORED], jobId: "${job}", testId: "${test}", connectionId: "${connection}"}) { event { type } } }`,
			`map[data:map[assessmentChanged:map[event:map[type:assessment.ordered]]]]`,
		},
		{
			`subscription { syncLogAppended(after: "${zero}", filter: {assessmentId: "${ordered}", outcomes: [OK], direction: INBOUND}) { entry { id operation assessment { id } connection { name } } } }`,
			`map[data:map[syncLogAppended:map[entry:map[assessment:map[id:${ordered}] connection:map[name:Main] id:${entry} operation:send-test]]]]`,
		},
		{
			`subscription { connectionHealthChanged(after: "${zero}") { event { data } connection { id status health { checks { name ok } } } } }`,
			`map[data:map[connectionHealthChanged:map[connection:map[health:map[checks:[map[name:settings ok:true]]] id:${connection} status:OK] event:map[data:map[after:OK before:UNKNOWN]]]]]`,
		},
		{
			`subscription { pipelineChanged(after: "${zero}") { pipeline { total } } }`,
			`map[data:map[pipelineChanged:map[pipeline:map[total:1]]]]`,
		},
		{
			`subscription { events(after: "${zero}", filter: {subjectId: "${job}", types: ["job.shared"]}) { event { type subject { ... on Job { sharedWith } } } } }`,
			`map[data:map[events:map[event:map[subject:map[sharedWith:[${token_VIEWER}]] type:job.shared]]]]`,
		},
	} {
		if got, want := fmt.Sprint(w.subscribe(t, "ADMIN", w.expand(t, c.query), 1)[0]), w.expand(t, c.want); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", c.query, got, want)
		}
	}
}

func TestPipelineChangesThatComeTogetherMakeOneMessage(t *testing.T) {
	t.Parallel()
	w := rich(t)
	for n := range 5 {
		w.scored(t, n)
	}
	w.number(t)
	message := w.subscribe(t, "ADMIN", w.expand(t, `subscription { pipelineChanged(after: "${zero}") { cursor pipeline { total } } }`), 1)[0]
	told := message["data"].(map[string]any)["pipelineChanged"].(map[string]any)
	if fmt.Sprint(told["pipeline"]) != "map[total:6]" {
		t.Errorf("got %v", told)
	}
	now := w.ask(t, "ADMIN", `{ feedCursor }`, nil)["data"].(map[string]any)["feedCursor"].(string)
	position := func(cursor any) string {
		text, err := base64.RawURLEncoding.DecodeString(cursor.(string))
		check(t, err)
		return string(text)
	}
	if a, b := position(told["cursor"]), position(now); a != b { // the last event is an assessment's
		t.Errorf("the message stands at %s, the feed at %s", a, b)
	}
}

func TestSubscriptionsRefuseForeignCursorsAndTypes(t *testing.T) {
	t.Parallel()
	w := rich(t)
	list := w.ask(t, "ADMIN", `{ assessments { pageInfo { endCursor } } }`, nil)["data"].(map[string]any)["assessments"].(map[string]any)["pageInfo"].(map[string]any)["endCursor"].(string)
	far := base64.RawURLEncoding.EncodeToString([]byte("feed:999999"))
	for query, field := range map[string]string{
		fmt.Sprintf(`subscription { events(after: %q) { cursor } }`, list):                  "after",
		fmt.Sprintf(`subscription { pipelineChanged(after: %q) { cursor } }`, far):          "after",
		`subscription { events(after: "") { cursor } }`:                                     "after",
		`subscription { events(first: 0) { cursor } }`:                                      "first",
		`subscription { assessmentChanged(filter: {types: ["token.created"]}) { cursor } }`: "filter.types",
	} {
		text := fmt.Sprint(w.subscribe(t, "ADMIN", query, 1)[0])
		if !strings.Contains(text, "code:INVALID") || !strings.Contains(text, "path:"+field) {
			t.Errorf("%s: %s", query, text)
		}
	}
}

// TestSubscriptionsRefuseCursorsOfDeletedEvents tells a client that it would
// miss something, instead of leaving a gap that nobody sees.
func TestSubscriptionsRefuseCursorsOfDeletedEvents(t *testing.T) {
	t.Parallel()
	w := rich(t)
	now := w.ask(t, "ADMIN", `{ feedCursor }`, nil)["data"].(map[string]any)["feedCursor"].(string)
	check(t, w.store.Atomically(t.Context(), func(tx core.Tx) error {
		p := core.Purge{Organization: core.ID(w.names["organization"]), Kind: core.RetainEvents, Before: w.clock.Now().Add(time.Second), Limit: 10_000}
		_, err := tx.Purge(t.Context(), p)
		return err
	}))
	old := fmt.Sprint(w.subscribe(t, "ADMIN", w.expand(t, `subscription { events(after: "${zero}") { cursor } }`), 1)[0])
	if !strings.Contains(old, "code:INVALID") || !strings.Contains(old, "path:after") || !strings.Contains(old, "no longer kept") {
		t.Errorf("an old cursor: %s", old)
	}
	w.ask(t, "ADMIN", `mutation { createJob(input: {name: "J"}) { job { id } } }`, nil)
	w.number(t)
	next := fmt.Sprint(w.subscribe(t, "ADMIN", fmt.Sprintf(`subscription { events(after: %q) { event { type } } }`, now), 1)[0])
	if next != "map[data:map[events:map[event:map[type:job.created]]]]" {
		t.Errorf("the newest cursor: %s", next)
	}
}

func TestErrorsInMessagesHaveTheirPlace(t *testing.T) {
	t.Parallel()
	w := rich(t)
	message := w.subscribe(t, "VIEWER", w.expand(t, `subscription { changed: assessmentChanged(after: "${zero}") { assessment { id connection { id } } } }`), 1)[0]
	if data := fmt.Sprint(message["data"]); data != w.expand(t, `map[changed:map[assessment:map[connection:<nil> id:${ordered}]]]`) {
		t.Errorf("data: %s", data)
	}
	if path := fmt.Sprint(message["errors"].([]any)[0].(map[string]any)["path"]); path != "[changed assessment connection]" {
		t.Errorf("path: %s", path)
	}
}
