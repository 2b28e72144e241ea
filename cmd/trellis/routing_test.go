package main

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/trellis-ats/trellis/internal/sandbox/account"
)

// routed is a server that routes what it pushed.
type routed struct {
	*hooked
	at       *standIn
	database string
	approver string
}

// TestRouting: who scores well is moved on in the ATS, who does not is rejected
// there after the hold window, unless somebody stops it; and what Trellis did
// itself is not taken for a person's doing when the ATS tells of it.
func TestRouting(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, d database) {
		s := newRouted(t, d)
		con := s.made.ConnectionID
		pushed := map[string]any{"mode": "ON_COMPLETE"}
		executive := s.newJob(con, "Account Executive", account.JobExecutive, account.StagePhone, pushed)
		other := s.newJob(con, "Sales Development Rep", account.JobDevelopment, account.StagePhoneDevelopment, pushed)
		s.rule()
		above, between, under := s.scoredWhole(executive, "Above", 90), s.scoredWhole(executive, "Between", 60), s.scoredWhole(executive, "Under", 20)
		stopped, paused := s.scoredWhole(executive, "Stopped", 21), s.scoredWhole(other, "Paused", 22)

		s.decided(above, "ADVANCED")
		s.decided(between, "HELD REVIEW_BAND")
		for _, id := range []string{under, stopped, paused} {
			s.decided(id, "REJECT_PENDING")
		}
		s.inATS("Above", account.StageOnsite, "in_process", "", "")
		s.inATS("Under", account.StagePhone, "in_process", "", "")
		s.undo(stopped)
		s.decided(stopped, "HELD UNDONE")
		mutate(s.server, "setRoutingSwitch", map[string]any{"connectionId": con, "jobId": other, "off": true, "note": "A look first"}, "routingSwitch { off }", nil)

		s.waitADay()
		s.decided(under, "REJECTED")
		s.decided(paused, "HELD SWITCHED_OFF")
		s.inATS("Under", account.StagePhone, "rejected", "Below the assessment's threshold", "Candidate Rejection")
		s.inATS("Stopped", account.StagePhone, "in_process", "", "")
		s.inATS("Paused", account.StagePhoneDevelopment, "in_process", "", "")
		s.undo(under)
		s.decided(under, "HELD UNDONE")
		s.inATS("Under", account.StagePhone, "in_process", "", "")
		s.own(t)
		s.decided(above, "ADVANCED") // also after the ATS told of it
	})
}

func newRouted(t *testing.T, d database) *routed {
	t.Helper()
	s := &routed{at: newStandIn(t, account.Options{}), database: d.url(t)}
	pushing := newPushing(t, database{url: func(*testing.T) string { return s.database }}, s.at)
	s.hooked = &hooked{server: pushing}
	s.sendFields()
	mutate(s.server, "setWebhookSync", map[string]any{"connectionId": s.made.ConnectionID, "enabled": true, "secret": hookSecret}, "connection { id }", nil)
	s.at.press("hooks", map[string]any{"url": s.hookURL(), "secret": hookSecret, "all": true})
	var made struct{ Secret string }
	mutate(s.server, "createApiToken", map[string]any{"name": "Ann Approver", "role": "APPROVER"}, "secret", &made)
	s.approver = made.Secret
	return s
}

// rule has a rule proposed and approved.
func (s *routed) rule() {
	s.t.Helper()
	var made struct{ RoutingRule struct{ ID string } }
	mutate(s.server, "proposeRoutingRule", map[string]any{
		"connectionId": s.made.ConnectionID, "advance": 75, "review": 55, "pilot": false, "jumpOf": 100,
		"reasonId": strconv.Itoa(account.ReasonThreshold), "emailTemplateId": strconv.Itoa(account.TemplateRejection),
	}, "routingRule { id }", &made)
	var data struct {
		ApproveRoutingRule struct{ RoutingRule struct{ State string } }
	}
	s.graphql(s.approver, `mutation($id: ID!) { approveRoutingRule(input: {ruleId: $id}) { routingRule { state } userErrors { message } } }`,
		map[string]any{"id": made.RoutingRule.ID}, &data)
	if data.ApproveRoutingRule.RoutingRule.State != "APPROVED" {
		s.t.Fatalf("approved: %+v", data)
	}
}

// scoredWhole is scored with all traits of the test: nobody is rejected by less.
func (s *routed) scoredWhole(job, name string, score float64) string {
	s.t.Helper()
	var data struct {
		Tests struct {
			Nodes []struct{ Traits []struct{ Key string } }
		}
	}
	s.graphql(s.made.AdminToken, `{ tests(first: 1) { nodes { traits { key } } } }`, nil, &data)
	id := s.assess(job, name)
	whole, traits := completion(id, score), []map[string]any{}
	for _, trait := range data.Tests.Nodes[0].Traits {
		traits = append(traits, map[string]any{"key": trait.Key, "score": score})
	}
	input, _ := whole["input"].(map[string]any)
	input["traits"] = traits
	delete(input, "report")
	s.report(whole)
	return id
}

type decision struct{ ID, State, Hold string }

func (s *routed) decision(assessment string) (d decision) {
	s.t.Helper()
	var data struct {
		Assessment struct{ Decisions []decision }
	}
	s.graphql(s.approver, `query($id: ID!) { assessment(id: $id) { decisions { id state hold } } }`, map[string]any{"id": assessment}, &data)
	if len(data.Assessment.Decisions) > 0 {
		d = data.Assessment.Decisions[0]
	}
	return d
}

// decided waits until the decision is in a state.
func (s *routed) decided(assessment, want string) {
	s.t.Helper()
	var is string
	defer func() {
		if is != want {
			s.t.Logf("the decision is %q", is)
		}
	}()
	until(s.t, "the decision to be "+want, func() bool {
		d := s.decision(assessment)
		is = strings.TrimSpace(d.State + " " + d.Hold)
		return is == want
	})
}

func (s *routed) undo(assessment string) {
	s.t.Helper()
	mutate(s.server, "undoDecisions", map[string]any{"decisionIds": []string{s.decision(assessment).ID}, "reason": "We meet them"}, "outcomes { userErrors { message } }", nil)
}

// inATS holds the account against how somebody should be there.
func (s *routed) inATS(name string, stage int64, status, reason, mail string) {
	s.t.Helper()
	a := s.at.arrived()[address(name)].Applications[0]
	if a.StageID != stage || a.Status != status || a.Reason != reason || a.Mail != mail {
		s.t.Errorf("%s is %+v", name, a)
	}
}

// waitADay stops the server and starts it again a day later, by putting all
// that waits back.
func (s *routed) waitADay() {
	s.t.Helper()
	s.stop()
	db := s.openDatabase(s.database)
	for _, later := range []string{
		"UPDATE routing_decisions SET due_at = created_at WHERE state = 'REJECT_PENDING'",
		"UPDATE river_job SET scheduled_at = created_at WHERE state = 'scheduled'",
	} {
		if _, err := db.ExecContext(s.t.Context(), later); err != nil {
			s.t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		s.t.Fatal(err)
	}
	s.start()
}

// own holds what came of the account's web hooks about what Trellis did, and
// about what a person did.
func (s *routed) own(t *testing.T) {
	t.Helper()
	const itself = "It tells of what Trellis did itself."
	for _, action := range []string{"candidate_stage_change", "reject_candidate", "unreject_candidate"} {
		until(t, "the web hook "+action, func() bool {
			return slices.ContainsFunc(s.hooks(), func(h hookView) bool { return h.Action == action && strings.Contains(h.Message, itself) })
		})
	}
	a := s.at.arrived()[address("Between")].Applications[0]
	s.at.press("applications/"+strconv.FormatInt(a.ID, 10)+"/move", struct{}{})
	until(t, "the web hook of a person's move", func() bool {
		return slices.ContainsFunc(s.hooks(), func(h hookView) bool {
			return h.Action == "candidate_stage_change" && strings.HasPrefix(h.Message, "The application is ACTIVE, in the stage Face to Face")
		})
	})
}
