package greenhouse_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

const hookSecret = "whs_test_0123456789"

func sign(secret, body string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	return "sha256 " + hex.EncodeToString(mac.Sum(nil))
}

// hook is a web hook with these headers, for a connection with both secrets.
func hook(t testing.TB, a ats.Adapter, body string, header ...string) *ats.WebhookRequest {
	t.Helper()
	c := connection(t, a)
	c.Secrets[ats.SecretWebhook], c.Secrets[ats.SecretWebhookPrevious] = hookSecret, "whs_test_previous"
	h := http.Header{}
	for i := 0; i < len(header); i += 2 {
		h.Add(header[i], header[i+1])
	}
	return &ats.WebhookRequest{Connection: c, HTTP: ats.HTTPRequest{Method: "POST", Header: h, Body: []byte(body)}}
}

const rejected = `{"action":"reject_candidate","payload":{"application":{"title":"D\u00e9veloppeur \u003cb\u003e"}}}`

// The signature of the fact sheet's own examples, computed by openssl.
func TestSignatureVectors(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		body, signature string
		want            bool
	}{
		"delete_application": {
			`{"action":"delete_application","payload":{"application":{"id":46194062,"candidate_id":37031511,"job_id":371417,"created_at":"2013-03-22T00:00:00Z","source_id":2,"candidate_rejection_reason_id":null,"rejection_note_id":123,"rejected_at":"2014-04-22T01:00:00Z","referrer_id":158104,"prospect":false,"rejected_by_user_id":158103}}}`,
			"sha256 326308f9a052016c7ba15e6fd82ff3f5a9c5a8521b35298bd9d64d85531ccef7", true,
		},
		"escaped Unicode": {
			`{"action":"job_post_updated","payload":{"id":258341,"title":"D\u00e9veloppeur","content":"\u003cp\u003ehello\u003c/p\u003e"}}`,
			"sha256 318e9740ccfefd9433cd31e8b4b3bfcd0128305e6fe7ec3facfca390ffbcbee2", true,
		},
		"of the body written anew": {
			`{"action":"job_post_updated","payload":{"id":258341,"title":"D\u00e9veloppeur","content":"\u003cp\u003ehello\u003c/p\u003e"}}`,
			"sha256 90163281e1b7fc8670fd976d8b6262df21e64b931aacc8d50d00d85d5bf8252c", false,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := patient(t)
			r := hook(t, a, tt.body, "Signature", tt.signature)
			r.Connection.Secrets[ats.SecretWebhook] = "greenhouse-test-secret-1"
			v, err := a.Receive(t.Context(), r)
			if err != nil || v.Verified != tt.want {
				t.Errorf("got %+v, %v", v, err)
			}
		})
	}
}

func TestReceive(t *testing.T) {
	t.Parallel()
	good := sign(hookSecret, rejected)
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("hooks:pass"))
	guarded := func(r *ats.WebhookRequest) {
		r.Connection.Settings["webhook_user"], r.Connection.Secrets["webhook_password"] = "hooks", "pass"
	}
	tests := map[string]struct {
		body   string
		header []string
		change func(*ats.WebhookRequest)
		status int
		ping   bool
		reason string // "": verified
	}{
		"signed":                        {rejected, []string{"Signature", good}, nil, 200, false, ""},
		"signed by the previous":        {rejected, []string{"Signature", sign("whs_test_previous", rejected)}, nil, 200, false, ""},
		"by another connection":         {rejected, []string{"Signature", sign("whs_other", rejected)}, nil, 401, false, "not by a secret"},
		"one byte flipped":              {strings.Replace(rejected, "reject", "Reject", 1), []string{"Signature", good}, nil, 401, false, "not by a secret"},
		"unsigned":                      {rejected, nil, nil, 401, false, "no Signature"},
		"no scheme":                     {rejected, []string{"Signature", good[7:]}, nil, 401, false, "malformed"},
		"another scheme":                {rejected, []string{"Signature", "sha1 " + good[7:]}, nil, 401, false, "malformed"},
		"an equals sign":                {rejected, []string{"Signature", "sha256=" + good[7:]}, nil, 401, false, "malformed"},
		"cut":                           {rejected, []string{"Signature", good[:len(good)-2]}, nil, 401, false, "malformed"},
		"no hex":                        {rejected, []string{"Signature", "sha256 " + strings.Repeat("z", 64)}, nil, 401, false, "malformed"},
		"empty":                         {rejected, []string{"Signature", ""}, nil, 401, false, "malformed"},
		"two":                           {rejected, []string{"Signature", good, "Signature", good}, nil, 401, false, "malformed"},
		"no secret":                     {rejected, []string{"Signature", sign("", rejected)}, func(r *ats.WebhookRequest) { clear(r.Connection.Secrets) }, 401, false, "no web hook secret"},
		"an unsigned ping":              {`{"action":"ping","payload":{}}`, nil, nil, 200, true, "unsigned ping"},
		"a ping with a bad signature":   {`{"action":"ping"}`, []string{"Signature", good}, nil, 401, false, "not by a secret"},
		"a signed ping":                 {`{"action":"ping"}`, []string{"Signature", sign(hookSecret, `{"action":"ping"}`)}, nil, 200, true, ""},
		"a signed ping of another form": {`{"webhook":{"id":1}}`, []string{"Signature", sign(hookSecret, `{"webhook":{"id":1}}`)}, nil, 200, true, ""},
		"an unsigned form":              {`{"webhook":{"id":1}}`, nil, nil, 200, true, "unsigned ping"},
		"unsigned, not JSON":            {`hello`, nil, nil, 401, false, "no Signature"},
		"signed, not JSON":              {`hello`, []string{"Signature", sign(hookSecret, "hello")}, nil, 200, false, ""},
		"with credentials":              {rejected, []string{"Signature", good, "Authorization", basic}, guarded, 200, false, ""},
		"without credentials":           {rejected, []string{"Signature", good}, guarded, 401, false, "Basic"},
		"with others":                   {rejected, []string{"Signature", good, "Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte("hooks:Pass"))}, guarded, 401, false, "Basic"},
		"a ping without credentials":    {`{"action":"ping"}`, nil, guarded, 401, false, "Basic"},
		"credentials nobody asked for":  {rejected, []string{"Signature", good, "Authorization", basic}, nil, 200, false, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := patient(t)
			r := hook(t, a, tt.body, append(tt.header, "Greenhouse-Event-ID", "evt-1")...)
			if tt.change != nil {
				tt.change(r)
			}
			v, err := a.Receive(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			if v.Verified != (tt.reason == "") || !strings.Contains(v.Reason, tt.reason) || v.Ping != tt.ping || v.Answer.Status != tt.status {
				t.Errorf("got %+v", v)
			}
			if len(v.Answer.Body) != 0 || v.EventID != "evt-1" || v.Verified != (v.Integrity == ats.IntegrityBody) {
				t.Errorf("got %+v", v)
			}
		})
	}
}

// A repeat is known by its content when it comes under another id.
func TestContentIsThatOfTheBody(t *testing.T) {
	t.Parallel()
	a := patient(t)
	content := func(body, id string) string {
		v, err := a.Receive(t.Context(), hook(t, a, body, "Signature", sign(hookSecret, body), "Greenhouse-Event-ID", id))
		if err != nil {
			t.Fatal(err)
		}
		return v.Content
	}
	one := content(rejected, "1")
	if one != content(rejected, "2") || one == content(rejected+" ", "1") || len(one) != 64 {
		t.Errorf("content %q", one)
	}
}

func TestEventIDThatCannotBeKept(t *testing.T) {
	t.Parallel()
	a := patient(t)
	v, err := a.Receive(t.Context(), hook(t, a, rejected, "Greenhouse-Event-ID", strings.Repeat("x", 256)))
	if err != nil || v.EventID != "" || v.Action != "reject_candidate" {
		t.Errorf("got %+v, %v", v, err)
	}
}

// event is what a full application event says besides its kind and state.
func event(kind ats.EventKind, state ats.ApplicationState) ats.Event {
	return ats.Event{
		Kind: kind, State: state, CandidateID: "4001", ApplicationID: "7001", JobID: "12345", StageID: "71416", StageName: "Assessment",
		At: time.Date(2026, 11, 20, 16, 38, 36, 0, time.UTC),
		Person: &ats.CandidateRecord{
			ExternalID: "4001", ApplicationID: "7001", FirstName: "Zoë", LastName: "Example <QA>", Email: "zoe@example.com", Phone: "+1 555 0100",
			ProfileURL: "https://app.greenhouse.io/people/4001?application_id=7001",
		},
	}
}

func changed(e ats.Event, change func(*ats.Event)) ats.Event {
	change(&e)
	return e
}

func TestTranslate(t *testing.T) {
	t.Parallel()
	full := string(fixture(t, "hook-application.json"))
	of := func(action string) string { return strings.Replace(full, "ACTION", action, 1) }
	contradicts := func(e *ats.Event) { e.At = time.Time{} }
	minimal := ats.Event{CandidateID: "4001", ApplicationID: "7001", JobID: "12345"}
	tests := map[string]struct {
		body string
		want ats.Event
	}{
		"stage change": {of("candidate_stage_change"), event(ats.EventStageChanged, ats.ApplicationActive)},
		"updated":      {of("application_updated"), event(ats.EventApplicationUpdated, ats.ApplicationActive)},
		"unreject":     {of("unreject_candidate"), event(ats.EventUnrejected, ats.ApplicationActive)},
		"unhire":       {of("unhire_candidate"), event(ats.EventUnhired, ats.ApplicationActive)},
		"candidate_rejected, which still says active":    {of("candidate_rejected"), changed(event(ats.EventRejected, ats.ApplicationActive), contradicts)},
		"candidate_hired, which still says active":       {of("candidate_hired"), changed(event(ats.EventHired, ats.ApplicationActive), contradicts)},
		"unreject of what was rejected again meanwhile":  {strings.Replace(of("unreject_candidate"), `"status": "active"`, `"status": "rejected"`, 1), changed(event(ats.EventUnrejected, ats.ApplicationRejected), contradicts)},
		"a stage change that does not tell when it was":  {strings.Replace(of("candidate_stage_change"), `"2026-11-20T16:38:36Z"`, "null", 1), changed(event(ats.EventStageChanged, ats.ApplicationActive), contradicts)},
		"a status that is not known":                     {strings.Replace(of("candidate_stage_change"), `"status": "active"`, `"status": "new"`, 1), event(ats.EventStageChanged, "")},
		"a prospect without stage and with several jobs": {strings.NewReplacer(`"jobs": [`, `"jobs": [{"id": 1},`, `"current_stage": {`, `"current_stage": null, "was": {`).Replace(of("reject_candidate")), changed(event(ats.EventRejected, ats.ApplicationActive), func(e *ats.Event) { e.JobID, e.StageID, e.StageName, e.At = "", "", "", time.Time{} })},
		"reject": {string(fixture(t, "hook-reject_candidate.json")), changed(event(ats.EventRejected, ats.ApplicationRejected), func(e *ats.Event) {
			e.At = time.Date(2026, 11, 21, 15, 50, 41, 0, time.UTC)
			p := *e.Person
			p.FirstName, p.LastName, p.Email, p.Phone = "Ada", "Example", "ada@example.com", ""
			e.Person = &p
		})},
		"hire, without status and stage": {string(fixture(t, "hook-hire_candidate.json")), changed(minimal, func(e *ats.Event) {
			e.Kind, e.State = ats.EventHired, ats.ApplicationHired
			e.Person = &ats.CandidateRecord{ExternalID: "4001", ApplicationID: "7001", FirstName: "Ada", LastName: "Example"}
		})},
		"merge":              {string(fixture(t, "hook-merge_candidate.json")), ats.Event{Kind: ats.EventCandidateMerged, CandidateID: "4001", MergedInto: "4002"}},
		"delete candidate":   {string(fixture(t, "hook-delete_candidate.json")), ats.Event{Kind: ats.EventCandidateDeleted, CandidateID: "4001", Applications: []string{"7001", "7002"}}},
		"delete application": {string(fixture(t, "hook-delete_application.json")), changed(minimal, func(e *ats.Event) { e.Kind = ats.EventApplicationDeleted })},
		"anonymize":          {string(fixture(t, "hook-candidate_anonymized.json")), ats.Event{Kind: ats.EventCandidateAnonymized, CandidateID: "4001"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := patient(t)
			got, err := a.Translate(t.Context(), hook(t, a, tt.body))
			if diff := cmp.Diff(&ats.Translation{Known: true, Events: []ats.Event{tt.want}}, got); diff != "" || err != nil {
				t.Error(diff, err)
			}
		})
	}
}

// What the manifest tells people to set up is what is understood.
func TestAnnouncedActionsAreKnown(t *testing.T) {
	t.Parallel()
	a := patient(t)
	m, err := a.Describe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(m.Capabilities, func(c ats.Capability) bool { return c.Name == ats.CapabilityWebhooks })
	all := strings.Split(m.Capabilities[at].Constraints["actions"], ", ")
	if len(all) != 11 {
		t.Errorf("announces %v", all)
	}
	for _, action := range all { // known, and so in need of a payload
		if _, err := a.Translate(t.Context(), hook(t, a, `{"action":"`+action+`"}`)); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", action, err)
		}
	}
}

// Greenhouse has 29 actions; Trellis acts on eleven, and an unknown one is no error.
func TestUnknownActions(t *testing.T) {
	t.Parallel()
	a := patient(t)
	for _, action := range strings.Fields(`new_prospect_application update_candidate offer_created offer_approved
		offer_updated offer_deleted interview_deleted scorecard_deleted job_created job_updated job_deleted job_approved job_post_created
		job_post_updated job_post_deleted job_interview_stage_deleted department_deleted office_deleted ping of_tomorrow`) {
		got, err := a.Translate(t.Context(), hook(t, a, `{"action":"`+action+`","payload":{"id":1}}`))
		if err != nil || got.Known || len(got.Events) != 0 {
			t.Errorf("%s: %+v, %v", action, got, err)
		}
	}
}

func TestTranslateRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ body, path string }{
		"not JSON":                    {`hello`, "body"},
		"a list":                      {`[]`, "body"},
		"no payload":                  {`{"action":"reject_candidate"}`, "payload.application"},
		"no application":              {`{"action":"reject_candidate","payload":{}}`, "payload.application"},
		"a text as application":       {`{"action":"reject_candidate","payload":{"application":"x"}}`, "payload.application"},
		"no id":                       {`{"action":"hire_candidate","payload":{"application":{"candidate":{"id":1}}}}`, "payload.application"},
		"no candidate":                {`{"action":"hire_candidate","payload":{"application":{"id":1}}}`, "payload.application"},
		"an odd id":                   {`{"action":"hire_candidate","payload":{"application":{"id":-1,"candidate":{"id":1}}}}`, "payload.application"},
		"a merge into nobody":         {`{"action":"merge_candidate","payload":{"person":{"id":1}}}`, "payload.person.new_candidate_id"},
		"a deletion of nobody":        {`{"action":"delete_candidate","payload":{"person":{}}}`, "payload.person"},
		"an anonymization of nobody":  {`{"action":"candidate_anonymized","payload":{}}`, "payload.candidate_id"},
		"a deleted application, none": {`{"action":"delete_application","payload":{"application":{}}}`, "payload.application"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := patient(t)
			_, err := a.Translate(t.Context(), hook(t, a, tt.body))
			if diff := cmp.Diff(map[string]string{tt.path: "INVALID"}, paths(err)); diff != "" || !fault.Is(err, fault.Invalid) {
				t.Error(diff, err)
			}
		})
	}
}

// No body, however odd, breaks the adapter, and what it gives out can be kept.
func FuzzTranslate(f *testing.F) {
	f.Add([]byte(rejected))
	for _, name := range []string{"hook-application.json", "hook-hire_candidate.json", "hook-merge_candidate.json", "hook-delete_candidate.json"} {
		f.Add(fixture(f, name))
	}
	a := patient(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		r := hook(t, a, string(body))
		v, err := a.Receive(t.Context(), r)
		if err != nil || v.Verified {
			t.Fatalf("verdict %+v, %v", v, err)
		}
		got, err := a.Translate(t.Context(), r)
		if err != nil && !fault.Is(err, fault.Invalid) {
			t.Fatal(err)
		}
		if err == nil && got.Known && (len(got.Events) != 1 || got.Events[0].Kind == "" || got.Events[0].CandidateID+got.Events[0].ApplicationID == "") {
			t.Fatalf("got %+v", got)
		}
	})
}

// Who can still be told by name or address is not forgotten: other fields may
// be anonymized alone.
func TestPartlyAnonymized(t *testing.T) {
	t.Parallel()
	a := patient(t)
	for fields, events := range map[string]int{`["current_title","addresses"]`: 0, `["full_name"]`: 1, `["email_addresses","notes"]`: 1, `[]`: 1} {
		got, err := a.Translate(t.Context(), hook(t, a, `{"action":"candidate_anonymized","payload":{"candidate_id":4001,"anonymized_fields":`+fields+`}}`))
		if err != nil || !got.Known || len(got.Events) != events {
			t.Errorf("%s: %+v, %v", fields, got, err)
		}
	}
}

// Who applies straight into a stage comes into it.
func TestAnApplicationComesIntoItsStage(t *testing.T) {
	t.Parallel()
	a := patient(t)
	body := strings.Replace(string(fixture(t, "webhook-candidate_stage_change.json")), "candidate_stage_change", "new_candidate_application", 1)
	got, err := a.Translate(t.Context(), hook(t, a, body))
	if err != nil || len(got.Events) != 1 || got.Events[0].Kind != ats.EventStageChanged || got.Events[0].StageID == "" {
		t.Errorf("%+v, %v", got, err)
	}
}
