package account_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trellis-ats/trellis/internal/sandbox/account"
)

// Each endpoint is found before a token is asked for, and asks for its scope.
func TestEndpointsAskForTokenAndScope(t *testing.T) {
	t.Parallel()
	for call, scope := range map[string]string{
		"GET candidates": "candidates:list", "POST candidates": "candidates:create", "PATCH candidates/1": "candidates:update",
		"DELETE candidates/1": "candidates:destroy", "POST candidates/1/merge": "candidates:merge", "PATCH candidates/1/anonymize": "candidates:anonymize",
		"GET applications": "applications:list", "POST applications": "applications:create", "PATCH applications/1": "applications:update",
		"DELETE applications/1": "applications:destroy", "POST applications/1/move": "applications:move", "POST applications/1/reject": "applications:reject",
		"POST applications/1/unreject": "applications:unreject", "POST applications/1/hire": "applications:hire",
		"GET application_stages": "application_stages:list", "GET job_interview_stages": "job_interview_stages:list", "GET job_interviews": "job_interviews:list",
		"GET attachments": "attachments:list", "POST attachments": "attachments:create", "GET notes": "notes:list", "POST notes": "notes:create",
		"GET candidate_tags": "candidate_tags:list", "POST candidate_tags": "candidate_tags:create", "GET applied_candidate_tags": "applied_candidate_tags:list",
		"POST applied_candidate_tags": "applied_candidate_tags:create", "DELETE applied_candidate_tags/1": "applied_candidate_tags:destroy",
		"GET custom_fields": "custom_fields:list", "GET custom_field_options": "custom_field_options:list", "GET users": "users:list", "GET user_roles": "user_roles:list",
		"GET jobs": "jobs:list", "GET openings": "openings:list", "GET rejection_reasons": "rejection_reasons:list", "GET rejection_details": "rejection_details:list",
		"PATCH rejection_details/1": "rejection_details:update", "GET email_templates": "email_templates:list", "GET sources": "sources:list",
		"GET referrers": "referrers:list", "GET scorecards": "scorecards:list", "POST scorecards": "scorecards:create",
	} {
		t.Run(call, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, nil)
			method, path, _ := strings.Cut(call, " ")
			good := b.token
			b.token = ""
			if got := b.want(http.StatusUnauthorized, method, path, ""); strings.TrimSpace(got) != `{"message":"Unauthorized","errors":["Token could not be decoded. Please ensure your token is from a trusted source."]}` {
				t.Errorf("got %s", got)
			}
			b.token = good
			b.press("clients/sandbox-1", `{"revoke_scopes":["harvest:`+scope+`"]}`)
			if got := b.want(http.StatusForbidden, method, path, "{}"); !strings.Contains(got, "harvest:"+scope) {
				t.Errorf("got %s", got)
			}
		})
	}
}

func TestUnknownRoutesComeBeforeTokens(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.token = ""
	for _, call := range []string{"GET candidates/1", "GET nothing", "PUT candidates", "GET applications/1/notes", "POST webhooks"} {
		method, path, _ := strings.Cut(call, " ")
		if got := b.want(http.StatusNotFound, method, path, ""); strings.TrimSpace(got) != `{"message":"Resource not found"}` {
			t.Errorf("%s: %s", call, got)
		}
	}
}

// A push as a vendor would make it leaves one of each.
func TestWholePush(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	person, app := b.candidate("zoe@example.com")
	if rows := b.list("candidates?email=ZOE@example.com"); len(rows) != 1 || rows[0]["private"] != false || rows[0]["is_private"] != nil {
		t.Errorf("found %v", rows)
	}
	b.want(http.StatusOK, "PATCH", fmt.Sprint("candidates/", person), `{"custom_fields":[{"name_key":"assessment_score","value":81.5},{"custom_field_id":5562,"value":"Strong Yes"}]}`)
	b.want(http.StatusOK, "PATCH", fmt.Sprint("candidates/", person), `{"custom_fields":[{"name_key":"assessment_report","value":"https://trellis.example.com/r/1"}]}`)
	want := map[string]any{
		"assessment_score":   map[string]any{"name": "Assessment Score", "type": "number", "value": 81.5},
		"assessment_band":    map[string]any{"name": "Assessment Band", "type": "single_select", "value": "Strong Yes"},
		"assessment_report":  map[string]any{"name": "Assessment Report", "type": "url", "value": "https://trellis.example.com/r/1"},
		"assessment_remarks": map[string]any{"name": "Assessment Remarks", "type": "long_text", "value": nil},
	}
	if diff := cmp.Diff(want, b.list(fmt.Sprint("candidates?ids=", person))[0]["custom_fields"]); diff != "" {
		t.Error(diff)
	}
	if rows := b.list("candidates?custom_field_option_id=7701"); len(rows) != 1 {
		t.Errorf("by the option: %v", rows)
	}
	b.want(http.StatusOK, "PATCH", fmt.Sprint("applications/", app), `{"custom_fields":[{"name_key":"assessment_score","value":81.5}]}`)

	pdf := []byte("%PDF-1.4\n")
	var file struct{ URL, Filename string }
	decode(t, b.want(http.StatusCreated, "POST", "attachments", fmt.Sprintf(`{"application_id":%d,"filename":"report.pdf","type":"other","visibility":"private","content":%q}`, app, base64.StdEncoding.EncodeToString(pdf))), &file)
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, file.URL, nil)
	if resp, body, err := b.do(req); err != nil || body != string(pdf) || resp.Header.Get("Content-Type") != "application/pdf" {
		t.Errorf("the file: %v %q", err, body)
	}
	note := b.want(http.StatusCreated, "POST", "notes", fmt.Sprintf(`{"candidate_id":%d,"application_id":%d,"body":"Score 81.5","visibility":"public","note_type":"NOTE"}`, person, app))
	if !strings.Contains(note, `"visibility":"publicly_visible"`) || !strings.Contains(note, `"type":"NOTE"`) {
		t.Errorf("the note: %s", note)
	}
	b.want(http.StatusCreated, "POST", "applied_candidate_tags", fmt.Sprintf(`{"candidate_id":%d,"candidate_tag_id":62}`, person))
	b.want(http.StatusUnprocessableEntity, "POST", "applied_candidate_tags", fmt.Sprintf(`{"candidate_id":%d,"candidate_tag_id":62}`, person))
	s := b.a.Stats()
	if s.Candidates != 1 || s.Applications != 1 || s.Notes != 1 || s.Attachments != 1 || s.TagsApplied != 1 || s.Duplicates.Total() != 0 {
		t.Errorf("stats %+v", s)
	}
	row := b.list(fmt.Sprint("applications?ids=", app))[0]
	if row["status"] != "in_process" || row["job_interview_stage_id"] != float64(account.StageAssessment) || row["stage_name"] != "Assessment" || row["stage_id"] == row["job_interview_stage_id"] {
		t.Errorf("the application: %v", row)
	}
}

func TestDuplicatesAreCounted(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	person, app := b.candidate("twice@example.com")
	b.candidate("Twice@example.com")
	for range 2 {
		b.want(http.StatusCreated, "POST", "attachments", fmt.Sprintf(`{"application_id":%d,"filename":"report.pdf","type":"other","content":"eA=="}`, app))
	}
	for _, words := range []string{"first", "second"} {
		b.want(http.StatusCreated, "POST", "notes", fmt.Sprintf(`{"candidate_id":%d,"body":"%s: asm_01hzy4q8k3f0v9s6t2m5n7p1r8","visibility":"public","note_type":"NOTE"}`, person, words))
	}
	b.want(http.StatusCreated, "POST", "notes", fmt.Sprintf(`{"candidate_id":%d,"body":"asm_01hzy4q8k3f0v9s6t2m5n7p1r9","visibility":"public","note_type":"NOTE"}`, person))
	if diff := cmp.Diff(account.Duplicates{Emails: 1, Attachments: 1, Notes: 1}, b.a.Stats().Duplicates); diff != "" {
		t.Error(diff)
	}
}

func TestWhoMayWhat(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	admin := b.token
	b.token = b.as(fmt.Sprint(account.UserJobAdmin))
	b.want(http.StatusForbidden, "GET", "jobs", "")
	b.candidate("by.jobadmin@example.com") // writes are by the user's own rights
	b.press("rules", `{"non_admin_reads":"empty"}`)
	if rows := b.list("jobs"); len(rows) != 0 {
		t.Errorf("a job admin reads %v", rows)
	}
	b.press(fmt.Sprint("users/", account.UserJobAdmin), `{"role":"basic"}`)
	b.want(http.StatusForbidden, "POST", "candidate_tags", `{"name":"New"}`)
	b.token = admin
	b.press(fmt.Sprint("users/", account.UserService), `{"deactivated":true}`)
	b.want(http.StatusForbidden, "GET", "jobs", "")
}

// Confidential jobs are for their team only, private candidates for who may see them.
func TestHiddenRows(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.token = b.as(fmt.Sprint(account.UserAdmin))
	person, app := b.candidate("hidden@example.com")
	b.want(http.StatusOK, "PATCH", fmt.Sprint("candidates/", person), `{"is_private":true}`)
	for sub, want := range map[int]int{account.UserAdmin: 1, account.UserAdminTwo: 0} {
		b.token = b.as(fmt.Sprint(sub))
		for _, path := range []string{"candidates?email=hidden@example.com", fmt.Sprint("applications?ids=", app)} {
			if rows := b.list(path); len(rows) != want {
				t.Errorf("user %d, %s: %d rows", sub, path, len(rows))
			}
		}
	}
	b.token = b.as(fmt.Sprint(account.UserAdminTwo))
	b.want(http.StatusNotFound, "PATCH", fmt.Sprint("candidates/", person), `{}`)
	b.press("jobs/12346", fmt.Sprintf(`{"confidential":true,"team":[%d]}`, account.UserAdmin))
	for sub, want := range map[int]int{account.UserAdmin: 3, account.UserAdminTwo: 2} {
		b.token = b.as(fmt.Sprint(sub))
		if rows := b.list("jobs"); len(rows) != want {
			t.Errorf("user %d sees %d jobs", sub, len(rows))
		}
	}
	b.token = b.as(fmt.Sprint(account.UserAdminTwo))
	if rows := b.list("job_interview_stages?job_ids=12346"); len(rows) != 0 {
		t.Errorf("stages of a confidential job: %v", rows)
	}
	b.want(http.StatusUnprocessableEntity, "POST", "applications", `{"candidate_id":17680001,"job_id":12346}`)
}

// To make a scorecard is a right of its own.
func TestRestrictedScorecards(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	_, app := b.candidate("card@example.com")
	body := fmt.Sprintf(`{"application_id":%d,"candidate_rating":"strong_yes","notes":"81.5"}`, app)
	b.want(http.StatusForbidden, "POST", "scorecards", body)
	b.press("clients/sandbox-1", `{"grant_scopes":["harvest:scorecards:create"]}`)
	b.want(http.StatusForbidden, "POST", "scorecards", body) // the token was given out before
	b.token = b.as("")
	b.want(http.StatusCreated, "POST", "scorecards", body)
	b.want(http.StatusUnprocessableEntity, "POST", "scorecards", strings.Replace(body, "strong_yes", "definitely_yes", 1))
	if rows := b.list(fmt.Sprint("scorecards?application_ids=", app)); len(rows) != 1 || rows[0]["candidate_rating"] != "strong_yes" {
		t.Errorf("got %v", rows)
	}
}

// A note's candidate is not checked; that a prospect has no stage, is.
func TestOddities(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.want(http.StatusCreated, "POST", "notes", `{"candidate_id":1,"body":"an orphan","visibility":"private","note_type":"NOTE"}`)
	b.press("rules", `{"note_spelling":"write"}`)
	if got := b.want(http.StatusCreated, "POST", "notes", `{"candidate_id":1,"body":"x","visibility":"private","note_type":"EMAIL","subject":"s","email_from":["a@example.com"],"email_to":["b@example.com"],"email_cc":[]}`); !strings.Contains(got, `"visibility":"private"`) {
		t.Errorf("got %s", got)
	}
	got := b.want(http.StatusCreated, "POST", "candidates", `{"first_name":"Pro","last_name":"Spect","application":{"prospect":true,"job_ids":[12345]}}`)
	if !strings.Contains(got, `"prospective_job_ids":[12345]`) || !strings.Contains(got, `"job_id":null`) {
		t.Errorf("got %s", got)
	}
	if got := b.want(http.StatusCreated, "POST", "candidates", `{"first_name":"No","last_name":"Application"}`); !strings.Contains(got, `"application":null`) {
		t.Errorf("got %s", got)
	}
	b.press("rules", `{"custom_fields":"replace"}`)
	person, _ := b.candidate("replace@example.com")
	b.want(http.StatusOK, "PATCH", fmt.Sprint("candidates/", person), `{"custom_fields":[{"name_key":"assessment_score","value":1}],"tags":["Imported"]}`)
	body := b.want(http.StatusOK, "PATCH", fmt.Sprint("candidates/", person), `{"custom_fields":[{"name_key":"assessment_remarks","value":"x"}],"tags":["Assessed"]}`)
	if !strings.Contains(body, `"assessment_score":{"name":"Assessment Score","type":"number","value":null}`) || !strings.Contains(body, `"tags":["Assessed"]`) {
		t.Errorf("got %s", body)
	}
}

// Many callers at once leave what they made, each once.
func TestManyCallers(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	var callers sync.WaitGroup
	for i := range 20 {
		callers.Go(func() {
			for n := range 5 {
				resp, body, err := b.try("POST", "candidates", fmt.Sprintf(`{"first_name":"A","last_name":"B","email_addresses":[{"value":"p%d.%d@example.com","type":"work"}],"application":{"job_id":12345}}`, i, n))
				if err != nil || resp.StatusCode != http.StatusCreated {
					t.Errorf("%v %s", err, body)
				}
				_, _, _ = b.try("GET", "candidates?per_page=500", "")
				b.a.View(100)
			}
		})
	}
	callers.Wait()
	if s := b.a.Stats(); s.Candidates != 100 || s.Applications != 100 || s.Duplicates.Total() != 0 || s.ByStatus["201"] != 100 || s.ByEndpoint["POST candidates"] != 100 {
		t.Errorf("stats %+v", s)
	}
}

// A later account does not give out an earlier one's ids.
func TestOffset(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(o *account.Options) { o.Offset = 5000 })
	if person, app := b.candidate("later@example.com"); person != 17695001 || app != 26245001 {
		t.Errorf("got %d, %d", person, app)
	}
}
