package core

import (
	"context"
	"slices"
	"time"

	"github.com/trellis-ats/trellis/core/fault"
)

// routeByRule decides a new revision over each connection that has a rule for
// it. The rule that was effective when the assessment was completed counts. It
// is called once for a revision, in the transaction that keeps it. What is open
// about an older one ends, whether or not there is a rule now.
func routeByRule(ctx context.Context, tx Tx, a *Assessment, r *Result) error {
	return route(ctx, tx, a, r, moment{SystemActor(a.OrganizationID), r.CreatedAt}, "")
}

// route decides a revision over one connection, or over all if none is named.
func route(ctx context.Context, tx Tx, a *Assessment, r *Result, m moment, connection ID) error {
	acted, err := supersede(ctx, tx, a, m, r.Revision, connection)
	if err != nil {
		return err
	}
	job, err := routedJob(ctx, tx, a)
	if err != nil {
		return err
	}
	approved, err := tx.RoutingRulesFor(ctx, a.OrganizationID, job, a.TestID, a.CompletedAt)
	if err != nil || len(approved) == 0 {
		return err
	}
	test, err := tx.Test(ctx, a.OrganizationID, a.TestID)
	if err != nil {
		return err
	}
	for _, rule := range effectiveRules(approved, a.CompletedAt) {
		if !isAmong(rule.ConnectionID, connection) {
			continue
		}
		x := routing{tx: tx, a: a, job: job, rule: &rule, inputs: inputsOf(test, r), moment: m, acted: acted[rule.ConnectionID]}
		if err := x.decide(ctx, r.Revision); err != nil {
			return err
		}
	}
	return nil
}

// isAmong reports whether a connection is the one that is meant: any if none is
// named.
func isAmong(one, named ID) bool { return named == "" || one == named }

// routedJob is the assessment's job. An order of an ATS may name none (for
// example Greenhouse's: facts/greenhouse.md 1): then it is the one that is
// mapped to the application's, as far as that is known.
func routedJob(ctx context.Context, r Reader, a *Assessment) (ID, error) {
	if a.JobID != "" || a.ConnectionID == "" {
		return a.JobID, nil
	}
	application, err := r.ApplicationOf(ctx, a.OrganizationID, a.ConnectionID, a.ID)
	if fault.Is(err, fault.NotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return mappedJob(ctx, r, a.OrganizationID, a.ConnectionID, application.JobExternalID)
}

// routing is the making of one decision.
type routing struct {
	moment
	tx     Tx
	a      *Assessment
	job    ID // whose rules count; empty for none
	rule   *RoutingRule
	inputs RoutingInputs
	acted  bool // an earlier decision over the connection counts more
}

func (x *routing) decide(ctx context.Context, revision int) error {
	if concerned, err := x.concerned(ctx); err != nil || !concerned {
		return err
	}
	v := x.rule.Terms.Decide(x.inputs)
	d := &RoutingDecision{
		ID: NewID(PrefixDecision), OrganizationID: x.a.OrganizationID, ConnectionID: x.rule.ConnectionID, AssessmentID: x.a.ID,
		JobID: x.job, TestID: x.a.TestID, Revision: revision, RuleID: x.rule.ID, RuleVersion: x.rule.Version, Terms: x.rule.Terms,
		Inputs: x.inputs, Suggestion: v.Suggestion, Indicator: v.Indicator, ActorRole: RoleSystem, ActorName: x.by.Name, CreatedAt: x.now,
	}
	why, err := x.impediment(ctx, d, v)
	if err != nil {
		return err
	}
	if why != "" {
		return d.hold(ctx, x.tx, x.a, x.moment, why, "")
	}
	return d.pursue(ctx, x.tx, x.a, x.moment, v.Suggestion, x.wait(v))
}

// routeArrived goes on with what was decided about somebody who was not in the
// connection's ATS, now that a push has brought them there; and decides what
// was not, as nobody knew when the result came that they would ever be there.
func routeArrived(ctx context.Context, tx Tx, p *Push, now time.Time) error {
	m := moment{SystemActor(p.OrganizationID), now}
	all, err := tx.RoutingDecisionsOf(ctx, p.OrganizationID, Sight{}, []ID{p.AssessmentID})
	if err != nil {
		return err
	}
	for i := range all {
		if d := &all[i]; d.ConnectionID == p.ConnectionID && d.awaitsArrival() {
			if err := d.arrived(ctx, tx, m); err != nil {
				return err
			}
		}
	}
	return routeLate(ctx, tx, p, m)
}

// routeLate decides the latest result over a push's connection, unless it was.
func routeLate(ctx context.Context, tx Tx, p *Push, m moment) error {
	rules, err := tx.RoutingRules(ctx, p.OrganizationID, p.ConnectionID)
	if err != nil || len(rules) == 0 { // most connections have none, and need no lock
		return err
	}
	// Looked at twice: a lock on the assessment while the push is locked may have
	// to wait for who locks them the other way round.
	if _, decided, err := latestDecided(ctx, tx, p); decided || err != nil {
		return err
	}
	a, err := tx.LockAssessment(ctx, p.OrganizationID, p.AssessmentID)
	if err != nil {
		return err
	}
	r, decided, err := latestDecided(ctx, tx, p)
	if decided || err != nil {
		return err
	}
	if err := route(ctx, tx, a, r, m, p.ConnectionID); err != nil {
		return err
	}
	return tx.UpdateAssessment(ctx, a)
}

// latestDecided returns the latest result of a push's assessment, and whether it
// was decided over the push's connection.
func latestDecided(ctx context.Context, r Reader, p *Push) (latest *Result, decided bool, err error) {
	if latest, err = r.LatestResult(ctx, p.OrganizationID, p.AssessmentID); err != nil {
		return nil, false, err
	}
	all, err := r.RoutingDecisionsOf(ctx, p.OrganizationID, Sight{}, []ID{p.AssessmentID})
	return latest, slices.ContainsFunc(all, func(d RoutingDecision) bool {
		return d.ConnectionID == p.ConnectionID && d.Revision == latest.Revision
	}), err
}

func (d *RoutingDecision) awaitsArrival() bool {
	return d.State == DecisionStateHeld && d.Hold == HoldUnknown && d.Automatic()
}

func (d *RoutingDecision) arrived(ctx context.Context, tx Tx, m moment) error {
	a, err := tx.LockAssessment(ctx, d.OrganizationID, d.AssessmentID)
	if err != nil {
		return err
	}
	if d, err = tx.LockRoutingDecision(ctx, d.OrganizationID, d.ID); err != nil || !d.awaitsArrival() {
		return err
	}
	rule, err := tx.RoutingRule(ctx, d.OrganizationID, d.RuleID)
	if err != nil {
		return err
	}
	x := routing{tx: tx, a: a, job: d.JobID, rule: rule, inputs: d.Inputs, moment: m}
	v := d.Terms.Decide(d.Inputs)
	why, err := x.impediment(ctx, d, v)
	if err != nil {
		return err
	}
	if why != "" {
		err = d.hold(ctx, tx, a, m, why, "")
	} else {
		err = d.pursue(ctx, tx, a, m, v.Suggestion, x.wait(v))
	}
	if err != nil {
		return err
	}
	return tx.UpdateAssessment(ctx, a)
}

// wait is how long the decision can be stopped.
func (x *routing) wait(v Verdict) time.Duration {
	if v.Suggestion != RouteReject {
		return 0
	}
	return time.Duration(x.rule.Terms.Rejection.HoldHours) * time.Hour
}

// pursue lets an action be carried out after a while.
func (d *RoutingDecision) pursue(ctx context.Context, tx Tx, a *Assessment, m moment, action RoutingAction, wait time.Duration) error {
	d.Action, d.Note, d.DueAt = action, "", m.now.Add(wait)
	if action == RouteReject {
		return d.enter(ctx, tx, a, m, DecisionStateRejectPending)
	}
	d.ToStageID = d.Terms.AdvanceTo
	return d.enter(ctx, tx, a, m, DecisionStateAdvancePending)
}

// concerned reports whether the candidate is or will be in the connection's
// ATS: it ordered the assessment, or the job is mapped there, or an application
// there is known, as when a stage ordered the test.
func (x *routing) concerned(ctx context.Context) (bool, error) {
	if x.rule.ConnectionID == x.a.ConnectionID {
		return true, nil
	}
	_, err := x.tx.JobMapping(ctx, x.a.OrganizationID, x.rule.ConnectionID, x.job)
	if fault.Is(err, fault.NotFound) {
		_, err = x.tx.ApplicationOf(ctx, x.a.OrganizationID, x.rule.ConnectionID, x.a.ID)
	}
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	return err == nil, err
}

// supersede ends the open decisions about older results, over one connection or
// over all if none is named. It returns over which
// connections one was acted upon or made by a person, who always wins: what a
// person decided, and is still to be carried out, goes on.
func supersede(ctx context.Context, tx Tx, a *Assessment, m moment, revision int, connection ID) (acted map[ID]bool, _ error) {
	acted = map[ID]bool{}
	if revision == 1 { // there is nothing older
		return acted, nil
	}
	before, err := tx.RoutingDecisionsOf(ctx, a.OrganizationID, Sight{}, []ID{a.ID})
	if err != nil {
		return nil, err
	}
	for _, one := range before {
		if one.Revision >= revision || !isAmong(one.ConnectionID, connection) {
			continue
		}
		d, err := tx.LockRoutingDecision(ctx, one.OrganizationID, one.ID)
		if err != nil {
			return nil, err
		}
		acted[d.ConnectionID] = acted[d.ConnectionID] || d.acted() || !d.Automatic()
		if d.State != DecisionStateHeld && (!d.State.pending() || d.underWay() || !d.Automatic()) {
			continue
		}
		if err := d.giveWay(ctx, tx, a, m); err != nil {
			return nil, err
		}
	}
	return acted, nil
}

// giveWay ends a decision because there is a newer result.
func (d *RoutingDecision) giveWay(ctx context.Context, tx Tx, a *Assessment, m moment) error {
	if a.Decision == d.State.mark() {
		a.Decision = DecisionNone // until it is decided anew
	}
	d.Note = "A newer result is decided instead."
	return d.enter(ctx, tx, a, m, DecisionStateSuperseded)
}

// impediment tells why the verdict is not carried out; empty if it is.
func (x *routing) impediment(ctx context.Context, d *RoutingDecision, v Verdict) (Hold, error) {
	known, err := x.known(ctx, d)
	if err != nil {
		return "", err
	}
	off, err := routingIsOff(ctx, x.tx, d.OrganizationID, d.ConnectionID, d.JobID)
	if err != nil {
		return "", err
	}
	switch {
	case x.acted:
		return HoldEarlier, nil
	case v.Hold != "":
		return v.Hold, nil
	case off:
		return HoldSwitchedOff, nil
	case x.rule.State != RuleApproved:
		return HoldPaused, nil
	case !known:
		return HoldUnknown, nil
	case v.Suggestion == RouteReject:
		return x.jump(ctx)
	default:
		return "", nil
	}
}

// known reports whether the application in the ATS is known or about to be.
func (x *routing) known(ctx context.Context, d *RoutingDecision) (bool, error) {
	application, err := x.tx.ApplicationOf(ctx, d.OrganizationID, d.ConnectionID, d.AssessmentID)
	if err == nil && application.ExternalID != "" {
		d.ApplicationID = application.ExternalID
		if !application.StagedAt.IsZero() { // the ATS tells of it; else it is read
			d.StageID = application.StageID
		}
		return true, nil
	}
	if err != nil && !fault.Is(err, fault.NotFound) {
		return false, err
	}
	return pushIsOpen(ctx, x.tx, d)
}

// pushIsOpen reports whether the candidate is on the way into the ATS.
func pushIsOpen(ctx context.Context, r PushReader, d *RoutingDecision) (bool, error) {
	revision, err := r.LatestPush(ctx, d.OrganizationID, d.ConnectionID, d.AssessmentID)
	if err != nil || revision == 0 {
		return false, err
	}
	p, err := r.PushOf(ctx, d.OrganizationID, d.ConnectionID, d.AssessmentID, revision)
	return err == nil && p.State.Open(), err
}

// jump pauses the rule if too many of its last decisions, with this one, are
// rejections. The rule is locked first, so that no two decisions at the same
// moment miss each other.
func (x *routing) jump(ctx context.Context) (Hold, error) {
	rule, err := x.tx.LockRoutingRule(ctx, x.rule.OrganizationID, x.rule.ID)
	if err != nil || rule.State != RuleApproved {
		return HoldPaused, err
	}
	t := x.rule.Terms.Rejection
	last, err := x.tx.LastSuggestions(ctx, x.rule.OrganizationID, rule.ID, rule.CountedFrom, t.JumpOf-1)
	if err != nil || len(last) < t.JumpOf-1 {
		return "", err
	}
	rejections := 1
	for _, s := range last {
		if s == RouteReject {
			rejections++
		}
	}
	if rejections*100 < t.JumpPercent*t.JumpOf {
		return "", nil
	}
	before := *rule
	rule.turn(RulePaused, x.by.sign(x.now), HoldJump.Sentence())
	return HoldJump, saveRule(ctx, x.tx, x.by, before, rule, EventRulePaused, x.now)
}
