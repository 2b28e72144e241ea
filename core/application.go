package core

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/trellis-ats/trellis/core/ats"
)

// ApplicationOrigin tells how Trellis came to know an application.
type ApplicationOrigin string

// The origins.
const (
	ApplicationPushed  ApplicationOrigin = "PUSHED"  // we brought it into the ATS
	ApplicationOrdered ApplicationOrigin = "ORDERED" // the ATS ordered an assessment for it
)

// ApplicationRemoved is the state of an application that the ATS deleted. No
// later word of the ATS takes it back.
const ApplicationRemoved ats.ApplicationState = "REMOVED"

// Application is what is known here of a candidate's application in an ATS,
// once for each assessment that it concerns.
type Application struct {
	OrganizationID      ID
	ConnectionID        ID
	ExternalID          string // the ATS's id; empty if the order did not tell
	CandidateExternalID string // the ATS's id of the person; empty if not told
	JobExternalID       string // the ATS's id of the job; empty if not told
	AssessmentID        ID
	CandidateID         ID
	Origin              ApplicationOrigin
	State               ats.ApplicationState // ACTIVE until the ATS says otherwise
	StageID             string               // the ATS's; empty if not told
	StageName           string
	ProfileURL          string
	ChangedAt           time.Time // the ATS's time of the last change of State that was applied; zero for none
	StagedAt            time.Time // the ATS's time of the last change of the stage that was applied; zero for none
	UpdatedAt           time.Time
	// OwnState and OwnStageID are what Trellis itself asked the ATS for last, at
	// OwnAt, so that its own doing is recognised when the ATS tells of it.
	OwnState   ats.ApplicationState
	OwnStageID string
	OwnAt      time.Time
}

// ownWithin is how long after an action of ours the ATS may still tell of it:
// as long as it repeats a web hook (for example Greenhouse: facts/greenhouse.md 2.4).
const ownWithin = 16 * time.Hour

// isOwn reports whether s tells of what Trellis did itself.
func (a *Application) isOwn(s news, now time.Time) bool {
	if a.OwnAt.IsZero() || now.Sub(a.OwnAt) > ownWithin {
		return false
	}
	did := a.OwnState != "" || a.OwnStageID != ""
	return did && (a.OwnState == "" || a.OwnState == s.state) && (a.OwnStageID == "" || a.OwnStageID == s.stageID)
}

// ownAction is what Trellis does to an application in the ATS: the state or the
// stage that it will be in. What is empty does not change.
type ownAction struct {
	State   ats.ApplicationState
	StageID string
	At      time.Time
}

// noteOwnAction notes an action of ours, before it is asked for.
func noteOwnAction(ctx context.Context, tx Tx, organization, connection ID, external string, did ownAction) error {
	rows, err := tx.LockApplications(ctx, organization, connection, external)
	if err != nil {
		return err
	}
	for i := range rows {
		rows[i].OwnState, rows[i].OwnStageID, rows[i].OwnAt = did.State, did.StageID, did.At
		if err := tx.SaveApplication(ctx, &rows[i]); err != nil {
			return err
		}
	}
	return nil
}

// ApplicationReader finds applications.
type ApplicationReader interface {
	// ApplicationsByExternal returns what concerns one application of the ATS,
	// a row for each assessment, oldest assessment first.
	ApplicationsByExternal(ctx context.Context, organization, connection ID, external string) ([]Application, error)
	// ApplicationsOfPerson returns the applications of a person of the ATS.
	ApplicationsOfPerson(ctx context.Context, organization, connection ID, person string) ([]Application, error)
	// ApplicationOf returns an assessment's application in a connection's ATS.
	// Errors: fault.NotFound.
	ApplicationOf(ctx context.Context, organization, connection, assessment ID) (*Application, error)
	// ApplicationsOf returns all applications of several assessments, in no
	// order; for loaders.
	ApplicationsOf(ctx context.Context, organization ID, assessments []ID) ([]Application, error)
}

// ApplicationWriter keeps applications.
type ApplicationWriter interface {
	// SaveApplication inserts a, or replaces the one of the same connection,
	// external id and assessment.
	SaveApplication(ctx context.Context, a *Application) error
	// ForgetApplication removes the row of an application and an assessment that
	// a push wrote; one that an order named stays.
	ForgetApplication(ctx context.Context, organization, connection ID, external string, assessment ID) error
	// LockApplications is ApplicationsByExternal that keeps others from changing
	// the rows until the transaction ends.
	LockApplications(ctx context.Context, organization, connection ID, external string) ([]Application, error)
}

// Applications returns the applications of several assessments, those of one
// connection together; for loaders. Errors: fault.Forbidden.
func (as *Assessments) Applications(ctx context.Context, by Actor, assessments []ID) ([]Application, error) {
	if err := by.Require(PermitReadSetup); err != nil {
		return nil, err
	}
	all, err := as.store.ApplicationsOf(ctx, by.OrganizationID, assessments)
	slices.SortFunc(all, func(a, b Application) int {
		return cmp.Or(cmp.Compare(a.ConnectionID, b.ConnectionID), cmp.Compare(a.ExternalID, b.ExternalID))
	})
	return all, err
}

// keepOrdered keeps what an order of a connection's ATS tells of the
// application that it is for, if it names a person of the ATS.
func keepOrdered(ctx context.Context, tx Tx, connection ID, a *Assessment, r ats.CandidateRecord) error {
	if r.ExternalID == "" && r.ApplicationID == "" {
		return nil
	}
	made := Application{
		OrganizationID: a.OrganizationID, ConnectionID: connection, ExternalID: r.ApplicationID,
		CandidateExternalID: r.ExternalID, AssessmentID: a.ID, CandidateID: a.CandidateID, Origin: ApplicationOrdered,
		State: ats.ApplicationActive, ProfileURL: r.ProfileURL, UpdatedAt: a.OrderedAt,
	}
	if err := made.join(ctx, tx); err != nil {
		return err
	}
	return tx.SaveApplication(ctx, &made)
}

// join takes over what is known of the application from another assessment.
func (a *Application) join(ctx context.Context, tx Tx) error {
	if a.ExternalID == "" {
		return nil
	}
	known, err := tx.LockApplications(ctx, a.OrganizationID, a.ConnectionID, a.ExternalID)
	if err != nil || len(known) == 0 {
		return err
	}
	k := known[0]
	a.State, a.ChangedAt, a.StageID, a.StageName, a.StagedAt = k.State, k.ChangedAt, k.StageID, k.StageName, k.StagedAt
	if a.JobExternalID == "" {
		a.JobExternalID = k.JobExternalID
	}
	return nil
}
