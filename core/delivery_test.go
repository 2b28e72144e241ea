package core_test

import (
	"context"
	"testing"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/coretest"
	"github.com/trellis-ats/trellis/core/fault"
)

func (w *world) place(keys ...string) (*ats.OrderPlaced, error) {
	o := &ats.PlaceOrder{Candidate: ats.CandidateRecord{FirstName: "Ada", LastName: "Example", Email: "ada@example.com"}}
	for _, key := range keys {
		o.Items = append(o.Items, ats.OrderItem{Key: key, TestID: string(w.test.ID)})
	}
	return w.assessments.Place(w.t.Context(), w.connection, o)
}

func TestAnOrderThatIsARepeatInPart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first, err := w.place("a")
	w.ok(err)
	for _, keys := range [][]string{{"a", "b"}, {"b", "a"}, {"c", "c"}} {
		if placed, err := w.place(keys...); !fault.Is(err, fault.Conflict) {
			t.Errorf("%v: %+v, %v", keys, placed, err)
		}
	}
	again, err := w.place("a")
	w.ok(err)
	if !again.Repeated || again.AssessmentIDs[0] != first.AssessmentIDs[0] {
		t.Errorf("%+v after %+v", again, first)
	}
	page, err := w.assessments.List(t.Context(), w.admin, core.AssessmentFilter{}, core.AssessmentSort{}, core.Page{})
	w.ok(err)
	if len(page.Items) != 1 {
		t.Errorf("%d assessments", len(page.Items))
	}
}

// fetchesAndFails is an ATS that asks for the result while it is told of it,
// and then breaks off.
type fetchesAndFails struct {
	ask func(*ats.Delivery)
	err error
}

func (f fetchesAndFails) Deliver(_ context.Context, d *ats.Delivery) (*ats.DeliveryReceipt, error) {
	f.ask(d)
	return nil, f.err
}

func TestAResultFetchedDuringAFailingCallIsDelivered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.order("a")
	w.take(core.TaskSendInvitation)
	_, err := w.complete(id, 70)
	w.ok(err)
	w.adapters.FromUs = fetchesAndFails{err: fault.New(fault.NotFound, "Gone."), ask: func(*ats.Delivery) { w.fetch(id) }}
	w.refused(w.deliveries.Run(t.Context(), w.take(core.TaskDeliverResult), core.Attempt{Number: 1}), fault.NotFound)
	if a := w.get(id); a.Delivery != core.DeliveryDelivered {
		t.Errorf("the delivery is %s: %s", a.Delivery, a.DeliveryNote)
	}
}

// asks is an adapter whose every call asks for one assessment's status.
type asks struct{ id core.ID }

func (a asks) Decode(context.Context, *ats.InboundRequest) (ats.Command, error) {
	return &ats.ReadStatus{AssessmentID: string(a.id)}, nil
}

func (asks) Encode(context.Context, *ats.InboundRequest, ats.Outcome) (*ats.HTTPResponse, error) {
	return &ats.HTTPResponse{Status: 200}, nil
}

// fetch lets the ATS ask for the result.
func (w *world) fetch(id core.ID) {
	w.t.Helper()
	adapters := &coretest.Adapters{ToUs: asks{id}}
	connections := core.NewConnections(w.store, w.clock, adapters, w.calls)
	_, secret, err := connections.RotatePartnerKey(w.t.Context(), w.admin, w.connection.ID)
	w.ok(err)
	in := core.NewInbound(core.InboundOptions{
		Store: w.store, Clock: w.clock, Adapters: adapters, Connections: connections, Assessments: w.assessments,
		Reports: w.reports, Links: w.links, NoteStranger: func() bool { return true },
		Shape: func(err error) *ats.HTTPResponse { w.t.Error(err); return &ats.HTTPResponse{Status: 500} },
	})
	if r := in.Answer(w.t.Context(), &core.InboundCall{Adapter: coretest.AdapterName, Route: "status", Key: secret}); r.Status != 200 {
		w.t.Errorf("the ATS got %d", r.Status)
	}
}
