package rest_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/coretest"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/internal/ratelimit"
)

// tasks keeps the kinds of the tasks that were committed.
type tasks struct {
	mu    sync.Mutex
	kinds []core.TaskKind
}

func (l *tasks) InsertTask(_ context.Context, _ *sql.Tx, t core.Task) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.kinds = append(l.kinds, t.Kind)
	return nil
}

// ForgetErrors implements store.TaskInserter: there are none.
func (*tasks) ForgetErrors(context.Context, *sql.Tx, core.ID, core.ID) error { return nil }

// count is how many tasks of a kind there are.
func (l *tasks) count(kind core.TaskKind) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, k := range l.kinds {
		if k == kind {
			n++
		}
	}
	return n
}

// pusher is a vendor with an ATS to push into and a job that is mapped.
type pusher struct {
	*vendor
	test *core.Test
	job  *core.Job
}

func newPusher(t *testing.T) *pusher {
	t.Helper()
	p := &pusher{vendor: newVendor(t, ratelimit.Budgets{})}
	p.adapters.Whole = coretest.NewATS(p.clock)
	var err error
	p.test, err = core.NewTests(p.store, p.clock).Create(t.Context(), p.admin, core.Test{Name: "Cold Call", Modality: core.ModalityVoice}, core.Key{})
	p.ok(err)
	p.job, err = core.NewJobs(p.store, p.clock).Create(t.Context(), p.admin, core.Job{Name: "Sales"}, core.Key{})
	p.ok(err)
	p.ok(p.store.Atomically(t.Context(), func(tx core.Tx) error {
		return tx.SaveJobMapping(t.Context(), &core.JobMapping{
			ID: core.NewID(core.PrefixMapping), OrganizationID: p.admin.OrganizationID, ConnectionID: p.connection.ID, JobID: p.job.ID,
			ExternalJobID: "job-1", ExternalJobName: "Their job", CreatedAt: p.clock.Now(), UpdatedAt: p.clock.Now(),
		})
	}))
	return p
}

// scored makes an assessment with a result.
func (p *pusher) scored(job core.ID) core.ID {
	p.t.Helper()
	a, err := p.assessments.Create(p.t.Context(), p.admin, core.NewOrder{
		TestID: p.test.ID, JobID: job, Candidate: core.Candidate{FirstName: "Zoë", LastName: "Example", Email: "zoe@example.com"},
	}, core.Key{})
	p.ok(err)
	p.score(a.ID)
	return a.ID
}

func (p *pusher) score(id core.ID) {
	p.t.Helper()
	score := 82.5
	_, err := p.assessments.Complete(p.t.Context(), p.admin, core.Completion{AssessmentID: id, Score: &score})
	p.ok(err)
}

// pushed is what an answer tells of a push.
type pushed struct {
	ID           core.ID        `json:"id"`
	ConnectionID core.ID        `json:"connectionId"`
	AssessmentID core.ID        `json:"assessmentId"`
	State        core.PushState `json:"state"`
	Trigger      string         `json:"trigger"`
	Revision     int            `json:"revision"`
	Steps        []struct {
		Kind  core.StepKind  `json:"kind"`
		State core.StepState `json:"state"`
	} `json:"steps"`
	ProfileURL *string `json:"profileUrl"`
}

func (p *pusher) post(path, key, body string, token core.Secret) *httptest.ResponseRecorder {
	p.t.Helper()
	r := httptest.NewRequest("POST", "/api/integrations/fake/"+path, strings.NewReader(body))
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	return p.send(r, token)
}

// accepted posts what must be taken and reads the answer.
func (p *pusher) accepted(path, key, body string, into any) {
	p.t.Helper()
	w := p.post(path, key, body, p.token)
	if w.Code != http.StatusAccepted {
		p.t.Fatalf("%s: %d %s", path, w.Code, w.Body)
	}
	p.ok(json.Unmarshal(w.Body.Bytes(), into))
}

// One push is requested however often it is asked for, with a key or without.
func TestPushByREST(t *testing.T) {
	t.Parallel()
	p := newPusher(t)
	id := p.scored(p.job.ID)
	var first pushed
	p.accepted("push/"+string(id), "", "", &first)
	if first.State != core.PushPending || first.AssessmentID != id || first.ConnectionID != p.connection.ID || first.Trigger != "MANUAL" ||
		first.Revision != 1 || len(first.Steps) != len(core.StepKinds()) || first.Steps[0].Kind != core.StepFind || first.ProfileURL != nil {
		t.Errorf("%+v", first)
	}
	body := `{"connectionId": "` + string(p.connection.ID) + `"}`
	for _, again := range []struct{ key, body string }{{"", ""}, {"", body}, {"k-1", body}, {"k-1", body}} {
		var got pushed
		p.accepted("push/"+string(id), again.key, again.body, &got)
		if got.ID != first.ID {
			t.Errorf("%+v made another push", again)
		}
	}
	if n := p.tasks.count(core.TaskPush); n != 1 {
		t.Errorf("%d tasks", n)
	}
	var health struct {
		Connections []struct {
			Pushes struct{ Pending, Failed int } `json:"pushes"`
		} `json:"connections"`
	}
	p.get("health", &health)
	if got := health.Connections[0].Pushes; got.Pending != 1 || got.Failed != 0 {
		t.Errorf("the health counts %+v", got)
	}
}

func TestPushRefusesBadInput(t *testing.T) {
	t.Parallel()
	p := newPusher(t)
	id, unmapped := p.scored(p.job.ID), p.scored("")
	p.accepted("push/"+string(p.scored(p.job.ID)), "used", "", &pushed{})
	open, err := p.assessments.Create(t.Context(), p.admin, core.NewOrder{
		TestID: p.test.ID, JobID: p.job.ID, Candidate: core.Candidate{FirstName: "Zoë", Email: "zoe@example.com"},
	}, core.Key{})
	p.ok(err)
	before := p.tasks.count(core.TaskPush)
	for name, c := range map[string]struct {
		id        core.ID
		key, body string
		token     core.Secret
		status    int
		field     string
	}{
		"an unknown assessment":     {core.NewID(core.PrefixAssessment), "", "", p.token, 404, ""},
		"no assessment's id":        {p.connection.ID, "", "", p.token, 404, ""},
		"no result yet":             {open.ID, "", "", p.token, 409, "assessmentId"},
		"a job that is not mapped":  {unmapped, "", "", p.token, 409, "assessmentId"},
		"a key of another request":  {id, "used", "", p.token, 409, "idempotencyKey"},
		"a key that is too long":    {id, strings.Repeat("k", 201), "", p.token, 422, "idempotencyKey"},
		"an unknown connection":     {id, "", `{"connectionId": "` + string(core.NewID(core.PrefixConnection)) + `"}`, p.token, 404, "connectionId"},
		"no connection's id":        {id, "", `{"connectionId": "greenhouse"}`, p.token, 422, "connectionId"},
		"an unknown field":          {id, "", `{"connection": "x"}`, p.token, 422, ""},
		"a number":                  {id, "", `{"connectionId": 7}`, p.token, 422, ""},
		"two objects":               {id, "", `{}{}`, p.token, 422, ""},
		"no JSON":                   {id, "", `connectionId=x`, p.token, 422, ""},
		"too much":                  {id, "", `{"connectionId": "` + strings.Repeat("x", 1<<20) + `"}`, p.token, 413, ""},
		"a viewer":                  {id, "", "", p.newToken(p.admin, core.RoleViewer), 403, ""},
		"an approver":               {id, "", "", p.newToken(p.admin, core.RoleApprover), 403, ""},
		"another company's program": {id, "", "", p.newToken(p.organization(), core.RoleAdmin), 422, "connectionId"},
	} {
		w := p.post("push/"+string(c.id), c.key, c.body, c.token)
		field := ""
		if f := fieldsOf(t, w); len(f) > 0 {
			field = f[0]
		}
		if w.Code != c.status || field != c.field {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	if after := p.tasks.count(core.TaskPush); after != before {
		t.Errorf("%d pushes were requested all the same", after-before)
	}
}

// fieldsOf are the fields that an error names.
func fieldsOf(t *testing.T, w *httptest.ResponseRecorder) []string {
	t.Helper()
	var got struct {
		Errors []struct {
			Field string `json:"field"`
		} `json:"errors"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	var fields []string
	for _, e := range got.Errors {
		fields = append(fields, e.Field)
	}
	return fields
}

func TestRetryByREST(t *testing.T) {
	t.Parallel()
	p := newPusher(t)
	var first pushed
	p.accepted("push/"+string(p.scored(p.job.ID)), "", "", &first)
	p.ok(p.store.Atomically(t.Context(), func(tx core.Tx) error {
		locked, err := tx.LockPush(t.Context(), p.admin.OrganizationID, first.ID)
		if err != nil {
			return err
		}
		locked.State = core.PushFailed
		return tx.UpdatePush(t.Context(), locked)
	}))
	ofPush := p.entry(func(e *core.SyncEntry) { e.Operation, e.Outcome, e.PushID = "push", core.SyncFailed, first.ID })
	var got struct {
		Push       *pushed `json:"push"`
		Assessment *struct {
			ID       core.ID `json:"id"`
			Delivery struct{ State core.DeliveryState }
		} `json:"assessment"`
	}
	p.accepted("sync-log/"+string(ofPush)+"/retry", "", "", &got)
	if got.Push == nil || got.Push.ID != first.ID || got.Push.State != core.PushPending || got.Assessment != nil || p.tasks.count(core.TaskPush) != 2 {
		t.Errorf("%+v", got)
	}

	placed, err := p.assessments.Place(t.Context(), p.connection, &ats.PlaceOrder{
		Items: []ats.OrderItem{{Key: "o-1", TestID: string(p.test.ID)}}, Order: ats.Order{CallbackURL: "https://ats.example.com/1"},
		Candidate: ats.CandidateRecord{ExternalID: "17", FirstName: "Ada", Email: "ada@example.com"},
	})
	p.ok(err)
	ordered := core.ID(placed.AssessmentIDs[0])
	p.score(ordered)
	ofDelivery := p.entry(func(e *core.SyncEntry) { e.Outcome, e.AssessmentID = core.SyncFailed, ordered })
	p.accepted("sync-log/"+string(ofDelivery)+"/retry", "", "", &got)
	if got.Push != nil || got.Assessment == nil || got.Assessment.ID != ordered || got.Assessment.Delivery.State != core.DeliveryPending ||
		p.tasks.count(core.TaskDeliverResult) != 2 {
		t.Errorf("%+v", got)
	}

	stranger := p.newToken(p.organization(), core.RoleAdmin)
	inbound := p.entry(func(e *core.SyncEntry) { e.Operation = "send-test" })
	elsewhere := p.entry(func(e *core.SyncEntry) { e.Adapter, e.PushID = "lever", first.ID })
	for name, c := range map[string]struct {
		id    core.ID
		token core.Secret
		code  fault.Code
	}{
		"nothing to retry":       {inbound, p.token, fault.Conflict},
		"unknown":                {core.NewID(core.PrefixSyncEntry), p.token, fault.NotFound},
		"of another adapter":     {elsewhere, p.token, fault.NotFound},
		"no entry's id":          {first.ID, p.token, fault.NotFound},
		"of another company":     {ofPush, stranger, fault.NotFound},
		"a viewer may not":       {ofPush, p.newToken(p.admin, core.RoleViewer), fault.Forbidden},
		"nobody without a token": {ofPush, "", fault.Unauthenticated},
	} {
		if w := p.post("sync-log/"+string(c.id)+"/retry", "", "", c.token); !strings.Contains(w.Body.String(), `"code":"`+string(c.code)+`"`) {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
}
