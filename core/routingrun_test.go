package core_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/coretest"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/internal/store"
	"github.com/trellis-ats/trellis/internal/store/storetest"
)

const stage1, stage2, stage3 = "job-1-stage-1", "job-1-stage-2", "job-1-stage-3"

func TestAGoodScoreAdvances(t *testing.T) {
	t.Parallel()
	w := newRoutingWorld(t)
	rule := w.rule(nil)
	d, application := w.scoredApplicant(75)
	if d.RuleID != rule.ID || d.RuleVersion != 1 || d.Terms != rule.Terms || d.Inputs.Score != 75_00 || d.Revision != 1 || d.Indicator != core.IndicatorGreen {
		t.Errorf("kept with the decision: %+v", d)
	}
	w.work(time.Minute)
	d = w.expectState(d, core.DecisionStateAdvanced, "")
	if now := w.inATS(application); now.StageID != stage2 || w.get(d.AssessmentID).Decision != core.DecisionAdvanced {
		t.Errorf("in the ATS: %+v", now)
	}
	known := w.application(d.AssessmentID)
	if known.OwnStageID != stage2 || known.OwnAt.IsZero() {
		t.Errorf("a web hook about it would not be recognised: %+v", known)
	}
	if got := w.types(d.AssessmentID); got != "ordered completed scored advance_pending advanced" {
		t.Error(got)
	}
}

func TestAGoodScoreAdvancesToAChosenStage(t *testing.T) {
	t.Parallel()
	w := newRoutingWorld(t)
	w.rule(nil)
	w.rule(func(n *core.NewRoutingRule) { n.JobID, n.AdvanceTo = w.job.ID, stage3 })
	id, application := w.applicant()
	_, err := w.assessments.AssignJob(t.Context(), w.admin, id, w.job.ID)
	w.ok(err)
	_, err = w.complete(id, 100)
	w.ok(err)
	w.work(time.Minute)
	w.expectState(w.decided(id), core.DecisionStateAdvanced, "")
	if now := w.inATS(application); now.StageID != stage3 {
		t.Errorf("in the ATS: %+v", now)
	}
}

// A pushed candidate is moved once the push is done.
func TestAPushedCandidateAdvances(t *testing.T) {
	t.Parallel()
	w := newRoutingWorld(t)
	w.rule(nil)
	_, err := core.NewPushRules(w.store, w.clock).Set(t.Context(), w.admin, core.NewPushRule{ConnectionID: w.connection.ID, Mode: core.PushOnComplete})
	w.ok(err)
	a, err := w.assessments.Create(t.Context(), w.admin, core.NewOrder{
		TestID: w.test.ID, JobID: w.job.ID, Candidate: core.Candidate{FirstName: "Zoë", LastName: "Example", Email: "zoe@example.com"},
	}, core.Key{})
	w.ok(err)
	_, err = w.complete(a.ID, 90)
	w.ok(err)
	w.work(10 * time.Minute)
	w.one()
	w.expectState(w.decided(a.ID), core.DecisionStateAdvanced, "")
	if note := w.system.Notes(w.system.Applications()[0].CandidateID)[0].Body; !strings.Contains(note, "Indicator: GREEN") {
		t.Errorf("the note: %s", note)
	}
	if now := w.system.Applications()[0]; now.StageID != stage3 { // pushed into the second
		t.Errorf("in the ATS: %+v", now)
	}
}

// An ATS that ordered the test is told the colour with the result; nobody is
// where no rule routes it.
func TestTheATSIsToldTheIndicator(t *testing.T) {
	t.Parallel()
	w := newRoutingWorld(t)
	told := func(id core.ID) ats.ResultRecord {
		t.Helper()
		w.ok(w.deliveries.Run(t.Context(), core.Task{OrganizationID: w.admin.OrganizationID, AssessmentID: id, Revision: 1}, core.Attempt{Number: 1}))
		return *w.ats.got[len(w.ats.got)-1].Progress.Result
	}
	before, _ := w.applicant()
	_, err := w.complete(before, 90)
	w.ok(err)
	if got := told(before); got.Indicator != "" || got.Recommendation != "" {
		t.Errorf("without a rule: %+v", got)
	}
	w.rule(func(n *core.NewRoutingRule) { n.Pilot = nil })
	for score, want := range map[float64]string{75: "GREEN Yes", 74.99: "YELLOW Yes", 10: "RED Definitely not"} {
		d, _ := w.scoredApplicant(score)
		if got := told(d.AssessmentID); got.Indicator+" "+got.Recommendation != want {
			t.Errorf("%v: %q %q", score, got.Indicator, got.Recommendation)
		}
	}
}

func TestALowScoreRejectsAfterTheHoldWindow(t *testing.T) {
	t.Parallel()
	w := newRoutingWorld(t)
	w.rule(nil)
	d, application := w.scoredApplicant(54.99)
	w.work(24*time.Hour - time.Second)
	w.expectState(d, core.DecisionStateRejectPending, "")
	if now := w.inATS(application); now.State != ats.ApplicationActive || w.get(d.AssessmentID).Decision != core.DecisionRejectPending {
		t.Fatalf("before its time: %+v", now)
	}
	w.work(2 * time.Second)
	w.expectState(d, core.DecisionStateRejected, "")
	now := w.inATS(application)
	if now.State != ats.ApplicationRejected || now.Reason != "reason-1" || now.EmailTemplate != "template-1" {
		t.Errorf("in the ATS: %+v", now)
	}
}

// What is held changes nothing in the ATS.
func TestWhatIsHeldTouchesNothing(t *testing.T) {
	t.Parallel()
	flag := func(c *core.Completion) { c.IntegrityFlags = []string{"second voice"} }
	for name, c := range map[string]struct {
		rule  func(*core.NewRoutingRule)
		score float64
		edit  func(*core.Completion)
		want  core.Hold
	}{
		"pilot, advance":           {func(n *core.NewRoutingRule) { n.Pilot = nil }, 75, nil, core.HoldPilot},
		"pilot, reject":            {func(n *core.NewRoutingRule) { n.Pilot = nil }, 54.99, nil, core.HoldPilot},
		"review, its lower end":    {nil, 55, nil, core.HoldReview},
		"review, its upper end":    {nil, 74.99, nil, core.HoldReview},
		"an integrity flag":        {nil, 0, flag, core.HoldIntegrity},
		"missing traits":           {nil, 0, func(c *core.Completion) { c.Traits = nil }, core.HoldMissingTraits},
		"an accommodation":         {nil, 0, func(c *core.Completion) { c.Accommodation = true }, core.HoldAccommodation},
		"nobody may be rejected":   {func(n *core.NewRoutingRule) { n.DailyCap = new(int) }, 0, nil, core.HoldCap},
		"a person of no job there": {nil, 75, nil, core.HoldUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newRoutingWorld(t)
			w.rule(c.rule)
			id, application := w.applicant()
			if c.want == core.HoldUnknown {
				id = w.order("without an application")
			}
			done := core.Completion{AssessmentID: id, Score: &c.score, Traits: []core.TraitCompletion{{Key: "calm", Score: c.score}}}
			if c.edit != nil {
				c.edit(&done)
			}
			_, err := w.assessments.Complete(t.Context(), w.engine, done)
			w.ok(err)
			w.work(48 * time.Hour)
			w.expectState(w.decided(id), core.DecisionStateHeld, c.want)
			if now := w.inATS(application); now.State != ats.ApplicationActive || now.StageID != stage1 || w.get(id).Decision != core.DecisionHeld {
				t.Errorf("in the ATS: %+v", now)
			}
		})
	}
}

// The rule that was effective when the test was completed counts, not the one
// of the time when it was scored.
func TestTheRuleOfCompletionCounts(t *testing.T) {
	t.Parallel()
	w := newRoutingWorld(t)
	first := w.rule(nil)
	id, _ := w.applicant()
	_, err := w.assessments.Complete(t.Context(), w.engine, core.Completion{AssessmentID: id})
	w.ok(err)
	w.clock.Turn(time.Minute)
	second := w.rule(func(n *core.NewRoutingRule) { n.Advance, n.Review = 90, 85 })
	_, err = w.complete(id, 80)
	w.ok(err)
	if d := w.decided(id); d.RuleID != first.ID || d.RuleVersion != 1 || d.Suggestion != core.RouteAdvance {
		t.Errorf("decided by version %d: %s", d.RuleVersion, d.Suggestion)
	}
	later, _ := w.scoredApplicant(80)
	if later.RuleID != second.ID || later.RuleVersion != 2 || later.Suggestion != core.RouteReject {
		t.Errorf("a later one is decided by version %d: %s", later.RuleVersion, later.Suggestion)
	}
}

// A rule counts from its time on.
func TestARuleOfTomorrow(t *testing.T) {
	t.Parallel()
	w := newRoutingWorld(t)
	w.rule(nil)
	w.rule(func(n *core.NewRoutingRule) { n.Advance, n.EffectiveFrom = 90, w.clock.Now().Add(time.Hour) })
	if d, _ := w.scoredApplicant(80); d.RuleVersion != 1 {
		t.Errorf("decided by version %d", d.RuleVersion)
	}
	w.clock.Turn(time.Hour)
	if d, _ := w.scoredApplicant(80); d.RuleVersion != 2 {
		t.Errorf("decided by version %d", d.RuleVersion)
	}
}

func TestTheCapOfRejections(t *testing.T) {
	t.Parallel()
	w := newRoutingWorld(t)
	limit, many := 2, 1000
	w.rule(func(n *core.NewRoutingRule) { n.DailyCap, n.JumpOf = &limit, &many })
	var all []*core.RoutingDecision
	for range 3 {
		d, _ := w.scoredApplicant(10)
		all = append(all, d)
	}
	w.work(25 * time.Hour)
	states := map[core.DecisionState]int{}
	for _, d := range all {
		states[w.decided(d.AssessmentID).State]++
	}
	if states[core.DecisionStateRejected] != 2 || states[core.DecisionStateHeld] != 1 {
		t.Fatalf("with a cap of two: %v", states)
	}
	w.work(25 * time.Hour)
	fresh, _ := w.scoredApplicant(10)
	w.work(25 * time.Hour)
	w.expectState(fresh, core.DecisionStateRejected, "")
}

func TestAJumpOfRejectionsPausesTheRule(t *testing.T) {
	t.Parallel()
	w := newRoutingWorld(t)
	of := 4
	rule := w.rule(func(n *core.NewRoutingRule) { n.JumpOf = &of })
	w.scoredApplicant(90)
	w.scoredApplicant(60)
	first, _ := w.scoredApplicant(10)
	w.expectState(first, core.DecisionStateRejectPending, "")
	second, _ := w.scoredApplicant(10) // two of four
	w.expectState(second, core.DecisionStateHeld, core.HoldJump)
	third, _ := w.scoredApplicant(10)
	w.expectState(third, core.DecisionStateHeld, core.HoldPaused)
	w.work(25 * time.Hour)
	w.expectState(first, core.DecisionStateHeld, core.HoldPaused)
	if w.system.Calls(coretest.OpReject) != 0 {
		t.Error("somebody was rejected")
	}
	paused, err := w.store.RoutingRule(t.Context(), w.admin.OrganizationID, rule.ID)
	w.ok(err)
	if paused.State != core.RulePaused || paused.Note == "" {
		t.Errorf("the rule: %+v", paused)
	}
	_, err = w.rules.Resume(t.Context(), w.approver, rule.ID, "the engine was mended")
	w.ok(err)
	again, _ := w.scoredApplicant(10) // the share is counted anew
	w.expectState(again, core.DecisionStateRejectPending, "")
}

// What a person did in the ATS meanwhile is not undone.
func TestAPersonMovedFirst(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		score float64
		did   func(*coretest.Application)
		want  core.Hold
	}{
		"moved, then to be rejected":    {10, func(a *coretest.Application) { a.StageID = stage3 }, core.HoldMoved},
		"hired, then to be rejected":    {10, func(a *coretest.Application) { a.State = ats.ApplicationHired }, core.HoldClosed},
		"rejected, then to be rejected": {10, func(a *coretest.Application) { a.State = ats.ApplicationRejected }, core.HoldClosed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newRoutingWorld(t)
			w.rule(nil)
			d, application := w.scoredApplicant(c.score)
			w.work(time.Hour)
			w.system.ChangeApplication(application, c.did)
			before := w.inATS(application)
			w.work(24 * time.Hour)
			w.expectState(d, core.DecisionStateHeld, c.want)
			if now := w.inATS(application); now != before || w.system.Calls(coretest.OpReject) != 0 {
				t.Errorf("in the ATS: %+v", now)
			}
		})
	}
}

// Where the ATS tells of stages, the one that was told before the decision counts.
func TestAPersonMovedBeforeItWasLookedAt(t *testing.T) {
	t.Parallel()
	w := newRoutingWorld(t)
	w.rule(nil)
	id, application := w.applicant()
	known := w.application(id)
	known.StageID, known.StagedAt = stage1, w.clock.Now()
	w.ok(w.store.Atomically(t.Context(), func(tx core.Tx) error { return tx.SaveApplication(t.Context(), known) }))
	_, err := w.complete(id, 90)
	w.ok(err)
	w.system.ChangeApplication(application, func(a *coretest.Application) { a.StageID = stage2 })
	w.work(time.Minute)
	w.expectState(w.decided(id), core.DecisionStateHeld, core.HoldMoved)
	if now := w.inATS(application); now.StageID != stage2 {
		t.Errorf("in the ATS: %+v", now)
	}
}

// A person who is faster by a moment wins, too: the ATS compares the stage.
func TestAPersonMovesDuringTheCall(t *testing.T) {
	t.Parallel()
	w := newRoutingWorld(t)
	w.rule(nil)
	d, application := w.scoredApplicant(90)
	w.system.OnCall(w.failing(coretest.OpMove, func() error {
		w.system.ChangeApplication(application, func(a *coretest.Application) { a.StageID = stage3 })
		return nil
	}))
	w.work(time.Minute)
	w.expectState(d, core.DecisionStateHeld, core.HoldMoved)
	if now := w.inATS(application); now.StageID != stage3 {
		t.Errorf("in the ATS: %+v", now)
	}
}

func TestStoppedDuringTheHoldWindow(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		stop func(*routingWorld, *core.RoutingRule) error
		want core.Hold
	}{
		"paused": {func(w *routingWorld, r *core.RoutingRule) error {
			_, err := w.rules.Pause(w.t.Context(), w.approver, r.ID, "wait")
			return err
		}, core.HoldPaused},
		"retired": {func(w *routingWorld, r *core.RoutingRule) error {
			_, err := w.rules.Retire(w.t.Context(), w.proposer, r.ID, "no more")
			return err
		}, core.HoldPaused},
		"switched off": {func(w *routingWorld, _ *core.RoutingRule) error {
			_, err := w.rules.Switch(w.t.Context(), w.approver, core.RoutingSwitch{ConnectionID: w.connection.ID, Off: true, Note: "look first"})
			return err
		}, core.HoldSwitchedOff},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newRoutingWorld(t)
			rule := w.rule(nil)
			d, application := w.scoredApplicant(10)
			w.work(time.Hour)
			w.ok(c.stop(w, rule))
			w.work(25 * time.Hour)
			w.expectState(d, core.DecisionStateHeld, c.want)
			if now := w.inATS(application); now.State != ats.ApplicationActive {
				t.Errorf("in the ATS: %+v", now)
			}
		})
	}
}

// The switch of one job stops that job's routing alone.
func TestTheSwitchOfAJob(t *testing.T) {
	t.Parallel()
	w := newRoutingWorld(t)
	w.rule(nil)
	_, err := w.rules.Switch(t.Context(), w.proposer, core.RoutingSwitch{ConnectionID: w.connection.ID, JobID: w.job.ID, Off: true, Note: "wait"})
	w.ok(err)
	id, _ := w.applicant()
	_, err = w.assessments.AssignJob(t.Context(), w.admin, id, w.job.ID)
	w.ok(err)
	_, err = w.complete(id, 90)
	w.ok(err)
	w.expectState(w.decided(id), core.DecisionStateHeld, core.HoldSwitchedOff)
	other, _ := w.scoredApplicant(90)
	w.expectState(other, core.DecisionStateAdvancePending, "")
}

func TestUndo(t *testing.T) {
	t.Parallel()
	w := newRoutingWorld(t)
	w.rule(nil)
	d, application := w.scoredApplicant(10)
	w.work(time.Hour)
	if o := w.undo(d); o.Refusal != nil || o.Decision.State != core.DecisionStateHeld || o.Decision.Hold != core.HoldUndone {
		t.Fatalf("during the hold window: %+v, %v", o.Decision, o.Refusal)
	}
	w.work(25 * time.Hour)
	if w.system.Calls(coretest.OpReject) != 0 {
		t.Fatal("the candidate was rejected all the same")
	}
	if o := w.decide(d, core.ReviewApprove, ""); o.Refusal != nil {
		t.Fatal(o.Refusal)
	}
	w.work(time.Minute)
	w.expectState(d, core.DecisionStateRejected, "")
	w.undo(d)
	w.expectState(d, core.DecisionStateUndoPending, "")
	w.work(time.Minute)
	w.expectState(d, core.DecisionStateHeld, core.HoldUndone)
	if now := w.inATS(application); now.State != ats.ApplicationActive || w.application(d.AssessmentID).OwnState != ats.ApplicationActive {
		t.Errorf("in the ATS: %+v", now)
	}
	steps, err := w.decisions.Steps(t.Context(), w.recruiter, []core.ID{d.ID})
	w.ok(err)
	if len(steps) != 6 || steps[1].ActorName != "RECRUITER" || steps[1].Reason != "a mistake" || steps[5].From != core.DecisionStateUndoPending {
		t.Errorf("the register: %+v", steps)
	}
}

// A request whose answer was lost is looked for, and not repeated.
func TestALostAnswer(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		op     coretest.Operation
		moment coretest.Moment
		score  float64
		want   core.DecisionState
		calls  int
	}{
		"moved":        {coretest.OpMove, coretest.AfterCommit, 90, core.DecisionStateAdvanced, 1},
		"not moved":    {coretest.OpMove, coretest.BeforeCommit, 90, core.DecisionStateAdvanced, 2},
		"rejected":     {coretest.OpReject, coretest.AfterCommit, 10, core.DecisionStateRejected, 1},
		"not rejected": {coretest.OpReject, coretest.BeforeCommit, 10, core.DecisionStateRejected, 2},
		"not read":     {coretest.OpGet, coretest.BeforeCommit, 90, core.DecisionStateAdvanced, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newRoutingWorld(t)
			one := 1
			w.rule(func(n *core.NewRoutingRule) { n.DailyCap = &one })
			d, application := w.scoredApplicant(c.score)
			w.system.FailOnce(c.op, c.moment, fault.New(fault.OutcomeUnknown, "The line went dead."))
			w.work(25 * time.Hour)
			w.expectState(d, c.want, "")
			if c.calls > 0 && w.system.Calls(c.op) != c.calls {
				t.Errorf("%d calls", w.system.Calls(c.op))
			}
			if now := w.inATS(application); now.StageID == stage3 {
				t.Errorf("moved twice: %+v", now)
			}
		})
	}
}

func TestAnATSThatRefuses(t *testing.T) {
	t.Parallel()
	w := newRoutingWorld(t)
	w.rule(nil)
	d, _ := w.scoredApplicant(90)
	w.system.OnCall(w.failing(coretest.OpMove, func() error { return fault.New(fault.Permission, "May not move.") }))
	w.work(time.Minute)
	if now := w.expectState(d, core.DecisionStateHeld, core.HoldRefused); now.Note != "May not move." || now.FaultCode != fault.Permission {
		t.Errorf("%+v", now)
	}
	log, err := w.store.SyncLog(t.Context(), w.admin.OrganizationID, core.SyncFilter{Operation: "advance"}, core.Page{})
	w.ok(err)
	if len(log.Items) != 1 || log.Items[0].Outcome != core.SyncFailed || len(log.Items[0].Exchanges) == 0 {
		t.Errorf("the sync log: %+v", log.Items)
	}
}

// A corrected result is decided anew, unless the earlier one was acted upon.
func TestACorrectedResult(t *testing.T) {
	t.Parallel()
	w := newRoutingWorld(t)
	w.rule(nil)
	d, _ := w.scoredApplicant(10)
	_, err := w.complete(d.AssessmentID, 90)
	w.ok(err)
	w.expectState(d, core.DecisionStateSuperseded, "")
	second := w.decided(d.AssessmentID)
	w.work(25 * time.Hour)
	w.expectState(second, core.DecisionStateAdvanced, "")
	_, err = w.complete(d.AssessmentID, 20)
	w.ok(err)
	w.expectState(w.decided(d.AssessmentID), core.DecisionStateHeld, core.HoldEarlier)
	if w.system.Calls(coretest.OpReject) != 0 {
		t.Error("rejected by the first result")
	}
}

// A result that is corrected after the ATS was asked, and before it did it, is
// not acted upon either, and a person decides about the new one.
func TestACorrectedResultWhileItIsCarriedOut(t *testing.T) {
	t.Parallel()
	flag := func(c *core.Completion) { c.IntegrityFlags = []string{"second voice"} }
	for name, c := range map[string]struct {
		score float64
		code  fault.Code
		edit  func(*core.Completion)
		want  core.DecisionState // of the new decision
		hold  core.Hold
	}{
		"not answered":            {95, fault.OutcomeUnknown, nil, core.DecisionStateHeld, core.HoldEarlier},
		"not answered, flagged":   {10, fault.OutcomeUnknown, flag, core.DecisionStateHeld, core.HoldEarlier},
		"too many requests":       {95, fault.RateLimited, nil, core.DecisionStateAdvanced, ""},
		"not reached":             {95, fault.Retryable, nil, core.DecisionStateAdvanced, ""},
		"not reached, then worse": {5, fault.Retryable, nil, core.DecisionStateRejectPending, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newRoutingWorld(t)
			w.rule(nil)
			d, application := w.scoredApplicant(10)
			w.system.FailOnce(coretest.OpReject, coretest.BeforeCommit, fault.New(c.code, "Not now."))
			w.work(24 * time.Hour)
			done := core.Completion{AssessmentID: d.AssessmentID, Score: &c.score, Traits: []core.TraitCompletion{{Key: "calm", Score: c.score}}}
			if c.edit != nil {
				c.edit(&done)
			}
			_, err := w.assessments.Complete(t.Context(), w.engine, done)
			w.ok(err)
			w.work(2 * time.Hour)
			w.expectState(d, core.DecisionStateSuperseded, "")
			second := w.expectState(w.decided(d.AssessmentID), c.want, c.hold)
			if now := w.inATS(application); now.State != ats.ApplicationActive || w.system.Calls(coretest.OpReject) != 1 {
				t.Errorf("in the ATS: %+v", now)
			}
			if a := w.get(d.AssessmentID); c.want == core.DecisionStateHeld && a.Decision != core.DecisionHeld || second.Revision != 2 {
				t.Errorf("the assessment shows %s", a.Decision)
			}
		})
	}
}

// What a person decided, and the ATS did not answer to, goes on.
func TestACorrectedResultWhileAPersonsDecisionIsCarriedOut(t *testing.T) {
	t.Parallel()
	w := newRoutingWorld(t)
	w.rule(nil)
	d, _ := w.scoredApplicant(60)
	w.system.FailOnce(coretest.OpReject, coretest.BeforeCommit, fault.New(fault.OutcomeUnknown, "The line went dead."))
	w.decide(d, core.ReviewReject, "no visa")
	w.work(time.Second)
	_, err := w.complete(d.AssessmentID, 95)
	w.ok(err)
	w.work(time.Hour)
	w.expectState(d, core.DecisionStateRejected, "")
}

// What the ATS certainly did not do can be stopped; while that is not known, it
// cannot.
func TestUndoBetweenTwoAttempts(t *testing.T) {
	t.Parallel()
	refuses := func(code fault.Code) func(*routingWorld) {
		return func(w *routingWorld) {
			w.system.OnCall(w.failing(coretest.OpReject, func() error { return fault.New(code, "Not now.") }))
		}
	}
	for name, c := range map[string]struct {
		fail    func(*routingWorld)
		refused bool
		calls   int
	}{
		"no room for the call": {func(w *routingWorld) {
			w.system.SetBudget(&ats.RateBudget{Scope: "api", Limit: 50, ResetAt: w.clock.Now().Add(48 * time.Hour)})
		}, false, 0},
		"too many requests": {refuses(fault.RateLimited), false, 1},
		"not reached":       {refuses(fault.Retryable), false, 1},
		"not answered":      {refuses(fault.OutcomeUnknown), true, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newRoutingWorld(t)
			w.rule(nil)
			d, application := w.scoredApplicant(10)
			w.work(24*time.Hour - time.Second)
			c.fail(w)
			w.work(time.Second)
			if o := w.undo(d); (o.Refusal != nil) != c.refused {
				t.Errorf("undone: %v", o.Refusal)
			}
			if n := w.system.Calls(coretest.OpReject); n != c.calls {
				t.Fatalf("%d calls", n)
			}
			w.system.OnCall(nil)
			w.work(time.Hour)
			if now := w.inATS(application); (now.State == ats.ApplicationRejected) != c.refused {
				t.Errorf("in the ATS: %+v", now)
			}
		})
	}
}

// A rejection that the ATS did not do at first counts once against the cap.
func TestTheCapCountsARepeatedRejectionOnce(t *testing.T) {
	t.Parallel()
	w := newRoutingWorld(t)
	one := 1
	w.rule(func(n *core.NewRoutingRule) { n.DailyCap = &one })
	d, _ := w.scoredApplicant(10)
	w.system.FailOnce(coretest.OpReject, coretest.BeforeCommit, fault.New(fault.Retryable, "Not now."))
	w.work(25 * time.Hour)
	w.expectState(d, core.DecisionStateRejected, "")
}

// Whoever is stopped between noting that the ATS is asked, and its answer, is
// followed by one who looks for what came of it, once it must have come.
func TestAStopWhileTheATSIsAsked(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		late bool // the ATS does it after the next run began
		want int  // calls
	}{"before the call": {false, 1}, "the ATS is slow": {true, 0}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newRoutingWorld(t)
			w.rule(nil)
			d, application := w.scoredApplicant(10)
			w.work(24*time.Hour - time.Second)
			w.clock.Turn(time.Second)
			w.stopBeforeReject(d)
			w.work(10 * time.Second)
			if now := w.inATS(application); now.State != ats.ApplicationActive {
				t.Fatalf("asked again at once: %+v", now)
			}
			if c.late {
				w.system.ChangeApplication(application, func(a *coretest.Application) { a.State = ats.ApplicationRejected })
			}
			w.work(time.Minute)
			w.expectState(d, core.DecisionStateRejected, "")
			if n := w.system.Calls(coretest.OpReject) - 1; n != c.want {
				t.Errorf("%d more calls", n)
			}
		})
	}
}

// Who is erased while the ATS is asked leaves no id and no exchange behind.
func TestErasedWhileTheATSIsAsked(t *testing.T) {
	t.Parallel()
	for _, op := range []coretest.Operation{coretest.OpGet, coretest.OpReject} {
		w := newRoutingWorld(t)
		w.rule(nil)
		d, application := w.scoredApplicant(10)
		if op == coretest.OpReject {
			w.work(24*time.Hour - time.Second)
		}
		w.system.OnCall(w.failing(op, func() error {
			_, err := core.NewErasures(w.store, w.clock).EraseCandidate(t.Context(), w.admin, w.get(d.AssessmentID).CandidateID)
			return err
		}))
		w.work(time.Minute)
		if w.get(d.AssessmentID).ErasedAt.IsZero() {
			t.Fatalf("%s was not called", op)
		}
		for _, left := range w.dump() {
			if strings.Contains(left, application) {
				t.Errorf("%s left %s", op, left)
			}
		}
	}
}

// What the ATS answers then is not kept either: it may name the person.
func TestTheAnswerAboutAnErasedPersonIsNotKept(t *testing.T) {
	t.Parallel()
	w := newRoutingWorld(t)
	w.rule(nil)
	d, _ := w.scoredApplicant(10)
	w.work(24*time.Hour - time.Second)
	w.system.OnCall(w.failing(coretest.OpReject, func() error {
		_, err := core.NewErasures(w.store, w.clock).EraseCandidate(t.Context(), w.admin, w.get(d.AssessmentID).CandidateID)
		w.ok(err)
		return fault.New(fault.Invalid, "Zerlina Quux has no address.")
	}))
	w.work(time.Minute)
	w.expectState(d, core.DecisionStateHeld, core.HoldRefused)
	for _, left := range w.dump() {
		if strings.Contains(left, "Zerlina") {
			t.Errorf("left %s", left)
		}
	}
}

// A push that was sent to the wrong person first: the right one is rejected.
func TestAWrongChoiceIsNotRouted(t *testing.T) {
	t.Parallel()
	w := newRoutingWorld(t)
	w.rule(nil)
	wrong, right := w.twins()
	id := w.scored("ada@example.com", w.job.ID, 10)
	p := w.ask(id)
	choose := func(person string) string {
		w.work(time.Minute)
		_, err := w.pushes.Resolve(t.Context(), w.admin, p.ID, core.PushResolution{CandidateID: person})
		w.ok(err)
		w.work(time.Minute)
		return w.now(p.ID).ExternalApplicationID
	}
	w.denied(coretest.OpAddNote)
	mistaken := choose(wrong)
	w.system.OnCall(nil)
	_, err := w.pushes.Cancel(t.Context(), w.admin, p.ID)
	w.ok(err)
	w.ask(id)
	meant := choose(right)
	w.work(30 * time.Hour)
	if mistaken == meant || w.inATS(mistaken).State != ats.ApplicationActive || w.inATS(meant).State != ats.ApplicationRejected {
		t.Errorf("the wrong one %+v, the right one %+v", w.inATS(mistaken), w.inATS(meant))
	}
}

// A rejection that was surely not carried out does not count once it is undone.
func TestTheCapForgetsWhatWasNotDone(t *testing.T) {
	t.Parallel()
	w := newRoutingWorld(t)
	one := 1
	w.rule(func(n *core.NewRoutingRule) { n.DailyCap = &one })
	d, _ := w.scoredApplicant(10)
	w.system.FailOnce(coretest.OpReject, coretest.BeforeCommit, fault.New(fault.RateLimited, "Not now."))
	w.work(24 * time.Hour)
	if o := w.undo(d); o.Refusal != nil {
		t.Fatal(o.Refusal)
	}
	next, _ := w.scoredApplicant(10)
	w.work(24*time.Hour + time.Minute)
	w.expectState(next, core.DecisionStateRejected, "")
}

// What a person decided is not overruled by a corrected result.
func TestACorrectedResultDoesNotOverruleAPerson(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		decided func(w *routingWorld, d *core.RoutingDecision)
		was     core.DecisionState // of the first decision, in the end
		hold    core.Hold
	}{
		"kept":                       {func(w *routingWorld, d *core.RoutingDecision) { w.decide(d, core.ReviewKeep, "strong references") }, core.DecisionStateKept, ""},
		"stopped in the hold window": {func(w *routingWorld, d *core.RoutingDecision) { w.undo(d) }, core.DecisionStateSuperseded, core.HoldUndone},
		"taken back": {func(w *routingWorld, d *core.RoutingDecision) {
			w.work(25 * time.Hour)
			w.undo(d)
			w.work(time.Minute)
		}, core.DecisionStateSuperseded, core.HoldUndone},
		"about to be advanced": {func(w *routingWorld, d *core.RoutingDecision) { w.decide(d, core.ReviewAdvance, "strong references") }, core.DecisionStateAdvanced, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newRoutingWorld(t)
			w.rule(nil)
			d, application := w.scoredApplicant(10)
			c.decided(w, d)
			_, err := w.complete(d.AssessmentID, 20)
			w.ok(err)
			second := w.decided(d.AssessmentID)
			w.expectState(second, core.DecisionStateHeld, core.HoldEarlier)
			w.work(50 * time.Hour)
			w.expectState(second, core.DecisionStateHeld, core.HoldEarlier)
			w.expectState(d, c.was, c.hold)
			if w.inATS(application).State != ats.ApplicationActive {
				t.Error("rejected by rule")
			}
		})
	}
}

// An order names no job; the rules and the switch of the job count all the same.
func TestTheJobOfAnOrderIsTheApplications(t *testing.T) {
	t.Parallel()
	w := newRoutingWorld(t)
	w.rule(nil)
	own := w.rule(func(n *core.NewRoutingRule) { n.JobID, n.AdvanceTo = w.job.ID, stage3 })
	id, application := w.applicant()
	w.told(id, "job-1")
	_, err := w.complete(id, 90)
	w.ok(err)
	d := w.decided(id)
	if d.RuleID != own.ID || d.JobID != w.job.ID {
		t.Errorf("decided by %s for %q", d.RuleID, d.JobID)
	}
	_, err = w.rules.Switch(t.Context(), w.proposer, core.RoutingSwitch{ConnectionID: w.connection.ID, JobID: w.job.ID, Off: true, Note: "wait"})
	w.ok(err)
	w.work(time.Minute)
	w.expectState(d, core.DecisionStateHeld, core.HoldSwitchedOff)
	if now := w.inATS(application); now.StageID != stage1 {
		t.Errorf("in the ATS: %+v", now)
	}
}

// Which job an order is for may be known only when its application is read: what
// the connection's rule decided is not carried out if the job has its own.
func TestTheJobsRuleCountsOnceTheJobIsKnown(t *testing.T) {
	t.Parallel()
	pilot := true
	for name, edit := range map[string]func(*core.NewRoutingRule){
		"a pilot": func(n *core.NewRoutingRule) { n.Pilot = &pilot },
		"milder":  func(n *core.NewRoutingRule) { n.Review = 5 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newRoutingWorld(t)
			w.rule(nil)
			w.rule(func(n *core.NewRoutingRule) { n.JobID = w.job.ID; edit(n) })
			low, lowApplication := w.scoredApplicant(10)
			high, highApplication := w.scoredApplicant(90)
			approved, _ := w.scoredApplicant(10)
			w.decide(approved, core.ReviewApprove, "") // a person's is not asked for its rule
			w.work(25 * time.Hour)
			w.expectState(low, core.DecisionStateHeld, core.HoldOtherRule)
			w.expectState(high, core.DecisionStateHeld, core.HoldOtherRule)
			w.expectState(approved, core.DecisionStateRejected, "")
			if now := w.inATS(lowApplication); now.State != ats.ApplicationActive {
				t.Errorf("in the ATS: %+v", now)
			}
			if now := w.inATS(highApplication); now.StageID != stage1 {
				t.Errorf("in the ATS: %+v", now)
			}
		})
	}
}

// A stage's test is routed by the connection's rule also if the job is not mapped.
func TestAStagesTestIsRoutedWithoutAMapping(t *testing.T) {
	t.Parallel()
	w := newRoutingWorld(t)
	w.rule(nil)
	h := newHookWorldIn(w.world, w.system)
	_, err := h.triggers.Create(t.Context(), w.admin, core.NewStageTrigger{
		ConnectionID: w.connection.ID, ExternalJobID: "job-2", StageID: "job-2-stage-1", TestID: w.test.ID,
	})
	w.ok(err)
	person := w.system.AddPerson(coretest.Person{})
	application, err := w.system.AddApplication(person, "job-2")
	w.ok(err)
	e := enters(person, application, "job-2-stage-1", h.at(1))
	e.JobID = "job-2"
	h.tell(e)
	id := h.ordered()[0].ID
	if a := w.get(id); a.JobID != "" || a.ConnectionID != "" {
		t.Fatalf("ordered: %+v", a)
	}
	_, err = w.complete(id, 90)
	w.ok(err)
	w.work(time.Minute)
	w.expectState(w.decided(id), core.DecisionStateAdvanced, "")
	if now := w.inATS(application); now.StageID != "job-2-stage-2" {
		t.Errorf("in the ATS: %+v", now)
	}
}

// The web hook about a move of ours is recognised; one about a person's is not.
func TestOurOwnMoveIsRecognised(t *testing.T) {
	t.Parallel()
	w := newRoutingWorld(t)
	w.rule(nil)
	h := &hookWorld{world: w.world, system: w.system, secret: "a secret that was typed"}
	h.hooks = core.NewWebhooks(core.WebhooksOptions{Store: w.store, Clock: w.clock, Adapters: w.adapters, Calls: w.calls, Shape: shaped})
	h.enable(core.SyncChange{Enabled: true, Secret: core.Secret(h.secret)})
	d, application := w.scoredApplicant(90)
	w.work(time.Minute)
	w.expectState(d, core.DecisionStateAdvanced, "")
	for stage, own := range map[string]bool{stage2: true, stage3: false} {
		w.clock.Turn(time.Minute)
		w.system.ChangeApplication(application, func(a *coretest.Application) { a.StageID = stage })
		hook := h.tell(ats.Event{
			Kind: ats.EventStageChanged, CandidateID: w.inATS(application).CandidateID, ApplicationID: application, StageID: stage, At: w.clock.Now(),
		})
		if strings.Contains(hook.Message, "what Trellis did itself") != own {
			t.Errorf("%s: %s", stage, hook.Message)
		}
	}
}

// A person who moved the candidate beyond the rule's stage before there was a
// result is not overruled either.
func TestARuleMovesNobodyBack(t *testing.T) {
	t.Parallel()
	w := newRoutingWorld(t)
	w.rule(func(n *core.NewRoutingRule) { n.JobID, n.AdvanceTo = w.job.ID, stage2 })
	id, application := w.applicant()
	_, err := w.assessments.AssignJob(t.Context(), w.admin, id, w.job.ID)
	w.ok(err)
	w.system.ChangeApplication(application, func(a *coretest.Application) { a.StageID = stage3 })
	_, err = w.complete(id, 100)
	w.ok(err)
	w.work(time.Minute)
	w.expectState(w.decided(id), core.DecisionStateHeld, core.HoldMoved)
	if now := w.inATS(application); now.StageID != stage3 {
		t.Errorf("moved back to %s", now.StageID)
	}
}

// A candidate who was transferred to another job in the ATS is decided by that
// job's rule; and if it was decided before, a person looks at it.
func TestTransferredToAnotherJob(t *testing.T) {
	t.Parallel()
	w := newRoutingWorld(t)
	second, err := w.jobs.Create(t.Context(), w.admin, core.Job{Name: "Second"}, core.Key{})
	w.ok(err)
	w.mapJob(second.ID, "job-2")
	w.rule(func(n *core.NewRoutingRule) { n.JobID = w.job.ID })
	w.rule(func(n *core.NewRoutingRule) { n.JobID, n.Advance, n.Review = second.ID, 40, 10 })
	before, beforeApplication := w.applicant()
	after, afterApplication := w.applicant()
	w.forgetTasks()
	h := newHookWorldIn(w.world, w.system)
	tell := func(application, job, stage string, minute int) {
		h.tell(ats.Event{
			Kind: ats.EventStageChanged, CandidateID: w.inATS(application).CandidateID, ApplicationID: application, JobID: job, StageID: stage,
			State: ats.ApplicationActive, At: h.at(minute),
		})
	}
	tell(beforeApplication, "job-1", stage1, 1)
	tell(afterApplication, "job-1", stage1, 1)
	tell(afterApplication, "job-2", "job-2-stage-1", 2)
	for _, id := range []core.ID{before, after} {
		_, err = w.complete(id, 50)
		w.ok(err)
	}
	if d := w.decided(after); d.JobID != second.ID || d.Suggestion != core.RouteAdvance {
		t.Errorf("decided by the rule of the job before: %+v", d)
	}
	w.system.ChangeApplication(beforeApplication, func(a *coretest.Application) { a.JobID = "job-2" })
	w.work(25 * time.Hour)
	w.expectState(w.decided(before), core.DecisionStateHeld, core.HoldMoved)
}

// A result that is corrected is not acted upon any more, also if nothing
// decides the new one.
func TestACorrectedResultIsNotActedUpon(t *testing.T) {
	t.Parallel()
	w := newRoutingWorld(t)
	w.rule(func(n *core.NewRoutingRule) { n.JobID = w.job.ID })
	id, application := w.applicant()
	_, err := w.assessments.AssignJob(t.Context(), w.admin, id, w.job.ID)
	w.ok(err)
	_, err = w.complete(id, 10)
	w.ok(err)
	w.work(time.Hour)
	w.expectState(w.decided(id), core.DecisionStateRejectPending, "")
	other, err := w.jobs.Create(t.Context(), w.admin, core.Job{Name: "Other"}, core.Key{})
	w.ok(err)
	_, err = w.assessments.AssignJob(t.Context(), w.admin, id, other.ID)
	w.ok(err)
	_, err = w.complete(id, 95)
	w.ok(err)
	w.work(25 * time.Hour)
	if now := w.inATS(application); now.State != ats.ApplicationActive {
		t.Errorf("the score is 95, and the ATS has %s", now.State)
	}
	if a := w.get(id); a.Decision != core.DecisionNone {
		t.Errorf("the assessment shows %s", a.Decision)
	}
}

// Whose job was mapped after the result came is decided when a push brings them
// into the ATS: the latest result, and once.
func TestAJobThatIsMappedLater(t *testing.T) {
	t.Parallel()
	for score, want := range map[float64]core.DecisionState{90: core.DecisionStateAdvanced, 60: core.DecisionStateHeld, 10: core.DecisionStateRejectPending} {
		storetest.Each(t, func(t *testing.T, db *store.DB) {
			w := newRoutingWorldIn(newWorldOn(t, db))
			rule := w.rule(nil)
			second, err := w.jobs.Create(t.Context(), w.admin, core.Job{Name: "Second"}, core.Key{})
			w.ok(err)
			id := w.scored("ada@example.com", second.ID, 50)
			_, err = w.complete(id, score)
			w.ok(err)
			all := w.decisionsOf(id)
			if len(all) != 0 {
				t.Fatalf("decided without the job: %+v", all)
			}
			w.forgetTasks()
			w.mapJob(second.ID, "job-2")
			w.ask(id)
			w.work(time.Hour)
			all = w.decisionsOf(id)
			if len(all) != 1 || all[0].State != want || all[0].RuleID != rule.ID || all[0].Revision != 2 || all[0].JobID != second.ID {
				t.Fatalf("%v: %+v", score, all)
			}
			if note := w.system.Notes(w.system.Applications()[0].CandidateID)[0].Body; !strings.Contains(note, "Indicator: "+string(all[0].Indicator)) {
				t.Errorf("the note: %s", note)
			}
			_, err = w.complete(id, 55) // the next one is decided as it comes, and not by its push again
			w.ok(err)
			w.ask(id)
			w.work(time.Hour)
			if all = w.decisionsOf(id); len(all) != 2 || all[0].Revision != 3 {
				t.Errorf("%v: %+v", score, all)
			}
		})
	}
}

// A push that is killed at any of its transactions decides once all the same.
func TestAPushThatIsKilledDecidesOnce(t *testing.T) {
	t.Parallel()
	pushed := func(t *testing.T, at int, before bool) *routingWorld {
		w := newRoutingWorld(t)
		w.rule(nil)
		second, err := w.jobs.Create(t.Context(), w.admin, core.Job{Name: "Second"}, core.Key{})
		w.ok(err)
		id := w.scored("ada@example.com", second.ID, 90)
		w.mapJob(second.ID, "job-2")
		p := w.ask(id)
		w.crash.n, w.crash.at, w.crash.before = 0, at, before
		w.work(time.Hour)
		if w.now(p.ID).State != core.PushDone { // its outcome stayed unclear
			_, err = w.pushes.Retry(t.Context(), w.admin, p.ID)
			w.ok(err)
			w.work(time.Hour)
		}
		w.one()
		if all := w.decisionsOf(id); len(all) != 1 || all[0].State != core.DecisionStateAdvanced {
			t.Errorf("decided: %+v", all)
		}
		return w
	}
	for at := range pushed(t, 0, false).crash.n {
		for _, before := range []bool{true, false} {
			t.Run(fmt.Sprintf("%d %t", at+1, before), func(t *testing.T) {
				t.Parallel()
				pushed(t, at+1, before)
			})
		}
	}
}

// Who was not in the ATS yet is routed once a push has brought them there.
func TestRoutingWaitsForThePush(t *testing.T) {
	t.Parallel()
	for score, want := range map[float64]core.DecisionState{90: core.DecisionStateAdvanced, 60: core.DecisionStateHeld, 10: core.DecisionStateRejectPending} {
		w := newRoutingWorld(t)
		w.rule(nil)
		id := w.scored("ada@example.com", w.job.ID, score)
		d := w.decided(id)
		if score != 60 {
			w.expectState(d, core.DecisionStateHeld, core.HoldUnknown)
		}
		w.ask(id)
		w.work(time.Hour)
		if now := w.decided(id); now.ID != d.ID || now.State != want {
			t.Errorf("%v: %s, %s", score, now.State, now.Note)
		}
	}
}
