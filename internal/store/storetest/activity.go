package storetest

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/internal/store"
)

func testActivities(t *testing.T, db *store.DB) {
	f, other := newFixture(t, db), newFixture(t, db)
	quiet := f.newConnection(t, nil)
	exchange := func(of *fixture, outcome core.SyncOutcome, minute int) *core.SyncEntry {
		return of.newSyncEntry(t, func(e *core.SyncEntry) {
			e.ConnectionID, e.Outcome, e.StartedAt = of.connection.ID, outcome, moment(minute)
		})
	}
	exchange(f, core.SyncOK, 1)
	exchange(f, core.SyncFailed, 2)
	last := exchange(f, core.SyncRetry, 3)
	exchange(f, core.SyncOK, 4)
	exchange(f, core.SyncRefused, 5) // the caller's fault
	exchange(other, core.SyncOK, 6)
	exchange(other, core.SyncRetry, 7)
	ofOther := exchange(other, core.SyncFailed, 8)
	for _, d := range []core.DeliveryState{core.DeliveryPending, core.DeliveryPending, core.DeliveryFailed, core.DeliveryDelivered} {
		f.newAssessment(t, func(a *core.Assessment) { a.Delivery = d })
	}

	for _, s := range []core.PushState{core.PushWaiting, core.PushNeedsAttention, core.PushNeedsAttention, core.PushDone, core.PushCancelled} {
		f.newPush(t, f.newAssessment(t, func(a *core.Assessment) { a.Delivery = core.DeliveryNone }), 1, func(p *core.Push) { p.State = s })
	}

	f.newIssue(t, func(*core.Issue) {})
	f.newIssue(t, func(i *core.Issue) { i.ConnectionID = "" })

	failure := func(e *core.SyncEntry) *core.SyncFailure {
		return &core.SyncFailure{EntryID: e.ID, At: e.StartedAt, Operation: e.Operation, FaultCode: e.FaultCode, Message: e.Message}
	}
	ids := []core.ID{f.connection.ID, quiet.ID, other.connection.ID, "con_none"}
	got := found[[]core.Activity](t)(db.Activities(t.Context(), f.org, ids))
	want := []core.Activity{
		{
			ConnectionID: f.connection.ID, LastSuccessAt: moment(4), LastFailure: failure(last),
			Deliveries: map[core.DeliveryState]int{core.DeliveryPending: 2, core.DeliveryFailed: 1},
			Pushes:     map[core.PushState]int{core.PushWaiting: 1, core.PushNeedsAttention: 2}, Issues: 1,
		},
		{ConnectionID: quiet.ID, Deliveries: map[core.DeliveryState]int{}, Pushes: map[core.PushState]int{}},
	}
	byID := cmpopts.SortSlices(func(x, y core.Activity) bool { return x.ConnectionID < y.ConnectionID })
	if diff := cmp.Diff(want, got, byID); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	got = found[[]core.Activity](t)(db.Activities(t.Context(), other.org, ids))
	same(t, "of the other", 1, len(got))
	same(t, "its failure", failure(ofOther), got[0].LastFailure)
	if none := found[[]core.Activity](t)(db.Activities(t.Context(), f.org, nil)); len(none) != 0 {
		t.Errorf("of nothing: %v", none)
	}
}
