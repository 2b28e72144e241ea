package sandbox_test

import (
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trellis-ats/trellis/internal/sandbox"
)

func TestBrokenAnswersAreReported(t *testing.T) {
	t.Parallel()
	const link = `"partner_profile_url":"https://example.com/r"`
	tests := map[string]struct{ route, answer, problem string }{
		"tests in an envelope":    {"list-tests", `{"tests":[]}`, "not a JSON array"},
		"tests are null":          {"list-tests", `null`, "not a JSON array"},
		"tests are HTML":          {"list-tests", `<html>`, "not a JSON array"},
		"number as test id":       {"list-tests", `[{"partner_test_id":1,"partner_test_name":"A"}]`, "partner_test_id is not a string"},
		"no test name":            {"list-tests", `[{"partner_test_id":"1"}]`, "partner_test_name is missing"},
		"test is a string":        {"list-tests", `["A"]`, "test 0 is not an object"},
		"no interview id":         {"send-test", `{}`, "partner_interview_id is missing"},
		"null interview id":       {"send-test", `{"partner_interview_id":null}`, "partner_interview_id is missing"},
		"empty interview id":      {"send-test", `{"partner_interview_id":""}`, "partner_interview_id is empty"},
		"number as interview id":  {"send-test", `{"partner_interview_id":5}`, "partner_interview_id is not a string"},
		"array instead":           {"send-test", `["5"]`, "not a JSON object"},
		"empty status answer":     {"test-status", ``, "not a JSON object"},
		"no status":               {"test-status", `{` + link + `}`, "partner_status is missing"},
		"status is a boolean":     {"test-status", `{"partner_status":true}`, "partner_status is not a string"},
		"complete without link":   {"test-status", `{"partner_status":"complete","partner_score":1}`, "partner_status is 'complete' but partner_profile url is missing"},
		"complete with null link": {"test-status", `{"partner_status":"complete","partner_profile_url":null}`, "partner_profile url is missing"},
		"link is a script":        {"test-status", `{"partner_status":"complete","partner_profile_url":"javascript:alert(1)"}`, "not a web address"},
		"score is text":           {"test-status", `{"partner_status":"complete",` + link + `,"partner_score":"81"}`, "partner_score is not a number"},
		"nested metadata":         {"test-status", `{"partner_status":"complete",` + link + `,"metadata":{"a":{"b":1}}}`, `metadata "a" is not a primitive`},
		"array in metadata":       {"test-status", `{"partner_status":"complete",` + link + `,"metadata":{"a":[]}}`, `metadata "a" is not a primitive`},
		"metadata is an array":    {"test-status", `{"partner_status":"complete",` + link + `,"metadata":[]}`, "metadata is not an object"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBundle(t, manual)
			if tt.route != "list-tests" {
				b.get("/") // so that the tests are known
			}
			b.trellis.mu.Lock()
			b.trellis.answers[tt.route] = tt.answer
			b.trellis.mu.Unlock()
			b.get("/")
			if tt.route != "list-tests" {
				o := b.sendTest()
				if tt.route == "test-status" {
					b.trellis.patch(o.CallbackURL, partnerKey)
				}
			}
			b.until("report", func(st sandbox.State) bool {
				all := st.Reported
				for _, o := range st.Orders {
					all = append(all, o.Reported...)
				}
				return strings.Contains(strings.Join(all, "\n"), tt.problem)
			})
			checkComplaint(t, b.trellis.got(&b.trellis.errors), tt.route)
		})
	}
}

// checkComplaint holds the report against facts/greenhouse.md 1.8.
func checkComplaint(t *testing.T, complaints []map[string]any, route string) {
	t.Helper()
	if len(complaints) == 0 {
		t.Fatal("nothing was reported")
	}
	c := complaints[0]
	if c["api_call"] != strings.ReplaceAll(route, "-", "_") || len(c["errors"].([]any)) == 0 {
		t.Errorf("got %v", c)
	}
	if route != "list-tests" && (c["candidate_email"] != "mara.sample@example.com" || c["partner_test_id"] != "tst_1") {
		t.Errorf("got %v", c)
	}
	if route == "test-status" && c["partner_interview_id"] != "asm_1" {
		t.Errorf("got %v", c)
	}
}

func TestRefusedSendIsShownAndNotReported(t *testing.T) {
	t.Parallel()
	b := newBundle(t, manual)
	b.get("/")
	b.trellis.mu.Lock()
	b.trellis.statuses["send-test"], b.trellis.answers["send-test"] = http.StatusUnprocessableEntity, `{"message":"no"}`
	b.trellis.mu.Unlock()
	o := b.sendTest()
	if o.State != sandbox.OrderRefused || len(o.Timeline) != 1 || o.Timeline[0].Status != 422 || !strings.Contains(o.Timeline[0].Note, "no") {
		t.Errorf("got %+v", o)
	}
	if errs := b.trellis.got(&b.trellis.errors); len(errs) != 0 {
		t.Errorf("reported %v", errs)
	}
}

func TestCallbackChecks(t *testing.T) {
	t.Parallel()
	b := newBundle(t, manual)
	callback := b.sendTest().CallbackURL
	tests := map[string]struct {
		url, user, password, body string
		want                      int
	}{
		"right":          {callback, partnerKey, "", "", 204},
		"wrong key":      {callback, "other", "", "", 401},
		"no key":         {callback, "", "", "", 401},
		"with password":  {callback, partnerKey, "x", "", 401},
		"unknown test":   {strings.Replace(callback, "1001", "1999", 1), partnerKey, "", "", 404},
		"no number":      {strings.Replace(callback, "1001", "x", 1), partnerKey, "", "", 404},
		"with a body":    {callback, partnerKey, "", "{}", 400},
		"with parameter": {callback + "?a=1", partnerKey, "", "", 400},
	}
	for name, tt := range tests {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPatch, tt.url, strings.NewReader(tt.body))
		if err != nil {
			t.Fatal(err)
		}
		req.SetBasicAuth(tt.user, tt.password)
		if got := status(http.DefaultClient.Do(req)); got != tt.want {
			t.Errorf("%s: got %d, want %d", name, got, tt.want)
		}
	}
	b.until("question", func(st sandbox.State) bool { return st.Orders[0].Status == "sent" })
}

func TestFaults(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		fault string
		want  []int
		after string
	}{
		"500 twice":     {`{"kind":"500","times":2}`, []int{500, 500, 204}, ""},
		"429 with time": {`{"kind":"429","times":1,"retryAfter":7}`, []int{429, 204}, "7"},
		"404 once":      {`{"kind":"404"}`, []int{404, 204}, ""},
		"taken back":    {`{"kind":""}`, []int{204}, ""},
		"zero times":    {`{"kind":"500","times":0}`, []int{204}, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBundle(t, manual)
			callback := b.sendTest().CallbackURL
			b.setFault(tt.fault)
			var got []int
			for i := range tt.want {
				answer, header := b.callback(callback, 10*time.Second)
				got = append(got, answer)
				if i == 0 && header.Get("Retry-After") != tt.after {
					t.Errorf("Retry-After %q", header.Get("Retry-After"))
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestFaultHang(t *testing.T) {
	t.Parallel()
	b := newBundle(t, manual)
	callback := b.sendTest().CallbackURL
	b.setFault(`{"kind":"hang"}`)
	if got, _ := b.callback(callback, 100*time.Millisecond); got != 0 {
		t.Errorf("answered %d", got)
	}
	st := b.until("note", func(st sandbox.State) bool { return len(st.Orders[0].Timeline) == 2 })
	if diff := cmp.Diff(sandbox.Faults{}, st.Faults); diff != "" {
		t.Error(diff)
	}
	if got, _ := b.callback(callback, 10*time.Second); got != http.StatusNoContent {
		t.Errorf("then answered %d", got)
	}
}

func (b *bundle) setFault(fault string) {
	b.t.Helper()
	if got := status(http.Post(b.url+"/sandbox/faults", "application/json", strings.NewReader(fault))); got != http.StatusOK {
		b.t.Fatalf("faults: %d", got)
	}
}

// callback makes one PATCH and returns 0 if no answer came in time.
func (b *bundle) callback(address string, patience time.Duration) (int, http.Header) {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodPatch, address, http.NoBody)
	if err != nil {
		b.t.Fatal(err)
	}
	req.SetBasicAuth(partnerKey, "")
	client := http.Client{Timeout: patience}
	resp, err := client.Do(req)
	if err != nil {
		return 0, http.Header{}
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	return resp.StatusCode, resp.Header
}

// The stand-in keeps the newest orders only.
func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	b := newBundle(t, manual)
	for range 505 {
		b.post("/sandbox/send", url.Values{"candidate": {"17680001"}, "test": {"tst_1"}}, nil)
	}
	st := b.until("state", func(sandbox.State) bool { return true })
	if len(st.Orders) != 500 || st.Orders[0].Number != 1505 || st.Orders[499].Number != 1006 {
		t.Errorf("kept %d orders", len(st.Orders))
	}
}
