package graph_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/coretest"
	"github.com/trellis-ats/trellis/core/fault"
)

// paper prints reports for tests.
type paper struct{}

func (paper) PDF(context.Context, *core.ReportSheet) ([]byte, error) { return []byte("%PDF"), nil }

// push keeps a push that stopped with a question, and what the sync log has of
// it. All its texts are the word.
func (w *world) push(t *testing.T, a *core.Assessment, connection core.ID, word string) core.ID {
	t.Helper()
	now := w.clock.Now()
	p := &core.Push{
		ID: core.NewID(core.PrefixPush), OrganizationID: a.OrganizationID, ConnectionID: connection, AssessmentID: a.ID,
		CandidateID: a.CandidateID, JobID: a.JobID, Revision: 1, State: core.PushNeedsAttention, Trigger: core.PushManual,
		RequestedBy: word, Round: 1, Attempts: 1, FaultCode: fault.Conflict, Message: word, Advice: word, ProfileURL: "https://ats.example.com/" + word,
		Question:    core.PushQuestion{Kind: core.QuestionSeveralMatches, Choices: []core.PushChoice{{CandidateID: word}}},
		Steps:       []core.PushStep{{Kind: core.StepFind, State: core.StepDone, Reference: word, Message: word, DoneAt: now}},
		RequestedAt: now, StartedAt: now, UpdatedAt: now,
	}
	e := &core.SyncEntry{
		ID: core.NewID(core.PrefixSyncEntry), OrganizationID: a.OrganizationID, ConnectionID: connection, AssessmentID: a.ID, PushID: p.ID,
		Adapter: coretest.AdapterName, Direction: core.DirectionOutbound, Operation: "push", Outcome: core.SyncFailed, Message: word, Advice: word,
		Steps: p.Steps, Attempt: 1, StartedAt: now,
	}
	check(t, w.store.Atomically(t.Context(), func(tx core.Tx) error {
		if _, err := tx.InsertPush(t.Context(), p); err != nil {
			return err
		}
		return tx.InsertSyncEntry(t.Context(), e)
	}))
	w.names["pushEntry"] = string(e.ID)
	return p.ID
}

// runPushes carries out the pushes that were asked for, as the engine of tasks
// does. It turns the clock.
func (w *world) runPushes(t *testing.T) {
	t.Helper()
	for n := 0; ; n++ {
		task, ok := w.tasks.pop(core.TaskPush)
		if !ok {
			return
		}
		if n > 100 {
			t.Fatal("the pushes do not end")
		}
		err := w.core.Pushes.Run(t.Context(), task, core.Attempt{Number: 1})
		var postponed *core.Postponed
		if errors.As(err, &postponed) {
			w.clock.Turn(postponed.For)
			err = w.tasks.InsertTask(t.Context(), nil, task)
		}
		check(t, err)
	}
}

func (r *recorder) pop(kind core.TaskKind) (core.Task, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, task := range r.tasks {
		if task.Kind == kind {
			r.tasks = append(r.tasks[:i:i], r.tasks[i+1:]...)
			return task, true
		}
	}
	return core.Task{}, false
}

// pushable adds a scored assessment for a job, ordered through our own API.
func (w *world) pushable(t *testing.T, job string) core.ID {
	t.Helper()
	by := core.SystemActor(core.ID(w.names["organization"]))
	a, err := w.core.Assessments.Create(t.Context(), by, core.NewOrder{
		TestID: core.ID(w.names["test"]), JobID: core.ID(job), Candidate: core.Candidate{FirstName: "Zoe", LastName: "Example", Email: "zoe@example.com"},
	}, core.Key{})
	check(t, err)
	w.completed(t, a.ID, 80)
	return a.ID
}

// pushWorld is a world whose ATS takes candidates, for whose job "pushable" is
// scored. "asking" is a push that stopped with a question.
func pushWorld(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.adapters.Whole = w.ats
	w.pushed(t, core.ID(w.names["connection"]), core.ID(w.names["job"]))
	w.names["pushable"], w.names["jobless"] = string(w.pushable(t, w.names["job"])), string(w.pushable(t, ""))
	asking, err := w.core.Assessments.Get(t.Context(), core.SystemActor(core.ID(w.names["organization"])), w.pushable(t, w.names["job"]))
	check(t, err)
	w.names["asking"] = string(w.push(t, asking, core.ID(w.names["connection"]), "twin"))
	return w
}

// wrong is a mutation that is refused, or a push that stops, before anything is
// written to the ATS.
type wrong struct {
	before func(t *testing.T, w *world)
	name   string
	input  string
	want   string // "CODE field: a part of the message"; of a push that stopped "STATE CODE: a part of the message and the advice"
	runs   bool   // the push is taken and stops
}

func wrongs() map[string]wrong {
	const connection, push = `connectionId: "${connection}"`, `connectionId: "${connection}", assessmentId: "${pushable}"`
	return map[string]wrong{
		"threshold 101":     {nil, "setPushRule", connection + `, mode: ON_THRESHOLD, minimum: 101`, "INVALID minimum: from 0 to 100", false},
		"overlapping bands": {nil, "updateScorecardMapping", connection + `, bands: {strongYes: 80, yes: 85, mixed: 40, no: 20}`, "INVALID bands.yes: below", false},
		"stage of another job": {
			nil, "mapJob", connection + `, jobId: "${job}", externalJobId: "job-1", externalStageId: "job-2-stage-1"`,
			"INVALID externalStageId: no stage of the job", false,
		},
		"acting user without rights": {nil, "setActingUser", connection + `, userId: "user-2"`, "INVALID userId: site admin", false},
		"acting user who lost them":  {loseRight, "pushAssessment", push, "NEEDS_ATTENTION PERMISSION: Grant harvest:candidates:create", true},
		"no job":                     {nil, "pushAssessment", connection + `, assessmentId: "${jobless}"`, "CONFLICT assessmentId: Assign a job that is mapped", false},
		"unmapped job":               {unmap, "pushAssessment", push, "CONFLICT assessmentId: Map the job on this connection", false},
		"unmapped while it stood":    {unmap, "retryPush", `pushId: "${asking}"`, "CONFLICT pushId: Map the job on this connection", false},
		"revoked secret":             {guard, "connectCredentials", connection + `, clientId: "c", clientSecret: "revoked"`, "INVALID clientSecret: ", false},
		"secret that was revoked":    {revoke, "pushAssessment", push, "NEEDS_ATTENTION AUTH: Connect the ATS anew", true},
		"switched off":               {switchOff, "pushAssessment", push, "INVALID connectionId: switched off", false},
		"another's connection":       {nil, "pushAssessment", `connectionId: "con_00000000000000000000000000", assessmentId: "${pushable}"`, "NOT_FOUND connectionId: ", false},
		"another's assessment":       {nil, "pushAssessment", connection + `, assessmentId: "asm_00000000000000000000000000"`, "NOT_FOUND assessmentId: ", false},
		"no assessments":             {nil, "pushAssessments", `assessmentIds: []`, "INVALID assessmentIds: 1 to 200", false},
		"no answer":                  {nil, "resolvePush", `pushId: "${asking}", resolution: {}`, "INVALID resolution: exactly one", false},
		"two answers":                {nil, "resolvePush", `pushId: "${asking}", resolution: {createNew: true, applyAgain: true}`, "INVALID resolution: exactly one", false},
		"somebody else":              {nil, "resolvePush", `pushId: "${asking}", resolution: {candidateExternalId: "9"}`, "INVALID resolution.candidateExternalId: none of those who match", false},
	}
}

// logged reports whether a table tells of an attempt that failed.
func (c wrong) logged(table string, _ []string) bool {
	return c.name == "connectCredentials" && (table == "sync_log" || table == "events")
}

func loseRight(_ *testing.T, w *world) {
	w.ats.OnCall(func(_ context.Context, op coretest.Operation, m coretest.Moment) error {
		if op == coretest.OpCreate && m == coretest.BeforeCommit {
			return &fault.Error{Code: fault.Permission, Message: "The acting user may not create candidates.", Missing: []string{"harvest:candidates:create"}}
		}
		return nil
	})
}

func unmap(t *testing.T, w *world) {
	t.Helper()
	by := core.SystemActor(core.ID(w.names["organization"]))
	_, err := w.core.JobMappings.Unmap(t.Context(), by, core.ID(w.names["connection"]), core.ID(w.names["job"]))
	check(t, err)
}

// guard lets nobody in but with the secret "s".
func guard(_ *testing.T, w *world) {
	w.ats.Guarded = true
	w.adapters.Whole = &coretest.Asking{ATS: w.ats, Secret: "s"}
}

// revoke connects, and then the credential ends at the ATS.
func revoke(t *testing.T, w *world) {
	t.Helper()
	guard(t, w)
	body := w.ask(t, "ADMIN", w.expand(t, `mutation { connectCredentials(input: {connectionId: "${connection}", clientId: "c", clientSecret: "s"}) { userErrors { code } } }`), nil)
	if got := refusal(body); got != "" {
		t.Fatal(body)
	}
	w.ats.Revoke()
}

func switchOff(t *testing.T, w *world) {
	t.Helper()
	off := true
	_, err := w.core.Connections.Update(t.Context(), core.SystemActor(core.ID(w.names["organization"])), core.ID(w.names["connection"]), core.ConnectionUpdate{Disabled: &off})
	check(t, err)
}

func TestWhatIsWrongIsToldAndNothingIsSent(t *testing.T) {
	t.Parallel()
	for name, c := range wrongs() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := pushWorld(t)
			if c.before != nil {
				c.before(t, w)
			}
			w.ask(t, "ADMIN", `{ viewer { name } }`, nil) // notes that the token is used
			before := w.dump(t)
			body := w.ask(t, "ADMIN", w.expand(t, "mutation { "+c.name+"(input: {"+c.input+"}) { userErrors { code field message } } }"), nil)
			got := told(body)
			if c.runs {
				w.runPushes(t)
				got = w.stopped(t)
			} else if diff := cmp.Diff(before, w.dump(t), cmpopts.IgnoreMapEntries(c.logged)); diff != "" {
				t.Errorf("something was changed (-before +after):\n%s", diff)
			}
			code, part, _ := strings.Cut(c.want, ": ")
			if !strings.HasPrefix(got, code+": ") || !strings.Contains(got, part) {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if written := w.ats.Tally(); written != (coretest.Tally{}) {
				t.Errorf("the ATS has %+v", written)
			}
		})
	}
}

// told is the first user error: "CODE field: message".
func told(body map[string]any) string {
	for _, payload := range body["data"].(map[string]any) {
		for _, e := range payload.(map[string]any)["userErrors"].([]any) {
			e := e.(map[string]any)
			return fmt.Sprintf("%s %v: %s", e["code"], e["field"], e["message"])
		}
	}
	return fmt.Sprint(body)
}

// stopped is how the newest push stands: "STATE CODE: message advice".
func (w *world) stopped(t *testing.T) string {
	t.Helper()
	body := w.ask(t, "RECRUITER", `{ pushes(first: 1) { nodes { state faultCode message advice } } }`, nil)
	p := body["data"].(map[string]any)["pushes"].(map[string]any)["nodes"].([]any)[0].(map[string]any)
	return fmt.Sprintf("%s %v: %v %v", p["state"], p["faultCode"], p["message"], p["advice"])
}

// question is what stops a push, the answer to it and what the ATS has in the end.
type question struct {
	arrange func(t *testing.T, a *coretest.ATS)
	kind    string
	answer  string // "CHOICE" stands for the first choice's id
	want    coretest.Tally
}

func questions() map[string]question {
	twins := func(_ *testing.T, a *coretest.ATS) {
		for range 2 {
			a.AddPerson(coretest.Person{Record: ats.CandidateRecord{Email: "zoe@example.com"}})
		}
	}
	rejected := func(t *testing.T, a *coretest.ATS) {
		t.Helper()
		id, err := a.AddApplication(a.AddPerson(coretest.Person{Record: ats.CandidateRecord{Email: "zoe@example.com"}}), "job-1")
		check(t, err)
		_, err = a.Reject(t.Context(), &ats.RejectRequest{ApplicationID: id, Reason: "reason-1"})
		check(t, err)
	}
	closed := func(_ *testing.T, a *coretest.ATS) { a.CloseJob("job-1") }
	tally := func(people, applications int) coretest.Tally {
		return coretest.Tally{People: people, Applications: applications, Notes: 1, Attachments: 1, Tags: 1}
	}
	return map[string]question{
		"one of two":         {twins, "SEVERAL_MATCHES", `candidateExternalId: "CHOICE"`, tally(2, 1)},
		"neither of two":     {twins, "SEVERAL_MATCHES", `createNew: true`, tally(3, 1)},
		"rejected, again":    {rejected, "CLOSED_APPLICATION", `applyAgain: true`, tally(1, 2)},
		"rejected, as it is": {rejected, "CLOSED_APPLICATION", `feedbackOnly: true`, tally(1, 1)},
		"a closed job":       {closed, "CLOSED_JOB", `withoutApplication: true`, tally(1, 0)},
	}
}

func TestAPushAsksAndGoesOnWithTheAnswer(t *testing.T) {
	t.Parallel()
	for name, c := range questions() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := pushWorld(t)
			c.arrange(t, w.ats)
			w.ask(t, "RECRUITER", w.expand(t, `mutation { pushAssessment(input: {assessmentId: "${pushable}"}) { push { id } } }`), nil)
			w.runPushes(t)
			body := w.ask(t, "RECRUITER", w.expand(t, `{ assessment(id: "${pushable}") { lastPush { id state advice question { kind choices { candidateExternalId applicationExternalId profileUrl } } } } }`), nil)
			push := body["data"].(map[string]any)["assessment"].(map[string]any)["lastPush"].(map[string]any)
			asked, _ := push["question"].(map[string]any)
			if push["state"] != "NEEDS_ATTENTION" || asked["kind"] != c.kind || push["advice"] == nil {
				t.Fatal(push)
			}
			if choices := asked["choices"].([]any); len(choices) > 0 {
				c.answer = strings.Replace(c.answer, "CHOICE", fmt.Sprint(choices[0].(map[string]any)["candidateExternalId"]), 1)
			}
			answered := w.ask(t, "RECRUITER", fmt.Sprintf(`mutation { resolvePush(input: {pushId: %q, resolution: {%s}}) { userErrors { code field } } }`, push["id"], c.answer), nil)
			w.runPushes(t)
			if got := w.stopped(t); refusal(answered) != "" || !strings.HasPrefix(got, "DONE") {
				t.Errorf("%v: %s", answered, got)
			}
			if got := w.ats.Tally(); got != c.want {
				t.Errorf("the ATS has %+v, want %+v", got, c.want)
			}
			w.tells(t, "push.requested", "push.needs_attention", "push.resolved", "push.done")
		})
	}
}

// tells asserts what subscribers are told of the push.
func (w *world) tells(t *testing.T, types ...string) {
	t.Helper()
	w.number(t)
	query := fmt.Sprintf(`subscription { %%s(after: "${zero}", filter: {types: ["%s"], %%s: "${pushable}"}) { event { type } } }`, strings.Join(types, `", "`))
	for field, about := range map[string]string{"events": "subjectId", "assessmentChanged": "assessmentId"} {
		messages := w.subscribe(t, "RECRUITER", w.expand(t, fmt.Sprintf(query, field, about)), len(types))
		if len(messages) != len(types) {
			t.Fatalf("%s: %d messages, want %d", field, len(messages), len(types))
		}
		for i, m := range messages {
			if want := "map[data:map[" + field + ":map[event:map[type:" + types[i] + "]]]]"; fmt.Sprint(m) != want {
				t.Errorf("%v, want %s", m, want)
			}
		}
	}
}

// What a person mended is tried again from the sync log, and the steps with a
// receipt are not.
func TestARetryGoesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	w := pushWorld(t)
	w.ats.FailOnce(coretest.OpAddNote, coretest.BeforeCommit, fault.New(fault.Permission, "The acting user may not add notes."))
	w.ask(t, "RECRUITER", w.expand(t, `mutation { pushAssessment(input: {assessmentId: "${pushable}"}) { push { id } } }`), nil)
	w.runPushes(t)
	if got := w.stopped(t); !strings.HasPrefix(got, "NEEDS_ATTENTION PERMISSION: ") {
		t.Fatal(got)
	}
	body := w.ask(t, "RECRUITER", w.expand(t, `{ assessment(id: "${pushable}") { lastSyncEntry { id outcome faultCode advice steps { kind state } } } }`), nil)
	entry := body["data"].(map[string]any)["assessment"].(map[string]any)["lastSyncEntry"].(map[string]any)
	if text := fmt.Sprint(entry); entry["outcome"] != "FAILED" || entry["faultCode"] != "PERMISSION" || entry["advice"] == nil || !strings.Contains(text, "kind:ATTACH state:DONE") {
		t.Error(text)
	}
	w.names["mended"] = entry["id"].(string)
	w.number(t)
	told := w.subscribe(t, "RECRUITER", w.expand(t, `subscription { syncLogAppended(after: "${zero}", filter: {assessmentId: "${pushable}"}) { entry { id outcome } } }`), 2)
	for _, m := range told { // as it began, and as it ended
		if want := "entry:map[id:" + w.names["mended"] + " outcome:FAILED]"; !strings.Contains(fmt.Sprint(m), want) {
			t.Errorf("%v, want %s", m, want)
		}
	}
	body = w.ask(t, "RECRUITER", w.expand(t, `mutation { retrySync(input: {syncEntryId: "${mended}"}) { push { state } assessment { id } userErrors { message } } }`), nil)
	if got := fmt.Sprint(body); got != "map[data:map[retrySync:map[assessment:<nil> push:map[state:PENDING] userErrors:[]]]]" {
		t.Error(got)
	}
	w.runPushes(t)
	if got := w.stopped(t); !strings.HasPrefix(got, "DONE") {
		t.Error(got)
	}
	if got, want := w.ats.Tally(), (coretest.Tally{People: 1, Applications: 1, Notes: 1, Attachments: 1, Tags: 1}); got != want {
		t.Errorf("the ATS has %+v, want %+v", got, want)
	}
}

func TestADeliveryIsRetriedFromTheSyncLog(t *testing.T) {
	t.Parallel()
	w := rich(t)
	e := &core.SyncEntry{
		ID: core.NewID(core.PrefixSyncEntry), OrganizationID: core.ID(w.names["organization"]), ConnectionID: core.ID(w.names["connection"]),
		AssessmentID: core.ID(w.names["ordered"]), Adapter: coretest.AdapterName, Direction: core.DirectionOutbound,
		Operation: "deliver-result", Outcome: core.SyncFailed, Attempt: 1, StartedAt: w.clock.Now(),
	}
	check(t, w.store.Atomically(t.Context(), func(tx core.Tx) error { return tx.InsertSyncEntry(t.Context(), e) }))
	if _, first := w.tasks.pop(core.TaskDeliverResult); !first {
		t.Fatal("the result was not to be delivered")
	}
	if _, more := w.tasks.pop(core.TaskDeliverResult); more {
		t.Fatal("it was to be delivered twice")
	}
	query := fmt.Sprintf(`mutation { retrySync(input: {syncEntryId: %q}) { push { id } assessment { id delivery { state } } userErrors { message } } }`, e.ID)
	got := fmt.Sprint(w.ask(t, "RECRUITER", query, nil))
	want := w.expand(t, "map[data:map[retrySync:map[assessment:map[delivery:map[state:PENDING] id:${ordered}] push:<nil> userErrors:[]]]]")
	if _, set := w.tasks.pop(core.TaskDeliverResult); got != want || !set {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
