package main

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/trellis-ats/trellis/internal/sandbox/account"
)

// issue is what GraphQL tells of one.
type issue struct {
	Kind, Action, ApplicationExternalID, RepairedAt, ClosedAt string
	Assessment                                                *struct{ ID string }
}

// reconciled asks for a run and returns the issues of a kind.
func (s *server) reconciled(kind string) []issue {
	s.t.Helper()
	mutate(s, "runReconciliation", map[string]any{"connectionId": s.made.ConnectionID}, "connection { id }", nil)
	var data struct{ Issues struct{ Nodes []issue } }
	s.graphql(s.made.AdminToken, `query($kind: IssueKind!) { issues(filter: {kinds: [$kind]}) { nodes {
		kind action applicationExternalId repairedAt closedAt assessment { id }
	} } }`, map[string]any{"kind": kind}, &data)
	return data.Issues.Nodes
}

// TestWhatNoWebhookToldIsReadBack has an account that tells nothing: no hook
// is set up there.
func TestWhatNoWebhookToldIsReadBack(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, d database) {
		at := newStandIn(t, account.Options{})
		s := newPushing(t, d, at)
		con := s.made.ConnectionID
		mutate(s, "setWebhookSync", map[string]any{"connectionId": con, "enabled": true}, "connection { id }", nil)
		mutate(s, "createStageTrigger", map[string]any{
			"connectionId": con, "externalJobId": strconv.Itoa(account.JobExecutive), "stageId": strconv.Itoa(account.StageOnsite), "testId": s.test,
		}, "stageTrigger { id }", nil)
		job := s.newJob(con, "By button", account.JobExecutive, account.StagePhone, nil)
		ada, eve := s.scored(job, "Lovelace", 82.5), s.scored(job, "Gone", 50)
		rejected, deleted := s.pushed(ada, "DONE").ApplicationExternalID, s.pushed(eve, "DONE").ApplicationExternalID

		at.press("applications/"+rejected+"/reject", map[string]any{"reason_id": account.ReasonThreshold})
		at.press("applications/"+deleted+"/delete", map[string]any{})
		at.press("candidates", map[string]any{
			"first_name": "Bob", "last_name": "Onsite", "email": address("Onsite"), "job_id": account.JobExecutive, "stage_id": account.StageOnsite,
		})

		until(t, "the missing application to be an issue", func() bool {
			found := s.reconciled("PUSH_NOT_VISIBLE")
			return len(found) == 1 && found[0].ApplicationExternalID == deleted && found[0].Assessment.ID == eve && found[0].Action == "CHECK_ATS"
		})
		until(t, "the rejection to be known", func() bool {
			var data struct{ Assessment struct{ AtsOutcome string } }
			s.graphql(s.made.AdminToken, fmt.Sprintf(`{ assessment(id: %q) { atsOutcome } }`, ada), nil, &data)
			return data.Assessment.AtsOutcome == "REJECTED"
		})
		until(t, "the stage's test to be sent, and the issue to be closed", func() bool {
			found := s.reconciled("TEST_NOT_SENT")
			return len(found) == 1 && found[0].RepairedAt != "" && found[0].ClosedAt != ""
		})
		var data struct {
			Assessments struct {
				Nodes []struct{ Candidate struct{ Name string } }
			}
		}
		s.graphql(s.made.AdminToken, fmt.Sprintf(`{ assessments(filter: {search: %q}) { nodes { candidate { name } } } }`, address("Onsite")), nil, &data)
		if all := data.Assessments.Nodes; len(all) != 1 || all[0].Candidate.Name != "Bob Onsite" {
			t.Errorf("sent: %+v", all)
		}
	})
}
