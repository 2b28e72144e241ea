package greenhouse_test

import (
	"encoding/json"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trellis-ats/trellis/adapters/greenhouse"
	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/plugins/sdk"
)

const profile = "https://trellis.example.com/r/abc?x=1&y=2"

func scored() ats.Progress {
	return ats.Progress{
		AssessmentID: "asm_1", State: ats.StateScored,
		StartedAt:   time.Date(2026, 11, 21, 10, 15, 0, 0, time.FixedZone("", 3600)),
		CompletedAt: time.Date(2026, 11, 21, 10, 45, 0, 5, time.UTC),
		Result: &ats.ResultRecord{
			Score: 82.5, Revision: 1, Indicator: "GREEN", Recommendation: "Strong yes", Benchmark: "Better than 8 of 10 <candidates>.", Summary: "Strong & calm.", ReportURL: profile,
			Traits: []ats.TraitRecord{{Key: "objections", Name: "Objection handling", Score: 91}, {Key: "closing", Name: "Closing instinct", Score: 70.255}},
		},
	}
}

func with(change func(*ats.Progress)) ats.Progress {
	p := scored()
	change(&p)
	return p
}

func TestEncode(t *testing.T) {
	t.Parallel()
	full := `{"partner_status":"complete","partner_profile_url":"` + profile + `","partner_score":82.5,"metadata":{` +
		`"Objection handling":91,"Closing instinct":70.26,"Indicator":"GREEN","Recommendation":"Strong yes","Benchmark":"Better than 8 of 10 <candidates>.","Summary":"Strong & calm.",` +
		`"Started At":"2026-11-21T09:15:00Z","Completed At":"2026-11-21T10:45:00Z"}}`
	complete := []string{"closed_without_result", "complete_without_score", "closed_profile_url", "https://example.com/closed"}
	tests := map[string]struct {
		outcome  ats.Outcome
		settings []string
		want     string
	}{
		"tests":              {&ats.TestList{Tests: []ats.TestRecord{{ID: "12", Name: "A & B", Modality: "CHAT"}}}, nil, `[{"partner_test_id":"12","partner_test_name":"A & B"}]`},
		"no tests":           {&ats.TestList{}, nil, `[]`},
		"placed":             {&ats.OrderPlaced{AssessmentIDs: []string{"asm_1"}, Repeated: true}, nil, `{"partner_interview_id":"asm_1"}`},
		"recorded":           {&ats.ErrorRecorded{}, nil, `{"status":200}`},
		"report":             {&ats.ReportLink{URL: profile, ExpiresAt: time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)}, nil, `{"url":"` + profile + `","expires_at":"2026-01-02T03:04:05Z"}`},
		"scored":             {&ats.Status{Progress: scored()}, nil, full},
		"scored, summary":    {&ats.Status{Progress: scored()}, []string{"score_delivery", "summary"}, `{"partner_status":"complete","partner_profile_url":"` + profile + `","partner_score":82.5}`},
		"zero is a score":    {&ats.Status{Progress: with(func(p *ats.Progress) { p.Result = &ats.ResultRecord{ReportURL: profile} })}, []string{"score_delivery", "summary"}, `{"partner_status":"complete","partner_profile_url":"` + profile + `","partner_score":0}`},
		"whole number":       {&ats.Status{Progress: with(func(p *ats.Progress) { p.Result.Score = 81 })}, []string{"score_delivery", "summary"}, `{"partner_status":"complete","partner_profile_url":"` + profile + `","partner_score":81}`},
		"bare result":        {&ats.Status{Progress: ats.Progress{State: ats.StateScored, Result: &ats.ResultRecord{Score: 1, ReportURL: profile}}}, nil, `{"partner_status":"complete","partner_profile_url":"` + profile + `","partner_score":1,"metadata":{}}`},
		"revised":            {&ats.Status{Progress: ats.Progress{State: ats.StateScored, Result: &ats.ResultRecord{Score: 1, Revision: 2, ReportURL: profile}}}, nil, `{"partner_status":"complete","partner_profile_url":"` + profile + `","partner_score":1,"metadata":{"Revision":2}}`},
		"no link":            {&ats.Status{Progress: with(func(p *ats.Progress) { p.Result.ReportURL = "" })}, nil, `{"partner_status":"in_progress"}`},
		"no result":          {&ats.Status{Progress: with(func(p *ats.Progress) { p.Result = nil })}, nil, `{"partner_status":"in_progress"}`},
		"not yet scored":     {&ats.Status{Progress: with(func(p *ats.Progress) { p.State = ats.StateCompleted })}, nil, `{"partner_status":"in_progress"}`},
		"started":            {&ats.Status{Progress: ats.Progress{State: ats.StateStarted}}, nil, `{"partner_status":"in_progress"}`},
		"invited":            {&ats.Status{Progress: ats.Progress{State: ats.StateInvited}}, nil, `{"partner_status":"sent"}`},
		"ordered":            {&ats.Status{Progress: ats.Progress{State: ats.StateOrdered}}, nil, `{"partner_status":"sent"}`},
		"unknown state":      {&ats.Status{Progress: ats.Progress{State: "LATER"}}, nil, `{"partner_status":"sent"}`},
		"expired":            {&ats.Status{Progress: ats.Progress{State: ats.StateExpired}}, nil, `{"partner_status":"expired"}`},
		"cancelled":          {&ats.Status{Progress: ats.Progress{State: ats.StateCancelled}}, nil, `{"partner_status":"cancelled"}`},
		"failed":             {&ats.Status{Progress: ats.Progress{State: ats.StateFailed}}, nil, `{"partner_status":"failed"}`},
		"expired, complete":  {&ats.Status{Progress: ats.Progress{State: ats.StateExpired}}, complete, `{"partner_status":"complete","partner_profile_url":"https://example.com/closed","metadata":{"Outcome":"expired before it was taken"}}`},
		"expired, no page":   {&ats.Status{Progress: ats.Progress{State: ats.StateExpired}}, complete[:2], `{"partner_status":"expired"}`},
		"started, complete":  {&ats.Status{Progress: ats.Progress{State: ats.StateStarted}}, complete, `{"partner_status":"in_progress"}`},
		"same name twice":    {&ats.Status{Progress: with(func(p *ats.Progress) { *p = ats.Progress{State: ats.StateScored, Result: twins()} })}, nil, `{"partner_status":"complete","partner_profile_url":"` + profile + `","partner_score":0,"metadata":{"Summary":1,"k":2,"Summary (2)":"text"}}`},
		"refused, no fault":  {&ats.Refused{Fault: fault.New(fault.NotFound, "There is no assessment with this id.")}, nil, `{"message":"There is no assessment with this id.","errors":[]}`},
		"refused for fields": {&ats.Refused{Fault: fault.InvalidField("candidate.email", "REQUIRED", "is required")}, nil, `{"message":"is required","errors":[{"field":"candidate.email","message":"is required"}]}`},
	}
	a := serve(t)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := a.Encode(t.Context(), inbound(t, a, "test-status", nil, tt.settings...), tt.outcome)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, string(got.Body)); diff != "" {
				t.Error(diff)
			}
			if got.Header["Content-Type"][0] != "application/json; charset=utf-8" {
				t.Errorf("got %v", got.Header)
			}
		})
	}
}

func twins() *ats.ResultRecord {
	return &ats.ResultRecord{ReportURL: profile, Summary: "text", Traits: []ats.TraitRecord{{Key: "s", Name: "Summary", Score: 1}, {Key: "k", Score: 2}}}
}

func TestEncodeShortensLongSummaries(t *testing.T) {
	t.Parallel()
	a := serve(t)
	p := with(func(p *ats.Progress) { p.Result.Summary = strings.Repeat("ä", 3000) })
	got, err := a.Encode(t.Context(), inbound(t, a, "test-status", nil), &ats.Status{Progress: p})
	if err != nil {
		t.Fatal(err)
	}
	var body struct{ Metadata map[string]any }
	if err := json.Unmarshal(got.Body, &body); err != nil {
		t.Fatal(err)
	}
	if summary := body.Metadata["Summary"].(string); summary != strings.Repeat("ä", 1999)+"…" {
		t.Errorf("got %d bytes", len(summary))
	}
}

func TestEncodeRefused(t *testing.T) {
	t.Parallel()
	tests := map[fault.Code]int{
		fault.Unauthenticated: 401, fault.Forbidden: 403, fault.NotFound: 404, fault.Conflict: 409, fault.TooLarge: 413,
		fault.Invalid: 422, fault.RateLimited: 429, fault.Retryable: 503, fault.OutcomeUnknown: 503, fault.Upstream: 503,
		fault.Internal: 500, fault.Config: 500, fault.Auth: 500, fault.Permission: 500, fault.Unsupported: 500,
	}
	a := greenhouse.New(&sdk.Runtime{}).(ats.Inbound)
	for code, want := range tests {
		f := fault.Wrap(http.ErrBodyNotAllowed, code, "text of %s", code)
		f.RetryAfter = 1500 * time.Millisecond
		got, err := a.Encode(t.Context(), &ats.InboundRequest{}, &ats.Refused{Fault: f})
		if err != nil || got.Status != want || got.Header["Retry-After"][0] != "2" {
			t.Errorf("%s: got %+v, %v", code, got, err)
			continue
		}
		if strings.Contains(string(got.Body), "text of") == (code == fault.Internal) || strings.Contains(string(got.Body), "not allow body") {
			t.Errorf("%s: got %s", code, got.Body)
		}
		if (got.Header["Www-Authenticate"] != nil) != (want == 401) {
			t.Errorf("%s: got %v", code, got.Header)
		}
	}
}

func TestEncodeRefusedUnreadableBody(t *testing.T) {
	t.Parallel()
	a := serve(t)
	r := inbound(t, a, "send-test", []byte("{"))
	_, err := a.Decode(t.Context(), r)
	got, err := a.Encode(t.Context(), r, &ats.Refused{Fault: fault.From(err)})
	if err != nil || got.Status != http.StatusBadRequest {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestEncodeRefusesWhatItCannotSay(t *testing.T) {
	t.Parallel()
	a := greenhouse.New(&sdk.Runtime{}).(ats.Inbound)
	tests := map[string]struct {
		outcome ats.Outcome
		want    fault.Code
	}{
		"two assessments": {&ats.OrderPlaced{AssessmentIDs: []string{"a", "b"}}, fault.Unsupported},
		"none":            {&ats.OrderPlaced{}, fault.Unsupported},
		"nothing":         {nil, fault.Unsupported},
		"not a number":    {&ats.Status{Progress: with(func(p *ats.Progress) { p.Result.Score = math.NaN() })}, fault.Internal},
	}
	for name, tt := range tests {
		if _, err := a.Encode(t.Context(), &ats.InboundRequest{}, tt.outcome); !fault.Is(err, tt.want) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	got, err := a.Encode(t.Context(), &ats.InboundRequest{}, &ats.Refused{})
	if err != nil || got.Status != http.StatusInternalServerError {
		t.Errorf("refused without a fault: got %+v, %v", got, err)
	}
}
