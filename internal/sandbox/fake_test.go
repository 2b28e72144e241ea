package sandbox_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/trellis-ats/trellis/internal/sandbox"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	partnerKey  = "pk_test_1"
	engineToken = "engine-token-1"
	vendorToken = "vendor-token-1"
)

// fakeTrellis is as much of Trellis as the sandbox sees. Its answers can be replaced.
type fakeTrellis struct {
	t      *testing.T
	server *httptest.Server
	box    string // the sandbox's address

	mu        sync.Mutex
	answers   map[string]string // "list-tests" and so on: instead of the usual one
	statuses  map[string]int
	sent      []map[string]any
	errors    []map[string]any
	mutations []map[string]any
	result    map[string]any // input of completeAssessment
	pushed    map[string]any // body of the push, if it was asked for
	refusal   string         // of createAssessment
	patched   chan int       // statuses of our PATCHes
	noMailbox bool
}

func newFakeTrellis(t *testing.T) *fakeTrellis {
	t.Helper()
	f := &fakeTrellis{t: t, answers: map[string]string{}, statuses: map[string]int{}, patched: make(chan int, 100)}
	mux := http.NewServeMux()
	mux.HandleFunc("/api/greenhouse/{route}", f.partner)
	mux.HandleFunc("GET /dev/mail", f.mail)
	mux.HandleFunc("GET /a/{token}", f.invitation)
	mux.HandleFunc("POST /a/{token}", f.consent)
	mux.HandleFunc("POST /graphql", f.graphql)
	mux.HandleFunc("POST /api/integrations/greenhouse/push/{id}", f.push)
	f.server = httptest.NewServer(mux)
	t.Cleanup(f.server.Close)
	return f
}

// partner answers Greenhouse's calls.
func (f *fakeTrellis) partner(w http.ResponseWriter, r *http.Request) {
	if user, password, _ := r.BasicAuth(); user != partnerKey || password != "" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	route := r.PathValue("route")
	var body map[string]any
	_ = json.NewDecoder(r.Body).Decode(&body)
	f.mu.Lock()
	defer f.mu.Unlock()
	answer := f.usual(r.Method+" "+route, r.URL.Query(), body)
	if other, ok := f.answers[route]; ok {
		answer = other
	}
	if status := f.statuses[route]; status != 0 {
		w.WriteHeader(status)
	}
	_, _ = io.WriteString(w, answer)
}

func (f *fakeTrellis) usual(call string, query url.Values, body map[string]any) string {
	switch call {
	case "GET list-tests":
		return `[{"partner_test_id":"tst_1","partner_test_name":"Discovery Chat"}]`
	case "POST send-test":
		f.sent = append(f.sent, body)
		return fmt.Sprintf(`{"partner_interview_id":"asm_%d"}`, len(f.sent))
	case "GET test-status":
		if f.result == nil || query.Get("partner_interview_id") != f.result["assessmentId"] {
			return `{"partner_status":"sent"}`
		}
		return fmt.Sprintf(`{"partner_status":"complete","partner_score":%v,"partner_profile_url":"https://trellis.example.com/r/1","metadata":{"Discovery":90,"Notes":"good","Seen":true,"Nothing":null}}`, f.result["score"])
	case "POST response-error":
		f.errors = append(f.errors, body)
		return `{"status":200}`
	default:
		f.t.Errorf("unexpected call %s", call)
		return ""
	}
}

func (f *fakeTrellis) mail(w http.ResponseWriter, _ *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.noMailbox {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	mails := []map[string]any{{"id": "0", "to": "other@example.com", "text": "Start: " + f.server.URL + "/a/other", "sentAt": time.Now()}}
	for i, sent := range f.sent {
		candidate := sent["candidate"].(map[string]any)
		mails = append([]map[string]any{{
			"id": fmt.Sprint(i + 1), "to": candidate["email"], "sentAt": time.Now(),
			"text": fmt.Sprintf("Hello,\n\nStart here:\n%s/a/asm_%d\n", f.server.URL, i+1),
		}}, mails...)
	}
	_ = json.NewEncoder(w).Encode(mails)
}

func (f *fakeTrellis) invitation(w http.ResponseWriter, _ *http.Request) {
	_, _ = io.WriteString(w, `<form action="/other"><input name="q"></form><form class="card" method="post" aria-label="Start">
		<input type=hidden name="csrf" value="a&amp;b"><input type="checkbox" name="consent" value="yes" required></form>`)
}

func (f *fakeTrellis) consent(w http.ResponseWriter, r *http.Request) {
	if r.PostFormValue("consent") != "yes" || r.PostFormValue("csrf") != "a&b" {
		f.t.Errorf("the form was %v", r.PostForm)
	}
	http.Redirect(w, r, f.box+"/engine?assessment="+r.PathValue("token")+"&token=launch-"+r.PathValue("token"), http.StatusSeeOther)
}

// graphql takes the vendor's questions and the engine's two mutations; completion tells the stand-in with a PATCH.
func (f *fakeTrellis) graphql(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Query     string
		Variables map[string]any
	}
	if r.Header.Get("Authorization") == "Bearer "+vendorToken {
		f.vendor(w, r)
		return
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil || r.Header.Get("Authorization") != "Bearer "+engineToken {
		f.t.Errorf("graphql: %v, %q", err, r.Header.Get("Authorization"))
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	given, _ := body.Variables["input"].(map[string]any)
	f.mutations = append(f.mutations, given)
	field := "startAssessment"
	if strings.Contains(body.Query, "completeAssessment(") {
		field, f.result = "completeAssessment", given
		if callback, ok := f.sent[len(f.sent)-1]["url"].(string); ok {
			go f.patch(callback, partnerKey)
		}
	}
	_, _ = fmt.Fprintf(w, `{"data":{%q:{"assessment":{"id":"x","status":"STARTED"},"userErrors":[]}}}`, field)
}

// patch is the callback as Trellis makes it.
func (f *fakeTrellis) patch(callback, key string) {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPatch, callback, nil)
	if err != nil {
		f.t.Error(err)
		return
	}
	req.SetBasicAuth(key, "")
	f.patched <- status(http.DefaultClient.Do(req))
}

// status is 0 if no answer came.
func status(r *http.Response, err error) int {
	if err != nil {
		return 0
	}
	_, _ = io.Copy(io.Discard, r.Body)
	_ = r.Body.Close()
	return r.StatusCode
}

func (f *fakeTrellis) got(list *[]map[string]any) []map[string]any {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]map[string]any(nil), *list...)
}

// bundle is a sandbox against a fake Trellis.
type bundle struct {
	t       *testing.T
	trellis *fakeTrellis
	url     string
}

func newBundle(t *testing.T, change func(*sandbox.Options)) *bundle {
	t.Helper()
	f := newFakeTrellis(t)
	var handler http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	f.box = server.URL
	o := sandbox.Options{
		PublicURL: server.URL, TrellisURL: f.server.URL, PartnerKey: partnerKey, EngineToken: engineToken,
		PollEvery: 10 * time.Millisecond, Pace: time.Millisecond,
	}
	if change != nil {
		change(&o)
	}
	box, err := sandbox.New(o)
	if err != nil {
		t.Fatal(err)
	}
	handler = box.Handler()
	t.Cleanup(func() {
		box.Close()
		server.Close()
		http.DefaultClient.CloseIdleConnections()
	})
	return &bundle{t: t, trellis: f, url: server.URL}
}

func manual(o *sandbox.Options) { o.Manual = true }

// post sends a form and decodes the answer.
func (b *bundle) post(path string, form url.Values, into any) int {
	b.t.Helper()
	resp, err := http.PostForm(b.url+path, form)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	if into != nil {
		if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
			b.t.Fatalf("POST %s: %d, %v", path, resp.StatusCode, err)
		}
	}
	return resp.StatusCode
}

func (b *bundle) get(path string) (int, string) {
	b.t.Helper()
	resp, err := http.Get(b.url + path)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// sendTest presses the button for the first candidate.
func (b *bundle) sendTest() sandbox.Order {
	b.t.Helper()
	var o sandbox.Order
	b.post("/sandbox/send", url.Values{"candidate": {"17680001"}, "test": {"tst_1"}}, &o)
	return o
}

// until waits for a state, woken by each change.
func (b *bundle) until(what string, good func(sandbox.State) bool) sandbox.State {
	b.t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	var st sandbox.State
	for after := -1; time.Now().Before(deadline); after = st.Version {
		_, body := b.get("/sandbox/state?after=" + fmt.Sprint(after))
		st = sandbox.State{}
		if err := json.Unmarshal([]byte(body), &st); err != nil {
			b.t.Fatal(err)
		}
		if good(st) {
			return st
		}
	}
	b.t.Fatalf("no %s in %+v", what, st)
	return st
}

func complete(st sandbox.State) bool {
	return len(st.Orders) > 0 && st.Orders[0].State == sandbox.OrderComplete
}
