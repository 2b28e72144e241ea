package store_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/internal/store"
	"github.com/trellis-ats/trellis/internal/store/storetest"
)

// reads are the reads that must stay fast whatever number of rows there is.
func reads(t *testing.T, db *store.DB) map[string]func() error {
	t.Helper()
	ctx, org, job := t.Context(), core.ID("org_1"), core.Sight{Limited: true, Jobs: []core.ID{"job_1", "job_2"}}
	list := func(f core.AssessmentFilter, by core.AssessmentOrder, ascending bool) func() error {
		return func() error {
			p := core.Page{First: 10, After: "asm_1"}
			_, err := db.Assessments(ctx, org, f, core.AssessmentSort{By: by, Ascending: ascending}, p)
			return err
		}
	}
	return map[string]func() error{
		"token by hash":     func() error { _, err := db.TokenByHash(ctx, "h"); return notFound(err) },
		"assessments":       list(core.AssessmentFilter{}, core.AssessmentsByID, false),
		"of a job":          list(core.AssessmentFilter{JobID: "job_1"}, core.AssessmentsByID, false),
		"by update":         list(core.AssessmentFilter{}, core.AssessmentsByUpdate, false),
		"by update, upward": list(core.AssessmentFilter{}, core.AssessmentsByUpdate, true),
		"by score":          list(core.AssessmentFilter{}, core.AssessmentsByScore, false),
		"by score, upward":  list(core.AssessmentFilter{}, core.AssessmentsByScore, true),
		"search":            list(core.AssessmentFilter{Search: "x"}, core.AssessmentsByID, false),
		"tokens":            func() error { _, err := db.Tokens(ctx, org, core.Page{}); return err },
		"audit log":         func() error { _, err := db.AuditLog(ctx, org, core.AuditFilter{}, core.Page{}); return err },
		"audit log of one": func() error {
			_, err := db.AuditLog(ctx, org, core.AuditFilter{SubjectID: "con_1"}, core.Page{})
			return err
		},
		"sync log of one": func() error {
			_, err := db.SyncLog(ctx, org, core.SyncFilter{AssessmentID: "asm_1"}, core.Page{})
			return err
		},
		"applications":             func() error { _, err := db.ApplicationsByExternal(ctx, org, "con_1", "7"); return err },
		"applications of a person": func() error { _, err := db.ApplicationsOfPerson(ctx, org, "con_1", "7"); return err },
		"job mappings": func() error {
			_, err := db.JobMappings(ctx, org, core.JobMappingFilter{}, core.Page{})
			return err
		},
		"job mappings of an ATS's job": func() error {
			_, err := db.JobMappings(ctx, org, core.JobMappingFilter{ConnectionID: "con_1", ExternalJobID: "7"}, core.Page{})
			return err
		},
		"push rules for a job": func() error { _, err := db.PushRulesFor(ctx, org, "job_1"); return err },
		"routing rules":        func() error { _, err := db.RoutingRules(ctx, org, "con_1"); return err },
		"routing rules for a job": func() error {
			_, err := db.RoutingRulesFor(ctx, org, "job_1", "tst_1", time.Now())
			return err
		},
		"routing decisions": func() error {
			_, err := db.RoutingDecisions(ctx, org, core.DecisionFilter{}, core.Page{})
			return err
		},
		"last suggestions": func() error { _, err := db.LastSuggestions(ctx, org, "rul_1", time.Time{}, 9); return err },
		"rejections":       func() error { _, err := db.RejectionsSince(ctx, org, "con_1", time.Now()); return err },
		"web hooks": func() error {
			_, err := db.Webhooks(ctx, org, core.WebhookFilter{ConnectionID: "con_1"}, core.Page{})
			return err
		},
		"web hooks that failed": func() error {
			f := core.WebhookFilter{ConnectionID: "con_1", States: []core.WebhookState{core.WebhookFailed}}
			_, err := db.Webhooks(ctx, org, f, core.Page{First: 1})
			return err
		},
		"web hook's target": func() error { _, err := db.WebhookTarget(ctx, "con_1"); return notFound(err) },
		"web hook said before": func() error {
			_, err := db.EarlierWebhook(ctx, &core.Webhook{ConnectionID: "con_1"}, time.Time{})
			return notFound(err)
		},
		"stage trigger": func() error { _, err := db.StageTriggerFor(ctx, "con_1", "1", "2"); return notFound(err) },
		"assessed": func() error {
			_, err := db.Assessed(ctx, org, core.AssessedQuery{TestID: "tst_1", Email: "a@example.com"})
			return err
		},
		"erased person": func() error { _, err := db.Forgotten(ctx, "con_1", "h"); return err },
		"candidates of a person": func() error {
			_, err := db.CandidatesOfPerson(ctx, org, "con_1", "7", []string{"8"})
			return err
		},
		"issues": func() error {
			_, err := db.Issues(ctx, org, core.IssueFilter{ConnectionID: "con_1"}, core.Page{})
			return err
		},
		"suspects": func() error {
			_, err := db.Suspects(ctx, core.SuspectQuery{
				ReconciliationScope: core.ReconciliationScope{OrganizationID: org, ConnectionID: "con_1"}, Kind: core.IssueNotFinished, Before: time.Unix(1, 0), Limit: 10,
			})
			return err
		},
		"stage entered": func() error { _, err := db.StageEntered(ctx, "con_1", "1", "2", time.Unix(1, 0)); return err },
		"events after":  func() error { _, err := db.EventsAfter(ctx, org, core.EventFilter{}, 7, 10); return err },
		"events after, of all": func() error {
			_, err := db.EventsAfter(ctx, "", core.EventFilter{Types: []core.EventType{"a", "b"}}, 7, 10)
			return err
		},
		"audit log of a time": func() error {
			_, err := db.AuditLog(ctx, org, core.AuditFilter{From: time.Now(), Until: time.Now()}, core.Page{})
			return err
		},
		"organizations": func() error { _, err := db.OrganizationsAfter(ctx, "", 9); return err },
		"jobs in sight": func() error { _, err := db.Jobs(ctx, org, job, core.Page{}); return err },
		"shared jobs":   func() error { _, err := db.SharedJobs(ctx, org, "ada@example.com"); return err },
	}
}

func notFound(err error) error {
	if err == nil {
		return fmt.Errorf("it is there")
	}
	return nil
}

// TestReadsGoThroughIndexes asks SQLite, whose plans do not depend on what is
// stored, for the plan of the statement behind each read.
func TestReadsGoThroughIndexes(t *testing.T) {
	t.Parallel()
	sent := []string{}
	db := open(t, store.Options{URL: storetest.NewSQLiteFile(t), OnStatement: func(query string) { sent = append(sent, query) }})
	for name, read := range reads(t, db) {
		sent = sent[:0]
		if err := read(); err != nil || len(sent) != 1 {
			t.Fatalf("%s: %d statements, %v", name, len(sent), err)
		}
		plan := explain(t, db, sent[0])
		for _, slow := range []string{"SCAN", "TEMP B-TREE", "CORRELATED"} {
			if strings.Contains(plan, slow) || !beginsAtCursor(name, plan) {
				t.Errorf("%s: %s\n%s", name, sent[0], plan)
			}
		}
	}
}

// beginsAtCursor reports whether a list that has an order of its own is read
// from the cursor on.
func beginsAtCursor(name, plan string) bool {
	return !strings.HasPrefix(name, "by ") || strings.Contains(plan, "AND <expr>")
}

func explain(t *testing.T, db *store.DB, query string) string {
	t.Helper()
	var arguments []any
	for n := 1; strings.Contains(query, fmt.Sprintf("$%d", n)); n++ {
		arguments = append(arguments, nil)
	}
	rows, err := db.SQL().QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query, arguments...)
	if err != nil {
		t.Fatal(err)
	}
	var plan strings.Builder
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&plan, detail)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return plan.String()
}

// TestLoadersSendOneStatement asks for many things at once.
func TestLoadersSendOneStatement(t *testing.T) {
	t.Parallel()
	storetest.EachCounted(t, func(t *testing.T, db *store.DB, sent *storetest.Statements) {
		ctx, org, all := t.Context(), core.ID("org_1"), core.Sight{}
		ids, ranked := make([]core.ID, 100), make([]core.Ranked, 100)
		for i := range ids {
			ids[i] = core.ID(fmt.Sprintf("asm_%d", i))
			ranked[i] = core.Ranked{TestID: ids[i%7], Score: core.Score(i)}
		}
		for name, load := range map[string]func() error{
			"assessments":       func() error { _, err := db.AssessmentsByID(ctx, org, all, ids); return err },
			"candidates":        func() error { _, err := db.CandidatesByID(ctx, org, all, ids); return err },
			"tests":             func() error { _, err := db.TestsByID(ctx, org, ids); return err },
			"jobs":              func() error { _, err := db.JobsByID(ctx, org, ids); return err },
			"job shares":        func() error { _, err := db.JobShares(ctx, org, ids); return err },
			"tokens":            func() error { _, err := db.TokensByID(ctx, org, ids); return err },
			"connections":       func() error { _, err := db.ConnectionsByID(ctx, org, ids); return err },
			"web hook settings": func() error { _, err := db.WebhookSyncs(ctx, org, ids); return err },
			"web hook counts":   func() error { _, err := db.WebhookCounts(ctx, org, ids); return err },
			"issues":            func() error { _, err := db.IssuesByID(ctx, org, ids); return err },
			"open issues":       func() error { _, err := db.OpenIssues(ctx, org, ids); return err },
			"applications":      func() error { _, err := db.ApplicationsOf(ctx, org, ids); return err },
			"routing rules":     func() error { _, err := db.RoutingRulesByID(ctx, org, ids); return err },
			"decisions":         func() error { _, err := db.RoutingDecisionsOf(ctx, org, all, ids); return err },
			"decision steps":    func() error { _, err := db.DecisionSteps(ctx, org, ids); return err },
			"results":           func() error { _, err := db.LatestResults(ctx, org, all, ids, true); return err },
			"standings":         func() error { _, err := db.Standings(ctx, org, ranked); return err },
			"events":            func() error { _, err := db.EventsOfSubjects(ctx, org, ids, 5); return err },
			"sync entries":      func() error { _, err := db.SyncEntriesByID(ctx, org, ids); return err },
			"last sync entries": func() error { _, err := db.SyncEntriesOf(ctx, org, ids, 1); return err },
			"pipeline":          func() error { _, err := db.Pipeline(ctx, org, all); return err },
		} {
			statements := sent.During(func() {
				if err := load(); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			})
			if len(statements) != 1 {
				t.Errorf("%s: %d statements", name, len(statements))
			}
		}
	})
}
