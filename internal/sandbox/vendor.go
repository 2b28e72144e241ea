package sandbox

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"
)

// What an assessment of the vendor's own is on its way to, beside the states of
// an order.
const (
	OrderAssessing = "assessing"
	OrderPushing   = "pushing"
)

const (
	vendorName   = "Vendor"
	statusScored = "SCORED"
	pushDone     = "DONE"
	attendAtOnce = 300 * time.Millisecond
	attendAtRest = 5 * time.Second
	maxAttended  = shownOrders
)

// Vendor is who assesses people and has Trellis push them into the account.
type Vendor struct {
	Token        string // an API token with the role RECRUITER or ADMIN; empty: there is no vendor
	ConnectionID string // that leads to the account
}

func (v Vendor) check() error {
	if v.Token == "" {
		return nil
	}
	return present("Vendor.ConnectionID", v.ConnectionID)
}

// VendorJob is a job of the vendor's that is one of this account's.
type VendorJob struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Stage string `json:"stage"` // where pushed candidates begin
}

// Assessed is what Trellis says of an assessment that the vendor ordered.
type Assessed struct {
	Job        VendorJob `json:"job"`
	Status     string    `json:"status"`
	ATSOutcome string    `json:"atsOutcome"` // what the account's web hooks told
	Stage      string    `json:"stage"`      // 〃
	Score      *float64  `json:"score"`
	ReportURL  string    `json:"reportUrl"`
	Push       *Push     `json:"push"`
	News       []News    `json:"news"` // what happened to it in Trellis, oldest first
}

// ScoreValue returns the score as a number; 0 if there is none.
func (a *Assessed) ScoreValue() float64 {
	if a.Score == nil {
		return 0
	}
	return *a.Score
}

// Push is Trellis' account of a push; the names are those of its API.
type Push struct {
	ID                    string     `json:"id"`
	State                 string     `json:"state"`
	Trigger               string     `json:"trigger"`
	Message               string     `json:"message"`
	Advice                string     `json:"advice"`
	DueAt                 *time.Time `json:"dueAt"` // when it goes on, if it waits
	ProfileURL            string     `json:"profileUrl"`
	CandidateExternalID   string     `json:"candidateExternalId"`
	ApplicationExternalID string     `json:"applicationExternalId"`
	Steps                 []PushStep `json:"steps"`
}

// PushStep is a step of a push.
type PushStep struct {
	Kind    string `json:"kind"`
	State   string `json:"state"`
	Message string `json:"message"`
}

// News is an event of Trellis'.
type News struct {
	At   time.Time      `json:"at"`
	Type string         `json:"type"`
	Data map[string]any `json:"data"`
}

// assess is the button "Assess somebody and push", with a job's id.
func (s *Sandbox) assess(w http.ResponseWriter, r *http.Request) {
	s.refreshJobs(r.Context())
	s.refreshTests(r.Context())
	job, ok := s.book.job(r.PostFormValue("job"))
	if !ok {
		http.Error(w, "There is no such job that is mapped to one of this account's.", http.StatusNotFound)
		return
	}
	tests := s.book.snapshot(0).Tests
	if len(tests) == 0 {
		http.Error(w, "There is no test.", http.StatusNotFound)
		return
	}
	o := s.book.openFor(job, newPerson(), tests[0])
	if !s.background(func(ctx context.Context) { s.assessAndPush(ctx, o.Number) }) {
		http.Error(w, "The sandbox is busy; try again.", http.StatusServiceUnavailable)
		return
	}
	s.attending.Do(func() { s.background(s.attend) })
	s.afterAt(w, r, "#assess", o)
}

// newPerson is somebody whom nobody knows yet.
func newPerson() Person {
	firsts := []string{"Nora", "Zoë", "Kofi", "Łukasz", "Ravi", "Sofía", "Wren", "Bảo"}
	lasts := []string{"Example", "Prototype", "Fixture", "Mockup", "Facsimile"}
	var dice [5]byte
	_, _ = rand.Read(dice[:]) // never fails
	p := Person{FirstName: firsts[int(dice[0])%len(firsts)], LastName: lasts[int(dice[1])%len(lasts)]}
	p.Email = strings.ToLower(p.LastName) + "-" + hex.EncodeToString(dice[2:]) + "@example.com"
	return p
}

// assessAndPush is what a vendor's program does: it orders, waits for the
// result and has it pushed.
func (s *Sandbox) assessAndPush(ctx context.Context, number int) {
	err := s.order(ctx, number)
	if err == nil {
		s.beCandidate(ctx, number)
		err = s.awaitResult(ctx, number)
	}
	if err == nil {
		err = s.pressPush(ctx, number)
	}
	if err != nil && ctx.Err() == nil {
		s.book.note(number, Call{Who: vendorName, Whom: vendorName, Note: err.Error(), Bad: true})
		s.book.update(number, func(o *Order) { o.State = OrderRefused })
	}
}

// order is createAssessment.
func (s *Sandbox) order(ctx context.Context, number int) error {
	const query = `mutation($input: CreateAssessmentInput!) { createAssessment(input: $input) { assessment { id } userErrors { message } } }`
	o, _ := s.book.order(number)
	var data struct {
		CreateAssessment struct {
			Assessment *struct{ ID string }
			UserErrors []struct{ Message string }
		}
	}
	err := s.ask(ctx, number, question{query: query, into: &data, variables: map[string]any{"input": map[string]any{
		"testId": o.TestID, "jobId": o.Assessed.Job.ID,
		"candidate": map[string]any{"firstName": o.Person.FirstName, "lastName": o.Person.LastName, "email": o.Person.Email},
	}}})
	made := data.CreateAssessment
	switch {
	case err != nil:
		return err
	case len(made.UserErrors) > 0:
		return errors.New(made.UserErrors[0].Message)
	case made.Assessment == nil:
		return errors.New("createAssessment was not answered")
	}
	s.book.update(number, func(o *Order) { o.State, o.InterviewID = OrderAssessing, made.Assessment.ID })
	return nil
}

// awaitResult waits until Trellis says that there is a result.
func (s *Sandbox) awaitResult(ctx context.Context, number int) error {
	patience, cancel := context.WithTimeout(ctx, mailPatience)
	defer cancel()
	for {
		version := s.book.now()
		if o, ok := s.book.order(number); !ok || o.Assessed.Status == statusScored {
			return nil
		}
		select {
		case <-s.book.watch(version):
		case <-patience.Done():
			return errors.New("there is no result yet; nothing is pushed")
		}
	}
}

// pressPush asks for the push by REST. Where a rule asked for it already,
// Trellis answers with that one.
func (s *Sandbox) pressPush(ctx context.Context, number int) error {
	o, _ := s.book.order(number)
	r, err := s.call(ctx, outgoing{
		number: number, who: vendorName, method: http.MethodPost, url: s.o.TrellisURL + "/api/integrations/greenhouse/push/" + o.InterviewID,
		bearer: s.o.Vendor.Token, json: map[string]any{"connectionId": s.o.Vendor.ConnectionID}, accept: "application/json",
	})
	if err != nil || !r.ok() {
		return errors.New("the push was not taken")
	}
	s.book.update(number, func(o *Order) {
		o.State = OrderPushing
		o.hear(*o.Assessed)
	})
	return nil
}

// hear keeps what Trellis says now, but for the job, which stays.
func (o *Order) hear(now Assessed) {
	now.Job = o.Assessed.Job
	o.Assessed = &now
	if o.State == OrderPushing && now.Push != nil && now.Push.State == pushDone {
		o.State = OrderComplete
	}
}

// attend asks Trellis how the newest of the vendor's assessments are: at once
// after something happened, less and less often while nothing does.
func (s *Sandbox) attend(ctx context.Context) {
	for wait := attendAtOnce; ctx.Err() == nil; wait = min(2*wait, attendAtRest) {
		s.refreshAssessed(ctx)
		if version := s.book.now(); s.book.changes(ctx, version, wait) {
			wait = attendAtOnce / 2
			pause(ctx, attendAtOnce)
		}
	}
}

// refreshAssessed asks for the newest of them in one query.
func (s *Sandbox) refreshAssessed(ctx context.Context) {
	const query = `query($ids: [ID!]!) { nodes(ids: $ids) { ... on Assessment {
		id status atsOutcome reportUrl result { score } applications { externalId stageName } events(last: 30) { nodes { at type data } }
		lastPush { id state trigger message advice dueAt profileUrl candidateExternalId applicationExternalId steps { kind state message } }
	} } }`
	var ids []string
	for _, o := range s.book.snapshot(maxAttended).Assessed {
		if o.InterviewID != "" {
			ids = append(ids, o.InterviewID)
		}
	}
	var data struct{ Nodes []answeredAssessment }
	if len(ids) == 0 || s.ask(ctx, 0, question{query: query, variables: map[string]any{"ids": ids}, into: &data, often: true}) != nil {
		return
	}
	s.book.hear(data.Nodes)
}

// answeredAssessment is an assessment in Trellis' answer.
type answeredAssessment struct {
	ID, Status, ATSOutcome, ReportURL string
	Result                            *struct{ Score float64 }
	LastPush                          *Push
	Applications                      []struct{ ExternalID, StageName string }
	Events                            struct{ Nodes []News }
}

func (n *answeredAssessment) assessed() Assessed {
	a := Assessed{Status: n.Status, ATSOutcome: n.ATSOutcome, ReportURL: n.ReportURL, Push: n.LastPush, News: n.Events.Nodes}
	if n.Result != nil {
		a.Score = &n.Result.Score
	}
	for _, known := range n.Applications {
		if a.Push != nil && known.ExternalID == a.Push.ApplicationExternalID {
			a.Stage = known.StageName
		}
	}
	return a
}

// refreshJobs asks which jobs of the vendor's are this account's.
func (s *Sandbox) refreshJobs(ctx context.Context) {
	const query = `query($connection: ID!) { jobMappings(first: 100, filter: {connectionId: $connection}) { nodes { externalStageName job { id name } } } }`
	if s.o.Vendor.Token == "" {
		return
	}
	var data struct {
		JobMappings struct {
			Nodes []struct {
				ExternalStageName string
				Job               VendorJob
			}
		}
	}
	if s.ask(ctx, 0, question{query: query, variables: map[string]any{"connection": s.o.Vendor.ConnectionID}, into: &data, often: true}) != nil {
		return
	}
	jobs := []VendorJob{}
	for _, n := range data.JobMappings.Nodes {
		n.Job.Stage = n.ExternalStageName
		jobs = append(jobs, n.Job)
	}
	s.book.change(func() { s.book.jobs = jobs })
}

// question is one to Trellis' GraphQL.
type question struct {
	query     string
	variables map[string]any
	into      any  // what data is decoded into
	often     bool // not written into the timeline if it goes well
}

// ask asks with the vendor's token. Errors say for people what came instead of data.
func (s *Sandbox) ask(ctx context.Context, number int, q question) error {
	r, err := s.call(ctx, outgoing{
		number: number, who: vendorName, method: http.MethodPost, url: s.o.TrellisURL + "/graphql", bearer: s.o.Vendor.Token,
		accept: "application/json", json: map[string]any{"query": q.query, "variables": q.variables}, unlisted: q.often,
	})
	if err != nil {
		return errors.New("no answer came from Trellis")
	}
	var answer struct {
		Data   json.RawMessage
		Errors []struct{ Message string }
	}
	if err := json.Unmarshal(r.body, &answer); err != nil {
		return errors.New("what Trellis answered is no JSON")
	}
	if len(answer.Errors) > 0 {
		return errors.New(answer.Errors[0].Message)
	}
	return json.Unmarshal(answer.Data, q.into)
}
