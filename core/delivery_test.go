package core_test

import (
	"bytes"
	"context"
	"database/sql"
	"testing"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/coretest"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/internal/store/storetest"
)

// shop is an organization with a test and a connection on real SQLite.
type shop struct {
	store       core.Store
	clock       *coretest.Clock
	adapters    *coretest.Adapters
	links       *core.Links
	assessments *core.Assessments
	connection  *core.Connection
	test        core.ID
	engine      core.Actor
}

type noTasks struct{}

func (noTasks) InsertTask(context.Context, *sql.Tx, core.Task) error { return nil }

func newShop(t *testing.T) *shop {
	t.Helper()
	db := storetest.SQLite(t)
	db.BindTasks(noTasks{})
	s := &shop{store: db, clock: coretest.NewClock(), adapters: &coretest.Adapters{}}
	s.links = core.NewLinks(core.LinkOptions{PublicURL: "https://trellis.example.com", Key: bytes.Repeat([]byte{1}, 32)})
	s.assessments = core.NewAssessments(db, s.clock, s.links)
	o := &core.Organization{ID: core.NewID(core.PrefixOrganization), Name: "Hooli Example", CreatedAt: s.clock.Now()}
	must(t, db.Atomically(t.Context(), func(tx core.Tx) error { return tx.InsertOrganization(t.Context(), o) }))
	by := core.SystemActor(o.ID)
	s.engine = core.Actor{OrganizationID: o.ID, Role: core.RoleEngine, Name: "engine"}
	test, err := core.NewTests(db, s.clock).Create(t.Context(), by, core.Test{Name: "Cold Call", Modality: core.ModalityVoice})
	must(t, err)
	made, err := core.NewConnections(db, s.clock, s.adapters).Create(t.Context(), by, core.NewConnection{
		Adapter: coretest.AdapterName, Name: "Main", Settings: map[string]string{"account": "acme"},
	})
	must(t, err)
	s.test, s.connection = test.ID, made.Connection
	return s
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (s *shop) order(t *testing.T, keys ...string) (*ats.OrderPlaced, error) {
	t.Helper()
	o := &ats.PlaceOrder{Candidate: ats.CandidateRecord{FirstName: "Ada", LastName: "Example", Email: "ada@example.com"}}
	for _, key := range keys {
		o.Items = append(o.Items, ats.OrderItem{Key: key, TestID: string(s.test)})
	}
	return s.assessments.Place(t.Context(), s.connection, o)
}

func TestAnOrderThatIsARepeatInPart(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	first, err := s.order(t, "a")
	must(t, err)
	for _, keys := range [][]string{{"a", "b"}, {"b", "a"}, {"c", "c"}} {
		if placed, err := s.order(t, keys...); !fault.Is(err, fault.Conflict) {
			t.Errorf("%v: %+v, %v", keys, placed, err)
		}
	}
	again, err := s.order(t, "a")
	must(t, err)
	if !again.Repeated || again.AssessmentIDs[0] != first.AssessmentIDs[0] {
		t.Errorf("%+v after %+v", again, first)
	}
	page, err := s.assessments.List(t.Context(), core.SystemActor(s.connection.OrganizationID), core.AssessmentFilter{}, core.Page{})
	must(t, err)
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
	s := newShop(t)
	placed, err := s.order(t, "a")
	must(t, err)
	id, score := core.ID(placed.AssessmentIDs[0]), 70.0
	_, err = s.assessments.Complete(t.Context(), s.engine, core.Completion{AssessmentID: id, Score: &score})
	must(t, err)
	refused := fault.New(fault.NotFound, "Gone.")
	s.adapters.FromUs = fetchesAndFails{err: refused, ask: func(*ats.Delivery) { s.fetch(t, id) }}
	task := core.Task{Kind: core.TaskDeliverResult, OrganizationID: s.connection.OrganizationID, AssessmentID: id, Revision: 1}
	deliveries := core.NewDeliveries(s.store, s.clock, s.adapters, s.links)
	if err := deliveries.Run(t.Context(), task, core.Attempt{Number: 1}); !fault.Is(err, fault.NotFound) {
		t.Errorf("got %v", err)
	}
	a, err := s.store.Assessment(t.Context(), s.connection.OrganizationID, id)
	must(t, err)
	if a.Delivery != core.DeliveryDelivered {
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
func (s *shop) fetch(t *testing.T, id core.ID) {
	t.Helper()
	adapters := &coretest.Adapters{ToUs: asks{id}}
	connections := core.NewConnections(s.store, s.clock, adapters)
	_, secret, err := connections.RotatePartnerKey(t.Context(), core.SystemActor(s.connection.OrganizationID), s.connection.ID)
	must(t, err)
	in := core.NewInbound(core.InboundOptions{
		Store: s.store, Clock: s.clock, Adapters: adapters, Connections: connections, Assessments: s.assessments,
		Reports: core.NewReports(s.store, s.clock, s.links), Links: s.links,
		Shape: func(err error) *ats.HTTPResponse { t.Error(err); return &ats.HTTPResponse{Status: 500} }, NoteStranger: func() bool { return true },
	})
	if r := in.Answer(t.Context(), &core.InboundCall{Adapter: coretest.AdapterName, Route: "status", Key: secret}); r.Status != 200 {
		t.Errorf("the ATS got %d", r.Status)
	}
}
