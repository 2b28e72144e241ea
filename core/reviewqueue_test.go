package core_test

import (
	"testing"
	"time"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

func TestTheReviewQueue(t *testing.T) {
	t.Parallel()
	w := newRoutingWorld(t)
	w.rule(nil)
	kept, _ := w.scoredApplicant(60)
	overridden, up := w.scoredApplicant(60)
	confirmed, down := w.scoredApplicant(10)
	w.scoredApplicant(90)
	queue := func() int {
		t.Helper()
		page, err := w.decisions.List(t.Context(), w.recruiter, core.DecisionFilter{States: core.ReviewStates()}, core.Page{})
		w.ok(err)
		return len(page.Items)
	}
	if n := queue(); n != 3 {
		t.Fatalf("%d wait", n)
	}
	if o := w.decide(overridden, core.ReviewAdvance, ""); o.Refusal == nil || o.Refusal.Fields[0].Path != "reason" {
		t.Errorf("overridden without a reason: %+v", o)
	}
	all, err := w.decisions.Decide(t.Context(), w.recruiter, []core.ID{kept.ID, "dec_none", confirmed.ID}, core.ReviewApprove, "")
	w.ok(err)
	if all[0].Refusal != nil || !fault.Is(all[1].Refusal, fault.NotFound) || all[2].Refusal != nil {
		t.Errorf("a batch: %+v", all)
	}
	w.decide(overridden, core.ReviewAdvance, "strong references")
	w.work(time.Minute) // what a person decided does not wait
	w.expectState(kept, core.DecisionStateKept, "")
	w.expectState(confirmed, core.DecisionStateRejected, "")
	if now := w.expectState(overridden, core.DecisionStateAdvanced, ""); now.Reason != "strong references" || now.ActorName != "RECRUITER" {
		t.Errorf("overridden: %+v", now)
	}
	if w.inATS(up).StageID != stage2 || w.inATS(down).State != ats.ApplicationRejected || queue() != 0 {
		t.Error("not as it was decided")
	}
	if o := w.decide(overridden, core.ReviewReject, "no"); !fault.Is(o.Refusal, fault.Conflict) {
		t.Errorf("decided twice: %+v", o)
	}
	if o := w.undo(overridden); !fault.Is(o.Refusal, fault.Conflict) {
		t.Errorf("an advance undone: %+v", o)
	}
}

func TestWhoMayDecide(t *testing.T) {
	t.Parallel()
	w := newRoutingWorld(t)
	w.rule(nil)
	d, _ := w.scoredApplicant(60)
	for role, may := range map[core.Role]bool{
		core.RoleAdmin: true, core.RoleApprover: true, core.RoleRecruiter: true, core.RoleViewer: false, core.RoleEngine: false, core.RoleATS: false,
	} {
		by := core.Actor{OrganizationID: w.admin.OrganizationID, Role: role}
		_, err := w.decisions.Undo(t.Context(), by, []core.ID{d.ID}, "")
		if fault.Is(err, fault.Forbidden) == may {
			t.Errorf("%s: %v", role, err)
		}
	}
}

func TestRulesAreApprovedByAnother(t *testing.T) {
	t.Parallel()
	w := newRoutingWorld(t)
	rule, err := w.rules.Propose(t.Context(), w.proposer, w.usual())
	w.ok(err)
	_, err = w.rules.Propose(t.Context(), w.approver, w.usual())
	w.refused(err, fault.Forbidden)
	_, err = w.rules.Approve(t.Context(), w.proposer, rule.ID)
	w.refused(err, fault.Forbidden)
	same := w.approver
	same.Principal = w.proposer.Principal
	_, err = w.rules.Approve(t.Context(), same, rule.ID)
	w.refused(err, fault.Forbidden)
	id, _ := w.applicant()
	_, err = w.complete(id, 90)
	w.ok(err)
	if w.get(id).Decision != core.DecisionNone {
		t.Error("a rule that was not approved decided")
	}
	_, err = w.rules.Approve(t.Context(), w.approver, rule.ID)
	w.ok(err)
	_, err = w.rules.Approve(t.Context(), w.approver, rule.ID)
	w.refused(err, fault.Conflict)
	_, err = w.rules.Retire(t.Context(), w.proposer, rule.ID, "")
	w.ok(err)
	_, err = w.rules.Resume(t.Context(), w.proposer, rule.ID, "")
	w.refused(err, fault.Conflict)
	log, err := w.store.AuditLog(t.Context(), w.admin.OrganizationID, core.AuditFilter{SubjectID: rule.ID}, core.Page{})
	w.ok(err)
	if len(log.Items) != 3 || log.Items[0].Action != core.EventRuleRetired || log.Items[1].Action != core.EventRuleApproved {
		t.Errorf("audited %+v", log.Items)
	}
}

func TestRulesThatCannotBe(t *testing.T) {
	t.Parallel()
	w := newRoutingWorld(t)
	zero := 0
	for name, c := range map[string]struct {
		edit func(*core.NewRoutingRule)
		path string
	}{
		"above 100":               {func(n *core.NewRoutingRule) { n.Advance = 101 }, "advance"},
		"below 0":                 {func(n *core.NewRoutingRule) { n.Review = -1 }, "review"},
		"three decimals":          {func(n *core.NewRoutingRule) { n.Advance = 75.005 }, "advance"},
		"overlap":                 {func(n *core.NewRoutingRule) { n.Review = 75.01 }, "review"},
		"no reason":               {func(n *core.NewRoutingRule) { n.ReasonID = "" }, "reasonId"},
		"a reason not there":      {func(n *core.NewRoutingRule) { n.ReasonID = "x" }, "reasonId"},
		"no template":             {func(n *core.NewRoutingRule) { n.EmailTemplateID = "" }, "emailTemplateId"},
		"no hold window":          {func(n *core.NewRoutingRule) { n.HoldHours = &zero }, "holdHours"},
		"no share":                {func(n *core.NewRoutingRule) { n.JumpPercent = &zero }, "jumpPercent"},
		"a stage without a job":   {func(n *core.NewRoutingRule) { n.AdvanceTo = stage3 }, "advanceToStageId"},
		"a stage of another job":  {func(n *core.NewRoutingRule) { n.JobID, n.AdvanceTo = w.job.ID, "job-2-stage-1" }, "advanceToStageId"},
		"a job that is not there": {func(n *core.NewRoutingRule) { n.JobID = "job_none" }, "jobId"},
		"a test not there":        {func(n *core.NewRoutingRule) { n.TestID = "tst_none" }, "testId"},
		"no such connection":      {func(n *core.NewRoutingRule) { n.ConnectionID = "con_none" }, "connectionId"},
	} {
		n := w.usual()
		c.edit(&n)
		_, err := w.rules.Propose(t.Context(), w.proposer, n)
		if f := fault.From(err); err == nil || len(f.Fields) != 1 || f.Fields[0].Path != c.path {
			t.Errorf("%s: %v", name, err)
		}
	}
	all, err := w.rules.List(t.Context(), w.proposer, w.connection.ID)
	w.ok(err)
	if len(all) != 0 {
		t.Errorf("kept: %+v", all)
	}
	w.rule(func(n *core.NewRoutingRule) { n.Review, n.ReasonID, n.EmailTemplateID = 0, "", "" }) // nobody is rejected
}

// An older proposal is not approved over a newer version that counts.
func TestAnOlderProposalIsOvertaken(t *testing.T) {
	t.Parallel()
	w := newRoutingWorld(t)
	older, err := w.rules.Propose(t.Context(), w.proposer, w.usual())
	w.ok(err)
	newer := w.rule(nil)
	_, err = w.rules.Approve(t.Context(), w.approver, older.ID)
	w.refused(err, fault.Conflict)
	_, err = w.rules.Retire(t.Context(), w.proposer, newer.ID, "")
	w.ok(err)
	_, err = w.rules.Approve(t.Context(), w.approver, older.ID)
	w.ok(err)
}
