package graph_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/graph"
	"github.com/trellis-ats/trellis/internal/store"
	"github.com/trellis-ats/trellis/internal/store/storetest"
)

// wholeLists are queries for every field that is reached through a list and
// read from the store, through nodes and through edges, several levels deep.
func wholeLists() map[string]string {
	return map[string]string{
		"assessments": `{ assessments(first: 100) {
			nodes {
				id status delivery { state note } reportUrl
				test { id name traits { key } } candidate { id name connection { id name } }
				job { id name connection { id } sharedWith } connection { id status health { status } capabilities { name } }
				result { score traits { key score } benchmark report { summary } }
				lastSyncEntry { id outcome connection { id } assessment { id test { id } } }
				events(first: 5) { nodes { type subject { ... on Assessment { id job { id } } } } pageInfo { hasNextPage } }
				syncLog(first: 2) { nodes { id assessment { id } connection { id } } pageInfo { hasNextPage } }
			}
			edges { node { test { id } candidate { id } job { id } connection { id } result { id benchmark } events(first: 5) { nodes { id } } } }
		} }`,
		"jobs":       `{ jobs(first: 100) { nodes { sharedWith connection { id } } edges { node { sharedWith } } } }`,
		"candidates": `{ candidates(first: 100) { nodes { name connection { id } } } }`,
		"sync log":   `{ syncLog(first: 100) { nodes { connection { id } assessment { id candidate { id } result { score } } exchanges { url } } } }`,
		"tokens":     `{ apiTokens(first: 100) { nodes { id } } }`,
		"connection": `{ connections { id capabilities { name } } }`,
		// its subjects are of fewer types the longer it is
		"audit log": `{ auditLog(first: 100) { nodes { action subject { __typename id ... on Job { sharedWith } } } } }`,
	}
}

func TestListsCostAConstantNumberOfStatements(t *testing.T) {
	t.Parallel()
	storetest.EachCounted(t, func(t *testing.T, db *store.DB, sent *storetest.Statements) {
		t.Helper()
		w := newWorldOn(t, db)
		w.core.Limits.Complexity = 1 << 20
		w.handler = graph.NewServer(w.core)
		w.completed(t, core.ID(w.names["ordered"]), 0)
		w.share(t)
		w.ask(t, "ADMIN", `{ viewer { name } }`, nil) // notes that the token is used
		ofOne := map[string][]string{}
		rows := 1
		for _, n := range []int{1, 10, 100} {
			for ; rows < n; rows++ {
				w.scored(t, rows)
			}
			for name, query := range wholeLists() {
				var body map[string]any
				statements := sent.During(func() { body = w.ask(t, "ADMIN", query, nil) })
				if body["errors"] != nil {
					t.Fatal(body["errors"])
				}
				if n == 1 {
					ofOne[name] = statements
				}
				if was, is := len(ofOne[name]), len(statements); was == 0 || is > was || (is < was && name != "audit log") {
					t.Errorf("%s: %d statements for 1 row, %d for %d rows:\n%s", name, was, is, n, strings.Join(statements, "\n"))
				}
				if name == "assessments" {
					wholes(t, body, n)
				}
			}
		}
	})
}

// wholes fails if something is missing, which would make counting it worthless.
func wholes(t *testing.T, body map[string]any, n int) {
	t.Helper()
	nodes := body["data"].(map[string]any)["assessments"].(map[string]any)["nodes"].([]any)
	if len(nodes) != n {
		t.Fatalf("%d assessments, want %d", len(nodes), n)
	}
	for _, node := range nodes {
		whole(t, node.(map[string]any))
	}
}

func whole(t *testing.T, node map[string]any) {
	t.Helper()
	for _, name := range []string{"test", "candidate", "job", "connection", "result", "lastSyncEntry", "reportUrl"} {
		if node[name] == nil {
			t.Fatalf("%s is missing: %v", name, node)
		}
	}
	if result := node["result"].(map[string]any); result["benchmark"] == nil || result["report"].(map[string]any)["summary"] != "Fine." {
		t.Fatalf("result: %v", result)
	}
	events := node["events"].(map[string]any)["nodes"].([]any)
	if len(events) == 0 || events[0].(map[string]any)["subject"].(map[string]any)["id"] != node["id"] {
		t.Fatalf("events: %v", events)
	}
	if entry := node["lastSyncEntry"].(map[string]any); entry["assessment"].(map[string]any)["id"] != node["id"] {
		t.Fatalf("last sync entry: %v", entry)
	}
}

// scored adds an assessment of its own job, candidate and connection that the
// ATS ordered and the engine scored.
func (w *world) scored(t *testing.T, n int) core.ID {
	t.Helper()
	ctx, by := t.Context(), core.SystemActor(core.ID(w.names["organization"]))
	made, err := w.core.Connections.Create(ctx, by, core.NewConnection{
		Adapter: "fake", Name: fmt.Sprintf("Connection %d", n), Settings: map[string]string{"account": "acme"},
	}, core.Key{})
	check(t, err)
	job, err := w.core.Jobs.Create(ctx, by, core.Job{Name: fmt.Sprintf("Job %d", n), ConnectionID: made.Connection.ID}, core.Key{})
	check(t, err)
	_, err = w.core.Jobs.Share(ctx, by, job.ID, fmt.Sprintf("m%d@example.com", n))
	check(t, err)
	placed, err := w.core.Assessments.Place(ctx, made.Connection, &ats.PlaceOrder{
		Items:     []ats.OrderItem{{Key: fmt.Sprintf("scored-%d", n), TestID: w.names["test"]}},
		Candidate: ats.CandidateRecord{ExternalID: fmt.Sprint(n), FirstName: "Bo", LastName: fmt.Sprint(n), Email: fmt.Sprintf("bo%d@example.com", n)},
	})
	check(t, err)
	id := core.ID(placed.AssessmentIDs[0])
	_, err = w.core.Assessments.AssignJob(ctx, by, id, job.ID)
	check(t, err)
	for range 3 {
		w.entry(t, made.Connection, id)
	}
	w.completed(t, id, n)
	return id
}

func (w *world) completed(t *testing.T, id core.ID, n int) {
	t.Helper()
	score := float64(n % 100)
	_, err := w.core.Assessments.Complete(t.Context(), core.SystemActor(core.ID(w.names["organization"])), core.Completion{
		AssessmentID: id, Score: &score, Traits: []core.TraitCompletion{{Key: "calm", Score: score}}, Report: core.Report{Summary: "Fine."},
	})
	check(t, err)
}

func TestAPlainPageIsCheap(t *testing.T) {
	t.Parallel()
	storetest.EachCounted(t, func(t *testing.T, db *store.DB, sent *storetest.Statements) {
		t.Helper()
		w := newWorldOn(t, db)
		for n := range 20 {
			w.scored(t, n)
		}
		w.share(t)
		w.completed(t, core.ID(w.names["ordered"]), 1)
		const page = `{ assessments(first: 100) { nodes {
			id status orderedAt delivery { state } decision atsOutcome candidate { name email } test { name } job { name }
			result { score traits { name score } } %s
		} } }`
		for role, c := range map[string]struct {
			last       string
			statements int
		}{
			// the token, the page, candidate, test, job, result, last sync entry
			"RECRUITER": {"lastSyncEntry { outcome }", 7},
			// each read of a VIEWER but that of tests finds out first what is shared
			"VIEWER": {"", 10},
		} {
			w.ask(t, role, `{ viewer { name } }`, nil)
			var body map[string]any
			statements := sent.During(func() { body = w.ask(t, role, fmt.Sprintf(page, c.last), nil) })
			if body["errors"] != nil {
				t.Fatal(body["errors"])
			}
			if len(statements) != c.statements {
				t.Errorf("%s: %d statements, want %d:\n%s", role, len(statements), c.statements, strings.Join(statements, "\n"))
			}
		}
	})
}

func TestLoadersAreNotShared(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	query := `{ assessments { nodes { result { score } } } }`
	before := w.ask(t, "ADMIN", query, nil)
	w.completed(t, core.ID(w.names["ordered"]), 7)
	after := w.ask(t, "ADMIN", query, nil)
	if cmp.Equal(before, after) {
		t.Errorf("what was read before is shown again: %v", after)
	}
}
