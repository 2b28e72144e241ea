package graph_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/coretest"
)

// routed keeps a rule of a connection, the next version of it that is proposed,
// and what was decided about an assessment. All texts are the word.
func (w *world) routed(t *testing.T, a *core.Assessment, connection core.ID, word string) {
	t.Helper()
	ctx, signed := t.Context(), core.Signature{Principal: word, Name: word, At: w.clock.Now()}
	rule := &core.RoutingRule{
		ID: core.NewID(core.PrefixRule), OrganizationID: a.OrganizationID, ConnectionID: connection, JobID: a.JobID, TestID: a.TestID,
		State: core.RuleApproved, Terms: core.RoutingTerms{Advance: 75_00, AdvanceTo: word}, Proposed: signed, Approved: signed,
		Changed: signed, EffectiveFrom: signed.At.Add(time.Hour), Note: word,
	}
	next := *rule
	next.ID, next.State, next.Approved, next.Changed = core.NewID(core.PrefixRule), core.RuleProposed, core.Signature{}, core.Signature{}
	d := &core.RoutingDecision{
		ID: core.NewID(core.PrefixDecision), OrganizationID: a.OrganizationID, ConnectionID: connection, AssessmentID: a.ID, JobID: a.JobID,
		TestID: a.TestID, Revision: 1, RuleID: rule.ID, RuleVersion: 1, Terms: rule.Terms, Suggestion: core.RouteReview,
		Inputs:    core.RoutingInputs{Score: 60_00, IntegrityFlags: []string{word}, MissingTraits: []string{word}},
		Indicator: core.IndicatorYellow, State: core.DecisionStateHeld, Hold: core.HoldReview, Note: word, Reason: word,
		ActorRole: core.RoleSystem, ActorName: word, ApplicationID: word, StageID: word, ToStageID: word, Round: 1,
		CreatedAt: signed.At, UpdatedAt: signed.At,
	}
	step := &core.DecisionStep{
		ID: core.NewID(core.PrefixDecisionStep), OrganizationID: a.OrganizationID, DecisionID: d.ID, AssessmentID: a.ID,
		To: d.State, Hold: d.Hold, Note: word, Reason: word, RuleID: rule.ID, RuleVersion: 1, ActorRole: core.RoleSystem, ActorName: word, At: signed.At,
	}
	check(t, w.store.Atomically(ctx, func(tx core.Tx) error {
		known, err := tx.RoutingRules(ctx, a.OrganizationID, connection)
		check(t, err)
		rule.Version, next.Version = len(known)+1, len(known)+2
		check(t, tx.InsertRoutingRule(ctx, rule))
		check(t, tx.InsertRoutingRule(ctx, &next))
		_, err = tx.InsertRoutingDecision(ctx, d)
		check(t, err)
		check(t, tx.AppendDecisionStep(ctx, step))
		return tx.SaveRoutingSwitch(ctx, &core.RoutingSwitch{
			OrganizationID: a.OrganizationID, ConnectionID: connection, JobID: a.JobID, Note: word, ChangedBy: word, ChangedAt: signed.At,
		})
	}))
	w.names["rule"], w.names["proposed"], w.names["decision"] = string(rule.ID), string(next.ID), string(d.ID)
}

// TestRoutingThroughTheAPI goes from the proposal of a rule to a rejection that
// a person approved, and back.
func TestRoutingThroughTheAPI(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.adapters.Whole = w.ats
	do := func(role, mutation, input, fields string) string {
		t.Helper()
		body := w.ask(t, role, w.expand(t, fmt.Sprintf(`mutation { %s(input: {%s}) { %s userErrors { reason field message } } }`, mutation, input, fields)), nil)
		return fmt.Sprint(body)
	}
	expect := func(got, want string) {
		t.Helper()
		if !strings.Contains(got, want) {
			t.Fatalf("got %s\nwant %s", got, want)
		}
	}
	const rule = `connectionId: "${connection}", advance: 75, review: 55, pilot: false, reasonId: "reason-1", emailTemplateId: "template-1"`
	expect(do("ADMIN", "proposeRoutingRule", rule, `routingRule { id state version rejection { holdHours dailyCap } }`),
		"rejection:map[dailyCap:25 holdHours:24] state:PROPOSED version:1")
	w.names["rule"] = w.column(t, "SELECT id FROM routing_rules")[0]
	expect(do("APPROVER", "approveRoutingRule", `ruleId: "${rule}"`, `routingRule { state approvedBy }`), "state:APPROVED")

	person := w.ats.AddPerson(coretest.Person{})
	application, err := w.ats.AddApplication(person, "job-1")
	check(t, err)
	id := w.orderFor(t, person, application)
	w.names["candidateOf"] = string(id)
	expect(do("ENGINE", "completeAssessment", `assessmentId: "${candidateOf}", score: 10, traits: [{key: "calm", score: 10}], integrityFlags: ["second voice"]`,
		`assessment { decision }`), "decision:HELD")
	w.names["decision"] = w.column(t, "SELECT id FROM routing_decisions")[0]
	queue := fmt.Sprint(w.ask(t, "RECRUITER", `{ reviewQueue { nodes { hold indicator suggestion integrityFlags assessment { decision result { score traits { score } benchmark } } } } }`, nil))
	expect(queue, "hold:INTEGRITY_FLAG indicator:RED integrityFlags:[second voice] suggestion:REJECT")
	expect(do("RECRUITER", "decideAssessments", `decisionIds: ["${decision}"], action: ADVANCE`, `outcomes { userErrors { field } decision { state } }`), "field:reason")
	expect(do("RECRUITER", "decideAssessments", `decisionIds: ["${decision}"], action: APPROVE`, `outcomes { userErrors { field } decision { state } }`), "field:reason")
	expect(do("RECRUITER", "decideAssessments", `decisionIds: ["${decision}"], action: APPROVE, reason: "heard the recording"`, `outcomes { decision { state automatic decidedBy } }`),
		"automatic:false decidedBy:token of RECRUITER state:REJECT_PENDING")
	w.carryOut(t)
	expect(fmt.Sprint(w.ask(t, "ADMIN", `{ decisions { nodes { state action steps { from to actorName } } } }`, nil)), "action:REJECT state:REJECTED")
	if got := w.ats.Applications()[0]; got.State != "REJECTED" || got.EmailTemplate != "template-1" {
		t.Fatalf("in the ATS: %+v", got)
	}
	expect(do("RECRUITER", "undoDecisions", `decisionIds: ["${decision}"], reason: "the wrong one"`, `outcomes { decision { state } }`), "state:UNDO_PENDING")
	w.carryOut(t)
	expect(fmt.Sprint(w.ask(t, "ADMIN", w.expand(t, `{ assessment(id: "${candidateOf}") { decision decisions { state hold reason } } }`), nil)),
		"decision:HELD decisions:[map[hold:UNDONE reason:the wrong one state:HELD]]")
	if got := w.ats.Applications()[0]; got.State != "ACTIVE" {
		t.Fatalf("in the ATS: %+v", got)
	}
}

// orderFor places an order of the ATS for an application.
func (w *world) orderFor(t *testing.T, person, application string) core.ID {
	t.Helper()
	c, err := w.store.Connection(t.Context(), core.ID(w.names["organization"]), core.ID(w.names["connection"]))
	check(t, err)
	placed, err := w.core.Assessments.Place(t.Context(), c, orderOf(w.names["test"], person, application))
	check(t, err)
	return core.ID(placed.AssessmentIDs[0])
}

// carryOut runs the tasks of decisions.
func (w *world) carryOut(t *testing.T) {
	t.Helper()
	for {
		task, ok := w.tasks.pop(core.TaskCarryOutDecision)
		if !ok {
			return
		}
		check(t, w.core.RoutingDecisions.CarryOut(t.Context(), task, core.Attempt{Number: 1}))
	}
}

// badRoutings are the inputs about rules and decisions that are refused.
func badRoutings(in func(name, input string) string) map[string]bad {
	const rule = `connectionId: "${connection}", reasonId: "reason-1", emailTemplateId: "template-1", `
	table := map[string]bad{
		"propose: 101":               {in("proposeRoutingRule", rule+`advance: 101, review: 50`), "INVALID advance"},
		"propose: overlap":           {in("proposeRoutingRule", rule+`advance: 50, review: 51`), "INVALID review"},
		"propose: three decimals":    {in("proposeRoutingRule", rule+`advance: 75.005, review: 51`), "INVALID advance"},
		"propose: no hold":           {in("proposeRoutingRule", rule+`advance: 75, review: 55, holdHours: 0`), "INVALID holdHours"},
		"propose: no reason":         {in("proposeRoutingRule", `connectionId: "${connection}", advance: 75, review: 55`), "INVALID reasonId"},
		"propose: unknown template":  {in("proposeRoutingRule", `connectionId: "${connection}", reasonId: "reason-1", emailTemplateId: "x", advance: 75, review: 55`), "INVALID emailTemplateId"},
		"propose: stage, no job":     {in("proposeRoutingRule", rule+`advance: 75, review: 55, advanceToStageId: "job-1-stage-1"`), "INVALID advanceToStageId"},
		"propose: another's":         {in("proposeRoutingRule", `connectionId: "${outsideConnection}", advance: 75, review: 0`), "NOT_FOUND connectionId"},
		"propose: another's job":     {in("proposeRoutingRule", rule+`jobId: "${outsideJob}", advance: 75, review: 0`), "NOT_FOUND jobId"},
		"propose: another's test":    {in("proposeRoutingRule", rule+`testId: "${outsideTest}", advance: 75, review: 0`), "NOT_FOUND testId"},
		"pause: a proposed one":      {in("pauseRoutingRule", `ruleId: "${proposed}"`), "CONFLICT ruleId"},
		"resume: an approved one":    {in("resumeRoutingRule", `ruleId: "${rule}"`), "CONFLICT ruleId"},
		"retire: nothing":            {in("retireRoutingRule", `ruleId: "rul_00000000000000000000000000"`), "NOT_FOUND ruleId"},
		"retire: a long note":        {in("retireRoutingRule", `ruleId: "${rule}", note: "`+strings.Repeat("n", 501)+`"`), "INVALID note"},
		"switch: off without a word": {in("setRoutingSwitch", `connectionId: "${connection}", off: true`), "INVALID note"},
		"switch: another's":          {in("setRoutingSwitch", `connectionId: "${outsideConnection}", off: false`), "NOT_FOUND connectionId"},
		"decide: none":               {in("decideAssessments", `decisionIds: [], action: APPROVE`), "INVALID decisionIds"},
		"decide: a long reason":      {in("decideAssessments", `decisionIds: ["${decision}"], action: KEEP, reason: "`+strings.Repeat("r", 501)+`"`), "INVALID reason"},
		"undo: too many":             {in("undoDecisions", `decisionIds: [`+strings.Repeat(`"${decision}" `, 101)+`]`), "INVALID decisionIds"},
	}
	return table
}
