package core_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/coretest"
	"github.com/trellis-ats/trellis/core/fault"
)

// inATS puts a person with an application into the ATS, in the job's first stage.
func (w *reconWorld) inATS(r ats.CandidateRecord) (person, application string) {
	w.t.Helper()
	person = w.system.AddPerson(coretest.Person{Record: r})
	application, err := w.system.AddApplication(person, "job-1")
	w.ok(err)
	return person, application
}

func ada() ats.CandidateRecord {
	return ats.CandidateRecord{FirstName: "Ada", LastName: "Example", Email: "ada@example.com"}
}

// What changed while nobody told of it is read back: the page where it stopped
// is where it goes on.
func TestMissedEventsAreReadBack(t *testing.T) {
	t.Parallel()
	w := newReconWorld(t)
	w.system.PageSize = 2
	var open []core.ID
	var applications []string
	for range 25 {
		person, application := w.inATS(ada())
		open, applications = append(open, w.orderFor("order of "+application, person, application)), append(applications, application)
	}
	w.clock.Turn(time.Hour)
	for _, a := range applications {
		w.system.ChangeApplication(a, func(one *coretest.Application) { one.State = ats.ApplicationRejected })
	}
	w.run(11 * time.Minute) // more than what is read twice
	task := w.takeAny(core.TaskReadBack)
	var postponed *core.Postponed
	if err := w.recon.ReadBack(t.Context(), task, core.Attempt{Number: 1}); !errors.As(err, &postponed) {
		t.Fatalf("25 applications in ten pages of two: %v", err)
	}
	w.system.FailOnce(coretest.OpGet, coretest.BeforeCommit, fault.New(fault.Retryable, "Away."))
	w.refused(w.recon.ReadBack(t.Context(), task, core.Attempt{Number: 1}), fault.Retryable)
	w.ok(w.recon.ReadBack(t.Context(), task, core.Attempt{Number: 2}))
	for _, id := range open {
		if a := w.get(id); a.Status != core.StatusCancelled {
			t.Errorf("%s is %s", id, a.Status)
		}
	}
	calls := w.system.Calls(coretest.OpGet)
	w.readBack(time.Hour)
	if n := w.system.Calls(coretest.OpGet) - calls; n != 1 {
		t.Errorf("%d calls for nothing new", n)
	}
}

// One task of a connection is under way at a time; one that was lost does not
// stop the next for good, and one that fails for good lets the next begin.
func TestReadingBackIsQueuedOnce(t *testing.T) {
	t.Parallel()
	w := newReconWorld(t)
	w.run(time.Minute)
	w.run(time.Minute)
	w.takeAny(core.TaskReadBack)
	w.noTask()
	w.run(7 * time.Hour)
	w.system.OnCall(func(_ context.Context, _ coretest.Operation, _ coretest.Moment) error {
		return fault.New(fault.Upstream, "Nonsense.")
	})
	w.refused(w.recon.ReadBack(t.Context(), w.takeAny(core.TaskReadBack), core.Attempt{Number: 10, Last: true}), fault.Upstream)
	w.system.OnCall(nil)
	w.readBack(time.Minute)
	w.noTask()
}

// A connection without hooks, or whose token is refused, has nothing to catch up with.
func TestNothingIsReadWhereNothingIsTold(t *testing.T) {
	t.Parallel()
	w := newReconWorld(t)
	w.enable(core.SyncChange{})
	w.readBack(time.Minute)
	if n := w.system.Calls(coretest.OpGet); n != 0 {
		t.Errorf("%d calls", n)
	}
	w.enable(core.SyncChange{Enabled: true})
	w.system.FailOnce(coretest.OpGet, coretest.BeforeCommit, fault.New(fault.Auth, "Who?"))
	w.readBack(time.Minute)
}

// Whoever is in a stage that sends a test, and was not sent it, is sent it.
func TestMissedStageSendsItsTest(t *testing.T) {
	t.Parallel()
	w := newReconWorld(t)
	w.newTrigger("job-1-stage-1", 180)
	_, application := w.inATS(ada())
	w.readBack(time.Minute)
	w.takeAny(core.TaskSendInvitation)
	all := w.ordered()
	if len(all) != 1 || w.application(all[0].ID).ExternalID != application {
		t.Fatalf("ordered %+v", all)
	}
	w.closed(1)
	if i := w.list(false)[0]; i.Kind != core.IssueTestNotSent || i.ApplicationID != application || i.RepairedAt.IsZero() {
		t.Errorf("%+v", i)
	}
	w.system.ChangeApplication(application, func(*coretest.Application) {})
	w.readBack(time.Hour)
	w.noTask()
	w.closed(1)
}

// What a web hook told since counts more than an answer that is older.
func TestNewerWordThanTheAnswerCounts(t *testing.T) {
	t.Parallel()
	w := newReconWorld(t)
	w.newTrigger("job-1-stage-1", 180)
	person, application := w.inATS(ats.CandidateRecord{FirstName: "Nobody"})
	w.place(person, application)
	w.tell(enters(person, application, "job-1-stage-2", w.at(60)))
	w.readBack(time.Minute)
	w.closed(0)
}

func TestStageWhoseTestCannotBeSent(t *testing.T) {
	t.Parallel()
	for name, cure := range map[string]func(w *reconWorld, person, application string){
		"the application moves on": func(w *reconWorld, _, application string) {
			w.system.ChangeApplication(application, func(one *coretest.Application) { one.StageID = "job-1-stage-2" })
		},
		"the person is deleted":    func(w *reconWorld, person, _ string) { w.system.RemovePerson(person) },
		"the trigger is deleted":   func(w *reconWorld, _, _ string) { w.deleteTriggers() },
		"the hooks are turned off": func(w *reconWorld, _, _ string) { w.enable(core.SyncChange{}) },
		"a person orders it by the ATS's button": func(w *reconWorld, _, application string) {
			w.tell2(enters("17", application, "job-1-stage-1", w.clock.Now()))
			w.takeAny(core.TaskSendInvitation)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newReconWorld(t)
			w.newTrigger("job-1-stage-1", 180)
			person, application := w.inATS(ats.CandidateRecord{FirstName: "Nobody"})
			w.readBack(time.Minute)
			i := w.one(core.IssueTestNotSent)
			if i.ApplicationID != application || i.Action() != core.ActionCheckATS {
				t.Errorf("%+v", i)
			}
			w.readBack(time.Hour)
			w.one(core.IssueTestNotSent)
			cure(w, person, application)
			w.readBack(time.Minute)
			w.closed(1)
			w.noTask()
		})
	}
}

func (w *reconWorld) deleteTriggers() {
	w.t.Helper()
	all, err := w.triggers.List(w.t.Context(), w.admin, "")
	w.ok(err)
	for _, one := range all {
		_, err := w.triggers.Delete(w.t.Context(), w.admin, one.ID)
		w.ok(err)
	}
}

// pushedTo keeps a push that is done.
func (w *reconWorld) pushedTo(application string) core.ID {
	w.t.Helper()
	id := w.place("17", application)
	p := &core.Push{
		ID: core.NewID(core.PrefixPush), OrganizationID: w.admin.OrganizationID, ConnectionID: w.connection.ID, AssessmentID: id,
		CandidateID: w.get(id).CandidateID, Revision: 1, State: core.PushDone, ExternalApplicationID: application,
		RequestedAt: w.clock.Now(), FinishedAt: w.clock.Now(), UpdatedAt: w.clock.Now(),
	}
	w.ok(w.store.Atomically(w.t.Context(), func(tx core.Tx) error {
		_, err := tx.InsertPush(w.t.Context(), p)
		return err
	}))
	return p.ID
}

// A push that the ATS does not show is an issue until it does, or until nobody
// looks any more.
func TestPushThatIsNotVisible(t *testing.T) {
	t.Parallel()
	w := newReconWorld(t)
	_, application := w.inATS(ada())
	w.pushedTo(application)
	lost := w.pushedTo("9999")
	w.readBack(time.Minute)
	i := w.one(core.IssuePushNotVisible)
	if i.PushID != lost || i.Action() != core.ActionCheckATS || i.ApplicationID != "9999" {
		t.Errorf("%+v", i)
	}
	calls := w.system.Calls(coretest.OpGet)
	w.readBack(time.Minute)
	if n := w.system.Calls(coretest.OpGet) - calls; n != 1 { // for what changed
		t.Errorf("%d calls, though all was looked for a minute ago", n)
	}
	w.clock.Turn(31 * day)
	w.readBack(0)
	w.readBack(time.Minute)
	for _, open := range w.list(true) {
		if open.Kind == core.IssuePushNotVisible {
			t.Errorf("still looked for: %+v", open)
		}
	}
}

func TestPushThatAppearsAgain(t *testing.T) {
	t.Parallel()
	w := newReconWorld(t)
	w.pushedTo("9999")
	w.readBack(time.Minute)
	w.one(core.IssuePushNotVisible)
	_, application := w.inATS(ada())
	w.system.ChangeApplication(application, func(one *coretest.Application) { one.ID = "9999" })
	w.readBack(10 * time.Minute)
	w.closed(1)
}

// Who was in the stage before the trigger is not sent its test because something
// else happened to them since, however it is told.
func TestAnActivityInTheStageIsNoEntry(t *testing.T) {
	t.Parallel()
	w := newReconWorld(t)
	person, application := w.inATS(ada())
	w.clock.Turn(30 * day)
	w.newTrigger("job-1-stage-1", 180)
	w.clock.Turn(time.Minute)
	w.system.ChangeApplication(application, func(*coretest.Application) {})
	w.readBack(time.Minute)
	update := enters(person, application, "job-1-stage-1", w.clock.Now())
	update.Kind = ats.EventApplicationUpdated
	w.tell2(update)
	w.barred()
	w.tell2(update)
	w.noTask()
	w.closed(0)
	if n := len(w.ordered()); n != 0 {
		t.Errorf("%d ordered", n)
	}
}

// Whom a test cannot be sent to is looked for once an hour, and takes no turn
// from what was missed.
func TestWhoCannotBeSentIsLookedForHourly(t *testing.T) {
	t.Parallel()
	w := newReconWorld(t)
	w.newTrigger("job-1-stage-1", 180)
	for range 5 {
		w.inATS(ats.CandidateRecord{FirstName: "Nobody"})
	}
	w.readBack(time.Minute)
	found := w.system.Calls(coretest.OpFind)
	w.readBack(15 * time.Minute)
	if n := w.system.Calls(coretest.OpFind); n != found {
		t.Errorf("%d looks in a quarter of an hour", n-found)
	}
	w.readBack(time.Hour)
	if n := w.system.Calls(coretest.OpFind); n != found+5 {
		t.Errorf("%d looks in an hour", n-found)
	}
}

// Who came into the stage since is sent its test, whatever it is told with.
func TestAnUpdateOfWhoCameSince(t *testing.T) {
	t.Parallel()
	w := newReconWorld(t)
	w.newTrigger("job-1-stage-1", 180)
	w.clock.Turn(time.Minute)
	person, application := w.inATS(ada())
	update := enters(person, application, "job-1-stage-1", w.clock.Now())
	update.Kind = ats.EventApplicationUpdated
	w.tell2(update)
	w.takeAny(core.TaskSendInvitation)
}

// Who moved into the stage before there was the trigger is not sent its test,
// and still known to be there.
func TestAMissedMoveBeforeTheTriggerIsTakenIn(t *testing.T) {
	t.Parallel()
	w := newReconWorld(t)
	person, application := w.inATS(ada())
	id := w.orderFor("order", person, application)
	w.tell2(enters(person, application, "job-1-stage-1", w.clock.Now()))
	w.clock.Turn(time.Hour)
	w.system.ChangeApplication(application, func(one *coretest.Application) { one.StageID = "job-1-stage-2" })
	w.clock.Turn(time.Minute)
	w.newTrigger("job-1-stage-2", 0)
	w.clock.Turn(time.Minute)
	w.system.ChangeApplication(application, func(*coretest.Application) {})
	w.readBack(time.Minute)
	if a := w.application(id); a.StageID != "job-1-stage-2" {
		t.Errorf("known to be in %s", a.StageID)
	}
	if n := len(w.ordered()); n != 1 {
		t.Errorf("%d ordered", n)
	}
}
