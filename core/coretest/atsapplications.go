package coretest

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// Application is an application in the ATS, and how it was rejected.
type Application struct {
	ats.ApplicationRecord
	Reason        string
	EmailTemplate string
	Notes         string
}

// Get implements ats.Applications.
func (a *ATS) Get(ctx context.Context, q *ats.ApplicationQuery) (*ats.ApplicationList, error) {
	return perform(ctx, a, OpGet, &q.Connection, func(l *ats.ApplicationList) error {
		if len(q.IDs) > 50 {
			return fault.InvalidField("ids", "TOO_MANY", "At most 50 ids can be asked for at once.")
		}
		var found []ats.ApplicationRecord
		for _, one := range a.applications {
			if one.asked(q) {
				found = append(found, one.ApplicationRecord)
			}
		}
		for i := range found {
			if !q.Entered {
				found[i].EnteredAt = time.Time{}
			}
		}
		if q.ChangedSince.IsZero() {
			l.Applications = found
			return nil
		}
		slices.SortStableFunc(found, func(x, y ats.ApplicationRecord) int {
			return cmp.Or(x.LastActivityAt.Compare(y.LastActivityAt), cmp.Compare(x.ID, y.ID))
		})
		var err error
		l.Applications, l.Next, err = page(found, q.Cursor, a.pageSize())
		return err
	})
}

func (one *Application) asked(q *ats.ApplicationQuery) bool {
	switch {
	case len(q.IDs) > 0:
		return slices.Contains(q.IDs, one.ID)
	case q.CandidateID != "":
		return one.CandidateID == q.CandidateID && (q.JobID == "" || one.JobID == q.JobID)
	default:
		return !q.ChangedSince.IsZero() && !one.LastActivityAt.Before(q.ChangedSince)
	}
}

// page cuts a list; a cursor is the place of the next one.
func page[T any](list []T, cursor string, size int) ([]T, string, error) {
	from := 0
	if cursor != "" {
		n, err := strconv.Atoi(cursor)
		if err != nil || n < 0 || n > len(list) {
			return nil, "", fault.InvalidField("cursor", "UNKNOWN", "The cursor is not one of this list.")
		}
		from = n
	}
	rest := list[from:]
	if len(rest) <= size {
		return rest, "", nil
	}
	return rest[:size], strconv.Itoa(from + size), nil
}

// Move implements ats.Applications.
func (a *ATS) Move(ctx context.Context, m *ats.MoveRequest) (*ats.ApplicationReceipt, error) {
	return a.change(ctx, OpMove, &m.Connection, m.ApplicationID, func(one *Application) error {
		if err := one.must(ats.ApplicationActive); err != nil {
			return err
		}
		if one.StageID != m.FromStage {
			return conflict("STAGE", one.StageID, "The application is in another stage.")
		}
		to, err := a.job(one.JobID).target(one.StageID, m.ToStage)
		if err == nil {
			one.StageID, one.StageName = to.id, to.name
		}
		return err
	})
}

// Reject implements ats.Applications.
func (a *ATS) Reject(ctx context.Context, r *ats.RejectRequest) (*ats.ApplicationReceipt, error) {
	return a.change(ctx, OpReject, &r.Connection, r.ApplicationID, func(one *Application) error {
		if r.Reason == "" {
			return fault.InvalidField("reason", "REQUIRED", "A rejection needs a reason.")
		}
		if err := one.must(ats.ApplicationActive); err != nil {
			return err
		}
		one.State, one.RejectedAt = ats.ApplicationRejected, a.clock.Now()
		one.Reason, one.EmailTemplate, one.Notes = r.Reason, r.EmailTemplate, r.Notes
		return nil
	})
}

// Unreject implements ats.Applications.
func (a *ATS) Unreject(ctx context.Context, r *ats.UnrejectRequest) (*ats.ApplicationReceipt, error) {
	return a.change(ctx, OpUnreject, &r.Connection, r.ApplicationID, func(one *Application) error {
		if err := one.must(ats.ApplicationRejected); err != nil {
			return err
		}
		*one = Application{ApplicationRecord: one.ApplicationRecord}
		one.State, one.RejectedAt = ats.ApplicationActive, time.Time{}
		return nil
	})
}

func (one *Application) must(be ats.ApplicationState) error {
	if one.State != be {
		return conflict("STATE", string(one.State), "The application is %s.", one.State)
	}
	return nil
}

// change is what all changes of an application have in common.
func (a *ATS) change(ctx context.Context, op Operation, c *ats.Connection, id string, do func(*Application) error) (*ats.ApplicationReceipt, error) {
	return perform(ctx, a, op, c, func(r *ats.ApplicationReceipt) error {
		one := a.application(id)
		if one == nil {
			return refuse(fault.NotFound, "The ATS has no application %q.", id)
		}
		if err := do(one); err != nil {
			return err
		}
		one.LastActivityAt = a.clock.Now()
		r.ApplicationID, r.ProfileURL = one.ID, one.ProfileURL
		return nil
	})
}

// AddApplication puts an active application into the job's first stage and
// returns its id. Errors: as Apply.
func (a *ATS) AddApplication(person, job string) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	made, err := a.apply(person, job, "")
	if err != nil {
		return "", err
	}
	return made.ID, nil
}

// ChangeApplication is what a person does in the ATS, behind our back. It
// reports whether there is such an application.
func (a *ATS) ChangeApplication(id string, change func(*Application)) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	one := a.application(id)
	if one == nil {
		return false
	}
	before := one.StageID
	change(one)
	one.LastActivityAt = a.clock.Now()
	if one.StageID != before {
		one.EnteredAt = one.LastActivityAt
	}
	return true
}

// Applications returns copies of all applications, the oldest first.
func (a *ATS) Applications() []Application {
	a.mu.Lock()
	defer a.mu.Unlock()
	all := make([]Application, 0, len(a.applications))
	for _, one := range a.applications {
		all = append(all, *one)
	}
	return all
}

func (a *ATS) application(id string) *Application {
	for _, one := range a.applications {
		if one.ID == id {
			return one
		}
	}
	return nil
}
