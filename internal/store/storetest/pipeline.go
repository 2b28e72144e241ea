package storetest

import (
	"testing"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/internal/store"
)

func testPipeline(t *testing.T, db *store.DB) {
	f, other := newFixture(t, db), newFixture(t, db)
	job := f.newJob(t)
	for i, s := range []core.Status{core.StatusScored, core.StatusScored, core.StatusOrdered} {
		f.newAssessment(t, func(a *core.Assessment) {
			a.Status, a.Delivery, a.Decision, a.JobID = s, core.DeliveryNone, core.DecisionNone, ""
			if i == 0 {
				a.Delivery, a.Decision, a.JobID = core.DeliveryFailed, core.DecisionHeld, job.ID
			}
		})
	}
	other.newAssessment(t, nil)
	count := func(org core.ID, s core.Sight) *core.Pipeline {
		return found[*core.Pipeline](t)(db.Pipeline(t.Context(), org, s))
	}
	same(t, "all", &core.Pipeline{
		Statuses:   map[core.Status]int{core.StatusScored: 2, core.StatusOrdered: 1},
		Deliveries: map[core.DeliveryState]int{core.DeliveryNone: 2, core.DeliveryFailed: 1},
		Decisions:  map[core.Decision]int{core.DecisionNone: 2, core.DecisionHeld: 1},
		Total:      3,
	}, count(f.org, core.Sight{}))
	same(t, "in sight", &core.Pipeline{
		Statuses:   map[core.Status]int{core.StatusScored: 1},
		Deliveries: map[core.DeliveryState]int{core.DeliveryFailed: 1},
		Decisions:  map[core.Decision]int{core.DecisionHeld: 1},
		Total:      1,
	}, count(f.org, limited(job.ID)))
	empty := &core.Pipeline{Statuses: map[core.Status]int{}, Deliveries: map[core.DeliveryState]int{}, Decisions: map[core.Decision]int{}}
	same(t, "elsewhere", empty, count("org_none", core.Sight{}))
}
