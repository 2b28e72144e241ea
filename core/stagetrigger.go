package core

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// StageTrigger sends a test to whoever enters a stage of a job in the ATS. The
// names are those of the time when it was made.
type StageTrigger struct {
	ID              ID
	OrganizationID  ID
	ConnectionID    ID
	ExternalJobID   string
	ExternalJobName string
	StageID         string // the ATS's
	StageName       string
	TestID          ID
	RetakeDays      int // nobody is sent the test again within so many days
	CreatedAt       time.Time
}

// retakeDefault is the retake window that nobody chose, in days.
const retakeDefault = 180

// StageTriggerReader finds stage triggers.
type StageTriggerReader interface {
	// StageTrigger returns one of the organization's. Errors: fault.NotFound.
	StageTrigger(ctx context.Context, organization, id ID) (*StageTrigger, error)
	// StageTriggers returns a connection's, or all of the organization's if
	// connection is empty, oldest first.
	StageTriggers(ctx context.Context, organization, connection ID) ([]StageTrigger, error)
	// StageTriggerFor returns the one for a stage of a job. Errors: fault.NotFound.
	StageTriggerFor(ctx context.Context, connection ID, job, stage string) (*StageTrigger, error)
	// Assessed reports whether a person, by candidate or e-mail address in any
	// case, was sent a test since a time, and neither refused it nor lost it.
	Assessed(ctx context.Context, organization ID, q AssessedQuery) (bool, error)
}

// AssessedQuery asks whether a person was assessed.
type AssessedQuery struct {
	TestID      ID
	CandidateID ID
	Email       string
	Since       time.Time
}

// StageTriggerWriter keeps stage triggers.
type StageTriggerWriter interface {
	// InsertStageTrigger keeps t. Errors: fault.Conflict if the stage has one.
	InsertStageTrigger(ctx context.Context, t *StageTrigger) error
	// DeleteStageTrigger removes one. Errors: fault.NotFound.
	DeleteStageTrigger(ctx context.Context, organization, id ID) error
	// EnterStage notes that an application entered a stage. It reports false if
	// that was noted before, or if a later stage of it was.
	EnterStage(ctx context.Context, e *StageEntry) (bool, error)
}

// StageEntry tells that an application entered a stage with a trigger.
type StageEntry struct {
	OrganizationID ID
	ConnectionID   ID
	ApplicationID  string // the ATS's
	StageID        string
	EnteredAt      time.Time // the ATS's time
	AssessmentID   ID        // that was ordered; empty if none was
}

// StageTriggers are the use cases around stage triggers.
type StageTriggers struct {
	store    Store
	clock    Clock
	adapters Adapters
	choices  Choices
}

// NewStageTriggers returns the use cases.
func NewStageTriggers(s Store, c Clock, a Adapters, choices Choices) *StageTriggers {
	return &StageTriggers{store: s, clock: c, adapters: a, choices: choices}
}

// NewStageTrigger is what a person says of a stage trigger. The ids of the ATS
// are those that its lists have, and the names too: what is said here counts
// where it has no lists.
type NewStageTrigger struct {
	ConnectionID    ID
	ExternalJobID   string
	ExternalJobName string
	StageID         string
	StageName       string
	TestID          ID
	RetakeDays      *int // nil: 180
}

// Create adds a trigger; the same again changes nothing. Errors:
// fault.Forbidden, fault.Invalid also for a job of the ATS that is closed or not
// there, or a stage of another job, fault.NotFound for an unknown connection or
// test, fault.Conflict if the stage sends another test or with another window,
// fault.Unsupported if the ATS has no web hooks; those of the ATS.
func (ts *StageTriggers) Create(ctx context.Context, by Actor, n NewStageTrigger) (*StageTrigger, error) {
	if err := by.Require(PermitConfigure); err != nil {
		return nil, err
	}
	t, err := n.trigger(by, ts.clock.Now())
	if err != nil {
		return nil, err
	}
	c, err := ts.store.Connection(ctx, by.OrganizationID, n.ConnectionID)
	if err != nil {
		return nil, unknownField(err, "connectionId", "connection")
	}
	if _, err := abilityOf[ats.Webhooks](ts.adapters, c.Adapter, ats.CapabilityWebhooks); err != nil {
		return nil, err
	}
	if err := t.look(ctx, ts.choices, by); err != nil {
		return nil, err
	}
	err = ts.store.Atomically(ctx, func(tx Tx) error {
		if _, err := offeredTest(ctx, tx, by.OrganizationID, string(n.TestID)); err != nil {
			return unknownField(err, "testId", "test")
		}
		known, err := tx.StageTriggerFor(ctx, t.ConnectionID, t.ExternalJobID, t.StageID)
		if err == nil && known.TestID == t.TestID && known.RetakeDays == t.RetakeDays {
			t = known
			return nil
		}
		if err := tx.InsertStageTrigger(ctx, t); err != nil {
			return stageTaken(err)
		}
		return record(ctx, tx, by, change{At: t.CreatedAt, Event: EventStageTriggerCreated, Subject: t.ID, After: t.configuration()})
	})
	if err != nil {
		return nil, err
	}
	return t, nil
}

// look finds job and stage in the ATS; no transaction is open.
func (t *StageTrigger) look(ctx context.Context, cs Choices, by Actor) error {
	job, err := chosen(ctx, cs, by, choice{
		ChoiceQuery: ChoiceQuery{ConnectionID: t.ConnectionID, Kind: ats.ReferenceJobs},
		path:        "externalJobId", noun: "job", id: t.ExternalJobID, name: t.ExternalJobName,
	})
	if err != nil {
		return err
	}
	stage, err := chosen(ctx, cs, by, choice{
		ChoiceQuery: ChoiceQuery{ConnectionID: t.ConnectionID, Kind: ats.ReferenceStages, Parent: job.ID},
		path:        "stageId", noun: "stage of the job " + job.Name, id: t.StageID, name: t.StageName,
	})
	if err != nil {
		return err
	}
	t.ExternalJobName, t.StageName = job.Name, stage.Name
	return nil
}

func stageTaken(err error) error {
	if !fault.Is(err, fault.Conflict) {
		return err
	}
	e := fault.InvalidField("stageId", "EXISTS", "This stage sends a test already. Nothing was changed; delete that trigger first.")
	e.Code, e.Kind, e.Cause = fault.Conflict, "EXISTS", err
	return e
}

func (n NewStageTrigger) trigger(by Actor, now time.Time) (*StageTrigger, error) {
	days := retakeDefault
	if n.RetakeDays != nil {
		days = *n.RetakeDays
	}
	if days < 0 || days > 3650 {
		return nil, fault.InvalidField("retakeDays", "OUT_OF_RANGE", "The retake window is 0 to 3650 days.")
	}
	for _, t := range []struct {
		path, text string
		optional   bool
	}{
		{"externalJobId", n.ExternalJobID, false},
		{"stageId", n.StageID, false},
		{"externalJobName", n.ExternalJobName, true},
		{"stageName", n.StageName, true},
	} {
		check := requireText
		if t.optional {
			check = optionalText
		}
		if err := check(t.path, t.text, 200); err != nil {
			return nil, err
		}
	}
	return &StageTrigger{
		ID: NewID(PrefixTrigger), OrganizationID: by.OrganizationID, ConnectionID: n.ConnectionID,
		ExternalJobID: n.ExternalJobID, ExternalJobName: n.ExternalJobName, StageID: n.StageID, StageName: n.StageName,
		TestID: n.TestID, RetakeDays: days, CreatedAt: now,
	}, nil
}

// configuration is what the audit log keeps.
func (t *StageTrigger) configuration() map[string]any {
	return map[string]any{
		"connectionId": t.ConnectionID, "externalJobId": t.ExternalJobID, "stageId": t.StageID,
		"testId": t.TestID, "retakeDays": t.RetakeDays,
	}
}

// Delete removes a trigger and returns it as it was; what it ordered stays.
// Errors: fault.Forbidden, fault.NotFound.
func (ts *StageTriggers) Delete(ctx context.Context, by Actor, id ID) (*StageTrigger, error) {
	if err := by.Require(PermitConfigure); err != nil {
		return nil, err
	}
	var was *StageTrigger
	err := ts.store.Atomically(ctx, func(tx Tx) error {
		t, err := tx.StageTrigger(ctx, by.OrganizationID, id)
		if err != nil {
			return err
		}
		was = t
		if err := tx.DeleteStageTrigger(ctx, by.OrganizationID, id); err != nil {
			return err
		}
		return record(ctx, tx, by, change{At: ts.clock.Now(), Event: EventStageTriggerDeleted, Subject: id, Before: t.configuration()})
	})
	if err != nil {
		return nil, err
	}
	return was, nil
}

// List returns a connection's triggers, or all if connection is empty, oldest
// first. Errors: fault.Forbidden.
func (ts *StageTriggers) List(ctx context.Context, by Actor, connection ID) ([]StageTrigger, error) {
	if err := by.Require(PermitReadSetup); err != nil {
		return nil, err
	}
	return ts.store.StageTriggers(ctx, by.OrganizationID, connection)
}

// earlier reports whether an application, as it is known, was in the stage
// before there was the trigger. at is when the ATS tells that it is there.
func (t *StageTrigger) earlier(known []Application, at time.Time) bool {
	entered := at
	for _, a := range known {
		since := a.StagedAt
		if since.IsZero() {
			since = a.UpdatedAt
		}
		if a.StageID == t.StageID && since.Before(entered) {
			entered = since
		}
	}
	return entered.Before(t.CreatedAt)
}

// trigger orders the test of the stage that an application is in, if there is
// one: once for an application and stage, and neither for whoever was there
// before the trigger was, nor for whoever took the test within the retake
// window. before is what was known of the application.
func (x *intake) trigger(ctx context.Context, e *ats.Event, s news, before []Application) error {
	if e.ApplicationID == "" || s.stageID == "" || s.jobID == "" || (s.state != "" && s.state != ats.ApplicationActive) {
		return nil
	}
	t, err := x.tx.StageTriggerFor(ctx, x.c.ID, s.jobID, s.stageID)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	left, known, err := x.hasLeft(ctx, e, s)
	if err != nil || left {
		return err
	}
	switch at := s.entered(e, before); {
	case s.gone:
		x.note("Its stage sends a test, but the ATS does not have the application any more.")
		return nil
	case !s.final && !s.last && (!known || !s.enters(e, before)): // whether they are still there is asked, and since when
		x.unsettled = append(x.unsettled, e.ApplicationID)
		return nil
	case at.IsZero():
		x.note("Its stage sends a test, but the ATS does not tell since when it is there.")
		return nil
	case t.earlier(before, at):
		x.note("It was in the stage before there was the trigger, so no test is sent.")
		_, err := x.tx.EnterStage(ctx, x.entry(e, s))
		return err
	}
	if e.Person == nil || e.Person.Email == "" {
		x.note("Its stage sends a test, but the ATS told no name and address to send it to.")
		return nil
	}
	return x.sendTest(ctx, t, e, s)
}

// hasLeft reports whether the application is known to be elsewhere by now, and
// whether it is known at all.
func (x *intake) hasLeft(ctx context.Context, e *ats.Event, s news) (left, known bool, _ error) {
	rows, err := x.tx.ApplicationsByExternal(ctx, x.c.OrganizationID, x.c.ID, e.ApplicationID)
	for _, row := range rows {
		left = left || row.StageID != s.stageID || row.State != ats.ApplicationActive
	}
	return left, len(rows) > 0, err
}

// sendTest orders the trigger's test.
func (x *intake) sendTest(ctx context.Context, t *StageTrigger, e *ats.Event, s news) error {
	person := *e.Person
	person.ExternalID, person.ApplicationID = e.CandidateID, e.ApplicationID
	candidate := candidateFrom(x.c, person)
	if err := candidate.Validate(); err != nil {
		x.note("Its stage sends a test, but what the ATS tells of the candidate cannot be used: " + fault.From(err).Message)
		return nil
	}
	entry := x.entry(e, s)
	candidate.ID, candidate.CreatedAt, candidate.UpdatedAt = NewID(PrefixCandidate), x.now, x.now
	a := newAssessment(x.by, candidate.ID, x.now)
	if _, err := offeredTest(ctx, x.tx, x.c.OrganizationID, string(t.TestID)); fault.Is(err, fault.NotFound) {
		x.note("Its stage sends a test that is no longer offered; nothing was sent.")
		return nil
	} else if err != nil {
		return err
	}
	assessed, err := x.assessed(ctx, t, candidate)
	if err != nil {
		return err
	}
	if !assessed {
		entry.AssessmentID = a.ID
	}
	fresh, err := x.tx.EnterStage(ctx, entry)
	if err != nil || !fresh {
		return err
	}
	if assessed {
		x.note(fmt.Sprintf("Its stage sends a test that the candidate got within the last %d days; it was not sent again.", t.RetakeDays))
		return nil
	}
	if err := x.meet(ctx, candidate); err != nil {
		return err
	}
	if a.JobID, err = mappedJob(ctx, x.tx, x.c.OrganizationID, x.c.ID, s.jobID); err != nil {
		return err
	}
	a.CandidateID, a.OrderedBy = candidate.ID, "stage "+s.stageName
	return x.orderFrom(ctx, t, a, person, s)
}

// entered is when an application came into its stage, as far as that is told;
// zero if it is not: that somebody is there now does not say since when.
func (s news) entered(e *ats.Event, before []Application) time.Time {
	switch {
	case !s.enteredAt.IsZero():
		return s.enteredAt
	case !s.enters(e, before):
		return time.Time{}
	case e.At.IsZero():
		return s.at
	default:
		return e.At
	}
}

// enters reports whether the event's own time says when the application came
// into its stage: a change of something else may be long after that.
func (s news) enters(e *ats.Event, before []Application) bool {
	return e.Kind == ats.EventStageChanged ||
		slices.ContainsFunc(before, func(a Application) bool { return a.StageID == s.stageID })
}

func (x *intake) entry(e *ats.Event, s news) *StageEntry {
	return &StageEntry{OrganizationID: x.c.OrganizationID, ConnectionID: x.c.ID, ApplicationID: e.ApplicationID, StageID: s.stageID, EnteredAt: s.at}
}

// meet keeps the candidate, or finds whom the person of the ATS is here: one
// whom we brought there has no id of the ATS.
func (x *intake) meet(ctx context.Context, candidate *Candidate) error {
	known, err := x.tx.ApplicationsOfPerson(ctx, x.c.OrganizationID, x.c.ID, candidate.ExternalID)
	if err != nil {
		return err
	}
	if candidate.ExternalID != "" && len(known) > 0 {
		candidate.ID = known[0].CandidateID
		return nil
	}
	return x.tx.SaveCandidate(ctx, candidate)
}

// assessed reports whether the person took the trigger's test lately.
func (x *intake) assessed(ctx context.Context, t *StageTrigger, c *Candidate) (bool, error) {
	known, err := x.tx.ApplicationsOfPerson(ctx, x.c.OrganizationID, x.c.ID, c.ExternalID)
	if err != nil {
		return false, err
	}
	q := AssessedQuery{TestID: t.TestID, Email: strings.ToLower(c.Email), Since: x.now.AddDate(0, 0, -t.RetakeDays)}
	if c.ExternalID != "" && len(known) > 0 {
		q.CandidateID = known[0].CandidateID
	}
	return x.tx.Assessed(ctx, x.c.OrganizationID, q)
}

// orderFrom keeps the order, and the application that it is for.
func (x *intake) orderFrom(ctx context.Context, t *StageTrigger, a *Assessment, person ats.CandidateRecord, s news) error {
	if err := orderTest(ctx, x.tx, x.by, a, string(t.TestID)); err != nil {
		return err
	}
	x.about = append(x.about, a.ID)
	x.note("Its stage sends a test: it was ordered.")
	application := Application{
		OrganizationID: a.OrganizationID, ConnectionID: x.c.ID, ExternalID: person.ApplicationID, CandidateExternalID: person.ExternalID,
		JobExternalID: s.jobID, AssessmentID: a.ID, CandidateID: a.CandidateID, Origin: ApplicationOrdered, State: ats.ApplicationActive,
		StageID: s.stageID, StageName: s.stageName, StagedAt: s.at, ProfileURL: person.ProfileURL, UpdatedAt: x.now,
	}
	if err := application.join(ctx, x.tx); err != nil {
		return err
	}
	return x.tx.SaveApplication(ctx, &application)
}
