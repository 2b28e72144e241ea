package core

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// Erasure is the record that a person's data was erased. It holds nothing of
// the person: by PersonHash alone a later word about them is recognised.
type Erasure struct {
	ID             ID
	OrganizationID ID
	ConnectionID   ID     // whose ATS asked for it, or knows the person; empty for none
	CandidateID    ID     // empty if the person was not known here
	PersonHash     string // of the ATS's id of the person; empty if no ATS knows them
	WebhookID      ID     // that told of it; empty if none did
	Cause          string // the ATS's name of the event, or "request"
	ActorName      string
	Rows           int // how many rows were emptied
	At             time.Time
}

// ErasureReader finds erasures.
type ErasureReader interface {
	// Forgotten reports whether a connection's ATS deleted a person.
	Forgotten(ctx context.Context, connection ID, personHash string) (bool, error)
	// Erasures returns a page, newest first.
	Erasures(ctx context.Context, organization ID, p Page) (*Paged[Erasure], error)
	// CandidatesOfPerson returns the candidates that a person of a connection's
	// ATS is here: by their own id, by those of their applications, and by whom
	// pushes made or found.
	CandidatesOfPerson(ctx context.Context, organization, connection ID, person string, applications []string) ([]ID, error)
	// PeopleOfCandidate returns whom ATSs know as a candidate.
	PeopleOfCandidate(ctx context.Context, organization, candidate ID) ([]PersonOfATS, error)
}

// PersonOfATS is somebody by the id that a connection's ATS gave them.
type PersonOfATS struct {
	ConnectionID ID
	Person       string
}

// ErasureWriter erases.
type ErasureWriter interface {
	// LockApplicationsOf keeps words about a candidate's applications from being
	// taken in until the transaction ends.
	LockApplicationsOf(ctx context.Context, organization, candidate ID) error
	// EraseCandidate empties whatever holds or may hold the candidate's data:
	// the person, reports, order references, sync log, web hooks, and texts of
	// the ATS and of people in events. Ids, times, statuses and total scores
	// stay. It returns how many rows were emptied; none if it was done before.
	EraseCandidate(ctx context.Context, organization, candidate ID, now time.Time) (int, error)
	// LockIdleCandidate reports whether nothing happened of a candidate since
	// before, and if so keeps others from changing it until the transaction ends.
	LockIdleCandidate(ctx context.Context, organization, candidate ID, before time.Time) (bool, error)
	// ForgetPerson forgets the requests about a person of an ATS, and their addresses.
	ForgetPerson(ctx context.Context, organization, connection ID, person string) (int, error)
	InsertErasure(ctx context.Context, e *Erasure) error
}

// personHash is the name under which a person is remembered as erased.
func personHash(connection ID, person string) string {
	sum := sha256.Sum256([]byte("erased\n" + string(connection) + "\n" + person))
	return hex.EncodeToString(sum[:])
}

// forget takes in that the ATS deleted a person or made them anonymous. Whoever
// was forgotten before may have been ordered for again.
func (x *intake) forget(ctx context.Context, e *ats.Event, before bool) error {
	x.person = "" // so that this web hook is not kept either
	candidates, err := x.tx.CandidatesOfPerson(ctx, x.c.OrganizationID, x.c.ID, e.CandidateID, e.Applications)
	if err != nil {
		return err
	}
	record := Erasure{ConnectionID: x.c.ID, PersonHash: personHash(x.c.ID, e.CandidateID), WebhookID: x.hook.ID, Cause: x.hook.Action}
	hooks, err := x.tx.ForgetPerson(ctx, x.c.OrganizationID, x.c.ID, e.CandidateID)
	if err != nil {
		return err
	}
	if err := x.tx.ForgetMerges(ctx, x.c.OrganizationID, x.c.ID, e.CandidateID); err != nil {
		return err
	}
	record.Rows = hooks
	if len(candidates) == 0 && before {
		x.note("The person was erased before; the content was not kept.")
		return nil
	}
	if len(candidates) == 0 {
		x.note("The person is not known here.")
		return insertErasure(ctx, x.tx, x.by, x.now, record)
	}
	x.note("What was kept of the person was erased.")
	for _, id := range candidates {
		record.CandidateID = id
		if err := erase(ctx, x.tx, x.by, x.now, record); err != nil {
			return err
		}
		record.Rows = 0
	}
	return nil
}

// erase stops what is open for a candidate, empties what is kept of them and
// records that it was done.
func erase(ctx context.Context, tx Tx, by Actor, now time.Time, e Erasure) error {
	if err := tx.LockApplicationsOf(ctx, by.OrganizationID, e.CandidateID); err != nil {
		return err
	}
	if err := abandonAll(ctx, tx, by, now, e.CandidateID); err != nil {
		return err
	}
	if err := haltPushes(ctx, tx, by, now, e.CandidateID); err != nil {
		return err
	}
	if err := closeAllAbout(ctx, tx, by, now, e.CandidateID); err != nil {
		return err
	}
	rows, err := tx.EraseCandidate(ctx, by.OrganizationID, e.CandidateID, now)
	if err != nil {
		return err
	}
	e.Rows += rows
	return insertErasure(ctx, tx, by, now, e)
}

// abandonAll ends what is open for a person who is to be forgotten.
func abandonAll(ctx context.Context, tx Tx, by Actor, now time.Time, candidate ID) error {
	next := Page{First: MaxPage}
	for {
		page, err := tx.Assessments(ctx, by.OrganizationID, AssessmentFilter{CandidateID: candidate}, AssessmentSort{Ascending: true}, next)
		if err != nil {
			return err
		}
		for i := range page.Items {
			next.After = page.Items[i].ID
			if err := abandon(ctx, tx, by, now, next.After); err != nil {
				return err
			}
		}
		if !page.HasNext {
			return nil
		}
	}
}

// abandon ends an assessment of a person who is to be forgotten.
func abandon(ctx context.Context, tx Tx, by Actor, now time.Time, id ID) error {
	a, err := tx.LockAssessment(ctx, by.OrganizationID, id)
	if err != nil {
		return err
	}
	if a.Status.Open() {
		if err := a.end(StatusCancelled, now); err != nil {
			return err
		}
		data := map[string]any{"reason": "The candidate's data was erased."}
		if err := appendEvent(ctx, tx, by, now, EventAssessmentCancelled, a.ID, data); err != nil {
			return err
		}
	}
	if by.Role == RoleATS {
		a.ATSOutcome = OutcomeRemoved
	}
	if a.Delivery == DeliveryPending {
		a.Delivery = DeliveryNone
	}
	a.ErasedAt, a.UpdatedAt = now, now
	return tx.UpdateAssessment(ctx, a)
}

// haltPushes cancels what is not in the ATS yet. A run under way has lost its
// token and keeps nothing more.
func haltPushes(ctx context.Context, tx Tx, by Actor, now time.Time, candidate ID) error {
	next := Page{First: MaxPage}
	for {
		page, err := tx.Pushes(ctx, by.OrganizationID, PushFilter{CandidateID: candidate}, next)
		if err != nil {
			return err
		}
		for i := range page.Items {
			next.After = page.Items[i].ID
			if err := haltPush(ctx, tx, by, now, next.After); err != nil {
				return err
			}
		}
		if !page.HasNext {
			return nil
		}
	}
}

func haltPush(ctx context.Context, tx Tx, by Actor, now time.Time, id ID) error {
	p, err := tx.LockPush(ctx, by.OrganizationID, id)
	if err != nil || p.State == PushDone || p.State == PushCancelled {
		return err
	}
	p.State, p.RunToken, p.FinishedAt, p.DueAt, p.UpdatedAt = PushCancelled, "", now, time.Time{}, now
	if err := tx.UpdatePush(ctx, p); err != nil {
		return err
	}
	return appendEvent(ctx, tx, by, now, EventPushCancelled, p.AssessmentID, p.told())
}

// closeAllAbout closes the issues about a person who is to be forgotten: nobody
// can do anything about them any more.
func closeAllAbout(ctx context.Context, tx Tx, by Actor, now time.Time, candidate ID) error {
	for {
		more, err := IssueClosing{OrganizationID: by.OrganizationID, CandidateID: candidate, At: now}.close(ctx, tx)
		if err != nil || !more {
			return err
		}
	}
}

func insertErasure(ctx context.Context, tx Tx, by Actor, now time.Time, e Erasure) error {
	e.ID, e.OrganizationID, e.ActorName, e.At = NewID(PrefixErasure), by.OrganizationID, by.Name, now
	if err := tx.InsertErasure(ctx, &e); err != nil || e.CandidateID == "" {
		return err
	}
	return record(ctx, tx, by, change{
		At: now, Event: EventCandidateErased, Subject: e.CandidateID,
		After: map[string]any{"erasureId": e.ID, "cause": e.Cause, "rows": e.Rows, "webhookId": e.WebhookID},
	})
}

// refuseErased refuses what would bring back data of a person who was erased.
func (a *Assessment) refuseErased() error {
	if a.ErasedAt.IsZero() {
		return nil
	}
	return fault.ConflictField("assessmentId", "ERASED", "ERASED", "The candidate's data was erased; nothing of them is kept any more. Nothing was changed.")
}

// Erasures are the use cases around erasing people's data.
type Erasures struct {
	store Store
	clock Clock
}

// NewErasures returns the use cases.
func NewErasures(s Store, c Clock) *Erasures { return &Erasures{store: s, clock: c} }

// EraseCandidate erases what is kept of a candidate. To ask again changes
// nothing. Errors: fault.Forbidden, fault.NotFound.
func (es *Erasures) EraseCandidate(ctx context.Context, by Actor, id ID) (*Candidate, error) {
	if err := by.Require(PermitConfigure); err != nil {
		return nil, err
	}
	var left *Candidate
	err := es.store.Atomically(ctx, func(tx Tx) error {
		c, err := tx.Candidate(ctx, by.OrganizationID, id)
		if err != nil {
			return err
		}
		if c.ErasedAt.IsZero() {
			err = eraseEverywhere(ctx, tx, by, es.clock.Now(), Erasure{CandidateID: id, Cause: "request"})
		}
		if err != nil {
			return err
		}
		left, err = tx.Candidate(ctx, by.OrganizationID, id)
		return err
	})
	return left, err
}

// eraseEverywhere erases a candidate whose erasure a person asked for, and who
// else is the same person in an ATS. It remembers whom ATSs know as them, so
// that no later word brings them back.
func eraseEverywhere(ctx context.Context, tx Tx, by Actor, now time.Time, e Erasure) error {
	people, err := tx.PeopleOfCandidate(ctx, by.OrganizationID, e.CandidateID)
	if err != nil {
		return err
	}
	if len(people) == 0 {
		return erase(ctx, tx, by, now, e)
	}
	same := make([][]ID, len(people)) // before anything of them is gone
	for i, p := range people {
		if same[i], err = tx.CandidatesOfPerson(ctx, by.OrganizationID, p.ConnectionID, p.Person, nil); err != nil {
			return err
		}
	}
	for i, p := range people {
		e.ConnectionID, e.PersonHash = p.ConnectionID, personHash(p.ConnectionID, p.Person)
		if err := tx.ForgetMerges(ctx, by.OrganizationID, p.ConnectionID, p.Person); err != nil {
			return err
		}
		for _, e.CandidateID = range same[i] {
			if err := erase(ctx, tx, by, now, e); err != nil {
				return err
			}
		}
	}
	return nil
}

// List returns a page of what was erased, newest first.
// Errors: fault.Forbidden, fault.Invalid.
func (es *Erasures) List(ctx context.Context, by Actor, p Page) (*Paged[Erasure], error) {
	if err := by.Require(PermitAudit); err != nil {
		return nil, err
	}
	p, err := p.Normalize()
	if err != nil {
		return nil, err
	}
	return es.store.Erasures(ctx, by.OrganizationID, p)
}
