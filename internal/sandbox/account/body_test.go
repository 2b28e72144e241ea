package account_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// A body must have what the endpoint wants, and nothing else.
func TestBodies(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	person, app := b.candidate("one@example.com")
	apply := fmt.Sprintf(`{"candidate_id":%d,"job_id":%%d`, person)
	for _, tt := range []struct{ call, body, want string }{
		{"POST candidates", `[]`, "must be a JSON object"},
		{"POST candidates", `{"last_name":"X"}`, `{"first_name":"is missing"}`},
		{"POST candidates", `{"first_name":" ","last_name":"X"}`, `{"first_name":"is empty"}`},
		{"POST candidates", `{"first_name":"A","last_name":"B","email":"a@example.com"}`, `{"email":"is not a property that is permitted"}`},
		{"POST candidates", `{"first_name":"A","last_name":"B","private":true}`, "private"},
		{"POST candidates", `{"first_name":"A","last_name":"B","time_zone":"UTC"}`, "time_zone"},
		{"POST candidates", `{"first_name":1,"last_name":"B"}`, `"first_name":"is invalid`},
		{"POST candidates", `{"first_name":"A","last_name":"B","email_addresses":[{"value":"a@example.com","type":"home"}]}`, "email_addresses.0.type"},
		{"POST candidates", `{"first_name":"A","last_name":"B","email_addresses":[{"value":"a@example.com","kind":"work"}]}`, "email_addresses"},
		{"POST candidates", `{"first_name":"A","last_name":"B","email_addresses":[{"value":"nobody","type":"work"}]}`, "not an e-mail address"},
		{"POST candidates", `{"first_name":"A","last_name":"B","social_media_addresses":[{"value":"x","type":"other"}]}`, "social_media_addresses.0.type"},
		{"POST candidates", `{"first_name":"A","last_name":"B","tags":["Never made"]}`, "is not a tag"},
		{"POST candidates", `{"first_name":"A","last_name":"B","application":{"job_id":12347}}`, `{"application.job_id":"must be an open job"}`},
		{"POST candidates", `{"first_name":"A","last_name":"B","application":{"job_id":12345,"initial_stage_id":71421}}`, `{"application.initial_stage_id":"is not a stage of the job"}`},
		{"POST candidates", `{"first_name":"A","last_name":"B","application":{"job_id":12345,"stage_id":71411}}`, "application.stage_id"},
		{"POST candidates", `{"first_name":"A","last_name":"B","application":{"job_id":12345,"candidate_id":1}}`, "application.candidate_id"},
		{"POST candidates", `{"first_name":"A","last_name":"B","application":{"job_id":12345,"source_id":1}}`, "application.source_id"},
		{"POST candidates", `{"first_name":"A","last_name":"B","application":{"prospect":true,"job_id":12345}}`, "not permitted for a prospect"},
		{"POST candidates", `{"first_name":"A","last_name":"B","custom_fields":{"assessment_score":1}}`, "custom_fields"},
		{"POST candidates", `{"first_name":"A","last_name":"B","custom_fields":[{"name_key":"assessment_score","custom_field_id":5561,"value":1}]}`, "exactly one of"},
		{"POST candidates", `{"first_name":"A","last_name":"B","custom_fields":[{"name_key":"none","value":1}]}`, "is not a custom field of the candidate"},
		{"POST candidates", `{"first_name":"A","last_name":"B","custom_fields":[{"custom_field_id":5571,"value":1}]}`, "is not a custom field of the candidate"},
		{"POST candidates", `{"first_name":"A","last_name":"B","custom_fields":[{"name_key":"assessment_score","value":"81"}]}`, "must be a number"},
		{"POST candidates", `{"first_name":"A","last_name":"B","custom_fields":[{"name_key":"assessment_band","value":"Perhaps"}]}`, "name of an option"},
		{"POST candidates", `{"first_name":"A","last_name":"B","custom_fields":[{"name_key":"assessment_report","value":"report"}]}`, "web address"},
		{"PATCH candidates/" + fmt.Sprint(person), `{"application":{}}`, "application"},
		{"PATCH candidates/" + fmt.Sprint(person), `{"is_private":"yes"}`, "is_private"},
		{"POST applications", `{"job_id":12345}`, `{"candidate_id":"is missing"}`},
		{"POST applications", `{"candidate_id":1,"job_id":12345}`, `{"candidate_id":"does not exist"}`},
		{"POST applications", fmt.Sprintf(apply, 12347) + `}`, "must be an open job"},
		{"POST applications", fmt.Sprintf(apply, 1) + `}`, `{"job_id":"does not exist"}`},
		{"POST applications", fmt.Sprintf(apply, 12345) + `}`, "has an application for this job"},
		{"POST applications", fmt.Sprintf(apply, 12346) + `,"initial_stage_id":71416}`, "is not a stage of the job"},
		{"POST applications", fmt.Sprintf(apply, 12346) + `,"attachments":[]}`, "attachments"},
		{"PATCH applications/" + fmt.Sprint(app), `{"status":"hired"}`, "status"},
		{"POST notes", `{"candidate_id":1,"body":"x","visibility":"public"}`, `{"note_type":"is missing"}`},
		{"POST notes", `{"candidate_id":1,"body":"x","visibility":"publicly_visible","note_type":"NOTE"}`, "admin_only, private, public"},
		{"POST notes", `{"candidate_id":1,"body":"x","visibility":"public","type":"NOTE","note_type":"NOTE"}`, `{"type":"is not`},
		{"POST notes", `{"candidate_id":1,"body":"x","visibility":"public","note_type":"note"}`, "NOTE, ACTIVITY, EMAIL"},
		{"POST notes", `{"candidate_id":1,"body":"x","visibility":"public","note_type":"NOTE","email_to":[]}`, "email_to"},
		{"POST notes", `{"candidate_id":1,"body":"x","visibility":"public","note_type":"EMAIL"}`, "email_from"},
		{"POST notes", fmt.Sprintf(`{"candidate_id":1,"application_id":%d,"body":"x","visibility":"public","note_type":"NOTE"}`, app), "does not belong to the candidate"},
		{"POST attachments", `{"candidate_id":1}`, "candidate_id"},
		{"POST attachments", fmt.Sprintf(`{"application_id":%d,"filename":"a.pdf","type":"report","content":"eA=="}`, app), "type"},
		{"POST attachments", fmt.Sprintf(`{"application_id":%d,"filename":"a.pdf","type":"other"}`, app), "exactly one of content and url"},
		{"POST attachments", fmt.Sprintf(`{"application_id":%d,"filename":"a.pdf","type":"other","content":"%%"}`, app), "not base64"},
		{"POST attachments", fmt.Sprintf(`{"application_id":%d,"filename":"a.exe","type":"other","content":"eA=="}`, app), "extension"},
		{"POST attachments", `{"application_id":1,"filename":"a.pdf","type":"other","content":"eA=="}`, `{"application_id":"does not exist"}`},
		{"POST candidate_tags", `{"tag":"A"}`, "tag"},
		{"POST candidate_tags", `{"name":"assessed"}`, "already been taken"},
		{"POST applied_candidate_tags", fmt.Sprintf(`{"candidate_id":%d,"tag":"Assessed"}`, person), `{"tag":"is not`},
		{"POST applied_candidate_tags", fmt.Sprintf(`{"candidate_id":%d,"candidate_tag_id":1}`, person), "does not exist"},
		{"POST applications/" + fmt.Sprint(app) + "/move", `{}`, `{"from_stage_id":"is missing"}`},
		{"POST applications/" + fmt.Sprint(app) + "/move", `{"from_stage_id":71411}`, `{"from_stage_id":"does not match`},
		{"POST applications/" + fmt.Sprint(app) + "/move", `{"from_stage_id":71412,"to_stage_id":71423}`, "to_stage_id"},
		{"POST applications/" + fmt.Sprint(app) + "/move", `{"from_stage_id":71412,"to_job_id":12347}`, "to_job_id"},
		{"POST applications/" + fmt.Sprint(app) + "/reject", `{}`, `{"rejection_reason_id":"is missing"}`},
		{"POST applications/" + fmt.Sprint(app) + "/reject", `{"rejection_reason_id":99}`, "does not exist"},
		{"POST applications/" + fmt.Sprint(app) + "/reject", `{"rejection_reason_id":15,"rejection_email":{"email_template_id":989}}`, "not a rejection template"},
		{"POST applications/" + fmt.Sprint(app) + "/unreject", `{"reason":1}`, "reason"},
		{"POST applications/" + fmt.Sprint(app) + "/unreject", `{}`, "is not rejected"},
		{"POST applications/" + fmt.Sprint(app) + "/hire", `{"opening_id":3302}`, "opening_id"},
	} {
		method, path, _ := strings.Cut(tt.call, " ")
		if got := b.want(http.StatusUnprocessableEntity, method, path, tt.body); !strings.Contains(got, tt.want) {
			t.Errorf("%s %s: %s", tt.call, tt.body, got)
		}
	}
	if s := b.a.Stats(); s.Candidates != 1 || s.Applications != 1 || s.Notes != 0 || s.Attachments != 0 || s.TagsApplied != 0 {
		t.Errorf("something was half done: %+v", s)
	}
	for _, call := range []string{"PATCH candidates/1", "PATCH applications/1", "POST applications/1/move", "DELETE applied_candidate_tags/1", "PATCH rejection_details/1", "PATCH applications/x"} {
		method, path, _ := strings.Cut(call, " ")
		if got := b.want(http.StatusNotFound, method, path, `{}`); !strings.Contains(got, `"errors":`) {
			t.Errorf("%s: %s", call, got)
		}
	}
}
