package greenhouse_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

func TestGet(t *testing.T) {
	t.Parallel()
	since := time.Date(2026, 11, 20, 10, 0, 0, 5e8, time.FixedZone("", 3600))
	tests := map[string]struct {
		query    ats.ApplicationQuery
		settings []string
		want     string // asked; "": refused
	}{
		"by id":                  {ats.ApplicationQuery{IDs: []string{"7001", "7002"}}, nil, "ids=7001,7002&per_page=50"},
		"of a candidate":         {ats.ApplicationQuery{CandidateID: "41"}, nil, "candidate_ids=41&per_page=50"},
		"of a candidate and job": {ats.ApplicationQuery{CandidateID: "41", JobID: "12345"}, nil, "candidate_ids=41&job_ids=12345&per_page=50"},
		"since":                  {ats.ApplicationQuery{ChangedSince: since}, nil, "per_page=50&updated_at=gte|2026-11-20T09:00:00Z"},
		"since, in brackets":     {ats.ApplicationQuery{ChangedSince: since}, []string{"date_filters", "bracket"}, "per_page=50&updated_at[gte]=2026-11-20T09:00:00Z"},
		"a later page":           {ats.ApplicationQuery{ChangedSince: since, Cursor: "abc"}, nil, "cursor=abc"},
		"nothing":                {ats.ApplicationQuery{}, nil, ""},
		"an odd id":              {ats.ApplicationQuery{IDs: []string{"7001&status=active"}}, nil, ""},
		"too many":               {ats.ApplicationQuery{IDs: strings.Split(strings.Repeat("7,", 50)+"7", ",")}, nil, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := patient(t)
			s := newStand(t, map[string][]said{"GET /v3/applications": ok("[" + appActive + "]")})
			tt.query.Connection = s.connected(a, tt.settings...)
			got, err := a.Get(t.Context(), &tt.query)
			if tt.want == "" {
				if !fault.Is(err, fault.Invalid) || len(s.requests()) != 0 {
					t.Errorf("got %+v, %v", got, err)
				}
				return
			}
			if diff := cmp.Diff([]asked{{"GET /v3/applications", tt.want, ""}}, s.requests()); diff != "" || err != nil || len(got.Applications) != 1 {
				t.Error(diff, err)
			}
		})
	}
}

// Greenhouse's answer says in_process where everything else says active.
func TestStates(t *testing.T) {
	t.Parallel()
	for status, want := range map[string]ats.ApplicationState{
		"in_process": ats.ApplicationActive, "active": ats.ApplicationActive, "rejected": ats.ApplicationRejected,
		"hired": ats.ApplicationHired, "converted": ats.ApplicationConverted, "limbo": "",
	} {
		a := patient(t)
		s := newStand(t, map[string][]said{"GET /v3/applications": ok(strings.Replace("["+appActive+"]", "in_process", status, 1))})
		got, err := a.Get(t.Context(), &ats.ApplicationQuery{Connection: s.connected(a), IDs: []string{"7001"}})
		if want == "" {
			if !fault.Is(err, fault.Upstream) {
				t.Errorf("%s: %+v, %v", status, got, err)
			}
			continue
		}
		if err != nil || got.Applications[0].State != want {
			t.Errorf("%s: %+v, %v", status, got, err)
		}
	}
}

// An older edition does not tell the job's stage; the application's own row
// does, and a prospect has none.
func TestStageOfTheRow(t *testing.T) {
	t.Parallel()
	a := patient(t)
	s := newStand(t, map[string][]said{
		"GET /v3/applications": ok(`[{"id":7001,"candidate_id":41,"job_id":12345,"status":"in_process","stage_id":900001},{"id":7002,"candidate_id":42,"job_id":null,"prospect":true,"status":"in_process","stage_id":null},
			{"id":7003,"candidate_id":43,"job_id":12345,"status":"in_process","stage_id":900003}]`),
		"GET /v3/application_stages": ok(`[{"id":900003,"application_id":7003,"job_interview_stage_id":71417,"current":true},{"id":900001,"application_id":7001,"job_interview_stage_id":71416,"current":true},
			{"id":900000,"application_id":7001,"job_interview_stage_id":71415,"current":false}]`),
	})
	got, err := a.Get(t.Context(), &ats.ApplicationQuery{Connection: s.connected(a), IDs: []string{"7001", "7002", "7003"}})
	if err != nil {
		t.Fatal(err)
	}
	stages := []string{got.Applications[0].StageID, got.Applications[1].StageID, got.Applications[2].StageID}
	if diff := cmp.Diff([]string{"71416", "", "71417"}, stages); diff != "" || got.Applications[1].JobID != "" {
		t.Error(diff)
	}
	if all := s.requests(); len(all) != 2 || all[1].Query != "application_ids=7001,7003&current=true&per_page=500" {
		t.Errorf("asked %+v", all)
	}
}

func application(change ...string) []said {
	return ok("[" + strings.NewReplacer(change...).Replace(appActive) + "]")
}

func TestMove(t *testing.T) {
	t.Parallel()
	refused := said{status: 422, body: `{"message":"Unprocessable Content","errors":[{"from_stage_id":"does not match the current stage"}]}`}
	const read, post = "GET /v3/applications", "POST /v3/applications/7001/move"
	done := said{status: 204}
	tests := map[string]struct {
		settings []string
		to       string
		read     []said
		move     []said
		bodies   string
		want     fault.Code
		kind     string
		existing string
		reads    int
	}{
		"to a stage":              {nil, "71417", application(), []said{done}, `{"from_stage_id":71416,"to_stage_id":71417}`, "", "", "", 1},
		"to the next":             {nil, "", application(), []said{done}, `{"from_stage_id":71416}`, "", "", "", 1},
		"by the row":              {[]string{"from_stage_id", "application_stage"}, "71417", application(), []said{done}, `{"from_stage_id":900001,"to_stage_id":71417}`, "", "", "", 1},
		"somebody was first":      {nil, "71417", application("71416", "71420"), nil, "", fault.Conflict, "STAGE", "71420", 1},
		"rejected":                {nil, "71417", application("in_process", "rejected"), nil, "", fault.Conflict, "STATE", "REJECTED", 1},
		"not there":               {nil, "71417", ok("[]"), nil, "", fault.NotFound, "", "", 1},
		"the other id space":      {nil, "71417", application(), []said{refused, done}, `{"from_stage_id":71416,"to_stage_id":71417} {"from_stage_id":900001,"to_stage_id":71417}`, "", "", "", 1},
		"somebody in between":     {nil, "71417", append(application(), application("71416", "71420")...), []said{refused}, `{"from_stage_id":71416,"to_stage_id":71417} {"from_stage_id":900001,"to_stage_id":71417}`, fault.Conflict, "STAGE", "71420", 2},
		"rejected in between":     {nil, "71417", append(application(), application("in_process", "rejected")...), []said{refused}, `{"from_stage_id":71416,"to_stage_id":71417} {"from_stage_id":900001,"to_stage_id":71417}`, fault.Conflict, "STATE", "REJECTED", 2},
		"a stage of another job":  {nil, "99999", application(), []said{{status: 422, body: `{"errors":[{"to_stage_id":"is not of this job"}]}`}}, `{"from_stage_id":71416,"to_stage_id":99999}`, fault.Invalid, "", "", 1},
		"an answer that is lost":  {nil, "71417", application(), []said{{status: 504}}, `{"from_stage_id":71416,"to_stage_id":71417}`, fault.OutcomeUnknown, "", "", 1},
		"refused for no good why": {[]string{"from_stage_id", "application_stage"}, "71417", application(), []said{refused}, `{"from_stage_id":900001,"to_stage_id":71417}`, fault.Invalid, "", "", 2},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := patient(t)
			s := newStand(t, map[string][]said{read: tt.read, post: tt.move})
			receipt, err := a.Move(t.Context(), &ats.MoveRequest{Connection: s.connected(a, tt.settings...), ApplicationID: "7001", FromStage: "71416", ToStage: tt.to})
			if e := fault.From(err); fault.CodeOf(err) != tt.want || e != nil && (e.Kind != tt.kind || e.Existing != tt.existing) {
				t.Errorf("got %v", err)
			}
			var bodies []string
			reads := 0
			for _, r := range s.requests() {
				if r.Route == read {
					reads++
				} else {
					bodies = append(bodies, r.Body)
				}
			}
			if diff := cmp.Diff(tt.bodies, strings.Join(bodies, " ")); diff != "" || reads != tt.reads || len(receipt.Exchanges) != reads+len(bodies) {
				t.Errorf("%d reads, %s", reads, diff)
			}
			if err == nil && (receipt.ApplicationID != "7001" || receipt.ProfileURL != "https://app.greenhouse.io/people/41?application_id=7001" || (len(receipt.Degraded) > 0) != (len(bodies) > 1)) {
				t.Errorf("got %+v", receipt)
			}
		})
	}
}

func TestReject(t *testing.T) {
	t.Parallel()
	const route = "POST /v3/applications/7001/reject"
	already := said{status: 422, body: `{"errors":["Application has already been rejected."]}`}
	tests := map[string]struct {
		change   func(*ats.RejectRequest)
		answer   []said
		state    []said
		want     fault.Code
		kind     string
		existing string
		requests int
	}{
		"done":             {func(*ats.RejectRequest) {}, []said{{status: 204}}, nil, "", "", "", 1},
		"rejected already": {func(*ats.RejectRequest) {}, []said{already}, application("in_process", "rejected"), fault.Conflict, "STATE", "REJECTED", 2},
		"hired":            {func(*ats.RejectRequest) {}, []said{already}, application("in_process", "hired"), fault.Conflict, "STATE", "HIRED", 2},
		"a bad reason":     {func(*ats.RejectRequest) {}, []said{{status: 422, body: `{"errors":[{"rejection_reason_id":"is unknown"}]}`}}, application(), fault.Invalid, "", "", 2},
		"gone":             {func(*ats.RejectRequest) {}, []said{{status: 404, body: `{"message":"Resource not found","errors":["Application 7001"]}`}}, nil, fault.NotFound, "", "", 1},
		"lost":             {func(*ats.RejectRequest) {}, []said{{status: 500}}, nil, fault.OutcomeUnknown, "", "", 1},
		"no reason":        {func(r *ats.RejectRequest) { r.Reason = "" }, nil, nil, fault.Invalid, "", "", 0},
		"no application":   {func(r *ats.RejectRequest) { r.ApplicationID = "x/../1" }, nil, nil, fault.Invalid, "", "", 0},
		"an odd template":  {func(r *ats.RejectRequest) { r.EmailTemplate = "standard" }, nil, nil, fault.Invalid, "", "", 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := patient(t)
			s := newStand(t, map[string][]said{route: tt.answer, "GET /v3/applications": tt.state})
			r := &ats.RejectRequest{Connection: s.connected(a), ApplicationID: "7001", Reason: "14", Notes: "Below the agreed threshold"}
			tt.change(r)
			_, err := a.Reject(t.Context(), r)
			if e := fault.From(err); fault.CodeOf(err) != tt.want || e != nil && (e.Kind != tt.kind || e.Existing != tt.existing) {
				t.Errorf("got %v", err)
			}
			all := s.requests()
			if len(all) != tt.requests {
				t.Fatalf("asked %+v", all)
			}
			if len(all) > 0 && all[0].Body != `{"rejection_reason_id":14,"notes":"Below the agreed threshold"}` {
				t.Errorf("sent %s", all[0].Body)
			}
		})
	}
}

// With a template the time goes along, and it is now.
func TestRejectMails(t *testing.T) {
	t.Parallel()
	a := patient(t)
	s := newStand(t, map[string][]said{"POST /v3/applications/7001/reject": {{status: 204}}})
	if _, err := a.Reject(t.Context(), &ats.RejectRequest{Connection: s.connected(a), ApplicationID: "7001", Reason: "14", EmailTemplate: "987"}); err != nil {
		t.Fatal(err)
	}
	body := s.requests()[0].Body
	head, at, ok := strings.Cut(body, `{"rejection_reason_id":14,"rejection_email":{"email_template_id":987,"send_email_at":"`)
	when, err := time.Parse(time.RFC3339, strings.TrimSuffix(at, `"}}`))
	if !ok || head != "" || err != nil || time.Since(when).Abs() > time.Minute {
		t.Errorf("sent %s", body)
	}
}

func TestUnreject(t *testing.T) {
	t.Parallel()
	const route = "POST /v3/applications/7001/unreject"
	tests := map[string]struct {
		answer []said
		state  []said
		want   fault.Code
		kind   string
	}{
		"done":              {[]said{{status: 204}}, nil, "", ""},
		"it is active":      {[]said{{status: 422}}, application(), fault.Conflict, "STATE"},
		"refused otherwise": {[]said{{status: 422}}, application("in_process", "rejected"), fault.Invalid, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := patient(t)
			s := newStand(t, map[string][]said{route: tt.answer, "GET /v3/applications": tt.state})
			_, err := a.Unreject(t.Context(), &ats.UnrejectRequest{Connection: s.connected(a), ApplicationID: "7001"})
			if e := fault.From(err); fault.CodeOf(err) != tt.want || e != nil && e.Kind != tt.kind {
				t.Errorf("got %v", err)
			}
			if all := s.requests(); all[0].Body != "{}" {
				t.Errorf("sent %s", all[0].Body)
			}
		})
	}
}

// When an application entered its stage is asked only on request, and may be
// left out where the credential may not read it.
func TestEntered(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		answer []said
		want   string
	}{
		"told":      {ok(`[{"id":900001,"application_id":7001,"job_interview_stage_id":71416,"current":true,"entered_at":"2026-10-01T09:00:00Z"}]`), "2026-10-01T09:00:00Z"},
		"forbidden": {[]said{{status: 403, body: `{"message":"Forbidden"}`}}, "0001-01-01T00:00:00Z"},
	} {
		a := patient(t)
		s := newStand(t, map[string][]said{"GET /v3/applications": application(), "GET /v3/application_stages": tt.answer})
		got, err := a.Get(t.Context(), &ats.ApplicationQuery{Connection: s.connected(a), IDs: []string{"7001"}, Entered: true})
		if err != nil {
			t.Fatal(err)
		}
		if at := got.Applications[0].EnteredAt.UTC().Format(time.RFC3339); at != tt.want || got.Applications[0].StageID != "71416" {
			t.Errorf("%s: %s, in %s", name, at, got.Applications[0].StageID)
		}
	}
}
