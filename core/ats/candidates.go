package ats

import "context"

// Candidates is implemented by adapters that can bring a person into the ATS.
// Each answer comes with an error too, with its Trace.
type Candidates interface {
	// Find looks for people. It writes nothing and is safe to repeat.
	Find(ctx context.Context, q *CandidateQuery) (*CandidateMatches, error)

	// Create makes a person, and in the same request the application if the
	// ATS can. It is never repeated blindly.
	// Errors: fault.OutcomeUnknown if it was sent and no answer came.
	Create(ctx context.Context, n *NewCandidate) (*CandidateReceipt, error)

	// Apply makes an application of a person who is known. It is never
	// repeated blindly. Errors: as Create; fault.Conflict with Kind
	// "JOB_CLOSED" or "EXISTS", fault.Invalid for a stage of another job.
	Apply(ctx context.Context, n *NewApplication) (*ApplicationReceipt, error)
}

// CandidateQuery says whom to look for. By ExternalID if it is set, or else by
// the exact e-mail address in any case.
type CandidateQuery struct {
	Connection Connection
	ExternalID string
	Email      string
	JobID      string // the ATS's; narrows the applications that come along
}

// CandidateMatches are the people found, with their applications to the job of
// the query.
type CandidateMatches struct {
	Matches []CandidateMatch
	Trace
}

// CandidateMatch is one person in the ATS.
type CandidateMatch struct {
	CandidateID  string
	ProfileURL   string
	FirstName    string
	LastName     string
	Email        string
	Private      bool
	Applications []ApplicationRecord // to the job of the query; none without one
}

// NewCandidate is a person to be made, with an application if JobID is set.
type NewCandidate struct {
	Connection Connection
	Person     CandidateRecord // ExternalID, ApplicationID and ProfileURL are empty
	JobID      string          // the ATS's; empty for none
	StageID    string          // the ATS's first stage of the application; empty: the job's first
	SourceID   string          // the ATS's; empty for none
}

// CandidateReceipt tells what was made. ApplicationID is empty if no
// application was made in the same request.
type CandidateReceipt struct {
	CandidateID   string
	ApplicationID string
	ProfileURL    string
	Trace
}

// NewApplication is an application to be made for a person who is known.
type NewApplication struct {
	Connection  Connection
	CandidateID string
	JobID       string
	StageID     string // empty: the job's first
	SourceID    string // empty for none
}

// ApplicationReceipt tells which application was made or changed.
type ApplicationReceipt struct {
	ApplicationID string
	ProfileURL    string
	Trace
}
