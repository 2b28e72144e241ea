package core_test

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/coretest"
	"github.com/trellis-ats/trellis/core/fault"
)

func number(n float64) *float64 { return &n }

func TestPushRulesAreSetAndDeleted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rules := core.NewPushRules(w.store, w.clock)
	job := w.newJob("Closer")
	of := func() []core.PushRule {
		t.Helper()
		all, err := rules.Of(t.Context(), w.admin, w.connection.ID)
		w.ok(err)
		return all
	}
	rule := core.PushRule{OrganizationID: w.admin.OrganizationID, ConnectionID: w.connection.ID, Mode: core.PushManual}
	if diff := cmp.Diff([]core.PushRule{rule}, of()); diff != "" {
		t.Errorf("before any was set (-want +got):\n%s", diff)
	}
	for range 2 { // the same again changes nothing
		_, err := rules.Set(t.Context(), w.admin, core.NewPushRule{ConnectionID: w.connection.ID, JobID: job, Mode: core.PushOnThreshold, Minimum: number(65)})
		w.ok(err)
	}
	own := rule
	own.JobID, own.Mode, own.Minimum, own.UpdatedAt = job, core.PushOnThreshold, 65_00, w.clock.Now()
	if diff := cmp.Diff([]core.PushRule{rule, own}, of()); diff != "" {
		t.Errorf("set (-want +got):\n%s", diff)
	}
	_, err := rules.Set(t.Context(), w.admin, core.NewPushRule{ConnectionID: w.connection.ID, Mode: core.PushOnComplete})
	w.ok(err)
	removed, err := rules.Delete(t.Context(), w.admin, w.connection.ID, job)
	w.ok(err)
	if *removed != own {
		t.Errorf("removed %+v", removed)
	}
	_, err = rules.Delete(t.Context(), w.admin, w.connection.ID, job)
	w.refused(err, fault.NotFound)
	if all := of(); len(all) != 1 || all[0].Mode != core.PushOnComplete {
		t.Errorf("left %+v", all)
	}
	if audited := w.audited(); len(audited) != 4 || audited[0] != core.EventPushRuleDeleted || audited[1] != core.EventPushRuleSet {
		t.Errorf("audited %v", audited)
	}
}

func TestPushRulesThatCannotBe(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rules := core.NewPushRules(w.store, w.clock)
	for name, c := range map[string]struct {
		edit          func(*core.NewPushRule)
		field, reason string
	}{
		"over 100":           {func(n *core.NewPushRule) { n.Minimum = number(101) }, "minimum", "OUT_OF_RANGE"},
		"three decimals":     {func(n *core.NewPushRule) { n.Minimum = number(64.999) }, "minimum", "TOO_PRECISE"},
		"no minimum":         {func(n *core.NewPushRule) { n.Minimum = nil }, "minimum", "REQUIRED"},
		"minimum of nothing": {func(n *core.NewPushRule) { n.Mode = core.PushOnComplete }, "minimum", "UNEXPECTED"},
		"unknown mode":       {func(n *core.NewPushRule) { n.Mode = "DAILY" }, "mode", "UNKNOWN"},
		"unknown job":        {func(n *core.NewPushRule) { n.JobID = "job_0" }, "jobId", "UNKNOWN"},
		"unknown connection": {func(n *core.NewPushRule) { n.ConnectionID = "con_0" }, "connectionId", "UNKNOWN"},
	} {
		n := core.NewPushRule{ConnectionID: w.connection.ID, Mode: core.PushOnThreshold, Minimum: number(65)}
		c.edit(&n)
		_, err := rules.Set(t.Context(), w.admin, n)
		t.Log(name)
		w.about(err, c.field, c.reason)
	}
	_, err := rules.Set(t.Context(), w.engine, core.NewPushRule{})
	w.refused(err, fault.Forbidden)
	_, err = rules.Delete(t.Context(), w.engine, w.connection.ID, "")
	w.refused(err, fault.Forbidden)
	_, err = rules.Of(t.Context(), w.engine, w.connection.ID)
	w.refused(err, fault.Forbidden)
	_, err = rules.Of(t.Context(), w.admin, "con_0")
	w.about(err, "connectionId", "UNKNOWN")
}

// rule sets a push rule of the connection, for a job or for all.
func (w *pushWorld) rule(connection, job core.ID, mode core.PushMode, minimum *float64) {
	w.t.Helper()
	_, err := core.NewPushRules(w.store, w.clock).Set(w.t.Context(), w.admin, core.NewPushRule{
		ConnectionID: connection, JobID: job, Mode: mode, Minimum: minimum,
	})
	w.ok(err)
}

// opened orders an assessment through our own API.
func (w *pushWorld) opened(job core.ID) core.ID {
	w.t.Helper()
	a, err := w.assessments.Create(w.t.Context(), w.admin, core.NewOrder{
		TestID: w.test.ID, JobID: job, Candidate: core.Candidate{FirstName: "Zoë", LastName: "Example", Email: string(core.NewID("e")) + "@example.com"},
	}, core.Key{})
	w.ok(err)
	w.forgetTasks()
	return a.ID
}

// of returns the pushes of an assessment, newest first.
func (w *pushWorld) of(assessment core.ID) []core.Push {
	w.t.Helper()
	all, err := w.pushes.Of(w.t.Context(), w.admin, []core.ID{assessment}, 100)
	w.ok(err)
	return all
}

func (w *pushWorld) again(id core.ID, score float64) {
	w.t.Helper()
	_, err := w.complete(id, score)
	w.ok(err)
}

// At the minimum a result is pushed, 0.01 under it is not. The engine's own
// scale makes no difference.
func TestTheThresholdIsExact(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		score, maximum float64
		pushed         int
	}{
		"at the minimum":       {65, 100, 1},
		"0.01 under":           {64.99, 100, 0},
		"over":                 {100, 100, 1},
		"nothing":              {0, 100, 0},
		"at it, of 20":         {13, 20, 1},
		"0.01 under it, of 20": {12.998, 20, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newPushWorld(t)
			w.rule(w.connection.ID, "", core.PushOnThreshold, number(65))
			id := w.opened(w.job.ID)
			_, err := w.assessments.Complete(t.Context(), w.engine, core.Completion{AssessmentID: id, Score: &c.score, MaxScore: c.maximum})
			w.ok(err)
			pushes := w.of(id)
			if len(pushes) != c.pushed {
				t.Fatalf("%d pushes", len(pushes))
			}
			if c.pushed == 1 && pushes[0].Trigger != core.PushOnThreshold {
				t.Errorf("triggered by %s", pushes[0].Trigger)
			}
			w.drive()
			w.count(c.pushed)
		})
	}
}

// A job's own rule counts before the connection's, in both directions.
func TestAJobsOwnRuleCounts(t *testing.T) {
	t.Parallel()
	w := newPushWorld(t)
	other := w.newJob("Other")
	count := func(job core.ID) int {
		t.Helper()
		id := w.opened(job)
		w.again(id, 50)
		w.forgetTasks()
		return len(w.of(id))
	}
	steps := []struct {
		set           func()
		own, of, none int
	}{
		{func() {}, 0, 0, 0},
		{func() { w.rule(w.connection.ID, "", core.PushOnComplete, nil) }, 1, 1, 1},
		{func() { w.rule(w.connection.ID, w.job.ID, core.PushManual, nil) }, 0, 1, 1},
		{func() { w.rule(w.connection.ID, "", core.PushManual, nil) }, 0, 0, 0},
		{func() { w.rule(w.connection.ID, w.job.ID, core.PushOnComplete, nil) }, 1, 0, 0},
	}
	for i, s := range steps {
		s.set()
		if own, of, none := count(w.job.ID), count(other), count(""); own != s.own || of != s.of || none != s.none {
			t.Errorf("step %d: %d, %d and %d pushes", i, own, of, none)
		}
	}
}

// A result is pushed once for each revision, however often it is reported.
func TestARevisionIsPushedOnce(t *testing.T) {
	t.Parallel()
	w := newPushWorld(t)
	w.rule(w.connection.ID, "", core.PushOnComplete, nil)
	id := w.opened(w.job.ID)
	for _, score := range []float64{50, 50, 60, 60} {
		w.again(id, score)
	}
	pushes := w.of(id)
	if len(pushes) != 2 || pushes[0].Revision != 2 || pushes[1].Revision != 1 {
		t.Errorf("pushes %+v", pushes)
	}
}

// A correction under the minimum goes only where the ATS shows the result that
// it corrects.
func TestACorrectionFollowsWhatWasPushed(t *testing.T) {
	t.Parallel()
	w := newPushWorld(t)
	w.rule(w.connection.ID, "", core.PushOnThreshold, number(65))
	told, untold := w.opened(w.job.ID), w.opened(w.job.ID)
	w.again(told, 70)
	w.drive()
	w.again(told, 40)
	w.again(untold, 40)
	w.again(untold, 30)
	if told, untold := len(w.of(told)), len(w.of(untold)); told != 2 || untold != 0 {
		t.Errorf("%d pushes of the one that was told, %d of the other", told, untold)
	}
}

// A correction under the minimum that comes before anything of the result was
// written ends the push: the ATS has nothing to correct. It may come at any time.
func TestACorrectionBeforeAnythingWasWritten(t *testing.T) {
	t.Parallel()
	type moment struct {
		at     coretest.Operation // "": before it begins
		m      coretest.Moment
		err    error
		later  bool // it comes only when the push stands still
		person bool // is in the ATS already
		pushes int
		people int
	}
	for name, c := range map[string]moment{
		"pending":                 {pushes: 1},
		"stopped":                 {at: coretest.OpFind, m: coretest.BeforeCommit, err: fault.New(fault.Permission, "No."), later: true, pushes: 1},
		"looking just now":        {at: coretest.OpFind, m: coretest.AfterCommit, pushes: 1},
		"found somebody just now": {at: coretest.OpFind, m: coretest.AfterCommit, person: true, pushes: 1, people: 1},
		"creating just now":       {at: coretest.OpCreate, m: coretest.BeforeCommit, pushes: 2, people: 1},
		"maybe created":           {at: coretest.OpCreate, m: coretest.AfterCommit, err: fault.New(fault.OutcomeUnknown, "No answer."), pushes: 2, people: 1},
		"created":                 {at: coretest.OpAttach, m: coretest.BeforeCommit, pushes: 2, people: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newPushWorld(t)
			w.rule(w.connection.ID, "", core.PushOnThreshold, number(65))
			id := w.opened(w.job.ID)
			w.again(id, 70)
			if c.person {
				w.system.AddPerson(coretest.Person{Record: ats.CandidateRecord{Email: w.emailOf(id)}})
			}
			var once sync.Once
			correct := func() { once.Do(func() { w.again(id, 40) }) }
			if c.at == "" {
				correct()
			}
			w.system.OnCall(func(_ context.Context, op coretest.Operation, m coretest.Moment) error {
				if op != c.at || m != c.m {
					return nil
				}
				if !c.later {
					correct()
				}
				return c.err
			})
			w.drive()
			w.system.OnCall(nil)
			correct()
			w.drive()
			pushes := w.of(id)
			if got := w.system.Tally(); len(pushes) != c.pushes || got.People != c.people || got.Applications != c.pushes-1 {
				t.Fatalf("%d pushes, and the ATS has %+v", len(pushes), got)
			}
			if c.pushes == 2 {
				w.expect(pushes[0].ID, core.PushDone)
				return
			}
			p := w.expect(pushes[0].ID, core.PushCancelled)
			log, err := w.store.SyncLog(t.Context(), w.admin.OrganizationID, core.SyncFilter{PushID: p.ID}, core.Page{First: 9})
			w.ok(err)
			if slices.ContainsFunc(log.Items, func(e core.SyncEntry) bool { return e.Outcome == core.SyncRunning }) || p.Message == "" {
				t.Errorf("%q, and the sync log has %+v", p.Message, log.Items)
			}
		})
	}
}

// What a person asked for goes whatever the score is, and so does its correction.
func TestTheCorrectionOfWhatAPersonAskedFor(t *testing.T) {
	t.Parallel()
	w := newPushWorld(t)
	w.rule(w.connection.ID, "", core.PushOnThreshold, number(65))
	id := w.scored("ada@example.com", w.job.ID, 50)
	w.ask(id)
	w.again(id, 40)
	w.drive()
	if pushes := w.of(id); len(pushes) != 2 || pushes[0].State != core.PushDone || pushes[1].State != core.PushCancelled {
		t.Errorf("pushes %+v", pushes)
	}
	w.one()
}

func (w *pushWorld) emailOf(assessment core.ID) string {
	w.t.Helper()
	c, err := w.store.Candidate(w.t.Context(), w.admin.OrganizationID, w.get(assessment).CandidateID)
	w.ok(err)
	return c.Email
}

// Without a mapped job nothing is sent, and nothing is lost.
func TestAnUnmappedJobStopsARulesPush(t *testing.T) {
	t.Parallel()
	w := newPushWorld(t)
	w.rule(w.connection.ID, "", core.PushOnComplete, nil)
	for _, job := range []core.ID{"", w.newJob("Unmapped")} {
		id := w.opened(job)
		w.again(id, 50)
		pushes := w.of(id)
		if len(pushes) != 1 || pushes[0].State != core.PushNeedsAttention || pushes[0].Advice == "" {
			t.Fatalf("pushes %+v", pushes)
		}
	}
	w.drive()
	w.count(0)
}

// The connection that ordered an assessment is told by its delivery, one that
// is switched off is told nothing.
func TestARulePushesToTheOthers(t *testing.T) {
	t.Parallel()
	w := newPushWorld(t)
	second, off := w.newConnection("Second"), w.newConnection("Off")
	for _, c := range []core.ID{w.connection.ID, second, off} {
		w.rule(c, "", core.PushOnComplete, nil)
	}
	disabled := true
	_, err := w.connections.Update(t.Context(), w.admin, off, core.ConnectionUpdate{Disabled: &disabled})
	w.ok(err)
	id := w.order("order-1")
	w.again(id, 50)
	if pushes := w.of(id); len(pushes) != 1 || pushes[0].ConnectionID != second {
		t.Errorf("pushes %+v", pushes)
	}
	if a := w.get(id); a.Delivery != core.DeliveryPending {
		t.Errorf("the delivery is %s", a.Delivery)
	}
}

func (w *pushWorld) newConnection(name string) core.ID {
	w.t.Helper()
	made, err := w.connections.Create(w.t.Context(), w.admin, core.NewConnection{
		Adapter: "fake", Name: name, Settings: map[string]string{"account": "acme", ats.SettingActingUser: "user-1"},
	}, core.Key{})
	w.ok(err)
	return made.Connection.ID
}
