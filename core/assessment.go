package core

import (
	"context"
	"time"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// Status is how far an assessment is.
type Status string

// The statuses, in their order; the last three can follow any open one.
const (
	StatusOrdered   Status = "ORDERED"
	StatusInvited   Status = "INVITED"
	StatusStarted   Status = "STARTED"
	StatusCompleted Status = "COMPLETED" // taken, not yet scored
	StatusScored    Status = "SCORED"
	StatusExpired   Status = "EXPIRED"
	StatusCancelled Status = "CANCELLED"
	StatusFailed    Status = "FAILED"
)

// Open reports whether the assessment can still change its status.
func (s Status) Open() bool {
	switch s {
	case StatusOrdered, StatusInvited, StatusStarted, StatusCompleted:
		return true
	default:
		return false
	}
}

// DeliveryState is how far the result is on its way to the ATS.
type DeliveryState string

// The states of a delivery. It moves independently of the status.
const (
	DeliveryNone      DeliveryState = "NONE"      // nothing to deliver, or nowhere
	DeliveryPending   DeliveryState = "PENDING"   // on its way, or waiting to be asked for
	DeliveryDelivered DeliveryState = "DELIVERED" // the ATS has the current revision
	DeliveryFailed    DeliveryState = "FAILED"    // given up; a person must look
)

// invitationValid is how long a candidate may start: as long as an ATS may go on
// asking (for example Greenhouse for eight weeks: facts/greenhouse.md 1.7).
const invitationValid = 8 * 7 * 24 * time.Hour

// Decision is what routing made of a score.
type Decision string

// The decisions. It moves independently of the status.
const (
	DecisionNone          Decision = "NONE"
	DecisionSuggested     Decision = "SUGGESTED"
	DecisionHeld          Decision = "HELD"
	DecisionAdvanced      Decision = "ADVANCED"
	DecisionRejectPending Decision = "REJECT_PENDING"
	DecisionRejected      Decision = "REJECTED"
)

// ATSOutcome is what the ATS told of the candidate's application.
type ATSOutcome string

// The outcomes. They move independently of the status.
const (
	OutcomeUnknown  ATSOutcome = "UNKNOWN"
	OutcomeActive   ATSOutcome = "ACTIVE"
	OutcomeRejected ATSOutcome = "REJECTED"
	OutcomeHired    ATSOutcome = "HIRED"
	OutcomeRemoved  ATSOutcome = "REMOVED"
)

// Assessment is one candidate taking one test.
type Assessment struct {
	ID             ID
	OrganizationID ID
	TestID         ID
	CandidateID    ID
	JobID          ID        // the job that it is for; empty if that is not known
	ConnectionID   ID        // the connection that ordered it; empty for our own API
	OrderKey       string    // recognises a repeated order within the connection
	Order          ats.Order // what the adapter needs to come back to it
	OrderedBy      string    // who pressed the button, as the ATS or token says
	Status         Status
	Delivery       DeliveryState
	Decision       Decision
	ATSOutcome     ATSOutcome
	DeliveryNote   string // what the last attempt found, for people
	DeliveredRev   int    // the revision that the ATS has; 0 for none
	DeliveredAt    time.Time
	ReportLinkGen  int // the permalink's generation; a revocation makes the next
	OrderedAt      time.Time
	InvitedAt      time.Time
	ConsentedAt    time.Time
	StartedAt      time.Time
	CompletedAt    time.Time
	ScoredAt       time.Time
	ClosedAt       time.Time // when it was cancelled, expired or failed
	ExpiresAt      time.Time // after this it can no longer be started
	UpdatedAt      time.Time
	ErasedAt       time.Time // when the candidate's data was erased; zero if it was not
}

// AssessmentFilter narrows a list; empty fields do not.
type AssessmentFilter struct {
	Statuses     []Status
	Deliveries   []DeliveryState
	TestID       ID
	CandidateID  ID
	ConnectionID ID
	JobID        ID
	OrderedFrom  time.Time // inclusive; zero does not narrow
	OrderedUntil time.Time // exclusive; zero does not narrow
	MinScore     *Score    // of the current result
	MaxScore     *Score
	Search       string // part of the candidate's name or e-mail address, any case
	Sight        Sight  // set by core
}

// AssessmentSort orders a list. Equal ones are ordered by id.
type AssessmentSort struct {
	By        AssessmentOrder
	Ascending bool
}

// AssessmentOrder is what a list is ordered by.
type AssessmentOrder string

// The orders. The zero value is AssessmentsByID, which is by time of order.
const (
	AssessmentsByID        AssessmentOrder = ""
	AssessmentsByUpdate    AssessmentOrder = "UPDATED_AT"
	AssessmentsByScore     AssessmentOrder = "SCORE"          // those without a result last
	AssessmentsByCandidate AssessmentOrder = "CANDIDATE_NAME" // last name, then first name, any case
)

// AssessmentReader finds assessments.
type AssessmentReader interface {
	// Assessment returns one of the organization's. Errors: fault.NotFound.
	Assessment(ctx context.Context, organization, id ID) (*Assessment, error)
	// AssessmentByLink returns one whatever its organization, for callers that
	// hold a signed link to it. Errors: fault.NotFound.
	AssessmentByLink(ctx context.Context, id ID) (*Assessment, error)
	// AssessmentByOrder returns the one that an order made. Errors: fault.NotFound.
	AssessmentByOrder(ctx context.Context, connection ID, key string) (*Assessment, error)
	// AssessmentsByID returns those in sight that exist, in no order; for loaders.
	AssessmentsByID(ctx context.Context, organization ID, s Sight, ids []ID) ([]Assessment, error)
	// Assessments returns a page in the order of s; the zero order is newest first.
	Assessments(ctx context.Context, organization ID, f AssessmentFilter, s AssessmentSort, p Page) (*Paged[Assessment], error)
	// Pipeline counts the assessments in sight by state.
	Pipeline(ctx context.Context, organization ID, s Sight) (*Pipeline, error)
}

// AssessmentWriter keeps assessments.
type AssessmentWriter interface {
	// InsertAssessment keeps a. It reports false, and keeps nothing, if the
	// connection has one with this order key already.
	InsertAssessment(ctx context.Context, a *Assessment) (bool, error)
	// LockAssessment returns one and keeps others from changing it until the
	// transaction ends. Errors: fault.NotFound.
	LockAssessment(ctx context.Context, organization, id ID) (*Assessment, error)
	UpdateAssessment(ctx context.Context, a *Assessment) error
}

// Assessments are the use cases around assessments.
type Assessments struct {
	store Store
	clock Clock
	links *Links
}

// NewAssessments returns the use cases.
func NewAssessments(s Store, c Clock, l *Links) *Assessments {
	return &Assessments{store: s, clock: c, links: l}
}

// Get returns one assessment. Errors: fault.Forbidden, fault.NotFound.
func (as *Assessments) Get(ctx context.Context, by Actor, id ID) (*Assessment, error) {
	if err := by.Require(PermitRead); err != nil {
		return nil, err
	}
	return seenAssessment(ctx, as.store, by, id)
}

// seenAssessment returns one that the actor sees. Errors: fault.NotFound.
func seenAssessment(ctx context.Context, r Reader, by Actor, id ID) (*Assessment, error) {
	a, err := r.Assessment(ctx, by.OrganizationID, id)
	if err != nil {
		return nil, err
	}
	sight, err := sightOf(ctx, r, by)
	if err != nil {
		return nil, err
	}
	if !sight.sees(a) {
		return nil, fault.New(fault.NotFound, "There is no assessment with this id.")
	}
	return a, nil
}

// ByID returns those of several assessments that exist and that the actor
// sees, in no order. Errors: fault.Forbidden.
func (as *Assessments) ByID(ctx context.Context, by Actor, ids []ID) ([]Assessment, error) {
	if err := by.Require(PermitRead); err != nil {
		return nil, err
	}
	sight, err := sightOf(ctx, as.store, by)
	if err != nil {
		return nil, err
	}
	return as.store.AssessmentsByID(ctx, by.OrganizationID, sight, ids)
}

// List returns a page of the assessments that the actor sees.
// Errors: fault.Forbidden, fault.Invalid.
func (as *Assessments) List(ctx context.Context, by Actor, f AssessmentFilter, s AssessmentSort, p Page) (*Paged[Assessment], error) {
	if err := by.Require(PermitRead); err != nil {
		return nil, err
	}
	p, err := p.Normalize()
	if err != nil {
		return nil, err
	}
	if err := optionalText("filter.search", f.Search, 200); err != nil {
		return nil, err
	}
	if f.Sight, err = sightOf(ctx, as.store, by); err != nil {
		return nil, err
	}
	return as.store.Assessments(ctx, by.OrganizationID, f, s, p)
}

// Start notes that the candidate began. The engine may say so twice.
// Errors: fault.Forbidden, fault.NotFound, fault.Invalid for a launch token that
// is not this assessment's or has expired, fault.Conflict.
func (as *Assessments) Start(ctx context.Context, by Actor, id ID, launchToken string) (*Assessment, error) {
	if err := by.Require(PermitReport); err != nil {
		return nil, err
	}
	if launchToken != "" {
		if err := as.links.CheckLaunch(launchToken, id, as.clock.Now()); err != nil {
			return nil, err
		}
	}
	return as.change(ctx, by, id, func(tx Tx, a *Assessment, now time.Time) error {
		if a.Status == StatusStarted {
			return nil
		}
		if err := a.start(now); err != nil {
			return err
		}
		return appendEvent(ctx, tx, by, now, EventAssessmentStarted, a.ID, nil)
	})
}

// Cancel ends an open assessment. Errors: fault.Forbidden, fault.NotFound,
// fault.Invalid for the reason, fault.Conflict.
func (as *Assessments) Cancel(ctx context.Context, by Actor, id ID, reason string) (*Assessment, error) {
	if err := by.Require(PermitOrder); err != nil {
		return nil, err
	}
	if err := optionalText("reason", reason, 500); err != nil {
		return nil, err
	}
	return as.change(ctx, by, id, func(tx Tx, a *Assessment, now time.Time) error {
		if err := a.end(StatusCancelled, now); err != nil {
			return err
		}
		return appendEvent(ctx, tx, by, now, EventAssessmentCancelled, a.ID, map[string]any{"reason": reason})
	})
}

// change locks an assessment, lets apply change it and keeps the outcome.
func (as *Assessments) change(ctx context.Context, by Actor, id ID, apply func(Tx, *Assessment, time.Time) error) (*Assessment, error) {
	return changeAssessment(ctx, as.store, as.clock, by.OrganizationID, id, apply)
}

func changeAssessment(ctx context.Context, s Store, c Clock, organization, id ID, apply func(Tx, *Assessment, time.Time) error) (*Assessment, error) {
	var changed *Assessment
	err := s.Atomically(ctx, func(tx Tx) error {
		a, err := tx.LockAssessment(ctx, organization, id)
		if err != nil {
			return err
		}
		now := c.Now()
		if err := apply(tx, a, now); err != nil {
			return err
		}
		a.UpdatedAt = now
		changed = a
		return tx.UpdateAssessment(ctx, a)
	})
	if err != nil {
		return nil, err
	}
	return changed, nil
}

func (a *Assessment) invite(now time.Time) error {
	if a.Status != StatusOrdered {
		return a.illegal(StatusInvited)
	}
	a.Status, a.InvitedAt = StatusInvited, now
	return nil
}

func (a *Assessment) start(now time.Time) error {
	if a.Status != StatusOrdered && a.Status != StatusInvited {
		return a.illegal(StatusStarted)
	}
	a.Status, a.StartedAt = StatusStarted, now
	return nil
}

// complete is allowed from each open status before it: the engine's word that
// the test was taken counts, even if its word that it began was lost.
func (a *Assessment) complete(now time.Time) error {
	if !a.Status.Open() || a.Status == StatusCompleted {
		return a.illegal(StatusCompleted)
	}
	if a.StartedAt.IsZero() {
		a.StartedAt = now
	}
	a.Status, a.CompletedAt = StatusCompleted, now
	return nil
}

func (a *Assessment) score(now time.Time) error {
	if a.Status != StatusCompleted {
		return a.illegal(StatusScored)
	}
	a.Status, a.ScoredAt = StatusScored, now
	return nil
}

func (a *Assessment) end(to Status, now time.Time) error {
	if !a.Status.Open() {
		return a.illegal(to)
	}
	a.Status, a.ClosedAt = to, now
	return nil
}

func (a *Assessment) illegal(to Status) error {
	e := fault.New(fault.Conflict, "The assessment is %s and cannot become %s. Nothing was changed.", a.Status, to)
	e.Kind, e.Source = "STATUS", fault.Caller
	e.Fields = []fault.Field{{Path: "assessmentId", Code: "WRONG_STATUS", Message: e.Message}}
	return e
}
