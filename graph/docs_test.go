package graph_test

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/coretest"
)

// example is an operation of the documentation, with its variables.
type example struct {
	role      string
	refused   bool
	query     string
	variables string
}

func examples(t *testing.T, path string) []example {
	t.Helper()
	text, err := os.ReadFile(path)
	check(t, err)
	var all []example
	for _, m := range regexp.MustCompile("(?s)```graphql ([A-Z]+)( refused)?\n(.*?)```(?:\n\n```json\n(.*?)```)?").FindAllStringSubmatch(string(text), -1) {
		all = append(all, example{role: m[1], refused: m[2] != "", query: m[3], variables: m[4]})
	}
	if n := strings.Count(string(text), "```graphql"); len(all) != n {
		t.Fatalf("%d of %d examples say for whom they are", len(all), n)
	}
	return all
}

// TestTheDocumentationRuns runs each example as it stands, one after the other.
// Ids that end in … stand for those of the reader's own organization.
func TestTheDocumentationRuns(t *testing.T) {
	t.Parallel()
	w := rich(t)
	w.adapters.Whole = &coretest.Asking{ATS: w.ats, Secret: "the credential's secret"}
	by := core.SystemActor(core.ID(w.names["organization"]))
	order := func(email string) string {
		a, err := w.core.Assessments.Create(t.Context(), by, core.NewOrder{TestID: core.ID(w.names["test"]), Candidate: core.Candidate{FirstName: "Ada", Email: email}}, core.Key{})
		check(t, err)
		return string(a.ID)
	}
	scored, err := w.core.Assessments.Create(t.Context(), by, core.NewOrder{
		TestID: core.ID(w.names["test"]), JobID: core.ID(w.names["job"]), Candidate: core.Candidate{FirstName: "Ada", Email: "scored@example.com"},
	}, core.Key{})
	check(t, err)
	score := 82.5
	_, err = w.core.Assessments.Complete(t.Context(), by, core.Completion{AssessmentID: scored.ID, Score: &score})
	check(t, err)
	stuck, err := w.core.Assessments.Get(t.Context(), by, core.ID(order("stuck@example.com")))
	check(t, err)
	own := strings.NewReplacer(
		"whk_failed…", w.names["hook"], "whk_hopeless…", w.hookThat(t, core.WebhookFailed), "trg_…", w.names["trigger"], "cnd_…", w.erasable(t),
		"asm_scored…", string(scored.ID), "asm_open…", order("open@example.com"), "asm_new…", order("new@example.com"), "asm_…", w.names["ordered"],
		"tst_…", w.names["test"], "job_…", w.names["job"], "con_…", w.names["connection"],
		"tok_…", w.token(t, by.OrganizationID, "DOC", "to be rotated", core.RoleViewer), "cursor…", w.names["zero"],
		"rul_proposed…", w.names["proposed"], "rul_approved…", w.names["rule"], "dec_…", w.names["decision"],
		"psh_…", w.names["push"], "iss_…", w.issue(t, stuck, core.IssueNotOpened), "syn_…", w.names["pushEntry"],
	)
	used := map[string]bool{}
	for _, e := range examples(t, "../docs/graphql.md") {
		var variables any
		if e.variables != "" {
			check(t, json.Unmarshal([]byte(own.Replace(e.variables)), &variables))
		}
		var body map[string]any
		if strings.HasPrefix(e.query, "subscription") {
			w.number(t)
			body = w.subscribe(t, e.role, e.query, 1, variables)[0]
		} else {
			body = w.ask(t, e.role, e.query, variables)
		}
		if text := fmt.Sprint(body); body["errors"] != nil || strings.Contains(text, "userErrors:[map") != e.refused {
			t.Errorf("%s%s\n%v", e.query, e.variables, body)
		}
		for _, name := range regexp.MustCompile(`\w+`).FindAllString(e.query, -1) {
			used[name] = true
		}
	}
	for _, name := range []string{"mutation", "subscription"} {
		for _, f := range schema(t).Types[strings.ToUpper(name[:1])+name[1:]].Fields {
			if !used[f.Name] {
				t.Errorf("the documentation does not show %s %s", name, f.Name)
			}
		}
	}
}
