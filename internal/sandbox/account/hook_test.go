package account_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/trellis-ats/trellis/internal/sandbox/account"
)

// received is one web hook as it came in.
type received struct {
	action, eventID, signature, user string
	body                             []byte
}

// receiver takes web hooks and answers as it is told.
type receiver struct {
	t      *testing.T
	url    string
	came   chan received
	mu     sync.Mutex
	status int
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{t: t, came: make(chan received, 10_000), status: http.StatusOK}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		var e struct{ Action string }
		_ = json.Unmarshal(body, &e)
		user, _, _ := req.BasicAuth()
		r.mu.Lock()
		w.WriteHeader(r.status)
		r.mu.Unlock()
		r.came <- received{e.Action, req.Header.Get("Greenhouse-Event-ID"), req.Header.Get("Signature"), user, body}
	}))
	t.Cleanup(server.Close)
	r.url = server.URL
	return r
}

func (r *receiver) answer(status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status = status
}

func (r *receiver) next() received {
	r.t.Helper()
	select {
	case got := <-r.came:
		return got
	case <-time.After(10 * time.Second):
		r.t.Fatal("no web hook came")
		return received{}
	}
}

// none makes sure that nothing more came.
func (r *receiver) none() {
	r.t.Helper()
	select {
	case got := <-r.came:
		r.t.Errorf("came %s", got.body)
	default:
	}
}

// hook configures one and takes its ping.
func (b *bench) hook(r *receiver, more string) account.Hook {
	b.t.Helper()
	var h account.Hook
	decode(b.t, b.press("hooks", fmt.Sprintf(`{"url":%q,"secret":"hook secret"%s}`, r.url, more)), &h)
	if got := r.next(); got.action != "ping" {
		b.t.Errorf("first came %s", got.body)
	}
	return h
}

// The signature is the one of the facts' worked example (facts/greenhouse.md 2.3).
func TestSignature(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"action":"delete_application","payload":{"application":{"id":46194062,"candidate_id":37031511,"job_id":371417,"created_at":"2013-03-22T00:00:00Z","source_id":2,"candidate_rejection_reason_id":null,"rejection_note_id":123,"rejected_at":"2014-04-22T01:00:00Z","referrer_id":158104,"prospect":false,"rejected_by_user_id":158103}}}`: "sha256 326308f9a052016c7ba15e6fd82ff3f5a9c5a8521b35298bd9d64d85531ccef7",
		`{"action":"job_post_updated","payload":{"id":258341,"title":"D\u00e9veloppeur","content":"\u003cp\u003ehello\u003c/p\u003e"}}`: "sha256 318e9740ccfefd9433cd31e8b4b3bfcd0128305e6fe7ec3facfca390ffbcbee2",
	} {
		if got := account.Signature("greenhouse-test-secret-1", []byte(body)); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// Every change, by button or by API, is told in the envelope that is signed as it is sent.
func TestChangesAreTold(t *testing.T) {
	t.Parallel()
	b, r := newBench(t, nil), newReceiver(t)
	if h := b.hook(r, `,"all":true,"user":"basic","password":"pw"`); !h.Enabled {
		t.Fatalf("hook %+v", h)
	}
	expect := func(action string) map[string]any {
		t.Helper()
		got := r.next()
		if got.action != action {
			t.Fatalf("came %s, want %s", got.body, action)
		}
		if got.signature != account.Signature("hook secret", got.body) || got.eventID == "" || got.user != "basic" {
			t.Errorf("%s: signature %s, id %s, user %s", action, got.signature, got.eventID, got.user)
		}
		if slices.ContainsFunc(got.body, func(c byte) bool { return c > 127 || c == '<' || c == '>' || c == '&' }) {
			t.Errorf("not escaped: %s", got.body)
		}
		var e struct{ Payload map[string]any }
		decode(t, string(got.body), &e)
		if app, ok := e.Payload["application"].(map[string]any); ok {
			return app
		}
		return e.Payload
	}
	person, app := b.candidate("told@example.com")
	made := expect("new_candidate_application")
	if made["candidate"].(map[string]any)["last_name"] != "Ünal <x>" || made["status"] != "active" || made["current_stage"].(map[string]any)["id"] != float64(account.StageAssessment) ||
		made["id"] != float64(app) || made["jobs"].([]any)[0].(map[string]any)["id"] != float64(account.JobExecutive) {
		t.Errorf("made %v", made)
	}
	path := fmt.Sprint("applications/", app)
	b.want(http.StatusNoContent, "POST", path+"/move", `{"from_stage_id":71412}`)
	if got := expect("candidate_stage_change"); got["current_stage"].(map[string]any)["name"] != "Phone Interview" {
		t.Errorf("moved %v", got)
	}
	b.press(path+"/reject", `{}`)
	if got := expect("reject_candidate"); got["status"] != "rejected" || got["rejected_at"] == nil || got["rejection_reason"].(map[string]any)["id"] != float64(account.ReasonThreshold) {
		t.Errorf("rejected %v", got)
	}
	b.press(path+"/unreject", `{}`)
	expect("unreject_candidate")
	b.press(path+"/move", `{"job_id":12346}`)
	expect("candidate_stage_change")
	b.press(path+"/update", `{}`)
	if got := expect("application_updated"); got["source"].(map[string]any)["name"] != "Referral" {
		t.Errorf("updated %v", got)
	}
	b.press(path+"/hire", `{}`)
	if got := expect("hire_candidate"); got["opening"] == nil || got["status"] != nil {
		t.Errorf("hired %v", got)
	}
	b.press(path+"/unhire", `{}`)
	expect("unhire_candidate")
	b.want(http.StatusOK, "PATCH", fmt.Sprint("candidates/", person), `{"title":"Rep"}`)
	expect("update_candidate")
	b.press("candidates", `{"first_name":"Second","last_name":"Person","email":"second@example.com","job_id":12345}`)
	second := int64(expect("new_candidate_application")["candidate"].(map[string]any)["id"].(float64))
	b.press(fmt.Sprintf("candidates/%d/merge", second), fmt.Sprintf(`{"into":%d}`, person))
	if got := expect("merge_candidate")["person"].(map[string]any); got["id"] != float64(second) || got["new_candidate_id"] != float64(person) {
		t.Errorf("merged %v", got)
	}
	b.press(path+"/delete", `{}`)
	if got := expect("delete_application"); got["id"] != float64(app) || got["candidate_id"] != float64(person) {
		t.Errorf("deleted %v", got)
	}
	b.press(fmt.Sprintf("candidates/%d/anonymize", person), `{}`)
	if got := expect("candidate_anonymized"); got["candidate_id"] != float64(person) || !slices.Contains(got["anonymized_fields"].([]any), any("full_name")) {
		t.Errorf("anonymized %v", got)
	}
	rows := b.list(fmt.Sprint("candidates?ids=", person))
	if rows[0]["first_name"] != "Anonymized" || rows[0]["last_name"] != fmt.Sprint(person) || len(rows[0]["email_addresses"].([]any)) != 0 {
		t.Errorf("what is left: %v", rows[0])
	}
	b.press(fmt.Sprintf("candidates/%d/delete", person), `{}`)
	if got := expect("delete_candidate")["person"].(map[string]any); len(got["deleted_application_ids"].([]any)) != 1 {
		t.Errorf("deleted %v", got)
	}
	r.none()
}

// A hook gets what it asked for; a merge is a deletion where nobody asks for merges.
func TestHooksGetTheirActions(t *testing.T) {
	t.Parallel()
	b, r := newBench(t, nil), newReceiver(t)
	h := b.hook(r, `,"actions":["delete_candidate","reject_candidate"]`)
	first, app := b.candidate("a@example.com")
	second, _ := b.candidate("b@example.com")
	b.press(fmt.Sprintf("candidates/%d/merge", second), fmt.Sprintf(`{"into":%d}`, first))
	if got := r.next(); got.action != "delete_candidate" {
		t.Errorf("came %s", got.body)
	}
	b.press(fmt.Sprintf("hooks/%d", h.ID), `{"actions":["merge_candidate","delete_candidate"]}`)
	if got := r.next(); got.action != "ping" {
		t.Errorf("no ping after a change: %s", got.body)
	}
	third, _ := b.candidate("c@example.com")
	b.press(fmt.Sprintf("candidates/%d/merge", third), fmt.Sprintf(`{"into":%d}`, first))
	if got := r.next(); got.action != "merge_candidate" {
		t.Errorf("came %s", got.body)
	}
	b.press(fmt.Sprintf("hooks/%d/delete", h.ID), `{}`)
	b.press(fmt.Sprintf("applications/%d/reject", app), `{}`)
	b.a.Close()
	r.none()
}

// A hook whose ping is not answered 200 is kept, disabled.
func TestPingDecides(t *testing.T) {
	t.Parallel()
	b, r := newBench(t, nil), newReceiver(t)
	for _, status := range []int{204, 401, 500} {
		r.answer(status)
		if h := b.hook(r, `,"all":true`); h.Enabled || h.Ping != fmt.Sprint("answered ", status) {
			t.Errorf("%d: %+v", status, h)
		}
	}
	var h account.Hook
	decode(t, b.press("hooks", `{"url":"http://127.0.0.1:1/","secret":"s","all":true}`), &h)
	if h.Enabled || h.Ping != "no answer" {
		t.Errorf("nobody there: %+v", h)
	}
	b.press("applications/26230001/reject", `{}`)
	b.a.Close()
	r.none()
	if got := b.press("rules", `{"ping_signed":false}`); !strings.Contains(got, `"ping_signed":false`) {
		t.Error(got)
	}
}
