package core_test

import (
	"context"
	"testing"
	"time"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/coretest"
	"github.com/trellis-ats/trellis/core/fault"
)

func (w *hookWorld) newTrigger(stage string, days int) *core.StageTrigger {
	w.t.Helper()
	t, err := w.triggers.Create(w.t.Context(), w.admin, core.NewStageTrigger{
		ConnectionID: w.connection.ID, ExternalJobID: "job-1", StageID: stage, TestID: w.test.ID, RetakeDays: &days,
	})
	w.ok(err)
	return t
}

// enters tells that somebody entered a stage.
func enters(person, application, stage string, at time.Time) ats.Event {
	return ats.Event{
		Kind: ats.EventStageChanged, CandidateID: person, ApplicationID: application, JobID: "job-1", StageID: stage, StageName: "Stage " + stage,
		State: ats.ApplicationActive, At: at,
		Person: &ats.CandidateRecord{FirstName: "Ada", LastName: "Example", Email: "Ada" + person + "@example.com"},
	}
}

func (w *hookWorld) ordered() []core.Assessment {
	w.t.Helper()
	page, err := w.store.Assessments(w.t.Context(), w.admin.OrganizationID, core.AssessmentFilter{}, core.AssessmentSort{Ascending: true}, core.Page{First: 100})
	w.ok(err)
	return page.Items
}

// Entering a stage sends its test: once for an application and stage, and not
// again to a person within the retake window.
func TestStageSendsItsTest(t *testing.T) {
	t.Parallel()
	w := newHookWorld(t)
	w.barred()
	w.newTrigger("job-1-stage-1", 180)
	w.newTrigger("job-1-stage-2", 180)
	w.tell(enters("17", "100", "job-1-stage-1", w.at(1)))
	w.take(core.TaskSendInvitation)
	all := w.ordered()
	if len(all) != 1 || all[0].TestID != w.test.ID || all[0].ConnectionID != "" || w.application(all[0].ID).ExternalID != "100" || w.application(all[0].ID).StageID != "job-1-stage-1" {
		t.Fatalf("ordered %+v", all)
	}
	for name, e := range map[string]ats.Event{
		"the same stage again":        enters("17", "100", "job-1-stage-1", w.at(2)),
		"another stage with the test": enters("17", "100", "job-1-stage-2", w.at(3)),
		"another application":         enters("17", "101", "job-1-stage-1", w.at(4)),
		"the same address": func() ats.Event {
			e := enters("99", "102", "job-1-stage-1", w.at(5))
			e.Person.Email = "ADA17@example.com"
			return e
		}(),
		"a stage without a test":   enters("18", "103", "job-1-stage-3", w.at(6)),
		"the stage of another job": func() ats.Event { e := enters("18", "103", "job-1-stage-1", w.at(7)); e.JobID = "job-2"; return e }(),
		"a rejected one": func() ats.Event {
			e := enters("18", "103", "job-1-stage-1", w.at(8))
			e.State = ats.ApplicationRejected
			return e
		}(),
		"somebody of whom nothing is told": func() ats.Event { e := enters("18", "103", "job-1-stage-1", w.at(9)); e.Person = nil; return e }(),
		"somebody with a bad address":      func() ats.Event { e := enters("18", "103", "job-1-stage-1", w.at(9)); e.Person.Email = "x"; return e }(),
	} {
		w.tell(e)
		if n := len(w.ordered()); n != 1 {
			t.Fatalf("%s: %d ordered", name, n)
		}
	}
	w.noTask()
	w.tell(enters("18", "103", "job-1-stage-1", w.at(10)))
	w.take(core.TaskSendInvitation)
	w.clock.Turn(181 * 24 * time.Hour)
	w.tell(enters("17", "104", "job-1-stage-1", w.at(11)))
	w.take(core.TaskSendInvitation)
	if n := len(w.ordered()); n != 3 {
		t.Errorf("%d ordered in the end", n)
	}
}

// Whoever has left the stage by now is not sent its test.
func TestStageThatWasLeftSendsNothing(t *testing.T) {
	t.Parallel()
	w := newHookWorld(t)
	w.barred()
	w.newTrigger("job-1-stage-1", 0)
	w.newTrigger("job-1-stage-2", 0)
	w.place("17", "100")
	w.tell(enters("17", "100", "job-1-stage-3", w.at(5)))
	w.tell(enters("17", "100", "job-1-stage-1", w.at(4)))
	w.tell(enters("18", "101", "job-1-stage-2", w.at(5)))
	w.take(core.TaskSendInvitation)
	w.tell(enters("18", "101", "job-1-stage-1", w.at(4)))
	w.noTask()
}

// barred lets the customer use web hooks alone: the ATS cannot be asked.
func (w *hookWorld) barred() {
	w.system.OnCall(func(_ context.Context, op coretest.Operation, _ coretest.Moment) error {
		if op == coretest.OpGet {
			return fault.New(fault.Permission, "Applications may not be read.")
		}
		return nil
	})
}

// A word about somebody who is not known here may be late: the ATS is asked
// whether they are still in the stage.
func TestALateWordOfAStageSendsNothing(t *testing.T) {
	t.Parallel()
	w := newHookWorld(t)
	w.newTrigger("job-1-stage-1", 180)
	person := w.system.AddPerson(coretest.Person{})
	application, err := w.system.AddApplication(person, "job-1")
	w.ok(err)
	for name, change := range map[string]func(*coretest.Application){
		"rejected": func(a *coretest.Application) { a.State = ats.ApplicationRejected },
		"moved":    func(a *coretest.Application) { a.State, a.StageID = ats.ApplicationActive, "job-1-stage-2" },
	} {
		w.system.ChangeApplication(application, change)
		w.tell(enters(person, application, "job-1-stage-1", w.at(1)))
		if n := len(w.ordered()); n != 0 {
			t.Errorf("%s: %d ordered", name, n)
		}
	}
	w.tell(enters("999", "999", "job-1-stage-1", w.at(2)))
	w.noTask()
	w.system.ChangeApplication(application, func(a *coretest.Application) { a.State, a.StageID = ats.ApplicationActive, "job-1-stage-1" })
	w.tell(enters(person, application, "job-1-stage-1", w.at(3)))
	w.take(core.TaskSendInvitation)
}

// A trigger that could never fire is refused at once, and nothing is kept.
func TestStageTriggersAreChecked(t *testing.T) {
	t.Parallel()
	w := newHookWorld(t)
	w.system.CloseJob("job-2")
	days := 4000
	good := core.NewStageTrigger{ConnectionID: w.connection.ID, ExternalJobID: "job-1", StageID: "job-1-stage-1", TestID: w.test.ID}
	for name, c := range map[string]struct {
		spoil         func(n *core.NewStageTrigger)
		field, reason string
	}{
		"no job":                  {func(n *core.NewStageTrigger) { n.ExternalJobID = "" }, "externalJobId", "REQUIRED"},
		"a job that is not there": {func(n *core.NewStageTrigger) { n.ExternalJobID = "job-9" }, "externalJobId", "UNKNOWN"},
		"a job that is closed":    {func(n *core.NewStageTrigger) { n.ExternalJobID = "job-2" }, "externalJobId", "INACTIVE"},
		"no stage":                {func(n *core.NewStageTrigger) { n.StageID = "" }, "stageId", "REQUIRED"},
		"a stage of another job":  {func(n *core.NewStageTrigger) { n.StageID = "job-2-stage-1" }, "stageId", "UNKNOWN"},
		"a window that is absurd": {func(n *core.NewStageTrigger) { n.RetakeDays = &days }, "retakeDays", "OUT_OF_RANGE"},
		"an unknown test":         {func(n *core.NewStageTrigger) { n.TestID = core.NewID(core.PrefixTest) }, "testId", "UNKNOWN"},
		"an unknown connection":   {func(n *core.NewStageTrigger) { n.ConnectionID = core.NewID(core.PrefixConnection) }, "connectionId", "UNKNOWN"},
	} {
		n := good
		c.spoil(&n)
		_, err := w.triggers.Create(t.Context(), w.admin, n)
		t.Log(name)
		w.about(err, c.field, c.reason)
	}
	w.lists.err = fault.New(fault.Auth, "The ATS refused our credential.")
	w.refused(second(w.triggers.Create(t.Context(), w.admin, good)), fault.Auth)
	w.lists.err = nil
	if all, err := w.triggers.List(t.Context(), w.admin, ""); err != nil || len(all) != 0 {
		t.Errorf("kept %+v, %v", all, err)
	}
}

// An ATS without lists takes what was typed.
func TestAStageTriggerWithoutListsIsTakenAsTyped(t *testing.T) {
	t.Parallel()
	w := newHookWorld(t)
	w.lists.err = fault.New(fault.Unsupported, "The adapter has no lists.")
	n := core.NewStageTrigger{ConnectionID: w.connection.ID, ExternalJobID: "R-17", StageID: "S-2", StageName: "Interview", TestID: w.test.ID}
	made, err := w.triggers.Create(t.Context(), w.admin, n)
	w.ok(err)
	if made.ExternalJobID != "R-17" || made.ExternalJobName != "R-17" || made.StageID != "S-2" || made.StageName != "Interview" {
		t.Errorf("kept %+v", made)
	}
}

func TestStageTriggersAreKeptOnce(t *testing.T) {
	t.Parallel()
	w := newHookWorld(t)
	good := core.NewStageTrigger{ConnectionID: w.connection.ID, ExternalJobID: "job-1", StageID: "job-1-stage-2", StageName: "as it was typed", TestID: w.test.ID}
	made, err := w.triggers.Create(t.Context(), w.admin, good)
	w.ok(err)
	if made.RetakeDays != 180 || made.ExternalJobName != "Account Executive" || made.StageName != "Assessment" {
		t.Errorf("made %+v", made)
	}
	again, err := w.triggers.Create(t.Context(), w.admin, good)
	w.ok(err)
	if again.ID != made.ID {
		t.Error("the same again made another one")
	}
	good.RetakeDays = new(int)
	_, err = w.triggers.Create(t.Context(), w.admin, good)
	w.refused(err, fault.Conflict)
	w.ok(second(w.triggers.Delete(t.Context(), w.admin, made.ID)))
	w.refused(second(w.triggers.Delete(t.Context(), w.admin, made.ID)), fault.NotFound)
	all, err := w.triggers.List(t.Context(), w.admin, "")
	w.ok(err)
	if len(all) != 0 {
		t.Errorf("left %+v", all)
	}
}

// Whoever was in the stage before the trigger was is not sent its test, however
// often the ATS tells of them.
func TestWhoWasThereBeforeTheTrigger(t *testing.T) {
	t.Parallel()
	w := newHookWorld(t)
	w.barred()
	w.place("17", "100")
	w.tell(enters("17", "100", "job-1-stage-1", w.at(1)))
	w.clock.Turn(time.Hour)
	w.newTrigger("job-1-stage-1", 0)
	for minute := range 3 {
		told := enters("17", "100", "job-1-stage-1", w.at(61+minute))
		told.Kind = ats.EventApplicationUpdated
		w.tell(told)
	}
	w.noTask()
	w.tell(enters("17", "100", "job-1-stage-2", w.at(65)))
	w.tell(enters("18", "101", "job-1-stage-1", w.at(66)))
	w.take(core.TaskSendInvitation)
}

// TestAnUpdateIsNoEntry: what changed may be anything, long after somebody of
// whom no stage was told came into it.
func TestAnUpdateIsNoEntry(t *testing.T) {
	t.Parallel()
	for name, known := range map[string]string{"no stage was told": "", "another was": "job-1-stage-2"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newHookWorld(t)
			w.barred()
			w.place("17", "100")
			if known != "" {
				w.tell(enters("17", "100", known, w.at(1)))
			}
			w.clock.Turn(time.Hour)
			w.newTrigger("job-1-stage-1", 0)
			told := enters("17", "100", "job-1-stage-1", w.at(61))
			told.Kind = ats.EventApplicationUpdated
			w.tell(told)
			w.noTask()
		})
	}
}
