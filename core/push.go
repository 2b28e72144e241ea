package core

import (
	"context"
	"slices"
	"time"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// Push brings one revision of an assessment's result into an ATS, with the
// candidate if need be. It is a list of steps that are carried out in their
// order; the receipt of each is kept before the next begins.
type Push struct {
	ID                    ID
	OrganizationID        ID
	ConnectionID          ID
	AssessmentID          ID
	CandidateID           ID
	JobID                 ID  // ours; empty if the assessment was for none
	Revision              int // of the result
	State                 PushState
	Trigger               PushMode // what asked for it
	RequestedBy           string   // for people
	Round                 int      // from 1; each retry begins the next, and tasks of older ones do nothing
	RunToken              ID       // of the run that alone may commit; empty while none runs
	Attempts              int      // runs that began
	FaultCode             fault.Code
	Message               string // how it stands, for people
	Advice                string // what to do about it, for people; empty for nothing
	Question              PushQuestion
	Answer                PushAnswer
	Plan                  PushPlan
	Steps                 []PushStep // each kind once, in order
	ExternalCandidateID   string     // the ATS's, once it is known
	ExternalApplicationID string     // the ATS's, once it is known
	ProfileURL            string     // the person's page in the ATS
	RequestedAt           time.Time
	StartedAt             time.Time // of the first run
	FinishedAt            time.Time // when it was done or cancelled
	DueAt                 time.Time // when it goes on by itself, while it is open
	UpdatedAt             time.Time
}

// PushState is how far a push is.
type PushState string

// The states.
const (
	PushPending        PushState = "PENDING"         // about to begin
	PushRunning        PushState = "RUNNING"         // being carried out
	PushWaiting        PushState = "WAITING"         // goes on by itself, at DueAt
	PushDone           PushState = "DONE"            // all is in the ATS
	PushFailed         PushState = "FAILED"          // given up after too many attempts; retry resumes
	PushNeedsAttention PushState = "NEEDS_ATTENTION" // a person must mend or decide something; retry resumes
	PushCancelled      PushState = "CANCELLED"
)

// Open reports whether the push goes on by itself.
func (s PushState) Open() bool { return s == PushPending || s == PushRunning || s == PushWaiting }

// Due is when the push goes on by itself; zero if it does not.
func (p *Push) Due() time.Time {
	if !p.State.Open() {
		return time.Time{}
	}
	return p.DueAt
}

// stopped reports whether the push waits for a person.
func (s PushState) stopped() bool { return s == PushFailed || s == PushNeedsAttention }

// PushFilter narrows a list; empty fields do not.
type PushFilter struct {
	States       []PushState
	ConnectionID ID
	AssessmentID ID
	CandidateID  ID
	Sight        Sight // set by core
}

// PushReader finds pushes, with their steps.
type PushReader interface {
	// Push returns one of the organization's. Errors: fault.NotFound.
	Push(ctx context.Context, organization, id ID) (*Push, error)
	// PushOf returns that of a revision of an assessment over a connection.
	// Errors: fault.NotFound.
	PushOf(ctx context.Context, organization, connection, assessment ID, revision int) (*Push, error)
	// LatestPush returns the revision of the newest result of an assessment that
	// is to be pushed or was pushed over a connection, cancelled ones excepted;
	// 0 for none.
	LatestPush(ctx context.Context, organization, connection, assessment ID) (int, error)
	// PushesByID returns those in sight that exist, in no order; for loaders.
	PushesByID(ctx context.Context, organization ID, s Sight, ids []ID) ([]Push, error)
	// PushesOf returns the newest pushes of several assessments in sight, at
	// most perAssessment of each, newest first; for loaders.
	PushesOf(ctx context.Context, organization ID, s Sight, assessments []ID, perAssessment int) ([]Push, error)
	// Pushes returns a page, newest first.
	Pushes(ctx context.Context, organization ID, f PushFilter, p Page) (*Paged[Push], error)
	// OverduePushes returns at most limit open ones of all organizations that
	// were due before a moment. It is for the system alone.
	OverduePushes(ctx context.Context, before time.Time, limit int) ([]Push, error)
}

// PushWriter keeps pushes.
type PushWriter interface {
	// InsertPush keeps p and its steps. It reports false, and keeps nothing, if
	// the connection has one of this assessment and revision already.
	InsertPush(ctx context.Context, p *Push) (bool, error)
	// LockPush returns one and keeps others from changing it until the
	// transaction ends. Errors: fault.NotFound.
	LockPush(ctx context.Context, organization, id ID) (*Push, error)
	// UpdatePush keeps what can change of p, and its steps. Errors: fault.NotFound.
	UpdatePush(ctx context.Context, p *Push) error
}

// Pushes are the use cases around pushes. They are safe for concurrent use,
// also by several processes.
type Pushes struct{ o PushesOptions }

// PushesOptions is what Pushes are made of.
type PushesOptions struct {
	Store       Store
	Clock       Clock
	Adapters    Adapters
	Calls       *Calls
	Links       *Links
	Printer     ReportPrinter
	Assessments *Assessments
	// Deadline bounds one call; 0: 30 s.
	Deadline time.Duration
	// Settle is how long after it was sent a request whose answer is missing may
	// still be carried out by the ATS. It is longer than Deadline; 0: 45 s.
	Settle time.Duration
	// Attempts is how often a step is tried before it is given up; 0: 10.
	Attempts int
	// Backoff tells how long to wait after a failed attempt, counted from 1;
	// nil: 2 s, three times as long after each further one, an hour at most.
	Backoff func(attempt int, err error) time.Duration
}

// NewPushes returns the use cases.
func NewPushes(o PushesOptions) *Pushes {
	if o.Deadline == 0 {
		o.Deadline = 30 * time.Second
	}
	if o.Settle == 0 {
		o.Settle = 45 * time.Second
	}
	o.Settle = max(o.Settle, o.Deadline)
	if o.Attempts == 0 {
		o.Attempts = 10
	}
	if o.Backoff == nil {
		o.Backoff = pushBackoff
	}
	return &Pushes{o}
}

func pushBackoff(attempt int, err error) time.Duration {
	wait := 2 * time.Second
	for range attempt - 1 {
		wait = min(3*wait, time.Hour)
	}
	return max(wait, fault.From(err).RetryAfter)
}

// Get returns one push that the actor sees. Errors: fault.Forbidden, fault.NotFound.
func (ps *Pushes) Get(ctx context.Context, by Actor, id ID) (*Push, error) {
	found, err := ps.ByID(ctx, by, []ID{id})
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, fault.New(fault.NotFound, "There is no push with this id.")
	}
	return &found[0], nil
}

// ByID returns those of several pushes that exist and that the actor sees, in
// no order. Errors: fault.Forbidden.
func (ps *Pushes) ByID(ctx context.Context, by Actor, ids []ID) ([]Push, error) {
	sight, err := ps.sight(ctx, by)
	if err != nil {
		return nil, err
	}
	return ps.o.Store.PushesByID(ctx, by.OrganizationID, sight, ids)
}

// Of returns the newest pushes of several assessments that the actor sees, at
// most perAssessment of each, newest first. Errors: fault.Forbidden.
func (ps *Pushes) Of(ctx context.Context, by Actor, assessments []ID, perAssessment int) ([]Push, error) {
	sight, err := ps.sight(ctx, by)
	if err != nil {
		return nil, err
	}
	return ps.o.Store.PushesOf(ctx, by.OrganizationID, sight, assessments, min(perAssessment, MaxPage+1))
}

// List returns a page of the pushes that the actor sees, newest first.
// Errors: fault.Forbidden, fault.Invalid.
func (ps *Pushes) List(ctx context.Context, by Actor, f PushFilter, p Page) (*Paged[Push], error) {
	sight, err := ps.sight(ctx, by)
	if err != nil {
		return nil, err
	}
	if p, err = p.Normalize(); err != nil {
		return nil, err
	}
	f.Sight = sight
	return ps.o.Store.Pushes(ctx, by.OrganizationID, f, p)
}

func (ps *Pushes) sight(ctx context.Context, by Actor) (Sight, error) {
	if err := by.Require(PermitRead); err != nil {
		return Sight{}, err
	}
	return sightOf(ctx, ps.o.Store, by)
}

// effective returns what a connection can do, by its last check; if there was
// none, what the adapter can do in general. It is nil if nothing is known.
func effective(a Adapters, c *Connection) []ats.Capability {
	if len(c.Health.Capabilities) > 0 {
		return c.Health.Capabilities
	}
	m, err := a.Manifest(c.Adapter)
	if err != nil {
		return nil
	}
	return m.Capabilities
}

// capability returns one by its name, and whether it is there at all.
func capability(all []ats.Capability, name ats.CapabilityName) (ats.Capability, bool) {
	i := slices.IndexFunc(all, func(c ats.Capability) bool { return c.Name == name })
	if i < 0 {
		return ats.Capability{Name: name}, false
	}
	return all[i], true
}
