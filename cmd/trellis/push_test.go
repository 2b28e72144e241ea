package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/trellis-ats/trellis/internal/sandbox/account"
)

func TestPush(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, d database) {
		at := newStandIn(t, account.Options{})
		s := newPushing(t, d, at)
		s.sendFields()
		con := s.made.ConnectionID
		button := s.newJob(con, "By button", account.JobExecutive, account.StagePhone, nil)
		always := s.newJob(con, "Always", account.JobDevelopment, account.StagePhoneDevelopment, map[string]any{"mode": "ON_COMPLETE"})
		good := s.newJob(con, "The good ones", account.JobExecutive, account.StageOnsite, map[string]any{"mode": "ON_THRESHOLD", "minimum": 64.25})

		ada := s.scored(button, "Lovelace", 82.5)
		under, unasked := s.scored(good, "Under", 64.24), s.scored(button, "Unasked", 99)
		for trigger, id := range map[string]string{
			"MANUAL": ada, "ON_COMPLETE": s.scored(always, "Always", 12), "ON_THRESHOLD": s.scored(good, "Minimum", 64.25),
		} {
			if p := s.pushed(id, "DONE"); p.Trigger != trigger { // MANUAL, if it was not pushed before
				t.Errorf("want the trigger %s: %+v", trigger, p)
			}
		}
		for _, id := range []string{under, unasked} {
			if log := s.entries("assessment=" + id + "&operation=push"); len(log) > 0 {
				t.Errorf("%s was pushed: %+v", id, log)
			}
		}
		arrived := at.arrived()
		if st := at.Stats(); len(arrived) != 3 || st.Applications != 3 || st.Duplicates.Total() != 0 {
			t.Errorf("%d candidates, %+v", len(arrived), st)
		}
		s.checkArrived(t, at, arrived[address("Lovelace")], s.push(ada))
		for name, stage := range map[string]int64{"Always": account.StagePhoneDevelopment, "Minimum": account.StageOnsite} {
			if c := arrived[address(name)]; len(c.Applications) != 1 || c.Applications[0].StageID != stage {
				t.Errorf("%s: %+v", name, c)
			}
		}
	})
}

// sendFields adds custom fields to what is pushed by default.
func (s *server) sendFields() {
	s.t.Helper()
	field := func(datum, key string) map[string]any {
		return map[string]any{"datum": datum, "to": "FIELD", "fieldKey": key, "owner": "APPLICATION"}
	}
	destinations := []map[string]any{
		field("SCORE", "assessment_score"), field("RECOMMENDATION", "assessment_band"), field("REPORT_URL", "assessment_report"),
		{"datum": "REPORT_PDF", "to": "ATTACHMENT"},
		{"datum": "ASSESSED", "to": "TAG", "tagName": "Assessed"},
		{"datum": "SCORE", "to": "NOTE"},
		{"datum": "SUMMARY", "to": "NOTE"},
	}
	mutate(s, "updatePushDestinations", map[string]any{"connectionId": s.made.ConnectionID, "destinations": destinations}, "pushProfile { version }", nil)
}

// checkArrived holds what is in the account against the completion of 82.5.
func (s *server) checkArrived(t *testing.T, at *standIn, c account.CandidateView, p *push) {
	t.Helper()
	if c.Name != "Ada Lovelace" || !slices.Equal(c.Tags, []string{"Assessed"}) || len(c.Notes) != 1 || !strings.Contains(c.Notes[0].Body, "82.5") {
		t.Errorf("the candidate: %+v", c)
	}
	if len(c.Applications) != 1 || len(c.Applications[0].Attachments) != 1 {
		t.Fatalf("the candidate: %+v", c)
	}
	a := c.Applications[0]
	if a.JobID != account.JobExecutive || a.StageID != account.StagePhone || a.Status != "in_process" {
		t.Errorf("the application: %+v", a)
	}
	fields := map[string]any{}
	for _, f := range a.Fields {
		fields[f.Key] = f.Value
	}
	report, _ := fields["assessment_report"].(string)
	if len(fields) != 3 || fields["assessment_score"] != 82.5 || fields["assessment_band"] == nil || !strings.HasPrefix(report, s.base+"/r/") {
		t.Errorf("the custom fields: %+v", fields)
	}
	s.checkPaper(t, s.get(a.Attachments[0].URL))
	if !strings.HasPrefix(p.ProfileURL, at.URL+"/people/") || p.CandidateExternalID == "" || p.ApplicationExternalID == "" {
		t.Errorf("the way back: %+v", p)
	}
	for _, step := range p.Steps {
		if step.State != "DONE" && step.Kind != "SCORECARD" {
			t.Errorf("the step %+v", step)
		}
	}
}

// checkPaper opens the report as its reader does.
func (s *server) checkPaper(t *testing.T, paper answer) {
	t.Helper()
	if paper.status != 200 || paper.header.Get("Content-Type") != "application/pdf" || !strings.HasPrefix(paper.body, "%PDF-") {
		t.Fatalf("the paper: %d %.40q", paper.status, paper.body)
	}
	reader, err := exec.LookPath("pdftotext")
	if err != nil {
		t.Log("install pdftotext to have the paper read")
		return
	}
	file := filepath.Join(t.TempDir(), "report.pdf")
	if err := os.WriteFile(file, []byte(paper.body), 0o600); err != nil {
		t.Fatal(err)
	}
	text, err := exec.CommandContext(t.Context(), reader, file, "-").Output()
	if err != nil || !bytes.Contains(text, []byte("Ada Lovelace")) || !bytes.Contains(text, []byte("82.5")) {
		t.Errorf("the paper says %v\n%s", err, text)
	}
}
