package fake

import (
	"context"
	"slices"
	"time"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// Get implements ats.Applications. What changed comes on one page.
func (a *adapter) Get(ctx context.Context, q *ats.ApplicationQuery) (*ats.ApplicationList, error) {
	return perform(ctx, callGet, &q.Connection, func(s *state, l *ats.ApplicationList) error {
		for _, one := range s.Applications {
			if asked(one, q) {
				l.Applications = append(l.Applications, one.ApplicationRecord)
			}
		}
		return nil
	})
}

func asked(one application, q *ats.ApplicationQuery) bool {
	switch {
	case len(q.IDs) > 0:
		return slices.Contains(q.IDs, one.ID)
	case q.CandidateID != "":
		return one.CandidateID == q.CandidateID && (q.JobID == "" || one.JobID == q.JobID)
	default:
		return !q.ChangedSince.IsZero() && !one.LastActivityAt.Before(q.ChangedSince)
	}
}

// Move implements ats.Applications.
func (a *adapter) Move(ctx context.Context, m *ats.MoveRequest) (*ats.ApplicationReceipt, error) {
	return change(ctx, callMove, &m.Connection, m.ApplicationID, func(one *application) error {
		if one.State != ats.ApplicationActive {
			return conflict("STATE", string(one.State), "The application is %s.", one.State)
		}
		if one.StageID != m.FromStage {
			return conflict("STAGE", one.StageID, "The application is in another stage.")
		}
		to, err := target(one, m.ToStage)
		if err == nil {
			one.StageID, one.StageName = to.ID, to.Name
		}
		return err
	})
}

// Reject implements ats.Applications.
func (a *adapter) Reject(ctx context.Context, r *ats.RejectRequest) (*ats.ApplicationReceipt, error) {
	return change(ctx, callReject, &r.Connection, r.ApplicationID, func(one *application) error {
		if one.State != ats.ApplicationActive {
			return conflict("STATE", string(one.State), "The application is %s.", one.State)
		}
		one.State, one.Reason, one.RejectedAt = ats.ApplicationRejected, r.Reason, time.Now().UTC()
		return nil
	})
}

// Unreject implements ats.Applications.
func (a *adapter) Unreject(ctx context.Context, r *ats.UnrejectRequest) (*ats.ApplicationReceipt, error) {
	return change(ctx, callUnreject, &r.Connection, r.ApplicationID, func(one *application) error {
		if one.State != ats.ApplicationRejected {
			return conflict("STATE", string(one.State), "The application is %s.", one.State)
		}
		one.State, one.Reason, one.RejectedAt = ats.ApplicationActive, "", time.Time{}
		return nil
	})
}

// change is what all changes of an application have in common.
func change(ctx context.Context, call string, c *ats.Connection, id string, do func(*application) error) (*ats.ApplicationReceipt, error) {
	return perform(ctx, call, c, func(s *state, r *ats.ApplicationReceipt) error {
		one := s.application(id)
		if one == nil {
			return declined(fault.NotFound, "There is no application %q.", id)
		}
		if err := do(one); err != nil {
			return err
		}
		one.LastActivityAt = time.Now().UTC()
		r.ApplicationID, r.ProfileURL = one.ID, one.ProfileURL
		return nil
	})
}
