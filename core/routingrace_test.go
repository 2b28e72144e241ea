package core_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/coretest"
	"github.com/trellis-ats/trellis/internal/store"
	"github.com/trellis-ats/trellis/internal/store/storetest"
)

// However many replicas carry rejections out at the same moment, no more of
// them are than the cap allows.
func TestTheCapHoldsBetweenReplicas(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newRoutingWorldIn(newWorldOn(t, db))
		limit, many := 3, 1000
		w.rule(func(n *core.NewRoutingRule) { n.DailyCap, n.JumpOf = &limit, &many })
		for range 9 {
			w.scoredApplicant(10)
		}
		w.clock.Turn(25 * time.Hour)
		w.together()
		page, err := w.decisions.List(t.Context(), w.recruiter, core.DecisionFilter{}, core.Page{})
		w.ok(err)
		states := map[core.DecisionState]int{}
		for _, d := range page.Items {
			states[d.State]++
		}
		if n := w.system.Calls(coretest.OpReject); n != limit || states[core.DecisionStateRejected] != limit || states[core.DecisionStateHeld] != 9-limit {
			t.Errorf("with a cap of %d there were %d rejections: %v", limit, n, states)
		}
	})
}

// together carries all decisions out at once, each on a replica of its own,
// until none is left.
func (w *routingWorld) together() {
	for range 100 {
		var running sync.WaitGroup
		var mu sync.Mutex
		var again []core.Task
		for task, ok := w.pop(); ok; task, ok = w.pop() { // all of them are due
			running.Go(func() {
				err := w.newDecisions().CarryOut(w.t.Context(), task, core.Attempt{Number: 1})
				var postponed *core.Postponed
				mu.Lock()
				defer mu.Unlock()
				switch {
				case errors.As(err, &postponed):
					again = append(again, task)
				case err != nil:
					w.t.Error(err)
				}
			})
		}
		running.Wait()
		if len(again) == 0 {
			return
		}
		w.clock.Turn(30 * time.Second)
		for _, task := range again {
			w.push(task)
		}
	}
	w.t.Error("the work does not end")
}

// A burst of low scores pauses the rule, also if they come at the same moment.
func TestAJumpIsSeenBetweenReplicas(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newRoutingWorldIn(newWorldOn(t, db))
		of := 4
		w.rule(func(n *core.NewRoutingRule) { n.JumpOf = &of })
		w.scoredApplicant(90)
		w.scoredApplicant(90)
		var running sync.WaitGroup
		for range 8 {
			id, _ := w.applicant()
			running.Go(func() {
				if _, err := w.complete(id, 10); err != nil {
					t.Error(err)
				}
			})
		}
		running.Wait()
		page, err := w.decisions.List(t.Context(), w.recruiter, core.DecisionFilter{States: []core.DecisionState{core.DecisionStateRejectPending}}, core.Page{})
		w.ok(err)
		if len(page.Items) != 1 { // the first of them: with the second, half of the last four were rejections
			t.Errorf("%d are about to be rejected", len(page.Items))
		}
	})
}
