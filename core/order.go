package core

import (
	"context"
	"errors"
	"time"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// errRepeated rolls a transaction back that found its order already placed.
var errRepeated = errors.New("the order was placed already")

// Place takes an ATS's order: an assessment for each item. A repeated item
// gives the assessment of the first time, also to callers at the same moment.
// Nothing is kept unless every item is.
// Errors: fault.Invalid, fault.NotFound for an unknown test, fault.Conflict if
// only a part of it is a repeat.
func (as *Assessments) Place(ctx context.Context, c *Connection, o *ats.PlaceOrder) (*ats.OrderPlaced, error) {
	if len(o.Items) == 0 {
		return nil, fault.InvalidField("items", "REQUIRED", "The order names no test.")
	}
	placed, err := as.known(ctx, c, o)
	if err != nil || placed != nil {
		return placed, err
	}
	candidate := candidateFrom(c, o.Candidate)
	if err := candidate.Validate(); err != nil {
		return nil, err
	}
	by := ofATS(c)
	placed, err = as.place(ctx, by, c, o, candidate)
	if !errors.Is(err, errRepeated) {
		return placed, err
	}
	placed, err = as.known(ctx, c, o)
	if err == nil && placed == nil {
		return nil, fault.New(fault.Conflict, "A part of this order was placed before and a part was not. Nothing was ordered; send the new part alone.")
	}
	return placed, err
}

// known returns the assessments of an order that was placed before, or nil.
func (as *Assessments) known(ctx context.Context, c *Connection, o *ats.PlaceOrder) (*ats.OrderPlaced, error) {
	placed := &ats.OrderPlaced{Repeated: true}
	for _, item := range o.Items {
		a, err := as.store.AssessmentByOrder(ctx, c.ID, item.Key)
		if fault.Is(err, fault.NotFound) {
			return nil, nil //nolint:nilnil // "not placed before" is an answer, not an error
		}
		if err != nil {
			return nil, err
		}
		placed.AssessmentIDs = append(placed.AssessmentIDs, string(a.ID))
	}
	return placed, nil
}

func (as *Assessments) place(ctx context.Context, by Actor, c *Connection, o *ats.PlaceOrder, candidate *Candidate) (*ats.OrderPlaced, error) {
	placed := &ats.OrderPlaced{}
	now := as.clock.Now()
	candidate.ID, candidate.CreatedAt, candidate.UpdatedAt = NewID(PrefixCandidate), now, now
	err := as.store.Atomically(ctx, func(tx Tx) error {
		placed.AssessmentIDs = nil
		if err := tx.SaveCandidate(ctx, candidate); err != nil {
			return err
		}
		for _, item := range o.Items {
			a := newAssessment(by, candidate.ID, now)
			a.ConnectionID, a.OrderKey, a.Order, a.OrderedBy = c.ID, item.Key, o.Order, o.OrderedBy
			if err := orderTest(ctx, tx, by, a, item.TestID); err != nil {
				return err
			}
			if err := keepOrdered(ctx, tx, c.ID, a, o.Candidate); err != nil {
				return err
			}
			placed.AssessmentIDs = append(placed.AssessmentIDs, string(a.ID))
		}
		return nil
	})
	return placed, err
}

// orderTest keeps a, its event and its invitation task.
func orderTest(ctx context.Context, tx Tx, by Actor, a *Assessment, testID string) error {
	test, err := offeredTest(ctx, tx, a.OrganizationID, testID)
	if err != nil {
		return err
	}
	a.TestID = test.ID
	fresh, err := tx.InsertAssessment(ctx, a)
	if err != nil {
		return err
	}
	if !fresh {
		return errRepeated
	}
	data := map[string]any{}
	if len(a.Order.Warnings) > 0 {
		data["warnings"] = a.Order.Warnings
	}
	if err := appendEvent(ctx, tx, by, a.OrderedAt, EventAssessmentOrdered, a.ID, data); err != nil {
		return err
	}
	return tx.Enqueue(ctx, Task{Kind: TaskSendInvitation, OrganizationID: a.OrganizationID, AssessmentID: a.ID})
}

// offeredTest returns a test that can be ordered.
func offeredTest(ctx context.Context, r TestReader, organization ID, testID string) (*Test, error) {
	unknown := fault.New(fault.NotFound, "There is no such test. Nothing was ordered; list the tests again and choose one of them.")
	unknown.Source = fault.Caller
	unknown.Fields = []fault.Field{{Path: "testId", Code: "UNKNOWN", Message: unknown.Message}}
	id, err := ParseID(PrefixTest, testID)
	if err != nil {
		return nil, unknown
	}
	test, err := r.Test(ctx, organization, id)
	if fault.Is(err, fault.NotFound) || (err == nil && test.Archived) {
		return nil, unknown
	}
	return test, err
}

func newAssessment(by Actor, candidate ID, now time.Time) *Assessment {
	return &Assessment{
		ID: NewID(PrefixAssessment), OrganizationID: by.OrganizationID, CandidateID: candidate,
		Status: StatusOrdered, Delivery: DeliveryNone, Decision: DecisionNone, ATSOutcome: OutcomeUnknown, ReportLinkGen: 1,
		OrderedAt: now, UpdatedAt: now, ExpiresAt: now.Add(invitationValid),
	}
}

func candidateFrom(c *Connection, r ats.CandidateRecord) *Candidate {
	return &Candidate{
		OrganizationID: c.OrganizationID, ConnectionID: c.ID, ExternalID: r.ExternalID,
		FirstName: r.FirstName, LastName: r.LastName, PreferredName: r.PreferredName,
		Email: r.Email, Phone: r.Phone, ProfileURL: r.ProfileURL,
	}
}

// NewOrder is an order through our own API.
type NewOrder struct {
	TestID    ID
	JobID     ID // empty if it is for none
	Candidate Candidate
}

// Create orders an assessment through our own API; the candidate is invited.
// Errors: fault.Forbidden, fault.Invalid, fault.NotFound for an unknown test or job.
func (as *Assessments) Create(ctx context.Context, by Actor, n NewOrder, k Key) (*Assessment, error) {
	if err := by.Require(PermitOrder); err != nil {
		return nil, err
	}
	candidate := n.Candidate
	candidate.OrganizationID, candidate.ConnectionID, candidate.ExternalID = by.OrganizationID, "", ""
	if err := candidate.Validate(); err != nil {
		return nil, err
	}
	now := as.clock.Now()
	candidate.ID, candidate.CreatedAt, candidate.UpdatedAt = NewID(PrefixCandidate), now, now
	return once(ctx, as.store, by, k.of("createAssessment", now), func(tx Tx) (*Assessment, error) {
		if err := knownJob(ctx, tx, by, n.JobID); err != nil {
			return nil, err
		}
		if err := tx.SaveCandidate(ctx, &candidate); err != nil {
			return nil, err
		}
		made := newAssessment(by, candidate.ID, now)
		made.OrderedBy, made.JobID = by.Name, n.JobID
		return made, orderTest(ctx, tx, by, made, string(n.TestID))
	})
}

// knownJob checks that a job, if one is given, is the organization's.
func knownJob(ctx context.Context, r JobReader, by Actor, id ID) error {
	if id == "" {
		return nil
	}
	_, err := r.Job(ctx, by.OrganizationID, id)
	if fault.Is(err, fault.NotFound) {
		e := fault.InvalidField("jobId", "UNKNOWN", "There is no such job. Nothing was changed.")
		e.Code = fault.NotFound
		return e
	}
	return err
}

// AssignJob says which job an assessment is for, or with an empty id that it
// is for none. Errors: fault.Forbidden, fault.NotFound.
func (as *Assessments) AssignJob(ctx context.Context, by Actor, id, job ID) (*Assessment, error) {
	if err := by.Require(PermitOrder); err != nil {
		return nil, err
	}
	return as.change(ctx, by, id, func(tx Tx, a *Assessment, now time.Time) error {
		if err := knownJob(ctx, tx, by, job); err != nil {
			return err
		}
		if a.JobID == job {
			return nil
		}
		a.JobID = job
		return appendEvent(ctx, tx, by, now, EventAssessmentJob, a.ID, map[string]any{"jobId": job})
	})
}

// Resend mails the invitation once more. Errors: fault.Forbidden,
// fault.NotFound, fault.Conflict once the test was started or is over.
func (as *Assessments) Resend(ctx context.Context, by Actor, id ID) (*Assessment, error) {
	if err := by.Require(PermitOrder); err != nil {
		return nil, err
	}
	return as.change(ctx, by, id, func(tx Tx, a *Assessment, now time.Time) error {
		if a.Status != StatusOrdered && a.Status != StatusInvited {
			return a.illegal(StatusInvited)
		}
		a.Status = StatusOrdered
		if err := appendEvent(ctx, tx, by, now, EventInvitationResent, a.ID, nil); err != nil {
			return err
		}
		return tx.Enqueue(ctx, Task{Kind: TaskSendInvitation, OrganizationID: a.OrganizationID, AssessmentID: a.ID})
	})
}

// Redeliver tells the ATS about the result once more, whatever came of it before.
// Errors: fault.Forbidden, fault.NotFound, fault.Conflict without a result or
// without an ATS that ordered it.
func (as *Assessments) Redeliver(ctx context.Context, by Actor, id ID) (*Assessment, error) {
	if err := by.Require(PermitOrder); err != nil {
		return nil, err
	}
	return as.change(ctx, by, id, func(tx Tx, a *Assessment, now time.Time) error {
		if err := a.refuseErased(); err != nil {
			return err
		}
		if a.ConnectionID == "" || a.Status != StatusScored {
			return fault.ConflictField("assessmentId", "NOTHING_TO_DELIVER", "STATUS", "There is no result to bring to an ATS. Nothing was changed.")
		}
		current, err := tx.LatestResult(ctx, a.OrganizationID, a.ID)
		if err != nil {
			return err
		}
		a.Delivery, a.DeliveryNote, a.DeliveredRev = DeliveryPending, "", 0
		if err := appendEvent(ctx, tx, by, now, EventDeliveryPending, a.ID, nil); err != nil {
			return err
		}
		return tx.Enqueue(ctx, Task{
			Kind: TaskDeliverResult, OrganizationID: a.OrganizationID, AssessmentID: a.ID, Revision: current.Revision,
		})
	})
}
