package greenhouse_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

const (
	openJob   = `[{"id":12345,"name":"Account Executive","status":"open"}]`
	jobStages = `[{"id":71417,"job_id":12345,"sort_order":2,"name":"Phone Interview","active":true},{"id":71416,"job_id":12345,"sort_order":1,"name":"Assessment","active":true},
		{"id":71418,"job_id":12345,"sort_order":9,"name":"Old","active":false}]`
	appActive = `{"id":7001,"candidate_id":41,"job_id":12345,"status":"in_process","stage_id":900001,"job_interview_stage_id":71416,"stage_name":"Assessment","last_activity_at":"2026-11-21T08:00:00.000Z","rejected_at":null}`
)

func TestFind(t *testing.T) {
	t.Parallel()
	ada := `{"id":41,"first_name":"Ada","last_name":"Example","private":true,"email_addresses":[{"value":"old@example.com","type":"work"},{"value":"Ada@Example.com","type":"personal"}]}`
	match := ats.CandidateMatch{
		CandidateID: "41", ProfileURL: "https://app.greenhouse.io/people/41", FirstName: "Ada", LastName: "Example", Email: "Ada@Example.com", Private: true,
	}
	first := match
	first.Email = "old@example.com"
	applied := match
	applied.Applications = []ats.ApplicationRecord{{
		ID: "7001", CandidateID: "41", JobID: "12345", State: ats.ApplicationActive, StageID: "71416", StageName: "Assessment",
		ProfileURL: "https://app.greenhouse.io/people/41?application_id=7001", LastActivityAt: time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC),
	}}
	tests := map[string]struct {
		query  ats.CandidateQuery
		script map[string][]said
		want   []ats.CandidateMatch
		asked  []asked
	}{
		"by e-mail, in any case": {
			ats.CandidateQuery{Email: " ada@EXAMPLE.com"},
			map[string][]said{"GET /v3/candidates": ok("[" + ada + "]")},
			[]ats.CandidateMatch{match},
			[]asked{{"GET /v3/candidates", "email=ada@EXAMPLE.com&per_page=50", ""}},
		},
		"nobody": {ats.CandidateQuery{Email: "eve@example.com", JobID: "12345"}, map[string][]said{"GET /v3/candidates": ok("[]")}, nil, []asked{{"GET /v3/candidates", "email=eve@example.com&per_page=50", ""}}},
		"somebody else, which would be another filter": {
			ats.CandidateQuery{Email: "eve@example.com"},
			map[string][]said{"GET /v3/candidates": ok("[" + ada + "]")},
			nil,
			[]asked{{"GET /v3/candidates", "email=eve@example.com&per_page=50", ""}},
		},
		"by id, which goes first": {
			ats.CandidateQuery{ExternalID: "41", Email: "new@example.com"},
			map[string][]said{"GET /v3/candidates": ok("[" + ada + "]")},
			[]ats.CandidateMatch{first},
			[]asked{{"GET /v3/candidates", "ids=41&per_page=50", ""}},
		},
		"with applications to a job": {
			ats.CandidateQuery{Email: "ada@example.com", JobID: "12345"},
			map[string][]said{"GET /v3/candidates": ok("[" + ada + "]"), "GET /v3/applications": ok("[" + appActive + "]")},
			[]ats.CandidateMatch{applied},
			[]asked{{"GET /v3/candidates", "email=ada@example.com&per_page=50", ""}, {"GET /v3/applications", "candidate_ids=41&job_ids=12345&per_page=50", ""}},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := patient(t)
			s := newStand(t, tt.script)
			tt.query.Connection = s.connected(a)
			got, err := a.Find(t.Context(), &tt.query)
			if diff := cmp.Diff(tt.want, got.Matches); diff != "" || err != nil {
				t.Error(diff, err)
			}
			if diff := cmp.Diff(tt.asked, s.requests()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func person(c ats.Connection, job, stage string) *ats.NewCandidate {
	return &ats.NewCandidate{
		Connection: c, JobID: job, StageID: stage,
		Person: ats.CandidateRecord{FirstName: " Zoë ", LastName: "Łukasz & Söhne", PreferredName: "Z", Email: "zoe@example.com", Phone: "+1 555 0100"},
	}
}

func TestCreate(t *testing.T) {
	t.Parallel()
	who := `"first_name":"Zoë","last_name":"Łukasz & Söhne","preferred_name":"Z","email_addresses":[{"value":"zoe@example.com","type":"personal"}],"phone_numbers":[{"value":"+1 555 0100","type":"other"}]`
	job := asked{"GET /v3/jobs", "ids=12345&per_page=1", ""}
	tests := map[string]struct {
		job, stage, source string
		answer             string
		asked              []asked
		application        string
		profile            string
	}{
		"with an application": {
			"12345", "71416", "25", `{"candidate":{"id":41,"first_name":"Zoë"},"application":{"id":7001}}`,
			[]asked{job, {"GET /v3/job_interview_stages", "job_ids=12345&per_page=500", ""}, {"POST /v3/candidates", "", `{` + who + `,"application":{"job_id":12345,"initial_stage_id":71416,"source_id":25}}`}},
			"7001", "https://app.greenhouse.io/people/41?application_id=7001",
		},
		"at the job's first stage": {
			"12345", "", "", `{"candidate":{"id":41},"application":{"id":"7001"}}`,
			[]asked{job, {"POST /v3/candidates", "", `{` + who + `,"application":{"job_id":12345}}`}},
			"7001", "https://app.greenhouse.io/people/41?application_id=7001",
		},
		"without a job": {
			"", "", "", `{"candidate":{"id":41},"application":null}`,
			[]asked{{"POST /v3/candidates", "", `{` + who + `}`}},
			"", "https://app.greenhouse.io/people/41",
		},
		"whose application was not made": {
			"12345", "", "", `{"candidate":{"id":41},"application":null}`,
			[]asked{job, {"POST /v3/candidates", "", `{` + who + `,"application":{"job_id":12345}}`}},
			"", "https://app.greenhouse.io/people/41",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := patient(t)
			s := newStand(t, map[string][]said{"GET /v3/jobs": ok(openJob), "GET /v3/job_interview_stages": ok(jobStages), "POST /v3/candidates": {{status: 201, body: tt.answer}}})
			n := person(s.connected(a), tt.job, tt.stage)
			n.SourceID = tt.source
			got, err := a.Create(t.Context(), n)
			if err != nil || got.CandidateID != "41" || got.ApplicationID != tt.application || got.ProfileURL != tt.profile {
				t.Errorf("got %+v, %v", got, err)
			}
			if diff := cmp.Diff(tt.asked, s.requests()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCreateRefuses(t *testing.T) {
	t.Parallel()
	script := func(job, stages string) map[string][]said {
		return map[string][]said{"GET /v3/jobs": ok(job), "GET /v3/job_interview_stages": ok(stages)}
	}
	open := script(openJob, jobStages)
	tests := map[string]struct {
		change func(*ats.NewCandidate)
		script map[string][]said
		code   fault.Code
		field  string
		kind   string
	}{
		"a stage of another job":    {func(n *ats.NewCandidate) { n.StageID = "99999" }, open, fault.Invalid, "stageId", ""},
		"a row of another job":      {func(*ats.NewCandidate) {}, script(openJob, `[{"id":71416,"job_id":5,"active":true}]`), fault.Invalid, "stageId", ""},
		"a retired stage":           {func(n *ats.NewCandidate) { n.StageID = "71418" }, script(openJob, jobStages), fault.Invalid, "stageId", ""},
		"a job that is not there":   {func(*ats.NewCandidate) {}, script(`[]`, jobStages), fault.Invalid, "jobId", ""},
		"another job's row":         {func(*ats.NewCandidate) {}, script(`[{"id":5,"status":"open"}]`, jobStages), fault.Invalid, "jobId", ""},
		"a closed job":              {func(*ats.NewCandidate) {}, script(`[{"id":12345,"status":"closed"}]`, jobStages), fault.Conflict, "", "JOB_CLOSED"},
		"no first name":             {func(n *ats.NewCandidate) { n.Person.FirstName = " " }, nil, fault.Invalid, "candidate.firstName", ""},
		"no last name":              {func(n *ats.NewCandidate) { n.Person.LastName = "" }, nil, fault.Invalid, "candidate.lastName", ""},
		"a job that is no number":   {func(n *ats.NewCandidate) { n.JobID = "ae-1" }, nil, fault.Invalid, "jobId", ""},
		"a stage that is no number": {func(n *ats.NewCandidate) { n.StageID = "0" }, nil, fault.Invalid, "stageId", ""},
		"an odd source":             {func(n *ats.NewCandidate) { n.SourceID = "25,26" }, nil, fault.Invalid, "sourceId", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := patient(t)
			s := newStand(t, tt.script)
			n := person(s.connected(a), "12345", "71416")
			tt.change(n)
			receipt, err := a.Create(t.Context(), n)
			if _, named := paths(err)[tt.field]; !fault.Is(err, tt.code) || tt.field != "" && !named || fault.From(err).Kind != tt.kind || receipt.CandidateID != "" {
				t.Errorf("got %+v, %v", receipt, err)
			}
			for _, r := range s.requests() { // the stand-in would have failed on a POST
				if r.Body != "" {
					t.Errorf("sent %+v", r)
				}
			}
		})
	}
}

// A person who was made without an answer must be looked for, not made again.
func TestCreateWithoutAnswer(t *testing.T) {
	t.Parallel()
	a := patient(t)
	s := newStand(t, map[string][]said{"GET /v3/jobs": ok(openJob)})
	s.cut = "POST /v3/candidates"
	receipt, err := a.Create(t.Context(), person(s.connected(a), "12345", ""))
	if !fault.Is(err, fault.OutcomeUnknown) || len(receipt.Exchanges) != 2 {
		t.Errorf("got %+v, %v", receipt, err)
	}
	if n := len(s.requests()); n != 2 {
		t.Errorf("%d requests", n)
	}
}

func TestResumeIsNotTakenOver(t *testing.T) {
	t.Parallel()
	a := patient(t)
	s := newStand(t, map[string][]said{"POST /v3/candidates": {{status: 201, body: `{"candidate":{"id":41}}`}}})
	n := person(s.connected(a), "", "")
	n.Person.ResumeURL = "https://files.example.com/resume.pdf"
	if receipt, err := a.Create(t.Context(), n); err != nil || len(receipt.Degraded) != 1 {
		t.Errorf("got %+v, %v", receipt, err)
	}
}

func TestApply(t *testing.T) {
	t.Parallel()
	stood := func(status string) []said {
		return ok(`[{"id":7001,"candidate_id":41,"job_id":12345,"status":"` + status + `"}]`)
	}
	tests := map[string]struct {
		stage    string
		present  []said
		want     fault.Code
		kind     string
		existing string
		routes   string
	}{
		"first time":         {"71416", ok("[]"), "", "", "", "GET /v3/applications, GET /v3/jobs, GET /v3/job_interview_stages, POST /v3/applications"},
		"after a rejection":  {"", stood("rejected"), "", "", "", "GET /v3/applications, GET /v3/jobs, POST /v3/applications"},
		"a second time":      {"", stood("in_process"), fault.Conflict, "EXISTS", "7001", "GET /v3/applications"},
		"an unknown state":   {"", stood("limbo"), fault.Retryable, "", "", "GET /v3/applications"},
		"a stage of nowhere": {"5", ok("[]"), fault.Invalid, "", "", "GET /v3/applications, GET /v3/jobs, GET /v3/job_interview_stages"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := patient(t)
			s := newStand(t, map[string][]said{
				"GET /v3/applications": tt.present, "GET /v3/jobs": ok(openJob), "GET /v3/job_interview_stages": ok(jobStages),
				"POST /v3/applications": {{status: 201, body: `{"id":7002,"candidate_id":41}`}},
			})
			receipt, err := a.Apply(t.Context(), &ats.NewApplication{Connection: s.connected(a), CandidateID: "41", JobID: "12345", StageID: tt.stage})
			if e := fault.From(err); fault.CodeOf(err) != tt.want || e != nil && (e.Kind != tt.kind || e.Existing != tt.existing) {
				t.Errorf("got %v", err)
			}
			if err == nil && (receipt.ApplicationID != "7002" || receipt.ProfileURL != "https://app.greenhouse.io/people/41?application_id=7002") {
				t.Errorf("got %+v", receipt)
			}
			all := s.requests()
			s.seen = all
			if got := s.routes(); got != tt.routes {
				t.Errorf("asked %s", got)
			}
			if last := all[len(all)-1]; tt.stage == "71416" && last.Body != `{"candidate_id":41,"job_id":12345,"initial_stage_id":71416}` {
				t.Errorf("sent %s", last.Body)
			}
		})
	}
}
