package main

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// syncEntry is what the sync log tells of an exchange.
type syncEntry struct {
	Operation, Direction, Outcome, FaultCode, Message string
	Attempt                                           int
	Exchanges                                         []struct {
		Method, URL, RequestBody, ResponseBody string
		Status                                 int
	}
}

const syncLogQuery = `{ syncLog(first: 100) { nodes { operation direction outcome faultCode message attempt
	exchanges { method url status requestBody responseBody } } } }`

// syncLog returns the organization's entries, newest first.
func (s *server) syncLog() []syncEntry {
	s.t.Helper()
	var data struct{ SyncLog struct{ Nodes []syncEntry } }
	s.graphql(s.made.AdminToken, syncLogQuery, nil, &data)
	return data.SyncLog.Nodes
}

// find returns the newest entry of an operation with an outcome.
func (s *server) find(operation, outcome string) (syncEntry, bool) {
	s.t.Helper()
	for _, e := range s.syncLog() {
		if e.Operation == operation && e.Outcome == outcome {
			return e, true
		}
	}
	return syncEntry{}, false
}

func TestBadInput(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, d database) {
		s := newServer(t, d)
		test := s.firstTest(s.made.PartnerKey)
		good := order(test, "https://app.greenhouse.io/tests/1")
		for _, c := range []struct {
			name, key, body string
			status          int
			says            string // the answer must hold it
			code            string // of the sync log entry; empty if the organization is not known
		}{
			{"no key", "", good, 401, "key", ""},
			{"wrong key", "trk_wrong", good, 401, "key", ""},
			{"unknown test", s.made.PartnerKey, order("tst_00000000000000000000000000", "https://app.greenhouse.io/tests/2"), 404, "partner_test_id", "NOT_FOUND"},
			{"malformed JSON", s.made.PartnerKey, `{"partner_test_id":`, 400, "JSON", "INVALID"},
			{"missing e-mail", s.made.PartnerKey, strings.Replace(good, `"email":"ada@example.com",`, "", 1), 422, "candidate.email", "INVALID"},
			{"null e-mail", s.made.PartnerKey, strings.Replace(good, `"ada@example.com"`, "null", 1), 422, "candidate.email", "INVALID"},
			{"line break in the e-mail", s.made.PartnerKey, strings.Replace(good, "ada@example.com", `ada@example.com\r\nBcc: eve@example.com`, 1), 422, "candidate.email", "INVALID"},
			{"no URL", s.made.PartnerKey, strings.Replace(good, `"url":`, `"other":`, 1), 422, "url", "INVALID"},
			{"2 MiB", s.made.PartnerKey, strings.Replace(good, "Ada", strings.Repeat("A", 2<<20), 1), 413, "1048576", "TOO_LARGE"},
		} {
			a := s.ats(http.MethodPost, "send-test", c.key, c.body)
			if a.status != c.status || !strings.Contains(a.body, c.says) || !strings.HasPrefix(a.header.Get("Content-Type"), "application/json") {
				t.Errorf("%s: %d %s", c.name, a.status, a.body)
			}
			if c.code == "" {
				continue
			}
			entry := s.syncLog()[0]
			if entry.Operation != "send-test" || entry.Outcome != "REFUSED" || entry.FaultCode != c.code || len(entry.Exchanges) != 1 || entry.Exchanges[0].Status != c.status {
				t.Errorf("%s: the sync log says %+v", c.name, entry)
			}
		}
		s.keptNothing(t)
		s.checkTenants(t)
		s.checkFlaggedCallback(t, test)
	})
}

func (s *server) keptNothing(t *testing.T) {
	t.Helper()
	var data struct {
		Assessments struct{ Nodes []struct{ ID string } }
	}
	s.graphql(s.made.AdminToken, `{ assessments { nodes { id } } }`, nil, &data)
	if n := len(data.Assessments.Nodes); n != 0 || len(s.mails()) != 0 {
		t.Errorf("%d assessments and %d mails were made of bad orders", n, len(s.mails()))
	}
}

// checkTenants asks for another organization's assessment.
func (s *server) checkTenants(t *testing.T) {
	t.Helper()
	id := s.place(s.firstTest(s.made.PartnerKey), "https://app.greenhouse.io/tests/9")
	other := s.setup("Other") // beside the running server
	a := s.ats(http.MethodGet, "test-status?partner_interview_id="+id, other.PartnerKey, "")
	if a.status != http.StatusNotFound {
		t.Errorf("another organization's id: %d %s", a.status, a.body)
	}
	nobody := s.ats(http.MethodGet, "test-status?partner_interview_id=asm_00000000000000000000000000", other.PartnerKey, "")
	if nobody.status != a.status || nobody.body != a.body {
		t.Errorf("what another owns is told apart from what does not exist: %s and %s", a.body, nobody.body)
	}
	if a := s.ats(http.MethodPost, "send-test", other.PartnerKey, order(s.firstTest(s.made.PartnerKey), "https://app.greenhouse.io/tests/10")); a.status != http.StatusNotFound {
		t.Errorf("another organization's test: %d %s", a.status, a.body)
	}
	if a := s.ats(http.MethodGet, "test-status", s.made.PartnerKey, ""); a.status != 422 && a.status != 400 {
		t.Errorf("no id: %d %s", a.status, a.body)
	}
}

// checkFlaggedCallback orders with a call-back on a host that is not allowed:
// the order is kept and flagged, and delivered when the ATS asks.
func (s *server) checkFlaggedCallback(t *testing.T, test string) {
	t.Helper()
	back := newCallback(t)
	id := s.place(test, back.URL+"/take_home_tests/1")
	if e, ok := s.find("send-test", "OK"); !ok || !strings.Contains(e.Message, "127.0.0.1") {
		t.Errorf("the entry does not tell of the host: %+v", e)
	}
	s.complete(id, 70)
	until(t, "the attempt to deliver", func() bool { _, ok := s.find("deliver-result", "OK"); return ok })
	if got := s.delivery(id); got != "PENDING" {
		t.Errorf("before it was asked for, the delivery is %s", got)
	}
	if st := s.status(id); st.Status != "complete" {
		t.Errorf("when asked: %+v", st)
	}
	if got := s.delivery(id); got != "DELIVERED" || len(back.got()) != 0 {
		t.Errorf("the delivery is %s, and %d calls went to the host", got, len(back.got()))
	}
}

func (s *server) delivery(id string) string {
	s.t.Helper()
	var data struct {
		Assessment struct{ Delivery struct{ State string } }
	}
	s.graphql(s.made.AdminToken, `query($id: ID!) { assessment(id: $id) { delivery { state } } }`, map[string]any{"id": id}, &data)
	return data.Assessment.Delivery.State
}

func TestResponseErrorIsKept(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, d database) {
		s := newServer(t, d)
		id := s.place(s.firstTest(s.made.PartnerKey), "https://app.greenhouse.io/tests/1")
		a := s.ats(http.MethodPost, "response-error", s.made.PartnerKey, `{"api_call":"test_status",
			"errors":["partner_status is 'complete' but partner_profile url is missing"],"partner_interview_id":"`+id+`","candidate_email":"ada@example.com"}`)
		if a.status != http.StatusOK || strings.TrimSpace(a.body) != `{"status":200}` {
			t.Errorf("response-error: %d %s", a.status, a.body)
		}
		var data struct {
			Assessment struct {
				Events struct{ Nodes []struct{ Type string } }
			}
		}
		s.graphql(s.made.AdminToken, `query($id: ID!) { assessment(id: $id) { events(first: 10) { nodes { type } } } }`, map[string]any{"id": id}, &data)
		told := slices.ContainsFunc(data.Assessment.Events.Nodes, func(e struct{ Type string }) bool { return e.Type == "ats.reported_error" })
		e, ok := s.find("response-error", "OK")
		if !told || !ok || !strings.Contains(e.Message, "partner_profile url is missing") {
			t.Errorf("the events are %v, the sync log has %+v", data.Assessment.Events.Nodes, e)
		}
		if strings.Contains(e.Exchanges[0].RequestBody, "ada@example.com") {
			t.Errorf("the sync log keeps the address: %s", e.Exchanges[0].RequestBody)
		}
	})
}
