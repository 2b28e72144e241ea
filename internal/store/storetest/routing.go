package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/internal/store"
)

func (f *fixture) newRoutingRule(t testing.TB, edit func(*core.RoutingRule)) *core.RoutingRule {
	t.Helper()
	r := filled[core.RoutingRule]()
	r.ID, r.OrganizationID, r.ConnectionID, r.JobID, r.TestID = core.NewID(core.PrefixRule), f.org, f.connection.ID, "", ""
	if edit != nil {
		edit(r)
	}
	change(t, f.db, func(ctx context.Context, tx core.Tx) error { return tx.InsertRoutingRule(ctx, r) })
	return r
}

func testRoutingRule(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	ctx, one, list := t.Context(), f.newRoutingRule(t, nil), found[[]core.RoutingRule](t)
	two := f.newRoutingRule(t, func(r *core.RoutingRule) { r.Version++ })
	same(t, "kept", one, found[*core.RoutingRule](t)(db.RoutingRule(ctx, f.org, one.ID)))
	same(t, "by id", []core.RoutingRule{*two}, list(db.RoutingRulesByID(ctx, f.org, []core.ID{two.ID, "rul_none"})))
	same(t, "of the connection", []core.RoutingRule{*two, *one}, list(db.RoutingRules(ctx, f.org, f.connection.ID)))
	changed := filled[core.RoutingRule]()
	changed.ID, changed.OrganizationID, changed.ConnectionID, changed.JobID, changed.TestID = one.ID, one.OrganizationID, one.ConnectionID, "", ""
	changed.Version, changed.Terms, changed.Proposed = one.Version, one.Terms, one.Proposed
	changed.Approved.At, changed.Changed.Name, changed.CountedFrom = moment(70), "Kim", moment(71)
	change(t, db, func(ctx context.Context, tx core.Tx) error { return tx.UpdateRoutingRule(ctx, changed) })
	same(t, "changed", changed, found[*core.RoutingRule](t)(db.RoutingRule(ctx, f.org, one.ID)))
}

func testRoutingRulesFor(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	c, job := f.newEnabledConnection(t), f.newJob(t).ID
	add := func(version int, edit func(*core.RoutingRule)) core.ID {
		return f.newRoutingRule(t, func(r *core.RoutingRule) {
			r.ConnectionID, r.Version, r.EffectiveFrom = c.ID, version, moment(10)
			edit(r)
		}).ID
	}
	want := map[core.ID]bool{
		add(1, func(*core.RoutingRule) {}):                                       true,
		add(1, func(r *core.RoutingRule) { r.JobID, r.TestID = job, f.test.ID }): true,
	}
	add(2, func(r *core.RoutingRule) { r.EffectiveFrom = moment(11) })
	add(3, func(r *core.RoutingRule) { r.Approved.At = time.Time{} })
	add(1, func(r *core.RoutingRule) { r.JobID = "job_other" })
	add(1, func(r *core.RoutingRule) { r.TestID = "tst_other" })
	f.newRoutingRule(t, nil) // of a connection that is disabled
	got := map[core.ID]bool{}
	for _, r := range found[[]core.RoutingRule](t)(db.RoutingRulesFor(t.Context(), f.org, job, f.test.ID, moment(10))) {
		got[r.ID] = true
	}
	same(t, "for a job and a test", want, got)
}

func testRoutingSwitch(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	set := func(edit func(*core.RoutingSwitch)) core.RoutingSwitch {
		s := filled[core.RoutingSwitch]()
		s.OrganizationID, s.ConnectionID, s.JobID = f.org, f.connection.ID, ""
		edit(s)
		change(t, db, func(ctx context.Context, tx core.Tx) error { return tx.SaveRoutingSwitch(ctx, s) })
		return *s
	}
	of := func() []core.RoutingSwitch {
		return found[[]core.RoutingSwitch](t)(db.RoutingSwitches(t.Context(), f.org, f.connection.ID))
	}
	same(t, "none", 0, len(of()))
	set(func(*core.RoutingSwitch) {})
	job := set(func(s *core.RoutingSwitch) { s.JobID = "job_1" })
	all := set(func(s *core.RoutingSwitch) {
		s.Off, s.Note, s.ChangedBy, s.ChangedAt = false, "well again", "Kim", moment(90)
	})
	same(t, "both", []core.RoutingSwitch{all, job}, of())
}

func (f *fixture) newDecision(t testing.TB, a *core.Assessment, edit func(*core.RoutingDecision)) *core.RoutingDecision {
	t.Helper()
	d := filled[core.RoutingDecision]()
	d.ID, d.OrganizationID, d.ConnectionID, d.AssessmentID = core.NewID(core.PrefixDecision), f.org, f.connection.ID, a.ID
	if edit != nil {
		edit(d)
	}
	change(t, f.db, func(ctx context.Context, tx core.Tx) error {
		fresh, err := tx.InsertRoutingDecision(ctx, d)
		same(t, "fresh", true, fresh)
		return err
	})
	return d
}

func (f *fixture) newDecisionStep(t testing.TB, decision core.ID) *core.DecisionStep {
	t.Helper()
	s := filled[core.DecisionStep]()
	s.ID, s.OrganizationID, s.DecisionID = core.NewID(core.PrefixDecisionStep), f.org, decision
	change(t, f.db, func(ctx context.Context, tx core.Tx) error { return tx.AppendDecisionStep(ctx, s) })
	return s
}

func testRoutingDecision(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	ctx, job, list := t.Context(), f.newJob(t), found[[]core.RoutingDecision](t)
	a := f.newAssessment(t, func(a *core.Assessment) { a.JobID = job.ID })
	one := f.newDecision(t, a, nil)
	two := f.newDecision(t, a, func(d *core.RoutingDecision) { d.Revision++ })
	same(t, "kept", one, found[*core.RoutingDecision](t)(db.RoutingDecision(ctx, f.org, one.ID)))
	same(t, "by id", []core.RoutingDecision{*one}, list(db.RoutingDecisionsByID(ctx, f.org, limited(job.ID), []core.ID{one.ID, "dec_none"})))
	same(t, "out of sight", 0, len(list(db.RoutingDecisionsByID(ctx, f.org, limited("job_none"), []core.ID{one.ID}))))
	same(t, "of assessments", []core.RoutingDecision{*two, *one}, list(db.RoutingDecisionsOf(ctx, f.org, limited(job.ID), []core.ID{a.ID})))
	same(t, "of those out of sight", 0, len(list(db.RoutingDecisionsOf(ctx, f.org, limited("job_none"), []core.ID{a.ID}))))
	again := *one
	again.ID = core.NewID(core.PrefixDecision)
	change(t, db, func(ctx context.Context, tx core.Tx) error {
		fresh, err := tx.InsertRoutingDecision(ctx, &again)
		same(t, "of the same result", false, fresh)
		return err
	})
	first, second := f.newDecisionStep(t, one.ID), f.newDecisionStep(t, two.ID)
	same(t, "steps", []core.DecisionStep{*first, *second}, found[[]core.DecisionStep](t)(db.DecisionSteps(ctx, f.org, []core.ID{one.ID, two.ID})))
}

func testRoutingDecisionUpdate(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	d := f.newDecision(t, f.newAssessment(t, nil), nil)
	for name, edit := range map[string]func(*core.RoutingDecision){
		"state":       func(d *core.RoutingDecision) { d.State = core.DecisionStateHeld },
		"action":      func(d *core.RoutingDecision) { d.Action = core.RouteReject },
		"hold":        func(d *core.RoutingDecision) { d.Hold = core.HoldPilot },
		"texts":       func(d *core.RoutingDecision) { d.Note, d.Reason = "n", "r" },
		"actor":       func(d *core.RoutingDecision) { d.ActorRole, d.ActorName = core.RoleAdmin, "Kim" },
		"application": func(d *core.RoutingDecision) { d.ApplicationID, d.StageID, d.ToStageID = "1", "2", "3" },
		"round":       func(d *core.RoutingDecision) { d.Round++ },
		"fault":       func(d *core.RoutingDecision) { d.FaultCode = "AUTH" },
		"times": func(d *core.RoutingDecision) {
			d.DueAt, d.SentAt, d.RejectedAt, d.DoneAt, d.UpdatedAt = moment(71), moment(72), moment(74), time.Time{}, moment(73)
		},
	} {
		edit(d)
		change(t, db, func(ctx context.Context, tx core.Tx) error { return tx.UpdateRoutingDecision(ctx, d) })
		same(t, name, d, found[*core.RoutingDecision](t)(db.RoutingDecision(t.Context(), f.org, d.ID)))
	}
}

func testRoutingDecisionFilters(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	job := f.newJob(t)
	a, b := f.newAssessment(t, nil), f.newAssessment(t, func(a *core.Assessment) { a.JobID = job.ID })
	first := f.newDecision(t, a, func(d *core.RoutingDecision) {
		d.State, d.Indicator, d.CreatedAt = core.DecisionStateHeld, core.IndicatorRed, moment(900)
	})
	second := f.newDecision(t, b, func(d *core.RoutingDecision) { d.JobID, d.TestID = job.ID, "tst_other" })
	third := f.newDecision(t, b, func(d *core.RoutingDecision) { d.ConnectionID = "con_other" })
	for name, c := range map[string]struct {
		filter core.DecisionFilter
		want   []core.ID
	}{
		"all":        {core.DecisionFilter{}, []core.ID{third.ID, second.ID, first.ID}},
		"state":      {core.DecisionFilter{States: []core.DecisionState{core.DecisionStateHeld}}, []core.ID{first.ID}},
		"indicator":  {core.DecisionFilter{Indicators: []core.Indicator{core.IndicatorRed}}, []core.ID{first.ID}},
		"connection": {core.DecisionFilter{ConnectionID: "con_other"}, []core.ID{third.ID}},
		"job":        {core.DecisionFilter{JobID: job.ID}, []core.ID{second.ID}},
		"test":       {core.DecisionFilter{TestID: "tst_other"}, []core.ID{second.ID}},
		"assessment": {core.DecisionFilter{AssessmentID: a.ID}, []core.ID{first.ID}},
		"from":       {core.DecisionFilter{From: moment(900)}, []core.ID{first.ID}},
		"until":      {core.DecisionFilter{Until: moment(900)}, []core.ID{third.ID, second.ID}},
		"sight":      {core.DecisionFilter{Sight: limited(job.ID)}, []core.ID{third.ID, second.ID}},
	} {
		var got []core.ID
		for _, d := range found[*core.Paged[core.RoutingDecision]](t)(db.RoutingDecisions(t.Context(), f.org, c.filter, core.Page{})).Items {
			got = append(got, d.ID)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func testRoutingCounts(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	rule := core.NewID(core.PrefixRule)
	add := func(suggestion, action core.RoutingAction, at int) {
		f.newDecision(t, f.newAssessment(t, nil), func(d *core.RoutingDecision) {
			d.RuleID, d.Suggestion, d.Action, d.CreatedAt, d.SentAt = rule, suggestion, action, moment(at), moment(at)
			if d.RejectedAt = (time.Time{}); action == core.RouteReject {
				d.RejectedAt = moment(at)
			}
		})
	}
	add(core.RouteReview, "", 1)
	add(core.RouteReject, core.RouteReject, 2)
	add(core.RouteAdvance, core.RouteAdvance, 3)
	add(core.RouteReject, core.RouteReject, 4)
	last := func(since, limit int) []core.RoutingAction {
		return found[[]core.RoutingAction](t)(db.LastSuggestions(t.Context(), f.org, rule, moment(since), limit))
	}
	same(t, "the last", []core.RoutingAction{core.RouteReject, core.RouteAdvance}, last(0, 2))
	same(t, "since then", []core.RoutingAction{core.RouteReject, core.RouteAdvance, core.RouteReject}, last(2, 9))
	rejections := func(since int) int {
		return found[int](t)(db.RejectionsSince(t.Context(), f.org, f.connection.ID, moment(since)))
	}
	same(t, "rejections", 2, rejections(2))
	same(t, "later ones", 1, rejections(3))
}
