package sandbox_test

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trellis-ats/trellis/internal/sandbox"
)

func TestOneButtonToScorecard(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{sandbox.ModePatch, sandbox.ModePoll} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			b := newBundle(t, func(o *sandbox.Options) { o.Mode = mode })
			sent := b.sendTest()
			if sent.State != sandbox.OrderSent || sent.InterviewID != "asm_1" {
				t.Fatalf("sent %+v", sent)
			}
			o := b.until("scorecard", complete).Orders[0]
			want := []sandbox.Entry{{Name: "Discovery", Value: 90.0}, {Name: "Notes", Value: "good"}, {Name: "Seen", Value: true}, {Name: "Nothing"}}
			if diff := cmp.Diff(want, o.Metadata); diff != "" || o.Score == nil || o.ProfileURL != "https://trellis.example.com/r/1" {
				t.Errorf("got %+v\n%s", o, diff)
			}
			if got := <-b.trellis.patched; got != http.StatusNoContent {
				t.Errorf("the PATCH was answered %d", got)
			}
			if errs := b.trellis.got(&b.trellis.errors); len(errs) != 0 {
				t.Errorf("response errors: %v", errs)
			}
		})
	}
}

func TestSendTestBody(t *testing.T) {
	t.Parallel()
	b := newBundle(t, manual)
	var first, second sandbox.Order
	b.post("/sandbox/send", url.Values{"candidate": {"17680002"}, "test": {"tst_1"}}, &first)
	b.post("/sandbox/send", url.Values{"candidate": {"17680002"}, "test": {"tst_1"}}, &second)
	path := b.url + "/integrations/testing_partners/take_home_tests/"
	want := map[string]any{
		"partner_test_id": "tst_1", "sent_by": "recruiter@example.org", "url": path + "1001",
		"candidate": map[string]any{
			"first_name": "Jonas", "last_name": "Placeholder", "preferred_name": nil, "resume_url": nil, "phone_number": nil,
			"email": "jonas.placeholder@example.com", "greenhouse_profile_url": b.url + "/people/17680002?application_id=26230002",
		},
	}
	sent := b.trellis.got(&b.trellis.sent)
	if diff := cmp.Diff(want, sent[0]); diff != "" {
		t.Error(diff)
	}
	if sent[1]["url"] != path+"1002" {
		t.Errorf("the second url is %v", sent[1]["url"])
	}
}

func TestEngineReports(t *testing.T) {
	t.Parallel()
	b := newBundle(t, nil)
	b.sendTest()
	b.until("scorecard", complete)
	mutations := b.trellis.got(&b.trellis.mutations)
	if diff := cmp.Diff(map[string]any{"assessmentId": "asm_1", "launchToken": "launch-asm_1"}, mutations[0]); diff != "" {
		t.Error(diff)
	}
	encoded, _ := json.Marshal(mutations[1])
	var input struct {
		AssessmentID    string
		Score, MaxScore float64
		Traits          []struct {
			Key, Name string
			Score     float64
		}
		Report struct {
			Summary, Analysis string
			Transcript        []struct {
				Speaker, Text string
				At            int
			}
			CoachingNotes []string
			Moments       []struct {
				At                            int
				Trait, Impact, Quote, Comment string
			}
		}
	}
	d := json.NewDecoder(strings.NewReader(string(encoded)))
	d.DisallowUnknownFields()
	if err := d.Decode(&input); err != nil {
		t.Fatal(err)
	}
	r := input.Report
	if input.AssessmentID != "asm_1" || input.Score < 60 || input.Score > 100 || input.MaxScore != 100 || len(input.Traits) != 5 ||
		r.Summary == "" || r.Analysis == "" || len(r.Transcript) != 12 || len(r.CoachingNotes) == 0 || len(r.Moments) != 5 {
		t.Errorf("got %s", encoded)
	}
	for i := 1; i < len(r.Transcript); i++ {
		if r.Transcript[i].At <= r.Transcript[i-1].At {
			t.Errorf("turn %d is not after the one before", i)
		}
	}
	for _, m := range r.Moments {
		if !strings.Contains(string(encoded), `"text":`+quote(m.Quote)) || m.Impact != "POSITIVE" && m.Impact != "NEGATIVE" {
			t.Errorf("moment %+v", m)
		}
	}
}

func quote(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

// The same candidate gets the same score, another one another.
func TestEngineIsDeterministic(t *testing.T) {
	t.Parallel()
	scores := map[string]map[float64]bool{}
	for range 2 {
		b := newBundle(t, nil)
		for _, id := range []string{"17680001", "17680004"} {
			b.post("/sandbox/send", url.Values{"candidate": {id}, "test": {"tst_1"}}, nil)
			o := b.until("scorecard", complete).Orders[0]
			if scores[id] == nil {
				scores[id] = map[float64]bool{}
			}
			scores[id][*o.Score] = true
		}
	}
	if len(scores["17680001"]) != 1 || len(scores["17680004"]) != 1 || cmp.Equal(scores["17680001"], scores["17680004"]) {
		t.Errorf("got %v", scores)
	}
}

func TestManualCandidate(t *testing.T) {
	t.Parallel()
	b := newBundle(t, manual)
	b.sendTest()
	status, page := b.get("/engine?assessment=asm_1&token=launch-1")
	if status != http.StatusOK || !strings.Contains(page, `value="launch-1"`) {
		t.Fatalf("%d %s", status, page)
	}
	if status := b.post("/engine/take", url.Values{"assessment": {"asm_1"}, "token": {"launch-1"}}, nil); status != http.StatusOK {
		t.Fatalf("take: %d", status)
	}
	b.until("scorecard", complete)
	if status, _ := b.get("/engine"); status != http.StatusBadRequest {
		t.Errorf("without an assessment: %d", status)
	}
}

func TestNoMailboxIsTold(t *testing.T) {
	t.Parallel()
	b := newBundle(t, nil)
	b.trellis.mu.Lock()
	b.trellis.noMailbox = true
	b.trellis.mu.Unlock()
	b.sendTest()
	b.until("note", func(st sandbox.State) bool {
		for _, c := range st.Orders[0].Timeline {
			if c.Bad && strings.Contains(c.Note, "no mailbox") {
				return true
			}
		}
		return false
	})
}

func TestSwitches(t *testing.T) {
	t.Parallel()
	b := newBundle(t, nil)
	b.post("/sandbox/auto", url.Values{"on": {"false"}}, nil)
	if st := b.until("state", func(sandbox.State) bool { return true }); st.Auto {
		t.Error("the automatic candidate is still on")
	}
	for path, form := range map[string]url.Values{
		"/sandbox/auto":   {"on": {"perhaps"}},
		"/sandbox/faults": {"kind": {"418"}},
		"/engine/take":    {},
	} {
		if status := b.post(path, form, nil); status != http.StatusBadRequest {
			t.Errorf("%s: %d", path, status)
		}
	}
	for _, form := range []url.Values{{"candidate": {"1"}, "test": {"tst_1"}}, {"candidate": {"17680001"}, "test": {"none"}}} {
		if status := b.post("/sandbox/send", form, nil); status != http.StatusNotFound {
			t.Errorf("%v: %d", form, status)
		}
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	b := newBundle(t, nil)
	b.sendTest()
	o := b.until("scorecard", complete).Orders[0]
	status, home := b.get("/")
	for _, want := range []string{"Mara Sample", "Discovery Chat", "Send Test", `class="chip big green"`, "View full report", o.ProfileURL, "PATCH", "/sandbox/assets/sandbox.js"} {
		if status != http.StatusOK || !strings.Contains(home, want) {
			t.Errorf("%d: the page lacks %q", status, want)
		}
	}
	if strings.Contains(home, "launch-asm_1") || strings.Contains(home, partnerKey) {
		t.Error("the page shows a secret")
	}
	for _, path := range []string{"/sandbox/board", "/sandbox/assets/sandbox.css", "/sandbox/assets/sandbox.js", "/engine/done?assessment=asm_1"} {
		if status, body := b.get(path); status != http.StatusOK || body == "" {
			t.Errorf("%s: %d", path, status)
		}
	}
	for _, path := range []string{"/sandbox/assets/page.html", "/sandbox/assets/none.css", "/people/1", "/none"} {
		if status, _ := b.get(path); status != http.StatusNotFound {
			t.Errorf("%s: %d", path, status)
		}
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	good := sandbox.Options{TrellisURL: "http://127.0.0.1:8080", PartnerKey: "k", EngineToken: "t"}
	tests := map[string]func(*sandbox.Options){
		"TrellisURL":  func(o *sandbox.Options) { o.TrellisURL = "" },
		"PublicURL":   func(o *sandbox.Options) { o.PublicURL = "127.0.0.1" },
		"PartnerKey":  func(o *sandbox.Options) { o.PartnerKey = "" },
		"EngineToken": func(o *sandbox.Options) { o.EngineToken = "" },
		"mode":        func(o *sandbox.Options) { o.Mode = "push" },
		"Vendor":      func(o *sandbox.Options) { o.Vendor.Token = "v" },
	}
	for name, change := range tests {
		o := good
		change(&o)
		if _, err := sandbox.New(o); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := sandbox.New(good); err != nil {
		t.Error(err)
	}
}

func TestRunStopsWithItsContext(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	box, err := sandbox.New(sandbox.Options{Listen: address, TrellisURL: "http://127.0.0.1:1", PartnerKey: "k", EngineToken: "t"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- box.Run(ctx) }()
	waiting := make(chan int, 1)
	go func() { waiting <- untilAnswered("http://" + address + "/sandbox/state?after=-1") }()
	if status := <-waiting; status != http.StatusOK {
		t.Errorf("state: %d", status)
	}
	go func() { waiting <- untilAnswered("http://" + address + "/sandbox/state?after=99999") }() // would wait 20 s
	cancel()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("it did not stop")
	}
	<-waiting
}

// untilAnswered asks until the listener is there, for at most 2 s.
func untilAnswered(address string) int {
	for deadline := time.Now().Add(2 * time.Second); time.Now().Before(deadline); {
		if got := status(http.Get(address)); got != 0 {
			return got
		}
	}
	return 0
}
