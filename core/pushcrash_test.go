package core_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/coretest"
	"github.com/trellis-ats/trellis/core/fault"
)

// finish drives a push to its end, with a person who retries what stopped
// because an outcome stayed unclear, or was given up.
func (w *pushWorld) finish(id core.ID) *core.Push {
	w.t.Helper()
	for range 5 {
		w.drive()
		p := w.now(id)
		if p.State == core.PushDone {
			return p
		}
		_, err := w.pushes.Retry(w.t.Context(), w.admin, id)
		w.ok(err)
	}
	return w.expect(id, core.PushDone)
}

// Whatever transaction the process is killed at, the push goes on where it
// stood, and there is one of everything.
func TestAPushSurvivesAKillAtEveryTransaction(t *testing.T) {
	t.Parallel()
	w := newPushWorld(t)
	p := w.ask(w.scored("ada@example.com", w.job.ID, 70))
	w.crash.n = 0
	w.drive()
	w.expect(p.ID, core.PushDone)
	for _, before := range []bool{true, false} {
		for at := 1; at <= w.crash.n; at++ {
			t.Run(fmt.Sprintf("%d %t", at, before), func(t *testing.T) {
				t.Parallel()
				w := newPushWorld(t)
				p := w.ask(w.scored("ada@example.com", w.job.ID, 70))
				w.crash.at, w.crash.before = at, before
				w.finish(p.ID)
				if w.crash.at != 0 {
					t.Fatal("it was not killed")
				}
				w.one()
			})
		}
	}
}

// Whatever call fails, however it fails and whether the ATS did what was asked
// or not, there is one of everything in the end.
func TestAPushSurvivesFaultsAtEveryCall(t *testing.T) {
	t.Parallel()
	for _, op := range []coretest.Operation{coretest.OpFind, coretest.OpCreate, coretest.OpApply, coretest.OpAttach, coretest.OpAddNote, coretest.OpAddTag} {
		for _, code := range []fault.Code{fault.Retryable, fault.RateLimited, fault.OutcomeUnknown, fault.Upstream, fault.Internal, fault.Auth, "killed"} {
			for _, m := range []coretest.Moment{coretest.BeforeCommit, coretest.AfterCommit} {
				nothing := code == fault.Retryable || code == fault.RateLimited || code == fault.Auth
				if m == coretest.AfterCommit && nothing && op != coretest.OpFind {
					continue // an adapter that says "nothing happened" is believed
				}
				t.Run(fmt.Sprint(op, code, m), func(t *testing.T) {
					t.Parallel()
					w := newPushWorld(t)
					w.system.Separately = op == coretest.OpApply
					p := w.ask(w.scored("ada@example.com", w.job.ID, 70))
					w.failOnce(op, m, code)
					w.finish(p.ID)
					w.one()
				})
			}
		}
	}
}

// failOnce lets one call fail, or the process be killed in it.
func (w *pushWorld) failOnce(op coretest.Operation, m coretest.Moment, code fault.Code) {
	if code != "killed" {
		w.system.FailOnce(op, m, fault.New(code, "It failed."))
		return
	}
	var once sync.Once
	w.system.OnCall(func(_ context.Context, o coretest.Operation, at coretest.Moment) error {
		if o == op && at == m {
			once.Do(func() { panic("killed in a call") })
		}
		return nil
	})
}

// A creation that was not answered and that nobody sees is left to a person:
// nothing is created unattended.
func TestAnUnclearCreationStops(t *testing.T) {
	t.Parallel()
	w := newPushWorld(t)
	p := w.ask(w.scored("ada@example.com", w.job.ID, 70))
	w.failOnce(coretest.OpCreate, coretest.BeforeCommit, fault.OutcomeUnknown)
	w.drive()
	p = w.expect(p.ID, core.PushNeedsAttention)
	if p.FaultCode != fault.OutcomeUnknown || p.Advice == "" || step(p, core.StepCreate).State != core.StepSent {
		t.Errorf("%+v", p)
	}
	if n := w.system.Calls(coretest.OpCreate); n != 1 {
		t.Errorf("created %d times", n)
	}
	if n := w.system.Calls(coretest.OpFind); n != 3 {
		t.Errorf("looked %d times", n)
	}
	_, err := w.pushes.Retry(t.Context(), w.admin, p.ID)
	w.ok(err)
	w.drive()
	w.expect(p.ID, core.PushDone)
	w.one()
}

// A run that lost its push to another commits nothing of what it did; the other
// finds it.
func TestAnOvertakenRunCommitsNothing(t *testing.T) {
	t.Parallel()
	w := newPushWorld(t)
	p := w.ask(w.scored("ada@example.com", w.job.ID, 70))
	task, _ := w.pop()
	var once sync.Once
	w.system.OnCall(func(ctx context.Context, op coretest.Operation, m coretest.Moment) error {
		if op == coretest.OpCreate && m == coretest.BeforeCommit {
			once.Do(func() {
				if err := w.newPushes(w.store).Run(ctx, task, core.Attempt{}); err == nil {
					t.Error("the other run did not wait for the creation to settle")
				}
			})
		}
		return nil
	})
	if err := w.run(task); err == nil {
		t.Error("the overtaken run is content")
	}
	if s := step(w.now(p.ID), core.StepCreate); s.State != core.StepSent {
		t.Errorf("it committed %+v", s)
	}
	w.push(task)
	w.drive()
	p = w.expect(p.ID, core.PushDone)
	if s := step(p, core.StepCreate); s.Message == "" || s.Existed {
		t.Errorf("the receipt does not tell that it was found: %+v", s)
	}
	w.one()
}

// Several pushes of one person at once make one candidate, with an application
// to each job.
func TestConcurrentPushesOfOnePersonMakeOneCandidate(t *testing.T) {
	t.Parallel()
	w := newPushWorld(t)
	other, err := w.jobs.Create(t.Context(), w.admin, core.Job{Name: "Support"}, core.Key{})
	w.ok(err)
	w.mapJob(other.ID, "job-2")
	var ids []core.ID
	for i := range 6 {
		job, email := w.job.ID, "Ada@example.com"
		if i%2 == 1 {
			job, email = other.ID, "ada@EXAMPLE.com"
		}
		ids = append(ids, w.scored(email, job, 70))
	}
	for i, id := range ids {
		ids[i] = w.ask(id).ID
	}
	w.together()
	w.drive()
	for _, id := range ids {
		w.expect(id, core.PushDone)
	}
	want := coretest.Tally{People: 1, Applications: 2, Notes: 6, Attachments: 6, Tags: 1}
	if got := w.system.Tally(); got != want {
		t.Errorf("the ATS has %+v", got)
	}
}

// together runs all tasks at once, each on a replica of its own, and puts back
// those that must wait.
func (w *pushWorld) together() {
	var all sync.WaitGroup
	for {
		task, ok := w.pop()
		if !ok {
			break
		}
		all.Go(func() { _ = w.newPushes(w.store).Run(w.t.Context(), task, core.Attempt{}) })
		defer w.push(task)
	}
	all.Wait()
}

// The push of somebody whose creation is unclear keeps other pushes of the same
// person from making them, and tells which it is.
func TestAPushWaitsForOneThatIsUnclear(t *testing.T) {
	t.Parallel()
	w := newPushWorld(t)
	first := w.ask(w.scored("ada@example.com", w.job.ID, 70))
	w.failOnce(coretest.OpCreate, coretest.BeforeCommit, fault.OutcomeUnknown)
	w.drive()
	w.expect(first.ID, core.PushNeedsAttention)
	second := w.ask(w.scored("ada@example.com", w.job.ID, 80))
	w.drive()
	if p := w.expect(second.ID, core.PushNeedsAttention); p.Advice != "Resolve or retry the push "+string(first.ID)+" first, then retry this one." {
		t.Errorf("advice %q", p.Advice)
	}
	w.finish(first.ID)
	w.finish(second.ID)
	if got := w.system.Tally(); got.People != 1 || got.Applications != 1 || got.Notes != 2 {
		t.Errorf("the ATS has %+v", got)
	}
}

// A push of an unclear person that is cancelled lets others begin when its
// request must be settled, and not before.
func TestACancelledPushLetsThePersonGo(t *testing.T) {
	t.Parallel()
	w := newPushWorld(t)
	first := w.ask(w.scored("ada@example.com", w.job.ID, 70))
	w.failOnce(coretest.OpCreate, coretest.BeforeCommit, fault.OutcomeUnknown)
	task, _ := w.pop()
	_ = w.run(task)
	w.expect(first.ID, core.PushWaiting)
	_, err := w.pushes.Cancel(t.Context(), w.admin, first.ID)
	w.ok(err)
	begun := w.clock.Now()
	second := w.ask(w.scored("ada@example.com", w.job.ID, 80))
	w.drive()
	w.expect(second.ID, core.PushDone)
	if waited := w.clock.Now().Sub(begun); waited < settle {
		t.Errorf("it waited %s", waited)
	}
	w.one()
	if err := w.run(task); err != nil {
		t.Errorf("the task of the cancelled push: %v", err)
	}
	w.expect(first.ID, core.PushCancelled)
	w.one()
}
