package core

import (
	"context"
	"slices"
	"time"

	"github.com/trellis-ats/trellis/core/fault"
)

// PushMode tells when a scored assessment is pushed.
type PushMode string

// The modes.
const (
	PushManual      PushMode = "MANUAL"       // by a person only
	PushOnComplete  PushMode = "ON_COMPLETE"  // each one, as soon as it is scored
	PushOnThreshold PushMode = "ON_THRESHOLD" // those with the minimum or more
)

// PushRule tells which results are pushed over a connection without being asked.
type PushRule struct {
	OrganizationID ID
	ConnectionID   ID
	JobID          ID // empty: for all jobs that have no rule of their own
	Mode           PushMode
	Minimum        Score     // for ON_THRESHOLD
	UpdatedAt      time.Time // zero: none was saved, and MANUAL is the default
}

// wants reports whether a result of this score is pushed.
func (r PushRule) wants(s Score) bool {
	switch r.Mode {
	case PushOnComplete:
		return true
	case PushOnThreshold:
		return s >= r.Minimum
	default:
		return false
	}
}

// pushByRule requests the pushes that the rules want of a new revision, over
// all connections but the one that ordered the assessment, which is told by its
// delivery. It is called once for a revision, in the transaction that keeps it.
func pushByRule(ctx context.Context, tx Tx, a *Assessment, r *Result) error {
	rules, err := tx.PushRulesFor(ctx, a.OrganizationID, a.JobID)
	if err != nil {
		return err
	}
	for _, rule := range rules {
		if rule.ConnectionID == a.ConnectionID {
			continue
		}
		wanted, err := rule.wantsRevision(ctx, tx, r)
		if err != nil {
			return err
		}
		if !wanted {
			continue
		}
		c, err := tx.Connection(ctx, a.OrganizationID, rule.ConnectionID)
		if err != nil {
			return err
		}
		order := pushOrder{Assessment: a, Revision: r.Revision, Connection: c, Trigger: rule.Mode, At: r.CreatedAt}
		if _, err := requestPush(ctx, tx, SystemActor(a.OrganizationID), order); err != nil {
			return err
		}
	}
	return nil
}

// wantsRevision is wants for any revision: the correction of a result that is in
// the ATS, or may be, goes whatever its score is, or the ATS would go on showing
// the old one. A push that has put nothing there ends instead.
func (r PushRule) wantsRevision(ctx context.Context, tx Tx, result *Result) (bool, error) {
	if r.wants(result.Score) || r.Mode != PushOnThreshold {
		return r.wants(result.Score), nil
	}
	earlier, err := tx.Pushes(ctx, result.OrganizationID, PushFilter{ConnectionID: r.ConnectionID, AssessmentID: result.AssessmentID}, Page{First: MaxPage})
	if err != nil {
		return false, err
	}
	for i := range earlier.Items {
		p := &earlier.Items[i]
		if !p.needsCorrection() {
			p, err = giveUp(ctx, tx, p, result.CreatedAt)
		}
		if err != nil || p.needsCorrection() {
			return err == nil, err
		}
	}
	return false, nil
}

// needsCorrection reports whether the ATS shows something of the push, or may,
// or a person asked for it whatever the score is.
func (p *Push) needsCorrection() bool {
	if p.State == PushCancelled {
		return false
	}
	return p.Trigger == PushManual || p.placed() || p.made() || p.inDoubt() != nil
}

// giveUp ends a push that has put nothing into the ATS, also one that a run has:
// no request leaves before its intent is kept, and that run can keep nothing any
// more. It returns the push as it is then, for the run may have been faster.
func giveUp(ctx context.Context, tx Tx, found *Push, now time.Time) (*Push, error) {
	p, err := tx.LockPush(ctx, found.OrganizationID, found.ID)
	if err != nil || p.State == PushCancelled || p.needsCorrection() {
		return p, err
	}
	candidate, err := tx.Candidate(ctx, p.OrganizationID, p.CandidateID)
	if err != nil {
		return nil, err
	}
	if err := freePerson(ctx, tx, p, candidate, time.Time{}, now); err != nil {
		return nil, err
	}
	const why = "The result was corrected to below the minimum of the push rule. Nothing was sent."
	if err := tx.EndSyncEntries(ctx, p.OrganizationID, p.ID, why); err != nil {
		return nil, err
	}
	p.stop(&pause{state: PushCancelled, fault: fault.New(fault.Conflict, why)}, now)
	p.Round++ // a task of it that waits does nothing
	if err := tx.UpdatePush(ctx, p); err != nil {
		return nil, err
	}
	return p, announcePush(ctx, tx, SystemActor(p.OrganizationID), p, EventPushCancelled, now)
}

// PushRuleReader finds push rules.
type PushRuleReader interface {
	// PushRule returns the rule that counts for a job: its own, or else the
	// connection's, or else MANUAL. An empty job asks for the connection's.
	PushRule(ctx context.Context, organization, connection, job ID) (*PushRule, error)
	// PushRulesOf returns those of a connection that were saved, the
	// connection's own first, then by job.
	PushRulesOf(ctx context.Context, organization, connection ID) ([]PushRule, error)
	// PushRulesFor returns the rule that counts for a job for each connection
	// that is not disabled and has one.
	PushRulesFor(ctx context.Context, organization, job ID) ([]PushRule, error)
}

// PushRuleWriter keeps push rules.
type PushRuleWriter interface {
	// SavePushRule keeps r instead of that of the same connection and job.
	SavePushRule(ctx context.Context, r *PushRule) error
	// DeletePushRule removes one. Errors: fault.NotFound.
	DeletePushRule(ctx context.Context, organization, connection, job ID) error
}

// PushRules are the use cases around push rules.
type PushRules struct {
	store Store
	clock Clock
}

// NewPushRules returns the use cases.
func NewPushRules(s Store, c Clock) *PushRules { return &PushRules{store: s, clock: c} }

// Of returns a connection's rules: the one for all jobs first, which is MANUAL
// if none was saved, then those of jobs. Errors: fault.Forbidden, fault.NotFound.
func (rs *PushRules) Of(ctx context.Context, by Actor, connection ID) ([]PushRule, error) {
	if err := by.Require(PermitReadSetup); err != nil {
		return nil, err
	}
	if err := requireOwn(ctx, rs.store, by, connection, ""); err != nil {
		return nil, err
	}
	rules, err := rs.store.PushRulesOf(ctx, by.OrganizationID, connection)
	if err != nil || (len(rules) > 0 && rules[0].JobID == "") {
		return rules, err
	}
	all, err := rs.store.PushRule(ctx, by.OrganizationID, connection, "")
	if err != nil {
		return nil, err
	}
	return append([]PushRule{*all}, rules...), nil
}

// NewPushRule is what a person says of a rule. The minimum, from 0 to 100, is
// for ON_THRESHOLD and for nothing else.
type NewPushRule struct {
	ConnectionID ID
	JobID        ID // empty: for all jobs that have no rule of their own
	Mode         PushMode
	Minimum      *float64
}

// rule checks what was typed. Errors: fault.Invalid.
func (n NewPushRule) rule() (*PushRule, error) {
	r := &PushRule{ConnectionID: n.ConnectionID, JobID: n.JobID, Mode: n.Mode}
	switch n.Mode {
	case PushManual, PushOnComplete:
		if n.Minimum != nil {
			return nil, fault.InvalidField("minimum", "UNEXPECTED", "A minimum counts with the mode ON_THRESHOLD alone. Nothing was changed; leave it out.")
		}
		return r, nil
	case PushOnThreshold:
		if n.Minimum == nil {
			return nil, fault.InvalidField("minimum", "REQUIRED", "The mode ON_THRESHOLD needs a minimum.")
		}
		var err error
		r.Minimum, err = exactScore("minimum", *n.Minimum)
		return r, err
	default:
		return nil, fault.InvalidField("mode", "UNKNOWN", "mode is MANUAL, ON_COMPLETE or ON_THRESHOLD.")
	}
}

// Set keeps a rule instead of the one before; it counts for what is scored from
// now on. The same again changes nothing.
// Errors: fault.Forbidden, fault.NotFound, fault.Invalid.
func (rs *PushRules) Set(ctx context.Context, by Actor, n NewPushRule) (*PushRule, error) {
	if err := by.Require(PermitConfigure); err != nil {
		return nil, err
	}
	rule, err := n.rule()
	if err != nil {
		return nil, err
	}
	if err := requireOwn(ctx, rs.store, by, n.ConnectionID, n.JobID); err != nil {
		return nil, err
	}
	rule.OrganizationID, rule.UpdatedAt = by.OrganizationID, rs.clock.Now()
	err = rs.locked(ctx, by, n.ConnectionID, n.JobID, func(tx Tx, before *PushRule) error {
		c := change{At: rule.UpdatedAt, Event: EventPushRuleSet, Subject: n.ConnectionID, After: rule}
		if before != nil && before.Mode == rule.Mode && before.Minimum == rule.Minimum {
			rule = before
			return nil
		}
		if before != nil {
			c.Before = before
		}
		if err := tx.SavePushRule(ctx, rule); err != nil {
			return err
		}
		return record(ctx, tx, by, c)
	})
	return rule, err
}

// Delete removes a rule and returns it: a job's, so that the connection's
// counts again, or the connection's, so that MANUAL does.
// Errors: fault.Forbidden, fault.NotFound.
func (rs *PushRules) Delete(ctx context.Context, by Actor, connection, job ID) (*PushRule, error) {
	if err := by.Require(PermitConfigure); err != nil {
		return nil, err
	}
	if err := requireOwn(ctx, rs.store, by, connection, job); err != nil {
		return nil, err
	}
	var removed *PushRule
	err := rs.locked(ctx, by, connection, job, func(tx Tx, before *PushRule) error {
		if before == nil {
			return fault.New(fault.NotFound, "There is no such push rule. Nothing was changed.")
		}
		removed = before
		if err := tx.DeletePushRule(ctx, by.OrganizationID, connection, job); err != nil {
			return err
		}
		return record(ctx, tx, by, change{At: rs.clock.Now(), Event: EventPushRuleDeleted, Subject: connection, Before: before})
	})
	return removed, err
}

// locked runs a change of a saved rule, which is nil if there is none.
func (rs *PushRules) locked(ctx context.Context, by Actor, connection, job ID, apply func(tx Tx, before *PushRule) error) error {
	return rs.store.Atomically(ctx, func(tx Tx) error {
		if _, err := tx.LockConnection(ctx, by.OrganizationID, connection); err != nil {
			return err
		}
		saved, err := tx.PushRulesOf(ctx, by.OrganizationID, connection)
		if err != nil {
			return err
		}
		at := slices.IndexFunc(saved, func(r PushRule) bool { return r.JobID == job })
		if at < 0 {
			return apply(tx, nil)
		}
		return apply(tx, &saved[at])
	})
}
