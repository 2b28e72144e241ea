package account_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trellis-ats/trellis/internal/sandbox/account"
)

// The names and kinds of a list's parameters are checked; so is the cursor.
func TestListParameters(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	many := strings.TrimSuffix(strings.Repeat("1,", 51), ",")
	for query, want := range map[string]string{
		"candidates?name=x":                             "Invalid query params: name",
		"candidates?per_page=501":                       "{\"per_page\":\"`501` number is greater than: 500\"}",
		"candidates?per_page=0":                         "per_page",
		"candidates?per_page=x":                         "per_page",
		"candidates?ids=x":                              "not a list of integers",
		"candidates?ids=" + many:                        "more than 50",
		"candidates?private=yes":                        "true, false",
		"candidates?fields=secret":                      "secret is not a field",
		"candidates?created_at=2026-01-01T00:00:00Z":    "operator",
		"candidates?created_at=eq|2026-01-01T00:00:00Z": "gte, lte, gt or lt",
		"candidates?created_at=gte|2026-01-01T00:00:00Z&updated_at=gte|2026-01-01T00:00:00Z": "cannot be combined",
		"candidates?email[gte]=x":          "Invalid query params",
		"applications?status=in_process":   "rejected, hired, converted, active",
		"applications?candidate_id=1":      "Invalid query params: candidate_id",
		"notes?type=note":                  "NOTE",
		"notes?visibility=public":          "publicly_visible",
		"attachments?type=pdf":             "other",
		"jobs?status=active":               "open, draft, closed",
		"custom_fields?field_type=person":  "candidate",
		"scorecards?status=done":           "draft, complete",
		"job_interview_stages?job_id=1":    "Invalid query params: job_id",
		"application_stages?current=1":     "true, false",
		"candidates?cursor=abc":            "cursor",
		"candidates?cursor=abc&per_page=1": "When passing a cursor, do not include other query params.",
	} {
		if got := b.want(http.StatusUnprocessableEntity, "GET", query, ""); !strings.Contains(got, want) || !strings.Contains(got, `"message":"Unprocessable Content"`) {
			t.Errorf("%s: %s", query, got)
		}
	}
	b.want(http.StatusUnprocessableEntity, "POST", "candidate_tags?x=1", `{"name":"A"}`)
}

// A scan goes from the newest row down, by a cursor that travels alone.
func TestPages(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	for i := range 5 {
		b.candidate(fmt.Sprintf("person%d@example.com", i))
	}
	var ids []float64
	path := "applications?per_page=2&status=active&job_ids=12345"
	for pages := 1; path != ""; pages++ {
		resp, body := b.call("GET", path, "")
		var rows []map[string]any
		decode(t, body, &rows)
		for _, r := range rows {
			ids = append(ids, r["id"].(float64))
		}
		if pages == 1 {
			b.candidate("late@example.com") // new rows are never on later pages
		}
		link := resp.Header.Get("Link")
		path = ""
		if link != "" {
			path = strings.TrimSuffix(strings.TrimPrefix(link, "<"+b.url+"/v3/"), `>; rel="next"`)
		}
	}
	if diff := cmp.Diff([]float64{26240005, 26240004, 26240003, 26240002, 26240001, 26230001}, ids); diff != "" {
		t.Error(diff)
	}
}

func TestDateFilters(t *testing.T) {
	t.Parallel()
	clock := newFakeClock()
	b := newBench(t, func(o *account.Options) { o.Clock = clock })
	clock.advance(1500)
	b.candidate("late@example.com")
	pipe, bracket := "candidates?created_at=gt|2026-11-21T08:00:00Z", "candidates?created_at[gt]=2026-11-21T08:00:00Z"
	for _, path := range []string{pipe, bracket} {
		if rows := b.list(path); len(rows) != 0 { // 1.5 µs later is the same millisecond
			t.Errorf("%s: %v", path, rows)
		}
	}
	clock.advance(2e6)
	b.candidate("later@example.com")
	for path, want := range map[string]int{
		pipe: 1, bracket: 1, "candidates?created_at=gte|2026-11-21T08:00:00Z": 3, "candidates?created_at=gte|2026-11-21T08:00:00Z|lt|2026-11-21T08:00:00.001Z": 2,
		"candidates?last_activity_at[lte]=2026-11-21T08:00:00Z": 2, "candidates?created_at[gte]=2026-11-21T08:00:00Z&created_at[lt]=2026-11-21T08:00:00.001Z": 2,
	} {
		if rows := b.list(path); len(rows) != want {
			t.Errorf("%s: %d rows, want %d", path, len(rows), want)
		}
	}
	b.press("rules", `{"dates":"pipe"}`)
	b.list(pipe)
	b.want(http.StatusUnprocessableEntity, "GET", bracket, "")
	b.press("rules", `{"dates":"bracket"}`)
	b.list(bracket)
	b.want(http.StatusUnprocessableEntity, "GET", pipe, "")
}

func TestReferenceData(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	for path, want := range map[string]int{
		"jobs": 3, "jobs?status=open": 2, "job_interview_stages?job_ids=12345&active=true": 5, "job_interview_stages?job_ids=12345": 6,
		"job_interviews?scheduling_type=take_home_test": 3, "users": 3, "users?show_service_accounts=true": 4, "users?primary_email=rita.recruiter@example.org": 1,
		"user_roles": 2, "rejection_reasons": 3, "rejection_reasons?include_defaults=true": 5, "email_templates?email_type=candidate_rejection": 2,
		"custom_fields?field_type=candidate": 4, "custom_fields?name_key=assessment_score": 2, "custom_field_options?custom_field_ids=5562": 5,
		"custom_field_options?custom_field_key=assessment_band": 10, "sources": 3, "candidate_tags": 2, "openings?job_ids=12346": 2, "referrers": 1, "scorecards": 0, "notes": 0,
		"applications?prospective_job_ids=12345": 0, "applications?job_post_ids=1": 0, "users?employee_ids=1": 0, "jobs?department_id=1": 0,
		"candidates?custom_field_option_id=7701": 0, "candidates?tag=Assessed": 0, "applications?prospect=true": 0,
	} {
		if rows := b.list(path); len(rows) != want {
			t.Errorf("%s: %d rows, want %d", path, len(rows), want)
		}
	}
	if rows := b.list("jobs?ids=12345,1&fields=id,name"); len(rows) != 1 || len(rows[0]) != 2 {
		t.Errorf("fields: %v", rows)
	}
}
