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

// StageEntry tells that an application entered a stage with a trigger.
type StageEntry struct {
	OrganizationID ID
	ConnectionID   ID
	ApplicationID  string // the ATS's
	StageID        string
	EnteredAt      time.Time // the ATS's time of the word that told it
	AssessmentID   ID        // that was ordered; empty if none was
}

// StageEntryReader finds stage entries.
type StageEntryReader interface {
	// StageEntered reports whether it was noted that an application entered a
	// stage, or that it entered another one after a moment.
	StageEntered(ctx context.Context, connection ID, application, stage string, at time.Time) (bool, error)
}

// StageEntryWriter keeps stage entries.
type StageEntryWriter interface {
	// EnterStage notes that an application entered a stage. It reports false if
	// that was noted before, or if a later stage of it was.
	EnterStage(ctx context.Context, e *StageEntry) (bool, error)
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
