package core

import (
	"context"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// PersonMerge tells that two people of an ATS became one. Who went is
// remembered by a hash, for words about them that come late.
type PersonMerge struct {
	OrganizationID ID
	ConnectionID   ID
	PersonHash     string // of who went
	From           string // who went, by the ATS's id; it is not kept
	Into           string // who has now what was theirs
}

// MergeReader finds out who somebody is by now.
type MergeReader interface {
	// MergedInto returns the id of whom a person was merged into, in the end;
	// empty if that one is forgotten. Errors: fault.NotFound if they were not merged.
	MergedInto(ctx context.Context, connection ID, personHash string) (string, error)
}

// MergeWriter follows the ATS when it makes one person of two.
type MergeWriter interface {
	// MergePerson lets everything that names one person of a connection's ATS
	// name another. If both are known here, what the first has becomes the
	// other's. It reports whether anything named the first.
	MergePerson(ctx context.Context, organization, connection ID, from, into string) (bool, error)
	// KeepMerge remembers m. Who had gone into m.From is in m.Into now.
	KeepMerge(ctx context.Context, m *PersonMerge) error
	// ForgetMerges forgets the id of a person whom others were merged into. That
	// they went is still known.
	ForgetMerges(ctx context.Context, organization, connection ID, person string) error
}

// whoIs returns whom a person's id means by now, and whether they were erased.
func whoIs(ctx context.Context, tx Tx, connection ID, person string) (now string, forgotten bool, err error) {
	now, err = tx.MergedInto(ctx, connection, personHash(connection, person))
	switch {
	case fault.Is(err, fault.NotFound):
		now = person
	case err != nil || now == "":
		return "", true, err
	}
	forgotten, err = tx.Forgotten(ctx, connection, personHash(connection, now))
	return now, forgotten, err
}

// merge takes in that two people became one. The other may have been merged
// again, and that been told first.
func (x *intake) merge(ctx context.Context, e *ats.Event) error {
	if e.MergedInto == "" || e.MergedInto == e.CandidateID {
		x.note("The ATS did not tell into whom the person was merged.")
		return nil
	}
	into, forgotten, err := whoIs(ctx, x.tx, x.c.ID, e.MergedInto)
	if err != nil {
		return err
	}
	if forgotten {
		lives, err := x.tx.CandidatesOfPerson(ctx, x.c.OrganizationID, x.c.ID, into, nil)
		if err != nil {
			return err
		}
		if len(lives) == 0 { // else the ATS ordered for that one again
			return x.forget(ctx, e, false)
		}
	}
	x.person = into
	merged := PersonMerge{
		OrganizationID: x.c.OrganizationID, ConnectionID: x.c.ID, PersonHash: personHash(x.c.ID, e.CandidateID), From: e.CandidateID, Into: into,
	}
	if err := x.tx.KeepMerge(ctx, &merged); err != nil {
		return err
	}
	rows, err := x.tx.ApplicationsOfPerson(ctx, x.c.OrganizationID, x.c.ID, e.CandidateID)
	if err != nil {
		return err
	}
	for i := range rows {
		x.about = append(x.about, rows[i].AssessmentID)
	}
	known, err := x.tx.MergePerson(ctx, x.c.OrganizationID, x.c.ID, e.CandidateID, into)
	if err != nil {
		return err
	}
	if !known {
		x.note("Neither of the two people is known here by that id.")
		return nil
	}
	x.note("The person was merged into another one of the ATS; what was theirs is the other's now.")
	return appendEvent(ctx, x.tx, x.by, x.now, EventPersonMerged, x.c.ID, nil)
}
