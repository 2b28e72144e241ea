package core

import (
	"context"
	"time"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// RoutingRule tells what is done with a score over a connection. Its terms
// never change: a change is proposed as the next version.
type RoutingRule struct {
	ID             ID
	OrganizationID ID
	ConnectionID   ID
	JobID          ID  // empty: for all jobs
	TestID         ID  // empty: for all tests
	Version        int // from 1, within connection, job and test
	State          RuleState
	Terms          RoutingTerms
	Proposed       Signature
	Approved       Signature // zero until it was approved
	EffectiveFrom  time.Time // for what is completed from then on
	Changed        Signature // who paused, resumed or retired it last
	Note           string    // why, for people
	CountedFrom    time.Time // decisions before do not count for the share of rejections
}

// Signature tells who did something, and when.
type Signature struct {
	Principal string // a token's id or an e-mail address
	Name      string // for people
	At        time.Time
}

func (a Actor) sign(at time.Time) Signature {
	s := Signature{Principal: a.Principal, Name: a.Name, At: at}
	if s.Principal == "" {
		s.Principal = string(a.ID)
	}
	return s
}

// RuleState is how far a rule is.
type RuleState string

// The states.
const (
	RuleProposed RuleState = "PROPOSED" // does nothing until it is approved
	RuleApproved RuleState = "APPROVED" // counts from EffectiveFrom on, until another version takes effect
	RulePaused   RuleState = "PAUSED"   // what it decides is held, and so is what was pending
	RuleRetired  RuleState = "RETIRED"  // does nothing any more
)

// RoutingRuleReader finds routing rules.
type RoutingRuleReader interface {
	// RoutingRule returns one of the organization's. Errors: fault.NotFound.
	RoutingRule(ctx context.Context, organization, id ID) (*RoutingRule, error)
	// RoutingRulesByID returns those that exist, in no order; for loaders.
	RoutingRulesByID(ctx context.Context, organization ID, ids []ID) ([]RoutingRule, error)
	// RoutingRules returns a connection's, newest first.
	RoutingRules(ctx context.Context, organization, connection ID) ([]RoutingRule, error)
	// RoutingRulesFor returns those that were ever approved, became effective at
	// a moment or before, and are for a job and a test, over all connections
	// that are not disabled.
	RoutingRulesFor(ctx context.Context, organization, job, test ID, at time.Time) ([]RoutingRule, error)
}

// RoutingRuleWriter keeps routing rules.
type RoutingRuleWriter interface {
	InsertRoutingRule(ctx context.Context, r *RoutingRule) error
	// LockRoutingRule returns one and keeps others from changing it until the
	// transaction ends. Errors: fault.NotFound.
	LockRoutingRule(ctx context.Context, organization, id ID) (*RoutingRule, error)
	// UpdateRoutingRule keeps all but what was proposed. Errors: fault.NotFound.
	UpdateRoutingRule(ctx context.Context, r *RoutingRule) error
}

// RoutingRules are the use cases around routing rules and switches.
type RoutingRules struct{ o RoutingRulesOptions }

// RoutingRulesOptions is what RoutingRules are made of.
type RoutingRulesOptions struct {
	Store   Store
	Clock   Clock
	Choices Choices
}

// NewRoutingRules returns the use cases.
func NewRoutingRules(o RoutingRulesOptions) *RoutingRules { return &RoutingRules{o} }

// List returns a connection's rules, newest first. Errors: fault.Forbidden, fault.NotFound.
func (rs *RoutingRules) List(ctx context.Context, by Actor, connection ID) ([]RoutingRule, error) {
	if err := by.Require(PermitReadSetup); err != nil {
		return nil, err
	}
	if _, err := rs.o.Store.Connection(ctx, by.OrganizationID, connection); err != nil {
		return nil, err
	}
	return rs.o.Store.RoutingRules(ctx, by.OrganizationID, connection)
}

// ByID returns those of several rules that exist, in no order. Errors: fault.Forbidden.
func (rs *RoutingRules) ByID(ctx context.Context, by Actor, ids []ID) ([]RoutingRule, error) {
	if err := by.Require(PermitReadSetup); err != nil {
		return nil, err
	}
	return rs.o.Store.RoutingRulesByID(ctx, by.OrganizationID, ids)
}

// NewRoutingRule is what a person proposes. Scores are from 0 to 100.
type NewRoutingRule struct {
	ConnectionID    ID
	JobID           ID // empty: for all jobs
	TestID          ID // empty: for all tests
	Advance         float64
	Review          float64
	Pilot           *bool  // nil: it is one
	AdvanceTo       string // a stage of the job at the ATS; empty: the next one
	ReasonID        string // of rejections, as the ATS lists it
	EmailTemplateID string // of rejections, as the ATS lists it
	HoldHours       *int   // nil: 24
	DailyCap        *int   // nil: 25
	JumpOf          *int   // nil: 20
	JumpPercent     *int   // nil: 50
	EffectiveFrom   time.Time
}

// Propose adds the next version of a rule; it does nothing until somebody else
// approves it. Errors: fault.Forbidden, fault.NotFound, fault.Invalid; those of
// the ATS that is asked for stage, reason and template.
func (rs *RoutingRules) Propose(ctx context.Context, by Actor, n NewRoutingRule) (*RoutingRule, error) {
	if err := by.Require(PermitConfigure); err != nil {
		return nil, err
	}
	terms, err := n.terms()
	if err != nil {
		return nil, err
	}
	if err := requireOwn(ctx, rs.o.Store, by, n.ConnectionID, n.JobID); err != nil {
		return nil, err
	}
	if n.TestID != "" {
		if _, err := rs.o.Store.Test(ctx, by.OrganizationID, n.TestID); err != nil {
			return nil, unknownField(err, "testId", "test")
		}
	}
	if err := rs.look(ctx, by, n); err != nil {
		return nil, err
	}
	rule := &RoutingRule{
		ID: NewID(PrefixRule), OrganizationID: by.OrganizationID, ConnectionID: n.ConnectionID, JobID: n.JobID, TestID: n.TestID,
		Version: 1, State: RuleProposed, Terms: terms, Proposed: by.sign(rs.o.Clock.Now()), EffectiveFrom: n.EffectiveFrom,
	}
	return rule, rs.o.Store.Atomically(ctx, func(tx Tx) error { return rule.insert(ctx, tx, by) })
}

func (r *RoutingRule) insert(ctx context.Context, tx Tx, by Actor) error {
	if _, err := tx.LockConnection(ctx, r.OrganizationID, r.ConnectionID); err != nil {
		return err
	}
	all, err := tx.RoutingRules(ctx, r.OrganizationID, r.ConnectionID)
	if err != nil {
		return err
	}
	for _, other := range all {
		if other.JobID == r.JobID && other.TestID == r.TestID {
			r.Version = max(r.Version, other.Version+1)
		}
	}
	if err := tx.InsertRoutingRule(ctx, r); err != nil {
		return err
	}
	return record(ctx, tx, by, change{At: r.Proposed.At, Event: EventRuleProposed, Subject: r.ID, After: r})
}

// terms checks what was typed. Errors: fault.Invalid.
func (n NewRoutingRule) terms() (RoutingTerms, error) {
	t := RoutingTerms{Pilot: n.Pilot == nil || *n.Pilot, AdvanceTo: n.AdvanceTo}
	t.Rejection = RejectionTerms{ReasonID: n.ReasonID, EmailTemplateID: n.EmailTemplateID}
	var err error
	if t.Advance, err = exactScore("advance", n.Advance); err != nil {
		return t, err
	}
	if t.Review, err = exactScore("review", n.Review); err != nil {
		return t, err
	}
	if t.Review > t.Advance {
		return t, fault.InvalidField("review", "OVERLAP", "review is %s and must not be above advance, %s. Nothing was changed.", t.Review, t.Advance)
	}
	for _, s := range []struct {
		path                  string
		typed                 *int
		to                    *int
		otherwise, least, max int
	}{
		{"holdHours", n.HoldHours, &t.Rejection.HoldHours, 24, 1, 14 * 24},
		{"dailyCap", n.DailyCap, &t.Rejection.DailyCap, 25, 0, 1000},
		{"jumpOf", n.JumpOf, &t.Rejection.JumpOf, 20, 2, 1000},
		{"jumpPercent", n.JumpPercent, &t.Rejection.JumpPercent, 50, 1, 100},
	} {
		*s.to = s.otherwise
		if s.typed != nil {
			*s.to = *s.typed
		}
		if *s.to < s.least || *s.to > s.max {
			return t, fault.InvalidField(s.path, "OUT_OF_RANGE", "%s is from %d to %d. Nothing was changed.", s.path, s.least, s.max)
		}
	}
	return t, nil
}

// look finds stage, reason and template in the ATS; no transaction is open.
func (rs *RoutingRules) look(ctx context.Context, by Actor, n NewRoutingRule) error {
	var choices []choice
	if n.AdvanceTo != "" {
		m, err := rs.o.Store.JobMapping(ctx, by.OrganizationID, n.ConnectionID, n.JobID)
		if fault.Is(err, fault.NotFound) {
			return fault.InvalidField("advanceToStageId", "NEEDS_JOB", "A stage is one of a job: name a job that is mapped, or leave the stage out. Nothing was changed.")
		}
		if err != nil {
			return err
		}
		choices = append(choices, choice{ChoiceQuery{n.ConnectionID, ats.ReferenceStages, m.ExternalJobID, false}, "advanceToStageId", "stage", n.AdvanceTo, nil, ""})
	}
	for _, needed := range [][2]string{{"reasonId", n.ReasonID}, {"emailTemplateId", n.EmailTemplateID}} {
		if n.Review > 0 && needed[1] == "" {
			return fault.InvalidField(needed[0], "REQUIRED", "A rule that rejects, as its review threshold is above 0, needs %s: one of the reference data. Nothing was changed.", needed[0])
		}
	}
	if n.ReasonID != "" || n.EmailTemplateID != "" {
		choices = append(choices,
			choice{ChoiceQuery{n.ConnectionID, ats.ReferenceRejectionReasons, "", false}, "reasonId", "rejection reason", n.ReasonID, nil, ""},
			choice{ChoiceQuery{n.ConnectionID, ats.ReferenceEmailTemplates, "", false}, "emailTemplateId", "e-mail template", n.EmailTemplateID, nil, ""})
	}
	for _, c := range choices {
		if _, err := chosen(ctx, rs.o.Choices, by, c); err != nil {
			return err
		}
	}
	return nil
}

// Approve lets a proposed rule count from its time on, or from now on if that
// is past. Whoever proposed it cannot approve it.
// Errors: fault.Forbidden, fault.NotFound, fault.Conflict.
func (rs *RoutingRules) Approve(ctx context.Context, by Actor, id ID) (*RoutingRule, error) {
	if err := by.Require(PermitApprove); err != nil {
		return nil, err
	}
	return rs.change(ctx, by, id, EventRuleApproved, func(tx Tx, r *RoutingRule, now time.Time) error {
		if r.State != RuleProposed {
			return r.illegal("approved")
		}
		if err := r.newest(ctx, tx); err != nil {
			return err
		}
		signed := by.sign(now)
		if signed.Principal == r.Proposed.Principal {
			return fault.New(fault.Forbidden, "Who proposed a rule cannot approve it. Nothing was changed; ask another approver.")
		}
		r.State, r.Approved, r.CountedFrom = RuleApproved, signed, now
		r.EffectiveFrom = latest(r.EffectiveFrom, now)
		return nil
	})
}

// newest refuses an older proposal where a newer version was approved already:
// it would count instead. Errors: fault.Conflict with Kind "OVERTAKEN".
func (r *RoutingRule) newest(ctx context.Context, tx Tx) error {
	versions, err := tx.RoutingRules(ctx, r.OrganizationID, r.ConnectionID)
	if err != nil {
		return err
	}
	for i := range versions {
		v := &versions[i]
		if v.JobID == r.JobID && v.TestID == r.TestID && v.Version > r.Version && (v.State == RuleApproved || v.State == RulePaused) {
			return fault.ConflictField("ruleId", "OVERTAKEN", "OVERTAKEN", "Version %d of this rule was approved already. Nothing was changed; propose these thresholds anew.", v.Version)
		}
	}
	return nil
}

// Pause stops a rule: what it decides from now on is held, and so is what it
// decided and what is not carried out when its time comes.
// Errors: fault.Forbidden, fault.NotFound, fault.Invalid, fault.Conflict.
func (rs *RoutingRules) Pause(ctx context.Context, by Actor, id ID, note string) (*RoutingRule, error) {
	return rs.turn(ctx, by, id, EventRulePaused, ruleTurn{RuleApproved, RulePaused, note})
}

// Resume lets a paused rule go on. Its share of rejections is counted anew.
// Errors: those of Pause.
func (rs *RoutingRules) Resume(ctx context.Context, by Actor, id ID, note string) (*RoutingRule, error) {
	return rs.turn(ctx, by, id, EventRuleResumed, ruleTurn{RulePaused, RuleApproved, note})
}

// Retire ends a rule, proposed or approved. If it is the one that counts, less
// specific ones count instead, and no older version of it.
// Errors: those of Pause.
func (rs *RoutingRules) Retire(ctx context.Context, by Actor, id ID, note string) (*RoutingRule, error) {
	return rs.turn(ctx, by, id, EventRuleRetired, ruleTurn{"", RuleRetired, note})
}

// ruleTurn is a change of state; from is empty for any but the one it leads to.
type ruleTurn struct {
	from, to RuleState
	note     string
}

func (rs *RoutingRules) turn(ctx context.Context, by Actor, id ID, event EventType, t ruleTurn) (*RoutingRule, error) {
	if err := requireRouting(by); err != nil {
		return nil, err
	}
	if err := optionalText("note", t.note, 500); err != nil {
		return nil, err
	}
	return rs.change(ctx, by, id, event, func(_ Tx, r *RoutingRule, now time.Time) error {
		if r.State == t.to || (t.from != "" && r.State != t.from) {
			return r.illegal(string(t.to))
		}
		r.turn(t.to, by.sign(now), t.note)
		return nil
	})
}

func (r *RoutingRule) turn(to RuleState, by Signature, note string) {
	if r.State == RulePaused && to == RuleApproved {
		r.CountedFrom = by.At
	}
	r.State, r.Changed, r.Note = to, by, note
}

func (r *RoutingRule) illegal(what string) error {
	return fault.ConflictField("ruleId", "WRONG_STATE", "STATE", "The rule is %s and cannot become %s. Nothing was changed.", r.State, what)
}

// change locks a rule, lets apply change it and keeps the outcome.
func (rs *RoutingRules) change(ctx context.Context, by Actor, id ID, event EventType, apply func(Tx, *RoutingRule, time.Time) error) (*RoutingRule, error) {
	var changed *RoutingRule
	err := rs.o.Store.Atomically(ctx, func(tx Tx) error {
		r, err := tx.LockRoutingRule(ctx, by.OrganizationID, id)
		if err != nil {
			return err
		}
		before, now := *r, rs.o.Clock.Now()
		if err := apply(tx, r, now); err != nil {
			return err
		}
		changed = r
		return saveRule(ctx, tx, by, before, r, event, now)
	})
	if err != nil {
		return nil, err
	}
	return changed, nil
}

func saveRule(ctx context.Context, tx Tx, by Actor, before RoutingRule, r *RoutingRule, event EventType, now time.Time) error {
	if err := tx.UpdateRoutingRule(ctx, r); err != nil {
		return err
	}
	return record(ctx, tx, by, change{At: now, Event: event, Subject: r.ID, Before: before, After: r})
}
