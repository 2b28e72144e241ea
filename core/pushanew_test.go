package core_test

import (
	"testing"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/coretest"
	"github.com/trellis-ats/trellis/core/fault"
)

// denied lets all calls of an operation fail for want of a right.
func (w *pushWorld) denied(op coretest.Operation) {
	w.system.OnCall(w.failing(op, func() error { return fault.New(fault.Permission, "It may not be written.") }))
}

// answered answers a push's question, after which it stops again.
func (w *pushWorld) answered(p *core.Push, r core.PushResolution) {
	w.t.Helper()
	_, err := w.pushes.Resolve(w.t.Context(), w.admin, p.ID, r)
	w.ok(err)
	w.drive()
	w.expect(p.ID, core.PushNeedsAttention)
}

// anew cancels a push and asks for it again.
func (w *pushWorld) anew(p *core.Push) *core.Push {
	w.t.Helper()
	w.system.OnCall(nil)
	_, err := w.pushes.Cancel(w.t.Context(), w.admin, p.ID)
	w.ok(err)
	if again := w.ask(p.AssessmentID); again.ID != p.ID {
		w.t.Fatalf("another push: %s", again.ID)
	}
	w.drive()
	return w.now(p.ID)
}

// A wrong choice of several people is undone: it is asked anew, and no other
// push of the person goes there. So is one that never came to an application.
func TestAWrongChoiceIsAskedAnew(t *testing.T) {
	t.Parallel()
	for name, stops := range map[string]coretest.Operation{"placed": coretest.OpAddNote, "not placed": coretest.OpApply} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newPushWorld(t)
			wrong, right := w.twins()
			p := w.started("ada@example.com")
			w.denied(stops)
			w.answered(p, core.PushResolution{CandidateID: wrong})
			p = w.anew(p)
			w.stopped(p, core.QuestionSeveralMatches)
			if p = w.resolve(p, core.PushResolution{CandidateID: right}); p.ExternalCandidateID != right || len(w.system.Notes(right)) != 1 || len(w.system.Notes(wrong)) != 0 {
				t.Errorf("it went to %s", p.ExternalCandidateID)
			}
			a, err := w.store.ApplicationOf(t.Context(), p.OrganizationID, p.ConnectionID, p.AssessmentID)
			w.ok(err)
			all, err := w.store.ApplicationsOf(t.Context(), p.OrganizationID, []core.ID{p.AssessmentID})
			w.ok(err)
			if len(all) != 1 || a.CandidateExternalID != right {
				t.Errorf("the assessment's applications: %+v", all)
			}
			if p := w.started("ada@example.com"); p.ExternalCandidateID != right {
				t.Errorf("the next went to %s: %s", p.ExternalCandidateID, p.Message)
			}
		})
	}
}

// Applying again was said of one ended application, not of the next.
func TestAnotherEndedApplicationIsAskedAbout(t *testing.T) {
	t.Parallel()
	w := newPushWorld(t)
	person := w.system.AddPerson(coretest.Person{Record: ats.CandidateRecord{Email: "ada@example.com"}})
	application, err := w.system.AddApplication(person, "job-1")
	w.ok(err)
	reject := func(a *coretest.Application) { a.State = ats.ApplicationRejected }
	w.system.ChangeApplication(application, reject)
	p := w.started("ada@example.com")
	w.stopped(p, core.QuestionClosedApplication)
	w.denied(coretest.OpAttach)
	w.answered(p, core.PushResolution{ApplyAgain: true})
	w.system.ChangeApplication(w.now(p.ID).ExternalApplicationID, reject)
	p = w.anew(p)
	w.stopped(p, core.QuestionClosedApplication)
	if n := w.system.Tally().Applications; n != 2 {
		t.Errorf("%d applications", n)
	}
}

// To write without an application was said while the job was closed.
func TestAJobThatIsOpenAgainIsAppliedTo(t *testing.T) {
	t.Parallel()
	w := newPushWorld(t)
	w.system.CloseJob("job-1")
	p := w.started("ada@example.com")
	w.stopped(p, core.QuestionClosedJob)
	w.denied(coretest.OpAddNote)
	w.answered(p, core.PushResolution{WithoutApplication: true})
	w.system.OpenJob("job-1")
	if p = w.anew(p); p.State != core.PushDone || p.ExternalApplicationID == "" {
		t.Errorf("%s: %s", p.State, p.Message)
	}
	w.one()
}

// A note that was not answered may still be written: the next run waits.
func TestAnewWaitsForWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	w := newPushWorld(t)
	p := w.ask(w.scored("ada@example.com", w.job.ID, 70))
	w.failOnce(coretest.OpAddNote, coretest.BeforeCommit, fault.OutcomeUnknown)
	task, _ := w.pop()
	_ = w.run(task)
	sent := step(w.expect(p.ID, core.PushWaiting), core.StepNote).SentAt
	p = w.anew(p)
	if wrote := step(p, core.StepNote).DoneAt; p.State != core.PushDone || wrote.Sub(sent) < settle {
		t.Errorf("%s, written %s after", p.State, wrote.Sub(sent))
	}
	w.one()
}

// A creation in doubt is settled as it was begun, with what was answered before
// it: nobody is made twice.
func TestAnewSettlesACreationFirst(t *testing.T) {
	t.Parallel()
	w := newPushWorld(t)
	w.twins()
	p := w.started("ada@example.com")
	w.failOnce(coretest.OpCreate, coretest.AfterCommit, fault.OutcomeUnknown)
	_, err := w.pushes.Resolve(t.Context(), w.admin, p.ID, core.PushResolution{CreateNew: true})
	w.ok(err)
	task, _ := w.pop()
	_ = w.run(task)
	w.expect(p.ID, core.PushWaiting)
	if p = w.anew(p); p.State != core.PushDone || w.system.Tally().People != 3 {
		t.Errorf("%s: %s, and the ATS has %+v", p.State, p.Message, w.system.Tally())
	}
}

// Whom the push made is the one, although the application is missing. The ATS may
// show them late: they are not made again.
func TestAnewKeepsWhoWasMade(t *testing.T) {
	t.Parallel()
	for name, shown := range map[string]bool{"shown": true, "not shown": false} {
		w := newPushWorld(t)
		w.system.Separately = true
		w.denied(coretest.OpApply)
		p := w.started("ada@example.com")
		w.expect(p.ID, core.PushNeedsAttention)
		if !shown {
			w.system.RemovePerson(p.ExternalCandidateID)
		}
		again := w.anew(p)
		if again.ExternalCandidateID != p.ExternalCandidateID || w.system.Calls(coretest.OpCreate) != 1 || shown != (again.State == core.PushDone) {
			t.Errorf("%s: %s, %s, %d creations", name, again.State, again.Message, w.system.Calls(coretest.OpCreate))
		}
	}
}
