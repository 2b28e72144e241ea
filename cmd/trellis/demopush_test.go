package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// assessedOrder is what these tests look at in an order of the vendor's own.
type assessedOrder struct {
	InterviewID, State string
	Assessed           struct {
		Job        struct{ ID, Name string }
		ATSOutcome string
		Push       *struct {
			State, Trigger                             string
			CandidateExternalID, ApplicationExternalID string
			Steps                                      []struct{ Kind, State string }
		}
	}
}

// arrival is a candidate in the sandbox's account.
type arrival struct {
	ID           int64
	Tags         []string
	Notes        []struct{ Body string }
	Applications []struct {
		Stage, Status string
		Fields        []struct{ Key string }
		Attachments   []struct{ URL string }
	}
}

// TestDemoPushes starts a demo on the data of one that knew no push, and later
// once more. Each job's button brings somebody into the account, and what is
// pressed there comes back.
func TestDemoPushes(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, d database) {
		s := prepare(t, d)
		s.made = s.setup("Acme Sales", "callback_hosts=127.0.0.1")
		s.keepDemo()
		listen, unhurried := freeAddress(t), []string{"--harvest-rate-limit", "5000"}
		s.checkPushes(t, launchDemo(t, s, listen, unhurried...))
		s.stop()
		s.checkPushes(t, launchDemo(t, s, listen, unhurried...))
	})
}

// keepDemo makes the organization that was set up the demo's.
func (s *server) keepDemo() {
	s.t.Helper()
	kept, _ := json.Marshal(s.made)
	if err := os.WriteFile(filepath.Join(s.dataDir(), "demo.json"), kept, 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// checkPushes presses both jobs' buttons and holds what came of them against
// what a vendor should see.
func (s *server) checkPushes(t *testing.T, box string) {
	t.Helper()
	st := follow(t, box, -1)
	for len(st.Jobs) < 2 {
		st = follow(t, box, st.Version)
	}
	for _, j := range st.Jobs {
		if a := post(t, box+"/sandbox/assess", url.Values{"job": {j.ID}}); a.status != http.StatusOK {
			t.Fatalf("assess: %d %s", a.status, a.body)
		}
	}
	st = s.untilAssessed(t, box, "pushes", func(o assessedOrder) bool { return o.State == "complete" })
	triggers := map[string]string{}
	for _, o := range st.Assessed {
		triggers[o.Assessed.Job.Name] = o.Assessed.Push.Trigger
		s.checkArrival(t, box, o)
	}
	if want := map[string]string{"Account Executive": "MANUAL", "Sales Development Rep": "ON_COMPLETE"}; !maps.Equal(triggers, want) {
		t.Errorf("the pushes began by %v", triggers)
	}
	s.checkHooks(t, box, st.Assessed)
	s.checkDemoSetup(t)
}

// untilAssessed follows the state until all of the vendor's orders are good.
func (s *server) untilAssessed(t *testing.T, box, what string, good func(assessedOrder) bool) sandboxState {
	t.Helper()
	for st := follow(t, box, -1); ; st = follow(t, box, st.Version) {
		all := len(st.Assessed) == 2
		for _, o := range st.Assessed {
			if o.State == "refused" {
				t.Fatalf("refused instead of %s: %+v", what, o)
			}
			all = all && good(o)
		}
		if all {
			return st
		}
	}
}

func (s *server) checkArrival(t *testing.T, box string, o assessedOrder) {
	t.Helper()
	var account struct{ Candidates []arrival }
	s.get(box+"/sandbox/account").into(t, &account)
	for _, c := range account.Candidates {
		if fmt.Sprint(c.ID) != o.Assessed.Push.CandidateExternalID {
			continue
		}
		a := c.Applications[0]
		if a.Stage != "Phone Interview" || len(a.Fields) != 4 || len(a.Attachments) != 1 || len(c.Notes) != 1 || len(c.Tags) != 1 {
			t.Errorf("what arrived is %+v", c)
		}
		if pdf := s.get(a.Attachments[0].URL); !strings.HasPrefix(pdf.body, "%PDF-") {
			t.Errorf("the report is %d %.40q", pdf.status, pdf.body)
		}
		return
	}
	t.Errorf("nobody arrived by %+v", o.Assessed.Push)
}

// checkHooks presses Hire for one and Reject for the other, with web hooks that
// come twice.
func (s *server) checkHooks(t *testing.T, box string, orders []assessedOrder) {
	t.Helper()
	want := map[string]string{}
	post(t, box+"/sandbox/chaos", url.Values{"double": {"1"}, "reorder": {"0.5"}, "reorder_ms": {"100"}})
	for i, button := range []string{"hire", "reject"} {
		post(t, box+"/sandbox/applications/"+orders[i].Assessed.Push.ApplicationExternalID+"/"+button, nil)
		want[orders[i].InterviewID] = []string{"HIRED", "REJECTED"}[i]
	}
	s.untilAssessed(t, box, "outcomes", func(o assessedOrder) bool { return o.Assessed.ATSOutcome == want[o.InterviewID] })
}

// checkDemoSetup tells whether another start set anything up again.
func (s *server) checkDemoSetup(t *testing.T) {
	t.Helper()
	var data struct {
		Jobs, JobMappings struct{ Nodes []struct{ ID string } }
		PushProfile       struct{ Version int }
	}
	s.graphql(s.made.AdminToken, `query($id: ID!) { jobs { nodes { id } } jobMappings { nodes { id } } pushProfile(connectionId: $id) { version } }`,
		map[string]any{"id": s.made.ConnectionID}, &data)
	if len(data.Jobs.Nodes) != 2 || len(data.JobMappings.Nodes) != 2 || data.PushProfile.Version != 1 {
		t.Errorf("set up is %+v", data)
	}
}
