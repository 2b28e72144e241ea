package core_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/coretest"
	"github.com/trellis-ats/trellis/core/fault"
)

// started asks for a push and drives it until it stands still.
func (w *pushWorld) started(email string) *core.Push {
	w.t.Helper()
	p := w.ask(w.scored(email, w.job.ID, 70))
	w.drive()
	return w.now(p.ID)
}

func (w *pushWorld) stopped(p *core.Push, q core.QuestionKind) {
	w.t.Helper()
	if p.State != core.PushNeedsAttention || p.Question.Kind != q || p.Message == "" || p.Advice == "" {
		w.t.Fatalf("%s, question %q: %q, %q", p.State, p.Question.Kind, p.Message, p.Advice)
	}
}

func (w *pushWorld) resolve(p *core.Push, r core.PushResolution) *core.Push {
	w.t.Helper()
	_, err := w.pushes.Resolve(w.t.Context(), w.admin, p.ID, r)
	w.ok(err)
	w.drive()
	return w.expect(p.ID, core.PushDone)
}

// twins puts two people of one address into the ATS.
func (w *pushWorld) twins() (older, newer string) {
	record := ats.CandidateRecord{Email: "ada@example.com"}
	return w.system.AddPerson(coretest.Person{Record: record}), w.system.AddPerson(coretest.Person{Record: record})
}

// Somebody who is in the ATS already is not made again.
func TestAPushMatchesWhoIsThere(t *testing.T) {
	t.Parallel()
	w := newPushWorld(t)
	id := w.system.AddPerson(coretest.Person{Record: ats.CandidateRecord{Email: "ADA@example.com"}})
	p := w.started("ada@example.com")
	if s := step(p, core.StepCreate); s.Reference != id || !s.Existed || p.ExternalCandidateID != id {
		t.Errorf("%+v", s)
	}
	w.one()
	again := w.started("ada@example.com")
	if s := step(again, core.StepApply); s.Reference != p.ExternalApplicationID || !s.Existed {
		t.Errorf("the application was not adopted: %+v", s)
	}
}

func TestSeveralMatches(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		policy core.MatchPolicy
		answer func(older, newer string) core.PushResolution
		want   func(older, newer string) string
		people int
	}{
		"newest":  {core.MatchesNewest, nil, func(_, newer string) string { return newer }, 2},
		"chosen":  {core.MatchesAsk, func(older, _ string) core.PushResolution { return core.PushResolution{CandidateID: older} }, func(older, _ string) string { return older }, 2},
		"neither": {core.MatchesAsk, func(_, _ string) core.PushResolution { return core.PushResolution{CreateNew: true} }, func(_, _ string) string { return "" }, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newPushWorld(t)
			older, newer := w.twins()
			w.profile(func(p *core.PushProfile) { p.Policies.SeveralMatches = c.policy })
			p := w.started("ada@example.com")
			if c.answer != nil {
				w.stopped(p, core.QuestionSeveralMatches)
				if len(p.Question.Choices) != 2 || w.system.Tally().Applications != 0 {
					t.Errorf("asked %+v", p.Question)
				}
				_, err := w.pushes.Resolve(t.Context(), w.admin, p.ID, core.PushResolution{CandidateID: "999"})
				w.refused(err, fault.Invalid)
				p = w.resolve(p, c.answer(older, newer))
			}
			if want := c.want(older, newer); want != "" && p.ExternalCandidateID != want {
				t.Errorf("took %s", p.ExternalCandidateID)
			}
			if got := w.system.Tally(); got.People != c.people || got.Applications != 1 || got.Notes != 1 {
				t.Errorf("the ATS has %+v", got)
			}
		})
	}
}

// Whoever is made although others match is made once, even if the ATS does not
// answer and a person retries.
func TestANewCandidateAmongMatchesIsMadeOnce(t *testing.T) {
	t.Parallel()
	for _, m := range []coretest.Moment{coretest.BeforeCommit, coretest.AfterCommit} {
		w := newPushWorld(t)
		older, newer := w.twins()
		p := w.started("ada@example.com")
		w.stopped(p, core.QuestionSeveralMatches)
		_, err := w.pushes.Resolve(t.Context(), w.admin, p.ID, core.PushResolution{ApplyAgain: true})
		w.refused(err, fault.Invalid) // it was not asked
		w.failOnce(coretest.OpCreate, m, fault.OutcomeUnknown)
		_, err = w.pushes.Resolve(t.Context(), w.admin, p.ID, core.PushResolution{CreateNew: true})
		w.ok(err)
		w.drive()
		if m == coretest.BeforeCommit {
			w.expect(p.ID, core.PushNeedsAttention)
			w.finish(p.ID)
		}
		p = w.expect(p.ID, core.PushDone)
		if got := w.system.Tally(); got.People != 3 || got.Applications != 1 || p.ExternalCandidateID == older || p.ExternalCandidateID == newer {
			t.Errorf("%s: %s, and the ATS has %+v", m, p.ExternalCandidateID, got)
		}
	}
}

// What stops before a run begins is in the sync log, where people look for it.
func (w *pushWorld) logged(p *core.Push) {
	w.t.Helper()
	log, err := w.store.SyncLog(w.t.Context(), w.admin.OrganizationID, core.SyncFilter{PushID: p.ID}, core.Page{First: 9})
	w.ok(err)
	if len(log.Items) == 0 || log.Items[0].Outcome != core.SyncFailed || log.Items[0].Message != p.Message || log.Items[0].Advice != p.Advice {
		w.t.Errorf("the sync log has %+v", log.Items)
	}
}

func TestASwitchedOffConnectionStopsAPush(t *testing.T) {
	t.Parallel()
	w := newPushWorld(t)
	p := w.ask(w.scored("ada@example.com", w.job.ID, 70))
	off := true
	_, err := w.connections.Update(t.Context(), w.admin, w.connection.ID, core.ConnectionUpdate{Disabled: &off})
	w.ok(err)
	w.drive()
	w.logged(w.expect(p.ID, core.PushNeedsAttention))
	off = false
	_, err = w.connections.Update(t.Context(), w.admin, w.connection.ID, core.ConnectionUpdate{Disabled: &off})
	w.ok(err)
	w.finish(p.ID)
	w.one()
}

// What stopped because we were let in no more goes on once somebody connected
// anew; what stopped for another reason does not.
func TestPushesGoOnAfterConnectingAnew(t *testing.T) {
	t.Parallel()
	w := newPushWorld(t)
	refused := fault.New(fault.Auth, "The ATS does not know the token.")
	other := fault.New(fault.Permission, "Notes may not be added.")
	w.system.OnCall(func(_ context.Context, op coretest.Operation, _ coretest.Moment) error {
		if op == coretest.OpAddNote {
			return refused
		}
		return nil
	})
	p := w.started("ada@example.com")
	w.expect(p.ID, core.PushNeedsAttention)
	w.system.OnCall(nil)
	w.system.FailOnce(coretest.OpAddNote, coretest.BeforeCommit, other)
	q := w.started("bob@example.com")
	w.expect(q.ID, core.PushNeedsAttention)
	w.ok(w.pushes.ResumeRefused(t.Context(), core.Task{OrganizationID: w.admin.OrganizationID, SubjectID: w.connection.ID}, core.Attempt{}))
	w.drive()
	w.expect(p.ID, core.PushDone)
	w.expect(q.ID, core.PushNeedsAttention)
	again, err := w.pushes.PushMany(t.Context(), w.admin, []core.ID{p.AssessmentID, q.AssessmentID}, w.connection.ID)
	w.ok(err)
	w.drive()
	w.expect(q.ID, core.PushDone)
	if again[0].Push.ID != p.ID || again[1].Push.ID != q.ID || w.system.Tally().Notes != 2 {
		t.Errorf("pushed again: %+v, %+v", again, w.system.Tally())
	}
}

// A push that waits for an answer is not begun by asking for it again.
func TestAPushThatAsksIsNotBegunAgain(t *testing.T) {
	t.Parallel()
	w := newPushWorld(t)
	w.twins()
	p := w.started("ada@example.com")
	w.stopped(p, core.QuestionSeveralMatches)
	estimate, err := w.pushes.Estimate(t.Context(), w.admin, []core.ID{p.AssessmentID, p.AssessmentID}, w.connection.ID)
	w.ok(err)
	if len(estimate.Refused) != 1 || estimate.Refused[0].Err.Kind != "ASKS" {
		t.Errorf("foreseen: %+v", estimate)
	}
	w.stopped(w.ask(p.AssessmentID), core.QuestionSeveralMatches)
}

// An older result can be pushed after all once the newer push was cancelled.
func TestACancelledNewerPushSupersedesNothing(t *testing.T) {
	t.Parallel()
	w := newPushWorld(t)
	id := w.scored("ada@example.com", w.job.ID, 70)
	first := w.ask(id)
	_, err := w.complete(id, 80)
	w.ok(err)
	second := w.ask(id)
	_, err = w.pushes.Cancel(t.Context(), w.admin, second.ID)
	w.ok(err)
	w.drive()
	w.expect(first.ID, core.PushDone)
	w.expect(second.ID, core.PushCancelled)
}

func TestAnEndedApplication(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		policy       core.ApplicationPolicy
		answer       *core.PushResolution
		applications int
	}{
		"again by policy":     {core.ApplicationApplyAgain, nil, 2},
		"feedback by policy":  {core.ApplicationFeedbackOnly, nil, 1},
		"again by a person":   {core.ApplicationAsk, &core.PushResolution{ApplyAgain: true}, 2},
		"feedback by person ": {core.ApplicationAsk, &core.PushResolution{FeedbackOnly: true}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newPushWorld(t)
			w.profile(func(p *core.PushProfile) { p.Policies.ClosedApplication = c.policy })
			first := w.started("ada@example.com")
			_, err := w.system.Reject(t.Context(), &ats.RejectRequest{ApplicationID: first.ExternalApplicationID, Reason: "reason-1"})
			w.ok(err)
			p := w.started("ada@example.com")
			if c.answer != nil {
				w.stopped(p, core.QuestionClosedApplication)
				p = w.resolve(p, *c.answer)
			}
			if got := w.system.Tally(); got.People != 1 || got.Applications != c.applications || got.Notes != 2 {
				t.Errorf("the ATS has %+v", got)
			}
			if same := p.ExternalApplicationID == first.ExternalApplicationID; same != (c.applications == 1) {
				t.Errorf("it wrote to %s", p.ExternalApplicationID)
			}
		})
	}
}

func TestAClosedJob(t *testing.T) {
	t.Parallel()
	for name, known := range map[string]bool{"new person": false, "known person": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newPushWorld(t)
			if known {
				w.system.AddPerson(coretest.Person{Record: ats.CandidateRecord{Email: "ada@example.com"}})
			}
			w.system.CloseJob("job-1")
			p := w.started("ada@example.com")
			w.stopped(p, core.QuestionClosedJob)
			p = w.resolve(p, core.PushResolution{WithoutApplication: true})
			if got := w.system.Tally(); got.People != 1 || got.Applications != 0 || got.Notes != 1 || p.ExternalApplicationID != "" {
				t.Errorf("the ATS has %+v", got)
			}
			w.profile(func(p *core.PushProfile) { p.Policies.ClosedJob = core.JobWithoutApplication })
			if p := w.started("bob@example.com"); p.State != core.PushDone || step(p, core.StepApply).State != core.StepSkipped {
				t.Errorf("by policy: %s, %+v", p.State, p.Steps)
			}
		})
	}
}

// An automatic push of a job that is not mapped is kept; by hand it is refused.
func TestAnUnmappedJob(t *testing.T) {
	t.Parallel()
	w := newPushWorld(t)
	unmapped, err := w.jobs.Create(t.Context(), w.admin, core.Job{Name: "Support"}, core.Key{})
	w.ok(err)
	id := w.scored("ada@example.com", unmapped.ID, 70)
	_, err = w.pushes.Push(t.Context(), w.admin, core.PushRequest{AssessmentID: id}, core.Key{})
	w.refused(err, fault.Conflict)
	if f := fault.From(err); f.Kind != "JOB_NOT_MAPPED" || f.Fields[0].Path != "assessmentId" {
		t.Errorf("%+v", f)
	}
	p := w.requested(id, core.PushOnComplete)
	w.drive()
	if p = w.expect(p.ID, core.PushNeedsAttention); p.Advice != "Map the job on this connection, then retry." {
		t.Errorf("advice %q", p.Advice)
	}
	w.logged(p)
	_, err = w.pushes.Retry(t.Context(), w.admin, p.ID)
	w.refused(err, fault.Conflict)
	w.mapJob(unmapped.ID, "job-2")
	_, err = w.pushes.Retry(t.Context(), w.admin, p.ID)
	w.ok(err)
	w.drive()
	w.expect(p.ID, core.PushDone)
	w.one()
}

// A missing right stops the push before anything further is sent, and is named.
func TestAMissingRightStopsAPush(t *testing.T) {
	t.Parallel()
	w := newPushWorld(t)
	denied := fault.New(fault.Permission, "The ATS does not allow it.")
	denied.Missing = []string{"candidates:create"}
	w.system.FailOnce(coretest.OpCreate, coretest.BeforeCommit, denied)
	p := w.started("ada@example.com")
	if p.State != core.PushNeedsAttention || p.Advice != "Grant candidates:create in the ATS, then retry." || w.system.Tally().People != 0 {
		t.Errorf("%s: %q", p.State, p.Advice)
	}
	if s := step(p, core.StepCreate); s.State != core.StepPending || s.FaultCode != fault.Permission {
		t.Errorf("%+v", s)
	}
	w.finish(p.ID)
	w.one()
}

// A step is tried ten times and then given up; retry resumes at it. What the
// ATS refuses for its rate costs no attempt.
func TestAPushIsGivenUpAndResumed(t *testing.T) {
	t.Parallel()
	w := newPushWorld(t)
	limited, away := 0, 0
	w.system.OnCall(w.failing(coretest.OpAddNote, func() error {
		if limited++; limited <= 20 {
			return &fault.Error{Code: fault.RateLimited, Message: "Slow down.", RetryAfter: time.Minute}
		}
		if away++; away <= 10 {
			return fault.New(fault.Retryable, "Away.")
		}
		return nil
	}))
	p := w.started("ada@example.com")
	if p.State != core.PushFailed || step(p, core.StepNote).Attempts != 10 || p.FaultCode != fault.Retryable {
		t.Fatalf("%s after %d attempts: %s", p.State, step(p, core.StepNote).Attempts, p.Message)
	}
	w.finish(p.ID)
	w.one()
	if n := w.system.Calls(coretest.OpCreate); n != 1 {
		t.Errorf("created %d times", n)
	}
}

// A newer result gives way to nobody: the push of the older one ends.
func TestANewerResultSupersedes(t *testing.T) {
	t.Parallel()
	w := newPushWorld(t)
	id := w.scored("ada@example.com", w.job.ID, 70)
	older := w.ask(id)
	_, err := w.complete(id, 80)
	w.ok(err)
	newer := w.ask(id)
	if older.ID == newer.ID {
		t.Fatal("one push for two results")
	}
	w.drive()
	w.expect(older.ID, core.PushCancelled)
	w.expect(newer.ID, core.PushDone)
	w.one()
}

// The same result asked for again is the same push, also after a cancellation.
func TestAskedAgainItIsTheSamePush(t *testing.T) {
	t.Parallel()
	w := newPushWorld(t)
	id := w.scored("ada@example.com", w.job.ID, 70)
	p := w.ask(id)
	if again := w.ask(id); again.ID != p.ID {
		t.Errorf("%s and %s", p.ID, again.ID)
	}
	_, err := w.pushes.Cancel(t.Context(), w.admin, p.ID)
	w.ok(err)
	w.drive()
	w.count(0)
	if again := w.ask(id); again.ID != p.ID || again.State != core.PushPending {
		t.Errorf("%+v", again)
	}
	w.drive()
	w.expect(p.ID, core.PushDone)
	w.ask(id)
	w.drive()
	w.one()
	_, err = w.pushes.Retry(t.Context(), w.admin, p.ID)
	w.refused(err, fault.Conflict)
	_, err = w.pushes.Cancel(t.Context(), w.admin, p.ID)
	w.refused(err, fault.Conflict)
}

// Of two who retry at once, one sets the push going.
func TestTwoRetriesAreOne(t *testing.T) {
	t.Parallel()
	w := newPushWorld(t)
	w.system.FailOnce(coretest.OpFind, coretest.BeforeCommit, fault.New(fault.Config, "No."))
	p := w.started("ada@example.com")
	for range 2 {
		_, err := w.newPushes(w.store).Retry(t.Context(), w.admin, p.ID)
		w.ok(err)
	}
	task, ok := w.pop()
	if _, more := w.pop(); !ok || more {
		t.Fatal("not one task")
	}
	w.ok(w.run(task))
	w.one()
}

// A push whose task was lost with its process goes on after a while.
func TestForgottenPushesAreSweptUp(t *testing.T) {
	t.Parallel()
	w := newPushWorld(t)
	p := w.ask(w.scored("ada@example.com", w.job.ID, 70))
	w.forgetTasks()
	w.clock.Turn(9 * time.Minute)
	w.ok(w.pushes.Sweep(t.Context(), core.Task{}, core.Attempt{}))
	w.noTask()
	w.clock.Turn(2 * time.Minute)
	w.ok(w.pushes.Sweep(t.Context(), core.Task{}, core.Attempt{}))
	w.drive()
	w.expect(p.ID, core.PushDone)
	w.one()
}

// To connect anew answers nothing that only a person can: a creation without an
// answer is not repeated.
func TestConnectingAnewRepeatsNoCreation(t *testing.T) {
	t.Parallel()
	w := newPushWorld(t)
	p := w.ask(w.scored("ada@example.com", w.job.ID, 70))
	created := false
	w.system.OnCall(func(_ context.Context, op coretest.Operation, m coretest.Moment) error {
		if op == coretest.OpCreate && m == coretest.BeforeCommit {
			created = true
			return fault.New(fault.OutcomeUnknown, "no answer")
		}
		if op == coretest.OpFind && created {
			return fault.New(fault.Auth, "refused")
		}
		return nil
	})
	w.drive()
	w.expect(p.ID, core.PushNeedsAttention)
	w.system.OnCall(nil)
	w.clock.Turn(2 * time.Minute)
	w.ok(w.pushes.ResumeRefused(t.Context(), core.Task{OrganizationID: w.admin.OrganizationID, SubjectID: w.connection.ID}, core.Attempt{}))
	w.drive()
	if q := w.expect(p.ID, core.PushNeedsAttention); q.FaultCode != fault.OutcomeUnknown || w.system.Calls(coretest.OpCreate) != 1 {
		t.Errorf("%d creations; %s", w.system.Calls(coretest.OpCreate), q.Message)
	}
	_, err := w.pushes.Retry(t.Context(), w.admin, p.ID)
	w.ok(err)
	w.drive()
	w.expect(p.ID, core.PushDone)
	w.one()
}

// Without an application, only what needs one is left out.
func TestARefusalWithoutAnApplicationIsOne(t *testing.T) {
	t.Parallel()
	w := newPushWorld(t)
	w.profile(func(p *core.PushProfile) { p.Policies.ClosedJob = core.JobWithoutApplication })
	w.system.CloseJob("job-1")
	w.system.OnCall(w.failing(coretest.OpAddNote, func() error {
		return fault.InvalidField("settings.note_author", "INVALID", "note_author is not an id.")
	}))
	p := w.started("ada@example.com")
	if w.expect(p.ID, core.PushNeedsAttention); step(p, core.StepNote).State == core.StepSkipped {
		t.Errorf("%+v", step(p, core.StepNote))
	}
}

// A token that dies after another failure of the step is fetched anew.
func TestATokenDiesAfterAnotherFailure(t *testing.T) {
	t.Parallel()
	w := newPushWorld(t)
	p := w.ask(w.scored("ada@example.com", w.job.ID, 70))
	failures := []error{fault.New(fault.Retryable, "503"), fault.New(fault.Auth, "401"), nil}
	w.system.OnCall(w.failing(coretest.OpAddNote, func() error {
		err := failures[0]
		failures = failures[min(1, len(failures)-1):]
		return err
	}))
	w.drive()
	w.expect(p.ID, core.PushDone)
}

// Where the person is gone from the ATS, to cancel and push again looks anew.
func TestAPushWhosePersonIsGone(t *testing.T) {
	t.Parallel()
	w := newPushWorld(t)
	id := w.scored("ada@example.com", w.job.ID, 70)
	p := w.ask(id)
	w.system.FailOnce(coretest.OpAddNote, coretest.BeforeCommit, fault.New(fault.Permission, "no"))
	w.drive()
	gone := w.expect(p.ID, core.PushNeedsAttention).ExternalCandidateID
	w.system.RemovePerson(gone)
	_, err := w.pushes.Retry(t.Context(), w.admin, p.ID)
	w.ok(err)
	w.drive()
	if q := w.expect(p.ID, core.PushNeedsAttention); !strings.Contains(q.Advice, "cancel the push and push again") {
		t.Errorf("advice: %s", q.Advice)
	}
	_, err = w.pushes.Cancel(t.Context(), w.admin, p.ID)
	w.ok(err)
	w.ask(id)
	w.drive()
	if q := w.expect(p.ID, core.PushDone); q.ExternalCandidateID == gone {
		t.Error("it went to who is gone")
	}
}

// An answer names one of those who were asked about, and a mistaken one is not
// for ever.
func TestAnAnswerNamesAChoice(t *testing.T) {
	t.Parallel()
	w := newPushWorld(t)
	person := w.system.AddPerson(coretest.Person{Record: ats.CandidateRecord{Email: "ada@example.com"}})
	stranger := w.system.AddPerson(coretest.Person{Record: ats.CandidateRecord{Email: "other@example.com"}})
	application, err := w.system.AddApplication(person, "job-1")
	w.ok(err)
	w.system.ChangeApplication(application, func(a *coretest.Application) { a.State = ats.ApplicationRejected })
	p := w.started("ada@example.com")
	w.stopped(p, core.QuestionClosedApplication)
	_, err = w.pushes.Resolve(t.Context(), w.admin, p.ID, core.PushResolution{CandidateID: stranger})
	w.refused(err, fault.Invalid)
	_, err = w.pushes.Resolve(t.Context(), w.admin, p.ID, core.PushResolution{CandidateID: person})
	w.ok(err)
	w.system.RemovePerson(person)
	w.drive()
	w.expect(p.ID, core.PushNeedsAttention)
	_, err = w.pushes.Retry(t.Context(), w.admin, p.ID)
	w.ok(err)
	w.drive()
	w.expect(p.ID, core.PushDone)
}
