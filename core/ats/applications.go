package ats

import (
	"context"
	"time"
)

// Applications is implemented by adapters that can read applications and move
// them. Each answer comes with an error too, with its Trace.
type Applications interface {
	// Get reads applications as they are now. What the ATS does not have is
	// not in the answer.
	Get(ctx context.Context, q *ApplicationQuery) (*ApplicationList, error)

	// Move puts an application into another stage. The current stage must be
	// the expected one. Errors: fault.Conflict with Kind "STAGE" and Existing,
	// the stage that it is in, if somebody moved it meanwhile; Kind "STATE" if
	// it is not active; fault.OutcomeUnknown.
	Move(ctx context.Context, m *MoveRequest) (*ApplicationReceipt, error)

	// Reject ends an application. Errors: fault.Conflict with Kind "STATE" if
	// it is not active; fault.OutcomeUnknown.
	Reject(ctx context.Context, r *RejectRequest) (*ApplicationReceipt, error)

	// Unreject takes a rejection back. Errors: fault.Conflict with Kind "STATE"
	// if it is not rejected; fault.OutcomeUnknown.
	Unreject(ctx context.Context, r *UnrejectRequest) (*ApplicationReceipt, error)
}

// ApplicationQuery says which applications to read: those of IDs, or those of
// a candidate, narrowed to a job; or what changed since a moment, a page at a
// time, for catching up with missed events.
type ApplicationQuery struct {
	Connection   Connection
	IDs          []string // at most 50
	CandidateID  string
	JobID        string
	ChangedSince time.Time // zero: not by time
	Cursor       string    // of the page before; only with ChangedSince
	Entered      bool      // asks since when each is in its stage, too
}

// ApplicationList is what was found. Next is empty on the last page.
type ApplicationList struct {
	Applications []ApplicationRecord
	Next         string
	Trace
}

// ApplicationRecord is an application as the ATS has it now.
type ApplicationRecord struct {
	ID             string
	CandidateID    string
	JobID          string // empty for a prospect
	State          ApplicationState
	StageID        string // as Reference lists the job's stages; empty if it is in none
	StageName      string
	ProfileURL     string
	EnteredAt      time.Time // when it entered its stage; zero if that was not asked, or the ATS does not tell
	LastActivityAt time.Time // zero if the ATS does not tell
	RejectedAt     time.Time // zero if it was not
}

// ApplicationState is how an application stands.
type ApplicationState string

// The states.
const (
	ApplicationActive    ApplicationState = "ACTIVE"
	ApplicationRejected  ApplicationState = "REJECTED"
	ApplicationHired     ApplicationState = "HIRED"
	ApplicationConverted ApplicationState = "CONVERTED" // a prospect that became a candidate
)

// MoveRequest asks for a move. ToStage is empty for the next stage.
type MoveRequest struct {
	Connection    Connection
	ApplicationID string
	FromStage     string
	ToStage       string
}

// RejectRequest asks for a rejection. Without EmailTemplate it is silent.
type RejectRequest struct {
	Connection    Connection
	ApplicationID string
	Reason        string // the ATS's id of the reason
	EmailTemplate string // the ATS's id of the template
	Notes         string
}

// UnrejectRequest takes a rejection back.
type UnrejectRequest struct {
	Connection    Connection
	ApplicationID string
}
