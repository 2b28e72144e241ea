package core

import (
	"context"
	"strings"
	"time"

	"github.com/trellis-ats/trellis/core/fault"
)

// ATSPerson is somebody in an ATS, as pushes know them. While a push makes the
// person or their application it holds the person, so that several pushes of
// one person make one candidate.
type ATSPerson struct {
	OrganizationID ID
	ConnectionID   ID
	Key            string    // the e-mail address in lower case
	ExternalID     string    // the ATS's id; empty until it is known
	HeldBy         ID        // the push that makes the person; empty for none
	FreeAt         time.Time // nobody may hold the person before; zero for at once
	UpdatedAt      time.Time
}

// PersonWriter keeps people.
type PersonWriter interface {
	// LockPerson returns one, which is made if there is none, and keeps others
	// from changing it until the transaction ends.
	LockPerson(ctx context.Context, organization, connection ID, key string, now time.Time) (*ATSPerson, error)
	UpdatePerson(ctx context.Context, p *ATSPerson) error
}

func personKey(c *Candidate) string { return strings.ToLower(c.Email) }

// holdPerson claims the person for a push, which has no settled place yet.
// Errors: *Postponed while another push has the person; *pause if that one
// waits for somebody to say what became of it.
func holdPerson(ctx context.Context, tx Tx, p *Push, c *Candidate, now time.Time) (*ATSPerson, error) {
	person, err := tx.LockPerson(ctx, p.OrganizationID, p.ConnectionID, personKey(c), now)
	if err != nil {
		return nil, err
	}
	if person.HeldBy != "" && person.HeldBy != p.ID {
		if err := heldUp(ctx, tx, person); err != nil {
			return nil, err
		}
	}
	if wait := person.FreeAt.Sub(now); wait > 0 {
		return nil, &Postponed{For: wait, Why: "a cancelled push of the same person may still be under way"}
	}
	person.HeldBy, person.FreeAt, person.UpdatedAt = p.ID, time.Time{}, now
	return person, tx.UpdatePerson(ctx, person)
}

// heldUp tells why a person cannot be held yet, or nil.
func heldUp(ctx context.Context, r Reader, person *ATSPerson) error {
	holder, err := r.Push(ctx, person.OrganizationID, person.HeldBy)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	switch {
	case holder.State.stopped():
		f := fault.New(fault.Conflict, "Another push of the same person, %s, stopped before it was clear whether it made them. Nothing was sent.", holder.ID)
		f.Kind, f.Existing = "PERSON", string(holder.ID)
		return &pause{state: PushNeedsAttention, fault: f, advice: "Resolve or retry the push " + string(holder.ID) + " first, then retry this one."}
	case holder.State.Open():
		return &Postponed{For: time.Second, Why: "another push makes the same person"}
	default:
		return nil
	}
}

// freePerson lets others have the person: at once, or if the push stopped with
// a request whose outcome is not known, when that must be settled.
func freePerson(ctx context.Context, tx Tx, p *Push, c *Candidate, freeAt, now time.Time) error {
	person, err := tx.LockPerson(ctx, p.OrganizationID, p.ConnectionID, personKey(c), now)
	if err != nil || person.HeldBy != p.ID {
		return err
	}
	person.HeldBy, person.FreeAt, person.UpdatedAt = "", freeAt, now
	if p.ExternalCandidateID != "" && p.step(StepCreate).over() {
		person.ExternalID = p.ExternalCandidateID
	}
	return tx.UpdatePerson(ctx, person)
}

// forgetChosen forgets who the person is in the ATS if a person chose that for
// the push: it is asked anew, and no other push goes there unasked. Nor is their
// application the assessment's any more, or routing would act on it.
func forgetChosen(ctx context.Context, tx Tx, p *Push, now time.Time) error {
	if p.Answer.CandidateID == "" {
		return nil
	}
	if err := tx.ForgetApplication(ctx, p.OrganizationID, p.ConnectionID, p.ExternalApplicationID, p.AssessmentID); err != nil {
		return err
	}
	c, err := tx.Candidate(ctx, p.OrganizationID, p.CandidateID)
	if err != nil {
		return err
	}
	person, err := tx.LockPerson(ctx, p.OrganizationID, p.ConnectionID, personKey(c), now)
	if err != nil || (person.ExternalID != p.Answer.CandidateID && person.ExternalID != p.ExternalCandidateID) { // the latter follows merges
		return err
	}
	person.ExternalID, person.UpdatedAt = "", now
	return tx.UpdatePerson(ctx, person)
}
