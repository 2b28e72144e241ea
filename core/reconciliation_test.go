package core_test

import (
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/internal/store"
	"github.com/trellis-ats/trellis/internal/store/storetest"
)

const day = 24 * time.Hour

// reconWorld is a world in which somebody looks for what nobody told.
type reconWorld struct {
	*hookWorld
	recon  *core.Reconciliations
	issues *core.Issues
}

func newReconWorld(t *testing.T) *reconWorld {
	t.Helper()
	w := &reconWorld{hookWorld: newHookWorld(t)}
	w.recon = core.NewReconciliations(core.ReconciliationOptions{Store: w.store, Clock: w.clock, Webhooks: w.hooks})
	w.issues = core.NewIssues(w.store, w.assessments)
	return w
}

// run lets time pass and reconciles what is stored, for all scopes.
func (w *reconWorld) run(passed time.Duration) {
	w.t.Helper()
	w.clock.Turn(passed)
	w.ok(w.recon.RunAll(w.t.Context(), core.Task{}, core.Attempt{}))
	for range 2 { // what no ATS ordered, and the connection
		w.ok(w.recon.Run(w.t.Context(), w.takeAny(core.TaskReconcile), core.Attempt{Number: 1}))
	}
}

// readBack lets time pass and asks the ATS.
func (w *reconWorld) readBack(passed time.Duration) {
	w.t.Helper()
	w.run(passed)
	w.ok(w.recon.ReadBack(w.t.Context(), w.takeAny(core.TaskReadBack), core.Attempt{Number: 1}))
}

// takeAny removes and returns the oldest task of a kind.
func (w *reconWorld) takeAny(kind core.TaskKind) core.Task {
	w.t.Helper()
	w.tasks.mu.Lock()
	defer w.tasks.mu.Unlock()
	at := slices.IndexFunc(w.tasks.tasks, func(t core.Task) bool { return t.Kind == kind })
	if at < 0 {
		w.t.Fatalf("the tasks are %v, none of them a %s", w.tasks.tasks, kind)
	}
	task := w.tasks.tasks[at]
	w.tasks.tasks = slices.Delete(w.tasks.tasks, at, at+1)
	return task
}

func (w *reconWorld) list(open bool) []core.Issue {
	w.t.Helper()
	page, err := w.issues.List(w.t.Context(), w.admin, core.IssueFilter{Open: &open}, core.Page{First: 100})
	w.ok(err)
	return page.Items
}

// one is the only open issue.
func (w *reconWorld) one(kind core.IssueKind) *core.Issue {
	w.t.Helper()
	open := w.list(true)
	if len(open) != 1 || open[0].Kind != kind {
		w.t.Fatalf("open are %+v, not a %s", open, kind)
	}
	return &open[0]
}

// closed fails unless all issues are closed and n were ever found.
func (w *reconWorld) closed(n int) {
	w.t.Helper()
	if open := w.list(true); len(open) > 0 {
		w.t.Errorf("open are %+v", open)
	}
	done := w.list(false)
	if len(done) != n {
		w.t.Errorf("%d were closed, not %d", len(done), n)
	}
	for _, i := range done {
		if got := w.types(i.ID); got != "found closed" {
			w.t.Errorf("%s: %s", i.Kind, got)
		}
	}
}

func TestUndeliveredResultsAreDeliveredAgain(t *testing.T) {
	t.Parallel()
	w := newReconWorld(t)
	id := w.place("17", "100")
	_, err := w.complete(id, 80)
	w.ok(err)
	w.takeAny(core.TaskDeliverResult) // and lost
	w.run(29 * time.Minute)
	if len(w.list(true)) > 0 {
		t.Error("an issue before its time")
	}
	w.run(2 * time.Minute)
	found := w.one(core.IssueNotDelivered)
	again := w.takeAny(core.TaskDeliverResult)
	if again.AssessmentID != id || again.Revision != 1 || found.AssessmentID != id || found.RepairedAt.IsZero() {
		t.Errorf("%+v for %+v", again, found)
	}
	w.run(time.Hour) // no second one while the first may be under way
	if kept := w.one(core.IssueNotDelivered); kept.ID != found.ID || kept.Age(w.clock.Now()) != time.Hour || !kept.SeenAt.After(found.SeenAt) {
		t.Errorf("%+v", kept)
	}
	if slices.ContainsFunc(w.tasks.tasks, func(t core.Task) bool { return t.Kind == core.TaskDeliverResult }) {
		t.Error("delivered again too soon")
	}
	w.run(6 * time.Hour)
	w.ok(w.deliveries.Run(t.Context(), w.takeAny(core.TaskDeliverResult), core.Attempt{Number: 1}))
	w.run(time.Minute)
	w.closed(1)
}

func TestFailedDeliveryIsAnIssue(t *testing.T) {
	t.Parallel()
	w := newReconWorld(t)
	id := w.place("17", "100")
	_, err := w.complete(id, 80)
	w.ok(err)
	w.ats.err = fault.New(fault.Permission, "No.")
	w.refused(w.deliveries.Run(t.Context(), w.takeAny(core.TaskDeliverResult), core.Attempt{Number: 1}), fault.Permission)
	w.run(time.Minute)
	i := w.one(core.IssueDeliveryFailed)
	if i.Action() != core.ActionRetryDelivery || i.ConnectionID != w.connection.ID {
		t.Errorf("%+v", i)
	}
	w.ats.err = nil
	_, err = w.issues.Act(t.Context(), w.admin, i.ID)
	w.ok(err)
	w.ok(w.deliveries.Run(t.Context(), w.takeAny(core.TaskDeliverResult), core.Attempt{Number: 1}))
	w.run(time.Minute)
	w.closed(1)
	_, err = w.issues.Act(t.Context(), w.admin, i.ID)
	w.refused(err, fault.Conflict)
}

// An assessment that does not go on is an issue at each of its steps, and
// expires in the end whether its link is opened or not.
func TestAssessmentsThatDoNotGoOn(t *testing.T) {
	t.Parallel()
	w := newReconWorld(t)
	id := w.order("1")
	w.takeAny(core.TaskSendInvitation) // and lost
	w.run(61 * time.Minute)
	resend := func(i *core.Issue) {
		t.Helper()
		if i.AssessmentID != id {
			t.Errorf("%+v", i)
		}
		_, err := w.issues.Act(t.Context(), w.admin, i.ID)
		w.ok(err)
		w.ok(w.invitations.Send(t.Context(), w.takeAny(core.TaskSendInvitation), core.Attempt{Number: 1}))
		w.run(time.Minute)
	}
	resend(w.one(core.IssueNotInvited))
	w.closed(1)
	w.run(7 * day)
	resend(w.one(core.IssueNotOpened))
	w.closed(2)
	_, err := w.assessments.Start(t.Context(), w.engine, id, "")
	w.ok(err)
	w.run(49 * time.Hour)
	stuck := w.one(core.IssueNotFinished)
	_, err = w.issues.Act(t.Context(), w.admin, stuck.ID)
	w.refused(err, fault.Conflict)
	_, err = w.assessments.Complete(t.Context(), w.engine, core.Completion{AssessmentID: id})
	w.ok(err)
	w.run(61 * time.Minute)
	if i := w.one(core.IssueNotScored); i.Action() != core.ActionCheckEngine {
		t.Errorf("%+v", i)
	}
	_, err = w.complete(id, 80)
	w.ok(err)
	w.run(time.Minute)
	w.closed(4)
}

func TestOverdueAssessmentsExpire(t *testing.T) {
	t.Parallel()
	w := newReconWorld(t)
	id := w.place("17", "100")
	own, err := w.assessments.Create(t.Context(), w.admin, core.NewOrder{TestID: w.test.ID, Candidate: core.Candidate{FirstName: "Eve", Email: "eve@example.com"}}, core.Key{})
	w.ok(err)
	w.run(8 * 7 * day)
	if w.get(id).Status != core.StatusInvited {
		t.Error("expired before its time")
	}
	w.run(time.Second)
	for _, id := range []core.ID{id, own.ID} {
		if a := w.get(id); a.Status != core.StatusExpired || a.ClosedAt != w.clock.Now() {
			t.Errorf("%+v", a)
		}
	}
	if got := w.types(id); got != "ordered invited expired" {
		t.Error(got)
	}
	w.closed(2)
}

func TestSilentHookIsAnIssue(t *testing.T) {
	t.Parallel()
	w := newReconWorld(t)
	w.tell(ats.Event{Kind: ats.EventHired, CandidateID: "17", ApplicationID: "1", At: w.at(1)})
	w.run(6 * day)
	w.closed(0)
	w.run(2 * day)
	if i := w.one(core.IssueHooksSilent); i.ConnectionID != w.connection.ID || i.Action() != core.ActionCheckWebhooks {
		t.Errorf("%+v", i)
	}
	w.tell2(ats.Event{Kind: ats.EventUnhired, CandidateID: "17", ApplicationID: "1", At: w.at(2)})
	w.run(time.Minute)
	w.closed(1)
}

func TestFailedHooksAreAnIssue(t *testing.T) {
	t.Parallel()
	w := newReconWorld(t)
	w.sent++
	if status := w.receive(w.system.Hook(w.secret, "event-broken", ats.Event{Kind: ats.EventHired, CandidateID: "17", ApplicationID: "1", At: w.at(1)})); status != 200 {
		t.Fatalf("answered %d", status)
	}
	task := w.takeAny(core.TaskApplyWebhook)
	w.adapters.Whole = wordless{w.system}
	w.refused(w.hooks.Apply(t.Context(), task, core.Attempt{Number: 1}), fault.Invalid)
	w.run(time.Minute)
	i := w.one(core.IssueHooksFailed)
	if i.Action() != core.ActionCheckWebhooks || !strings.Contains(i.Cause, string(task.SubjectID)) {
		t.Errorf("%+v", i)
	}
	w.adapters.Whole = w.system
	_, err := w.hooks.Retry(t.Context(), w.admin, task.SubjectID)
	w.ok(err)
	w.ok(w.hooks.Apply(t.Context(), w.takeAny(core.TaskApplyWebhook), core.Attempt{Number: 1}))
	w.run(time.Minute)
	w.closed(1)
}

// tell2 is tell when other tasks wait too.
func (w *reconWorld) tell2(e ats.Event) {
	w.t.Helper()
	w.sent++
	if status := w.receive(w.system.Hook(w.secret, "event-"+strconv.Itoa(w.sent), e)); status != 200 {
		w.t.Fatalf("answered %d", status)
	}
	w.ok(w.hooks.Apply(w.t.Context(), w.takeAny(core.TaskApplyWebhook), core.Attempt{Number: 1}))
}

func TestReconciliationIsAskedForByThoseWhoMay(t *testing.T) {
	t.Parallel()
	w := newReconWorld(t)
	viewer := w.admin
	viewer.Role = core.RoleViewer
	_, err := w.recon.Request(t.Context(), viewer, w.connection.ID)
	w.refused(err, fault.Forbidden)
	_, err = w.issues.List(t.Context(), viewer, core.IssueFilter{}, core.Page{})
	w.refused(err, fault.Forbidden)
	_, err = w.recon.Request(t.Context(), w.admin, core.NewID(core.PrefixConnection))
	w.refused(err, fault.NotFound)
	_, err = w.recon.Request(t.Context(), w.admin, w.connection.ID)
	w.ok(err)
	w.ok(w.recon.Run(t.Context(), w.take(core.TaskReconcile), core.Attempt{Number: 1}))
	disabled := true
	_, err = w.connections.Update(t.Context(), w.admin, w.connection.ID, core.ConnectionUpdate{Disabled: &disabled})
	w.ok(err)
	_, err = w.recon.Request(t.Context(), w.admin, w.connection.ID)
	w.refused(err, fault.Conflict)
}

// Runs at the same moment, in whatever processes, find each issue once and
// repair it once; runs that cure them at the same moment close each once.
func TestRunsAtTheSameMoment(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorldOn(t, db)
		hooks := core.NewWebhooks(core.WebhooksOptions{Store: w.store, Clock: w.clock, Adapters: w.adapters, Calls: w.calls, Shape: shaped})
		recon := core.NewReconciliations(core.ReconciliationOptions{Store: w.store, Clock: w.clock, Webhooks: hooks})
		const n = 30
		var ids []core.ID
		for i := range n {
			id := w.order(strconv.Itoa(i))
			_, err := w.complete(id, 80)
			w.ok(err)
			ids = append(ids, id)
		}
		deliveries := func() (all int) {
			for _, task := range w.tasks.tasks {
				if task.Kind == core.TaskDeliverResult {
					all++
				}
			}
			return all
		}
		together := func() {
			t.Helper()
			w.clock.Turn(time.Hour)
			var runs sync.WaitGroup
			for range 4 {
				runs.Go(func() {
					if err := recon.Run(t.Context(), core.Task{OrganizationID: w.admin.OrganizationID, SubjectID: w.connection.ID}, core.Attempt{Number: 1}); err != nil {
						t.Error(err)
					}
				})
			}
			runs.Wait()
		}
		together()
		if all := deliveries(); all != 2*n { // the first and the repair
			t.Errorf("%d deliveries of %d results", all, n)
		}
		for _, id := range ids {
			w.ok(w.deliveries.Run(t.Context(), core.Task{OrganizationID: w.admin.OrganizationID, AssessmentID: id, Revision: 1}, core.Attempt{Number: 1}))
		}
		together()
		page, err := core.NewIssues(w.store, w.assessments).List(t.Context(), w.admin, core.IssueFilter{}, core.Page{First: 100})
		w.ok(err)
		if len(page.Items) != n {
			t.Errorf("%d issues", len(page.Items))
		}
		for _, i := range page.Items {
			if got := w.types(i.ID); got != "found closed" {
				t.Errorf("%s: %s", i.Kind, got)
			}
		}
	})
}

// To send an invitation again is no cure before it has gone out.
func TestAnInvitationThatDoesNotGoOutStaysAnIssue(t *testing.T) {
	t.Parallel()
	w := newReconWorld(t)
	w.order("1")
	w.takeAny(core.TaskSendInvitation) // and lost
	w.run(61 * time.Minute)
	i := w.one(core.IssueNotInvited)
	_, err := w.issues.Act(t.Context(), w.admin, i.ID)
	w.ok(err)
	again := w.takeAny(core.TaskSendInvitation)
	w.run(time.Minute)
	if still := w.one(core.IssueNotInvited); still.ID != i.ID {
		t.Errorf("%s became %s", i.ID, still.ID)
	}
	w.ok(w.invitations.Send(t.Context(), again, core.Attempt{Number: 1}))
	w.run(time.Minute)
	w.closed(1)
}
