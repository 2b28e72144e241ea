package account_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/trellis-ats/trellis/internal/sandbox/account"
)

// An application walks through its job, ends and comes back.
func TestApplicationsMove(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	_, app := b.candidate("walker@example.com")
	path := fmt.Sprint("applications/", app)
	now := func() map[string]any { return b.list(fmt.Sprint("applications?ids=", app))[0] }
	do := func(action, body string) {
		t.Helper()
		if got := b.want(http.StatusNoContent, "POST", path+"/"+action, body); got != "" {
			t.Errorf("%s has a body: %s", action, got)
		}
	}
	do("move", `{"from_stage_id":71412}`)
	if got := now()["job_interview_stage_id"]; got != float64(account.StagePhone) {
		t.Errorf("the next stage is %v", got)
	}
	do("move", `{"from_stage_id":71413,"to_stage_id":71415}`)
	b.want(http.StatusUnprocessableEntity, "POST", path+"/move", `{"from_stage_id":71415}`) // there is none after it
	do("reject", `{"rejection_reason_id":15,"notes":"no","rejection_email":{"email_template_id":987,"send_email_at":"2026-11-23T09:00:00Z"}}`)
	if got := now(); got["status"] != "rejected" || got["stage_id"] != nil || got["rejected_at"] == nil || got["rejection_reason_id"] != 15.0 {
		t.Errorf("rejected: %v", got)
	}
	b.want(http.StatusUnprocessableEntity, "POST", path+"/reject", `{"rejection_reason_id":15}`)
	b.want(http.StatusUnprocessableEntity, "POST", path+"/move", `{"from_stage_id":71415}`)
	detail := b.list(fmt.Sprint("rejection_details?application_ids=", app))[0]
	b.want(http.StatusOK, "PATCH", fmt.Sprintf("rejection_details/%.0f", detail["id"]), `{"rejection_reason_id":14}`)
	do("unreject", `{}`)
	if got := now(); got["status"] != "in_process" || got["job_interview_stage_id"] != float64(account.StageOffer) || got["rejected_at"] != nil {
		t.Errorf("unrejected: %v", got)
	}
	if got := b.list(fmt.Sprint("rejection_details?application_ids=", app)); len(got) != 0 {
		t.Errorf("the rejection is still there: %v", got)
	}
	do("move", `{"from_stage_id":71415,"to_job_id":12346}`)
	if got := now(); got["job_id"] != float64(account.JobDevelopment) || got["job_interview_stage_id"] != 71421.0 {
		t.Errorf("transferred: %v", got)
	}
	b.want(http.StatusUnprocessableEntity, "POST", path+"/hire", `{}`) // two openings
	do("hire", `{"opening_id":3302,"start_date":"2027-01-04T00:00:00Z"}`)
	if got := b.list("applications?status=hired"); len(got) != 1 || got[0]["status"] != "hired" {
		t.Errorf("hired: %v", got)
	}
	if got := b.list("openings?job_ids=12346&open=true"); len(got) != 1 {
		t.Errorf("open: %v", got)
	}
	b.press(path+"/unhire", `{}`)
	if got := now(); got["status"] != "in_process" {
		t.Errorf("unhired: %v", got)
	}
	stays := b.list(fmt.Sprint("application_stages?application_ids=", app))
	current := b.list(fmt.Sprintf("application_stages?application_ids=%d&current=true", app))
	if len(stays) < 5 || len(current) != 1 || current[0]["exited_at"] != nil || current[0]["id"] != now()["stage_id"] {
		t.Errorf("stays %v, current %v", stays, current)
	}
}

// Which id from_stage_id is, is not settled: each way can be chosen.
func TestFromStageSpaces(t *testing.T) {
	t.Parallel()
	for rule, want := range map[string][2]int{"job_stage": {204, 422}, "application_stage": {422, 204}, "either": {204, 204}} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, func(o *account.Options) { o.Rules = func(r *account.Rules) { r.FromStage = rule } })
			for i, name := range []string{"job_interview_stage_id", "stage_id"} {
				_, app := b.candidate(fmt.Sprintf("p%d@example.com", i))
				from := b.list(fmt.Sprint("applications?ids=", app))[0][name]
				b.want(want[i], "POST", fmt.Sprintf("applications/%d/move", app), fmt.Sprintf(`{"from_stage_id":%.0f}`, from))
			}
		})
	}
}
