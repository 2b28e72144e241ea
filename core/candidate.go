package core

import (
	"context"
	"net/mail"
	"strings"
	"time"

	"github.com/trellis-ats/trellis/core/fault"
)

// Candidate is a person who takes tests, as one organization knows them.
type Candidate struct {
	ID             ID
	OrganizationID ID
	ConnectionID   ID     // where the person came from; empty for our own API
	ExternalID     string // the ATS's id of the person, if known
	FirstName      string
	LastName       string
	PreferredName  string
	Email          string
	Phone          string
	ProfileURL     string // the person's page in the ATS
	CreatedAt      time.Time
	UpdatedAt      time.Time
	ErasedAt       time.Time // when all of the above but the ids and times was erased; zero if it was not
}

// Name is how to address the candidate.
func (c Candidate) Name() string {
	first := c.FirstName
	if c.PreferredName != "" {
		first = c.PreferredName
	}
	return strings.TrimSpace(first + " " + c.LastName)
}

// Validate checks what came from outside. Errors: fault.Invalid.
func (c Candidate) Validate() error {
	texts := []struct{ path, text string }{
		{"candidate.firstName", c.FirstName},
		{"candidate.lastName", c.LastName},
		{"candidate.preferredName", c.PreferredName},
		{"candidate.phone", c.Phone},
	}
	for _, t := range texts {
		if err := optionalText(t.path, t.text, 255); err != nil {
			return err
		}
	}
	if c.FirstName == "" && c.LastName == "" {
		return fault.InvalidField("candidate.firstName", "REQUIRED", "A candidate needs a name.")
	}
	if err := optionalText("candidate.profileUrl", c.ProfileURL, 2048); err != nil {
		return err
	}
	return ValidateEmail("candidate.email", c.Email)
}

// ValidateEmail checks an address that mail will be sent to: one plain address
// without a display name, line break or list. Errors: fault.Invalid at path.
func ValidateEmail(path, address string) error {
	if err := requireText(path, address, 254); err != nil {
		return err
	}
	parsed, err := mail.ParseAddress(address)
	if err != nil || parsed.Address != address || parsed.Name != "" {
		return fault.InvalidField(path, "NOT_AN_EMAIL", "%s is not an e-mail address.", path)
	}
	return nil
}

// CandidateReader finds candidates.
type CandidateReader interface {
	// Candidate returns one of the organization's. Errors: fault.NotFound.
	Candidate(ctx context.Context, organization, id ID) (*Candidate, error)
	// CandidatesByID returns those that exist and, in a limited sight, have an
	// assessment in it, in no order; for loaders.
	CandidatesByID(ctx context.Context, organization ID, s Sight, ids []ID) ([]Candidate, error)
	// Candidates returns a page of those in sight, newest first.
	Candidates(ctx context.Context, organization ID, f CandidateFilter, p Page) (*Paged[Candidate], error)
}

// CandidateFilter narrows a list; empty fields do not.
type CandidateFilter struct {
	Search string // part of the name or e-mail address, any case
	Sight  Sight  // set by core
}

// CandidateWriter keeps candidates.
type CandidateWriter interface {
	// SaveCandidate inserts c, or updates the one with the same connection and
	// external id (or, where there is none, the same connection and e-mail).
	// c.ID becomes the id of the row; CreatedAt stays that of the first.
	SaveCandidate(ctx context.Context, c *Candidate) error
	// LockCandidate returns one and keeps others from changing it until the
	// transaction ends. Errors: fault.NotFound.
	LockCandidate(ctx context.Context, organization, id ID) (*Candidate, error)
	// UpdateCandidate keeps names and phone number. Errors: fault.NotFound.
	UpdateCandidate(ctx context.Context, c *Candidate) error
}

// Candidates are the use cases around candidates.
type Candidates struct {
	store Store
	clock Clock
}

// NewCandidates returns the use cases.
func NewCandidates(s Store, c Clock) *Candidates { return &Candidates{store: s, clock: c} }

// Get returns one candidate that the actor sees. Errors: fault.Forbidden, fault.NotFound.
func (cs *Candidates) Get(ctx context.Context, by Actor, id ID) (*Candidate, error) {
	found, err := cs.ByID(ctx, by, []ID{id})
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, fault.New(fault.NotFound, "There is no candidate with this id.")
	}
	return &found[0], nil
}

// ByID returns those of several candidates that exist and that the actor sees,
// in no order. Errors: fault.Forbidden.
func (cs *Candidates) ByID(ctx context.Context, by Actor, ids []ID) ([]Candidate, error) {
	if err := by.Require(PermitRead); err != nil {
		return nil, err
	}
	sight, err := sightOf(ctx, cs.store, by)
	if err != nil {
		return nil, err
	}
	return cs.store.CandidatesByID(ctx, by.OrganizationID, sight, ids)
}

// List returns a page of the candidates that the actor sees, newest first.
// Errors: fault.Forbidden, fault.Invalid.
func (cs *Candidates) List(ctx context.Context, by Actor, f CandidateFilter, p Page) (*Paged[Candidate], error) {
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
	if f.Sight, err = sightOf(ctx, cs.store, by); err != nil {
		return nil, err
	}
	return cs.store.Candidates(ctx, by.OrganizationID, f, p)
}

// CandidateUpdate says what to correct; nil fields stay. The e-mail address is
// who somebody is, and cannot be corrected.
type CandidateUpdate struct {
	FirstName     *string
	LastName      *string
	PreferredName *string
	Phone         *string
}

// apply returns the names of the fields that are other than before.
func (u CandidateUpdate) apply(c *Candidate) (changed []string) {
	for _, f := range []struct {
		name string
		from *string
		to   *string
	}{
		{"firstName", &c.FirstName, u.FirstName},
		{"lastName", &c.LastName, u.LastName},
		{"preferredName", &c.PreferredName, u.PreferredName},
		{"phone", &c.Phone, u.Phone},
	} {
		if f.to != nil && *f.to != *f.from {
			*f.from = *f.to
			changed = append(changed, f.name)
		}
	}
	return changed
}

// Update corrects what is known of a candidate: what is in an ATS stays as it is
// there, and an order that comes later tells its own. The audit log keeps which
// fields were changed, not what was in them.
// Errors: fault.Forbidden, fault.NotFound, fault.Invalid, fault.Conflict with
// Kind "ERASED".
func (cs *Candidates) Update(ctx context.Context, by Actor, id ID, u CandidateUpdate) (*Candidate, error) {
	if err := by.Require(PermitOrder); err != nil {
		return nil, err
	}
	var updated *Candidate
	err := cs.store.Atomically(ctx, func(tx Tx) error {
		c, err := tx.LockCandidate(ctx, by.OrganizationID, id)
		if err != nil {
			return err
		}
		if !c.ErasedAt.IsZero() {
			return fault.ConflictField("candidateId", "ERASED", "ERASED", "The candidate's data was erased. Nothing was changed.")
		}
		updated = c
		changed := u.apply(c)
		if err := c.Validate(); err != nil || len(changed) == 0 {
			return err
		}
		c.UpdatedAt = cs.clock.Now()
		if err := tx.UpdateCandidate(ctx, c); err != nil {
			return err
		}
		return record(ctx, tx, by, change{At: c.UpdatedAt, Event: EventCandidateUpdated, Subject: id, After: map[string]any{"fields": changed}})
	})
	if err != nil {
		return nil, err
	}
	return updated, nil
}
