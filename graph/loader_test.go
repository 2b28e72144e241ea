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
				applications { state profileUrl connection { id } }
				syncLog(first: 2) { nodes { id assessment { id } connection { id } push { id candidate { id } } } pageInfo { hasNextPage } }
				decisions { id state connection { id } assessment { id } steps { to } }
				lastPush { id profileUrl steps { kind } connection { id } assessment { id } candidate { id } }
				pushes(first: 2) { nodes { id assessment { id } connection { id } candidate { id } } pageInfo { hasNextPage } }
			}
			edges { node { test { id } candidate { id } job { id } connection { id } result { id benchmark } events(first: 5) { nodes { id } } } }
		} }`,
		"mappings":      `{ jobMappings(first: 100) { nodes { job { id sharedWith } connection { id } } edges { node { job { id } connection { id } } } } }`,
		"push rules":    `{ pushRules(connectionId: "${connection}") { mode job { id } } }`,
		"routing rules": `{ routingRules(connectionId: "${connection}") { state job { id } test { id } } }`,
		"review queue": `{ reviewQueue(first: 100) {
			nodes { connection { id } assessment { id result { score benchmark } candidate { id } } steps { to } } edges { node { assessment { id } } }
		} }`,
		"decisions": `{ decisions(first: 100) { nodes { connection { id } assessment { id } steps { to actorName } } } }`,
		"pushes": `{ pushes(first: 100) {
			nodes { connection { id } assessment { id test { id } } candidate { id } steps { kind } } edges { node { assessment { id } candidate { id } } }
		} }`,
		"jobs":       `{ jobs(first: 100) { nodes { sharedWith connection { id } } edges { node { sharedWith } } } }`,
		"candidates": `{ candidates(first: 100) { nodes { name connection { id } } } }`,
		"sync log":   `{ syncLog(first: 100) { nodes { connection { id } assessment { id candidate { id } result { score } } push { id } exchanges { url } } } }`,
		"tokens":     `{ apiTokens(first: 100) { nodes { id } } }`,
		"connection": `{ connections { id capabilities { name } authorization { state } webhookSync { enabled seen { action } } openIssues } }`,
		"web hooks":  `{ webhooks(first: 100) { nodes { action connection { id webhookSync { enabled } } } edges { node { connection { id } } } } }`,
		"issues":     `{ issues(first: 100) { nodes { kind connection { id openIssues } assessment { id candidate { id } } push { id } } edges { node { assessment { id } } } } }`,
		"triggers":   `{ stageTriggers { connection { id } test { id } } }`,
		"erasures":   `{ erasures(first: 100) { nodes { id } } }`,
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
		w.asked(t, core.ID(w.names["ordered"]))
		w.pushed(t, core.ID(w.names["connection"]), core.ID(w.names["job"]))
		w.hooked(t, core.ID(w.names["connection"]), core.ID(w.names["test"]), "0")
		w.ask(t, "ADMIN", `{ viewer { name } }`, nil) // notes that the token is used
		ofOne := map[string][]string{}
		rows := 1
		for _, n := range []int{1, 10, 100} {
			for ; rows < n; rows++ {
				w.scored(t, rows)
			}
			for name, query := range wholeLists() {
				var body map[string]any
				statements := fewest(sent, len(ofOne[name]), func() { body = w.ask(t, "ADMIN", w.expand(t, query), nil) })
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

// fewest is what was sent in the best of some runs, of which one that sends no
// more than enough is the last: on a busy machine a loader may ask twice, since
// it does not wait for long.
func fewest(sent *storetest.Statements, enough int, f func()) []string {
	best := sent.During(f)
	for runs := 1; len(best) > enough && (runs < 8 || enough > 0 && runs < 40); runs++ {
		if again := sent.During(f); len(again) < len(best) {
			best = again
		}
	}
	return best
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
	for _, name := range []string{"test", "candidate", "job", "connection", "result", "lastSyncEntry", "lastPush", "reportUrl"} {
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
	if applications := node["applications"].([]any); len(applications) != 1 || applications[0].(map[string]any)["connection"] == nil {
		t.Fatalf("applications: %v", applications)
	}
	if decisions := node["decisions"].([]any); len(decisions) != 1 || len(decisions[0].(map[string]any)["steps"].([]any)) != 1 {
		t.Fatalf("decisions: %v", decisions)
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
	w.hooked(t, made.Connection.ID, core.ID(w.names["test"]), fmt.Sprint(n))
	_, err = w.core.Jobs.Share(ctx, by, job.ID, fmt.Sprintf("m%d@example.com", n))
	check(t, err)
	w.pushed(t, made.Connection.ID, job.ID)
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
	w.asked(t, id)
	return id
}

// pushed maps a job on its connection and gives it a rule on the first one.
func (w *world) pushed(t *testing.T, connection, job core.ID) {
	t.Helper()
	by := core.SystemActor(core.ID(w.names["organization"]))
	_, err := w.core.JobMappings.Map(t.Context(), by, core.NewMapping{ConnectionID: connection, JobID: job, ExternalJobID: "job-1"})
	check(t, err)
	_, err = w.core.PushRules.Set(t.Context(), by, core.NewPushRule{ConnectionID: core.ID(w.names["connection"]), JobID: job, Mode: core.PushManual})
	check(t, err)
}

// asked keeps a push of an assessment over the first connection.
func (w *world) asked(t *testing.T, id core.ID) {
	t.Helper()
	a, err := w.core.Assessments.Get(t.Context(), core.SystemActor(core.ID(w.names["organization"])), id)
	check(t, err)
	w.push(t, a, core.ID(w.names["connection"]), "twin")
	w.issue(t, a, core.IssueNotScored)
	w.routed(t, a, core.ID(w.names["connection"]), "twin")
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
			statements := fewest(sent, c.statements, func() { body = w.ask(t, role, fmt.Sprintf(page, c.last), nil) })
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
