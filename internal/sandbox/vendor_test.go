package sandbox_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/trellis-ats/trellis/internal/sandbox"
)

// vendor answers what a vendor's program asks.
func (f *fakeTrellis) vendor(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Query     string
		Variables struct {
			Connection string
			Input      map[string]any
		}
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		f.t.Error(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case strings.Contains(body.Query, "jobMappings("):
		if body.Variables.Connection != "con_1" {
			f.t.Errorf("asked for the jobs of %q", body.Variables.Connection)
		}
		_, _ = io.WriteString(w, `{"data":{"jobMappings":{"nodes":[{"externalStageName":"Phone Interview","job":{"id":"job_1","name":"Account Executive"}}]}}}`)
	case f.refusal != "":
		_, _ = fmt.Fprintf(w, `{"data":{"createAssessment":{"assessment":null,"userErrors":[{"message":%q}]}}}`, f.refusal)
	case strings.Contains(body.Query, "createAssessment("):
		f.sent = append(f.sent, body.Variables.Input)
		_, _ = fmt.Fprintf(w, `{"data":{"createAssessment":{"assessment":{"id":"asm_%d"},"userErrors":[]}}}`, len(f.sent))
	default:
		_, _ = fmt.Fprintf(w, `{"data":{"nodes":[%s]}}`, f.assessment())
	}
}

// assessment is the one that was ordered, as it is now.
func (f *fakeTrellis) assessment() string {
	switch {
	case f.result == nil:
		return `{"id":"asm_1","status":"STARTED","atsOutcome":"UNKNOWN","events":{"nodes":[]}}`
	case f.pushed == nil:
		return `{"id":"asm_1","status":"SCORED","atsOutcome":"UNKNOWN","result":{"score":71.5},"events":{"nodes":[]}}`
	default:
		return `{"id":"asm_1","status":"SCORED","atsOutcome":"REJECTED","result":{"score":71.5},"reportUrl":"https://trellis.example.com/r/1","events":{"nodes":[{"type":"push.done","data":{}}]},"applications":[{"externalId":"26240001","stageName":"Face to Face"}],
			"lastPush":{"id":"psh_1","state":"DONE","trigger":"MANUAL","candidateExternalId":"17680002","applicationExternalId":"26240001","steps":[{"kind":"FIND","state":"DONE"},{"kind":"SCORECARD","state":"SKIPPED","message":"<b>off</b>"}]}}`
	}
}

func (f *fakeTrellis) push(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	_ = json.NewDecoder(r.Body).Decode(&f.pushed)
	if r.PathValue("id") != "asm_1" || f.pushed["connectionId"] != "con_1" || r.Header.Get("Authorization") != "Bearer "+vendorToken {
		f.t.Errorf("the push was asked for with %s %v %v", r.PathValue("id"), f.pushed, r.Header)
	}
	w.WriteHeader(http.StatusAccepted)
}

func withVendor(o *sandbox.Options) {
	o.Vendor = sandbox.Vendor{Token: vendorToken, ConnectionID: "con_1"}
}

// The button orders, takes the test, has the result pushed and shows what came of it.
func TestAssessAndPush(t *testing.T) {
	t.Parallel()
	b := newBundle(t, withVendor)
	if code := b.post("/sandbox/assess", url.Values{"job": {"job_1"}}, nil); code != http.StatusOK {
		t.Fatalf("answered %d", code)
	}
	st := b.until("push", func(st sandbox.State) bool {
		return len(st.Assessed) == 1 && st.Assessed[0].State == sandbox.OrderComplete
	})
	o := st.Assessed[0]
	if len(st.Orders) != 0 || *o.Assessed.Score != 71.5 || o.Assessed.ATSOutcome != "REJECTED" || len(o.Assessed.Push.Steps) != 2 {
		t.Errorf("got %+v", o.Assessed)
	}
	ordered := b.trellis.got(&b.trellis.sent)[0]
	if ordered["jobId"] != "job_1" || ordered["testId"] != "tst_1" || ordered["candidate"].(map[string]any)["email"] != o.Person.Email {
		t.Errorf("ordered %v", ordered)
	}
	_, page := b.get("/")
	for _, want := range []string{`id="assessed-1001"`, "scorecard: skipped", "&lt;b&gt;off", `of the application it knows: <b data-outcome="REJECTED">rejected</b>, at Face to Face`, "https://trellis.example.com/r/1"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Count(page, `id="candidate-17680002"`) != 1 {
		t.Error("the candidate is not there once")
	}
}

// What Trellis refuses is told, and ends the attempt.
func TestAssessIsRefused(t *testing.T) {
	t.Parallel()
	b := newBundle(t, withVendor)
	if code := b.post("/sandbox/assess", url.Values{"job": {"job_2"}}, nil); code != http.StatusNotFound {
		t.Errorf("an unknown job is answered %d", code)
	}
	b.trellis.mu.Lock()
	b.trellis.refusal = "The test is not there."
	b.trellis.mu.Unlock()
	b.post("/sandbox/assess", url.Values{"job": {"job_1"}}, nil)
	o := b.until("refusal", func(st sandbox.State) bool {
		return len(st.Assessed) == 1 && st.Assessed[0].State == sandbox.OrderRefused
	}).Assessed[0]
	if last := o.Timeline[len(o.Timeline)-1]; last.Note != "The test is not there." || !last.Bad {
		t.Errorf("noted %+v", last)
	}
}

// Without a vendor's token there is no button.
func TestNoVendor(t *testing.T) {
	t.Parallel()
	b := newBundle(t, nil)
	if code := b.post("/sandbox/assess", url.Values{"job": {"job_1"}}, nil); code != http.StatusNotFound {
		t.Errorf("answered %d", code)
	}
	if _, page := b.get("/"); strings.Contains(page, "/sandbox/assess\"") {
		t.Error("the page has the button")
	}
}
