package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// order is Greenhouse's body of send_test (facts/greenhouse.md 1.5).
func order(test, callbackURL string) string {
	return fmt.Sprintf(`{"partner_test_id":%q,"candidate":{"first_name":"Ada","last_name":"Example","preferred_name":null,
		"resume_url":"https://files.example.com/resume","phone_number":null,"email":"ada@example.com",
		"greenhouse_profile_url":"https://app.greenhouse.io/people/17?application_id=26"},
		"sent_by":"recruiter@example.org","added_later":{"x":[1]},"url":%q}`, test, callbackURL)
}

// firstTest asks for the tests and returns the first one's id.
func (s *server) firstTest(key string) string {
	s.t.Helper()
	a := s.ats(http.MethodGet, "list-tests", key, "")
	var tests []struct {
		ID   string `json:"partner_test_id"`
		Name string `json:"partner_test_name"`
	}
	a.into(s.t, &tests)
	if a.status != http.StatusOK || len(tests) != 3 || tests[0].ID == "" || tests[0].Name == "" {
		s.t.Fatalf("list-tests: %d %s", a.status, a.body)
	}
	return tests[0].ID
}

// place sends an order and returns its id.
func (s *server) place(test, callbackURL string) string {
	s.t.Helper()
	a := s.ats(http.MethodPost, "send-test", s.made.PartnerKey, order(test, callbackURL))
	var placed map[string]string
	a.into(s.t, &placed)
	if a.status != http.StatusOK || len(placed) != 1 || placed["partner_interview_id"] == "" {
		s.t.Fatalf("send-test: %d %s", a.status, a.body)
	}
	return placed["partner_interview_id"]
}

const completeMutation = `mutation($input: CompleteAssessmentInput!) {
	completeAssessment(input: $input) { assessment { id status } userErrors { code field message } } }`

// completion is what an engine reports.
func completion(id string, score float64) map[string]any {
	return map[string]any{"input": map[string]any{
		"assessmentId": id, "score": score,
		"traits": []map[string]any{{"key": "objection_handling", "score": 90}, {"key": "discovery_depth", "score": 74.25}},
		"report": map[string]any{
			"summary": "Asked before pitching.", "analysis": "Strong <script>alert(1)</script> opening.",
			"transcript":    []map[string]any{{"speaker": "Buyer", "text": "Too expensive.", "at": 4}},
			"coachingNotes": []string{"Name the price later."},
			"moments":       []map[string]any{{"at": 4, "trait": "objection_handling", "impact": "POSITIVE", "quote": "Too expensive.", "comment": "Stayed calm."}},
		},
	}}
}

// complete reports a score as the engine does.
func (s *server) complete(id string, score float64) {
	s.t.Helper()
	s.report(completion(id, score))
}

func (s *server) report(completion map[string]any) {
	s.t.Helper()
	var data struct {
		CompleteAssessment struct {
			Assessment struct{ Status string }
			UserErrors []struct{ Code, Field, Message string }
		}
	}
	s.graphql(s.made.EngineToken, completeMutation, completion, &data)
	if got := data.CompleteAssessment; got.Assessment.Status != "SCORED" || len(got.UserErrors) > 0 {
		s.t.Fatalf("completeAssessment: %+v", got)
	}
}

// status is what test-status answers.
type status struct {
	Status   string         `json:"partner_status"`
	URL      string         `json:"partner_profile_url"`
	Score    *float64       `json:"partner_score"`
	Metadata map[string]any `json:"metadata"`
}

func (s *server) status(id string) status {
	s.t.Helper()
	a := s.ats(http.MethodGet, "test-status?partner_interview_id="+id, s.made.PartnerKey, "")
	if a.status != http.StatusOK {
		s.t.Fatalf("test-status: %d %s", a.status, a.body)
	}
	var st status
	a.into(s.t, &st)
	return st
}

// mails returns the mailbox's messages.
func (s *server) mails() []struct{ To, Subject, Text, HTML string } {
	s.t.Helper()
	var mails []struct{ To, Subject, Text, HTML string }
	s.get(s.base+"/dev/mail", "Accept", "application/json").into(s.t, &mails)
	return mails
}

func TestOrderToScore(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, d database) {
		back := newCallback(t)
		s := newServer(t, d, back.setting())
		id := s.place(s.firstTest(s.made.PartnerKey), back.URL+"/take_home_tests/12345")
		if st := s.status(id); st.Status == "complete" || st.Score != nil {
			t.Errorf("before completion: %+v", st)
		}
		until(t, "the mail", func() bool { return len(s.mails()) == 1 })
		s.takeTest(t)
		s.complete(id, 82.5)
		until(t, "the PATCH", func() bool { return len(back.got()) == 1 })
		want := patch{method: http.MethodPatch, path: "/take_home_tests/12345", user: s.made.PartnerKey}
		got := back.got()[0]
		got.at = want.at
		if got != want {
			t.Errorf("the call-back was %+v", got)
		}
		s.checkScorecard(t, s.status(id))
		s.complete(id, 82.5) // the engine repeats itself: nothing is delivered again
		s.complete(id, 90)   // a correction is
		until(t, "the corrected PATCH", func() bool { return len(back.got()) == 2 })
		if st := s.status(id); st.Score == nil || *st.Score != 90 {
			t.Errorf("after the correction: %+v", st)
		}
	})
}

// takeTest opens the mail's link, refuses and then gives consent.
func (s *server) takeTest(t *testing.T) {
	t.Helper()
	mail := s.mails()[0]
	_, after, ok := strings.Cut(mail.Text, s.base+"/a/")
	if !ok || mail.To != "ada@example.com" || !strings.Contains(mail.HTML, s.base+"/a/") {
		t.Fatalf("the mail was %+v", mail)
	}
	_, href, _ := strings.Cut(s.get(s.base+"/dev/mail", "Accept", "text/html").body, `href="/dev/mail/`)
	id, _, _ := strings.Cut(href, `"`)
	if shown := s.get(s.base + "/dev/mail/" + id); id == "" || shown.status != http.StatusOK || !strings.Contains(shown.body, s.base+"/a/") {
		t.Errorf("the mail as its receiver sees it: %q, %d", id, shown.status)
	}
	link := s.base + "/a/" + strings.Fields(after)[0]
	page := s.get(link)
	if page.status != http.StatusOK || !strings.Contains(page.body, "Discovery Chat") || !strings.Contains(page.body, "AI") {
		t.Errorf("the candidate's page: %d %s", page.status, page.body)
	}
	post := func(body string) answer {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, link, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		a, err := send(r)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	if a := post(""); a.status != http.StatusUnprocessableEntity {
		t.Errorf("without consent: %d", a.status)
	}
	a := post("consent=yes")
	if to := a.header.Get("Location"); a.status != http.StatusSeeOther || !strings.HasPrefix(to, "https://engine.example.com/run?a=asm_") {
		t.Errorf("with consent: %d %s", a.status, to)
	}
}

// checkScorecard holds a completed status against facts/greenhouse.md 1.6.
func (s *server) checkScorecard(t *testing.T, st status) {
	t.Helper()
	if st.Status != "complete" || st.Score == nil || *st.Score != 82.5 {
		t.Fatalf("the scorecard is %+v", st)
	}
	traits := 0
	for key, value := range st.Metadata {
		switch value.(type) {
		case string, float64, bool, nil:
		default:
			t.Errorf("metadata %q is no primitive: %v", key, value)
		}
		if value == 90.0 || value == 74.25 {
			traits++
		}
	}
	encoded, _ := json.Marshal(st.Metadata)
	if traits != 2 || !strings.Contains(string(encoded), "not enough data yet") || !strings.Contains(string(encoded), "Started") || !strings.Contains(string(encoded), "Completed") {
		t.Errorf("the metadata is %s", encoded)
	}
	moved := s.get(st.URL)
	if moved.status != http.StatusFound {
		t.Fatalf("the permalink answers %d %s", moved.status, moved.body)
	}
	to := moved.header.Get("Location")
	if strings.HasPrefix(to, "/") {
		to = s.base + to
	}
	page := s.get(to)
	for _, want := range []string{"82.5", "Objection Handling", "74.25", "ot enough data yet", "Too expensive.", "Name the price later.", "Stayed calm."} {
		if !strings.Contains(page.body, want) {
			t.Errorf("the report lacks %q", want)
		}
	}
	if page.status != http.StatusOK || strings.Contains(page.body, "<script>alert") {
		t.Errorf("the report: %d, %s", page.status, page.body)
	}
}

func TestRepeatsGiveTheSameOrder(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, d database) {
		s := newServer(t, d)
		test := s.firstTest(s.made.PartnerKey)
		var wg sync.WaitGroup
		ids := make([]string, 50)
		for i := range ids {
			wg.Go(func() {
				a, err := s.tryATS(http.MethodPost, "send-test", s.made.PartnerKey, order(test, "https://app.greenhouse.io/tests/1"))
				if err != nil || a.status != http.StatusOK {
					t.Errorf("%v %+v", err, a)
				}
				ids[i] = a.body
			})
		}
		wg.Wait()
		for _, id := range ids {
			if id != ids[0] {
				t.Fatalf("two ids: %s and %s", id, ids[0])
			}
		}
		other := s.place(test, "https://app.greenhouse.io/tests/2")
		if strings.Contains(ids[0], other) {
			t.Error("another order got the same id")
		}
		until(t, "the mails", func() bool { return len(s.mails()) >= 2 })
		var data struct {
			Assessments struct{ Nodes []struct{ ID string } }
		}
		s.graphql(s.made.AdminToken, `{ assessments { nodes { id } } }`, nil, &data)
		if len(data.Assessments.Nodes) != 2 || len(s.mails()) != 2 {
			t.Errorf("%d assessments, %d mails", len(data.Assessments.Nodes), len(s.mails()))
		}
	})
}
