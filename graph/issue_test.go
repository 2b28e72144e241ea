package graph_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/trellis-ats/trellis/core"
)

// Whoever reads the configuration hears of an issue, and that it is over.
func TestIssuesAreToldToThoseWhoMayReadThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.share(t)
	reconcile := func() {
		t.Helper()
		w.clock.Turn(2 * time.Hour)
		task := core.Task{OrganizationID: core.ID(w.names["organization"]), SubjectID: core.ID(w.names["connection"])}
		check(t, w.core.Reconciliations.Run(t.Context(), task, core.Attempt{Number: 1}))
		w.number(t)
	}
	reconcile() // the order's invitation was never sent
	got := w.ask(t, "ADMIN", `{ issues(filter: {open: true}) { nodes { kind automatic assessment { id } } } }`, nil)
	if text := fmt.Sprint(got); !strings.Contains(text, w.expand(t, "map[assessment:map[id:${ordered}] automatic:true kind:INVITATION_NOT_SENT]")) {
		t.Errorf("open: %s", text)
	}
	w.ask(t, "ADMIN", w.expand(t, `mutation { cancelAssessment(input: {assessmentId: "${ordered}"}) { userErrors { code } } }`), nil)
	reconcile()
	told := w.subscribe(t, "RECRUITER", w.expand(t, `subscription { events(after: "${zero}", filter: {types: ["issue.found", "issue.closed"]}) { event {
		type subject { ... on Issue { kind closedAt } }
	} } }`), 3)
	for i, want := range []string{
		"kind:INVITATION_NOT_SENT] type:issue.found",
		"kind:ASSESSMENT_NOT_FINISHED] type:issue.closed", // there from the start
		"kind:INVITATION_NOT_SENT] type:issue.closed",
	} {
		if text := fmt.Sprint(told[i]); !strings.Contains(text, want) {
			t.Errorf("told %s, want %s", text, want)
		}
	}
	for _, body := range w.subscribe(t, "VIEWER", w.expand(t, `subscription { events(after: "${zero}") { event { type } } }`), 1) {
		if text := fmt.Sprint(body); strings.Contains(text, "issue.") {
			t.Errorf("a VIEWER is told %s", text)
		}
	}
}
