package core_test

import (
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/coretest"
)

// routingWorld is a pushWorld whose connection has a rule: advance from 75,
// review from 55, reject below.
type routingWorld struct {
	*pushWorld
	rules     *core.RoutingRules
	decisions *core.RoutingDecisions
	proposer  core.Actor
	approver  core.Actor
	recruiter core.Actor
	n         int
	waiting   []waiting
}

type waiting struct {
	task core.Task
	at   time.Time
}

func newRoutingWorld(t *testing.T) *routingWorld {
	t.Helper()
	return newRoutingWorldIn(newWorld(t))
}

func newRoutingWorldIn(made *world) *routingWorld {
	made.t.Helper()
	w := &routingWorld{pushWorld: newPushWorldIn(made)}
	org := w.admin.OrganizationID
	actor := func(r core.Role) core.Actor {
		return core.Actor{OrganizationID: org, Role: r, ID: core.ID("tok_" + r), Principal: "tok_" + string(r), Name: string(r)}
	}
	w.proposer, w.approver, w.recruiter = actor(core.RoleAdmin), actor(core.RoleApprover), actor(core.RoleRecruiter)
	choices := core.NewReferenceData(core.ReferenceOptions{Store: w.store, Clock: w.clock, Adapters: w.adapters, Calls: w.calls})
	w.rules = core.NewRoutingRules(core.RoutingRulesOptions{Store: w.store, Clock: w.clock, Choices: choices})
	w.decisions = w.newDecisions()
	return w
}

// newDecisions is one replica.
func (w *routingWorld) newDecisions() *core.RoutingDecisions {
	calls := core.NewCalls(core.CallsOptions{Store: w.store, Clock: w.clock, Adapters: w.adapters})
	return core.NewRoutingDecisions(core.RoutingDecisionsOptions{
		Store: w.store, Clock: w.clock, Adapters: w.adapters, Calls: calls,
		Choices: core.NewReferenceData(core.ReferenceOptions{Store: w.store, Clock: w.clock, Adapters: w.adapters, Calls: calls}),
	})
}

// usual is the rule that tests begin with.
func (w *routingWorld) usual() core.NewRoutingRule {
	pilot := false
	return core.NewRoutingRule{
		ConnectionID: w.connection.ID, Advance: 75, Review: 55, Pilot: &pilot, ReasonID: "reason-1", EmailTemplateID: "template-1",
	}
}

func (w *routingWorld) rule(edit func(*core.NewRoutingRule)) *core.RoutingRule {
	w.t.Helper()
	n := w.usual()
	if edit != nil {
		edit(&n)
	}
	proposed, err := w.rules.Propose(w.t.Context(), w.proposer, n)
	w.ok(err)
	approved, err := w.rules.Approve(w.t.Context(), w.approver, proposed.ID)
	w.ok(err)
	return approved
}

// applicant is somebody in the ATS, in the first stage of a job, for whom the
// ATS ordered the test.
func (w *routingWorld) applicant() (assessment core.ID, application string) {
	w.t.Helper()
	w.n++
	n := strconv.Itoa(w.n)
	person := w.system.AddPerson(coretest.Person{})
	application, err := w.system.AddApplication(person, "job-1")
	w.ok(err)
	return w.orderFor("order "+n, person, application), application
}

// scoredApplicant is one with a score, and what was decided.
func (w *routingWorld) scoredApplicant(score float64) (*core.RoutingDecision, string) {
	w.t.Helper()
	id, application := w.applicant()
	_, err := w.complete(id, score)
	w.ok(err)
	return w.decided(id), application
}

// decisionsOf returns all decisions about an assessment, newest first.
func (w *routingWorld) decisionsOf(assessment core.ID) []core.RoutingDecision {
	w.t.Helper()
	all, err := w.decisions.Of(w.t.Context(), w.recruiter, []core.ID{assessment})
	w.ok(err)
	return all
}

// decided returns the newest decision about an assessment.
func (w *routingWorld) decided(assessment core.ID) *core.RoutingDecision {
	w.t.Helper()
	all := w.decisionsOf(assessment)
	if len(all) == 0 {
		w.t.Fatal("nothing was decided")
	}
	return &all[0]
}

// expectState looks at a decision as it is now.
func (w *routingWorld) expectState(d *core.RoutingDecision, state core.DecisionState, why core.Hold) *core.RoutingDecision {
	w.t.Helper()
	all, err := w.decisions.ByID(w.t.Context(), w.recruiter, []core.ID{d.ID})
	w.ok(err)
	now := &all[0]
	if now.State != state || now.Hold != why || (why != "" && now.Note == "") {
		w.t.Fatalf("the decision is %s (%s, %q), not %s (%s)", now.State, now.Hold, now.Note, state, why)
	}
	return now
}

// inATS returns an application of the ATS.
func (w *routingWorld) inATS(id string) coretest.Application {
	w.t.Helper()
	for _, a := range w.system.Applications() {
		if a.ID == id {
			return a
		}
	}
	w.t.Fatalf("the ATS has no application %s", id)
	return coretest.Application{}
}

// work runs tasks for so long, as the engine does: a task that is postponed, or
// that failed, runs again later. The clock stands at the end of it.
func (w *routingWorld) work(d time.Duration) {
	w.t.Helper()
	end := w.clock.Now().Add(d)
	for n := 0; n < 1000; n++ {
		if task, ok := w.pop(); ok {
			w.attempt(task, end)
			continue
		}
		if !w.wake(end) {
			w.clock.Turn(end.Sub(w.clock.Now()))
			return
		}
	}
	w.t.Fatal("the work does not end")
}

func (w *routingWorld) attempt(task core.Task, end time.Time) {
	w.t.Helper()
	if task.NotBefore.After(w.clock.Now()) {
		w.waiting = append(w.waiting, waiting{core.Task{Kind: task.Kind, OrganizationID: task.OrganizationID, AssessmentID: task.AssessmentID, SubjectID: task.SubjectID, Revision: task.Revision}, task.NotBefore})
		return
	}
	var err error
	switch task.Kind {
	case core.TaskPush:
		err = w.run(task)
	case core.TaskCarryOutDecision:
		err = w.decisions.CarryOut(w.t.Context(), task, core.Attempt{Number: 1})
	default: // of no concern here
	}
	var postponed *core.Postponed
	switch {
	case errors.As(err, &postponed):
		w.waiting = append(w.waiting, waiting{task, w.clock.Now().Add(max(postponed.For, time.Millisecond))})
	case err != nil:
		w.waiting = append(w.waiting, waiting{task, w.clock.Now().Add(time.Second)})
	}
}

// wake turns the clock to the next task, if one is due by the end.
func (w *routingWorld) wake(end time.Time) bool {
	next := -1
	for i, one := range w.waiting {
		if !one.at.After(end) && (next < 0 || one.at.Before(w.waiting[next].at)) {
			next = i
		}
	}
	if next < 0 {
		return false
	}
	one := w.waiting[next]
	w.waiting = append(w.waiting[:next], w.waiting[next+1:]...)
	if wait := one.at.Sub(w.clock.Now()); wait > 0 {
		w.clock.Turn(wait)
	}
	w.push(one.task)
	return true
}

// stopBeforeReject carries a decision out by a process that is killed when it
// asks for a rejection; the task begins anew.
func (w *routingWorld) stopBeforeReject(d *core.RoutingDecision) {
	w.t.Helper()
	w.system.OnCall(w.failing(coretest.OpReject, func() error { panic("killed") }))
	task := core.Task{Kind: core.TaskCarryOutDecision, OrganizationID: d.OrganizationID, AssessmentID: d.AssessmentID, SubjectID: d.ID, Revision: d.Round}
	func() {
		defer func() { _ = recover() }()
		_ = w.newDecisions().CarryOut(w.t.Context(), task, core.Attempt{Number: 1})
		w.t.Fatal("it was not killed")
	}()
	w.system.OnCall(nil)
	w.waiting = nil
	w.push(task)
}

// decide is what a recruiter does in the queue, with one decision.
func (w *routingWorld) decide(d *core.RoutingDecision, what core.ReviewAction, reason string) core.DecisionOutcome {
	w.t.Helper()
	all, err := w.decisions.Decide(w.t.Context(), w.recruiter, []core.ID{d.ID}, what, reason)
	w.ok(err)
	return all[0]
}

func (w *routingWorld) undo(d *core.RoutingDecision) core.DecisionOutcome {
	w.t.Helper()
	all, err := w.decisions.Undo(w.t.Context(), w.recruiter, []core.ID{d.ID}, "a mistake")
	w.ok(err)
	return all[0]
}

// told keeps which job of the ATS an assessment's application is for, as a web
// hook tells it.
func (w *routingWorld) told(assessment core.ID, job string) {
	w.t.Helper()
	a := w.application(assessment)
	a.JobExternalID = job
	w.ok(w.store.Atomically(w.t.Context(), func(tx core.Tx) error { return tx.SaveApplication(w.t.Context(), a) }))
}
