package core_test

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/coretest"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/internal/store"
	"github.com/trellis-ats/trellis/internal/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is one organization with a connection and a test, on a real SQLite.
type world struct {
	t           *testing.T
	store       *store.DB
	clock       *coretest.Clock
	adapters    *coretest.Adapters
	tasks       *taskList
	mails       *mails
	ats         *fakeATS
	links       *core.Links
	assessments *core.Assessments
	connections *core.Connections
	calls       *core.Calls
	invitations *core.Invitations
	deliveries  *core.Deliveries
	reports     *core.Reports
	tokens      *core.Tokens
	jobs        *core.Jobs
	admin       core.Actor
	engine      core.Actor
	connection  *core.Connection
	test        *core.Test
}

// taskList keeps the tasks that were committed.
type taskList struct {
	mu    sync.Mutex
	tasks []core.Task
}

// InsertTask keeps a task. It does not roll back: tests that roll back look at
// the store's own suite.
func (l *taskList) InsertTask(_ context.Context, _ *sql.Tx, t core.Task) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tasks = append(l.tasks, t)
	return nil
}

// ForgetErrors implements store.TaskInserter: there are none.
func (*taskList) ForgetErrors(context.Context, *sql.Tx, core.ID, core.ID) error { return nil }

// take removes and returns the oldest task.
func (w *world) take(kind core.TaskKind) core.Task {
	w.t.Helper()
	w.tasks.mu.Lock()
	defer w.tasks.mu.Unlock()
	if len(w.tasks.tasks) == 0 || w.tasks.tasks[0].Kind != kind {
		w.t.Fatalf("the tasks are %v, not a %s", w.tasks.tasks, kind)
	}
	task := w.tasks.tasks[0]
	w.tasks.tasks = w.tasks.tasks[1:]
	return task
}

func (w *world) noTask() {
	w.t.Helper()
	w.tasks.mu.Lock()
	defer w.tasks.mu.Unlock()
	if len(w.tasks.tasks) > 0 {
		w.t.Fatalf("left over: %v", w.tasks.tasks)
	}
}

// mails is a mailer that keeps what it sent, or fails.
type mails struct {
	sent      []core.Invitation
	withdrawn []core.Invitation
	err       error
}

func (m *mails) SendInvitation(_ context.Context, i *core.Invitation) error {
	if m.err != nil {
		return m.err
	}
	m.sent = append(m.sent, *i)
	return nil
}

func (m *mails) SendWithdrawal(_ context.Context, i *core.Invitation) error {
	if m.err != nil {
		return m.err
	}
	m.withdrawn = append(m.withdrawn, *i)
	return nil
}

// fakeATS takes deliveries, or fails.
type fakeATS struct {
	got     []ats.Delivery
	err     error
	receipt ats.DeliveryReceipt
}

func (f *fakeATS) Deliver(_ context.Context, d *ats.Delivery) (*ats.DeliveryReceipt, error) {
	f.got = append(f.got, *d)
	receipt := f.receipt
	return &receipt, f.err
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return newWorldOn(t, storetest.SQLite(t))
}

func newWorldOn(t *testing.T, db *store.DB) *world {
	t.Helper()
	w := &world{
		t: t, store: db, clock: coretest.NewClock(), tasks: &taskList{}, mails: &mails{}, ats: &fakeATS{},
		links: newLinks(), admin: core.SystemActor(core.NewID(core.PrefixOrganization)),
	}
	w.store.BindTasks(w.tasks)
	w.adapters = &coretest.Adapters{FromUs: w.ats}
	w.assessments = core.NewAssessments(w.store, w.clock, w.links)
	w.calls = core.NewCalls(core.CallsOptions{Store: w.store, Clock: w.clock, Adapters: w.adapters})
	w.connections = core.NewConnections(w.store, w.clock, w.adapters, w.calls)
	w.invitations = core.NewInvitations(w.store, w.clock, w.links, w.mails)
	w.deliveries = core.NewDeliveries(w.store, w.clock, w.adapters, w.links)
	w.reports = core.NewReports(w.store, w.clock, w.links)
	w.tokens = core.NewTokens(w.store, w.clock)
	w.jobs = core.NewJobs(w.store, w.clock)
	w.engine = core.Actor{OrganizationID: w.admin.OrganizationID, Role: core.RoleEngine, Name: "engine"}
	err := w.store.Atomically(t.Context(), func(tx core.Tx) error {
		return tx.InsertOrganization(t.Context(), &core.Organization{ID: w.admin.OrganizationID, Name: "Acme", CreatedAt: w.clock.Now()})
	})
	w.ok(err)
	made, err := w.connections.Create(t.Context(), w.admin, core.NewConnection{Adapter: coretest.AdapterName, Name: "ATS", Settings: map[string]string{"account": "acme"}}, core.Key{})
	w.ok(err)
	w.connection = made.Connection
	w.test, err = core.NewTests(w.store, w.clock).Create(t.Context(), w.admin, core.Test{
		Name: "Cold Call", Modality: core.ModalityVoice, Traits: []core.Trait{{Key: "calm", Name: "Calmness"}},
	}, core.Key{})
	w.ok(err)
	return w
}

func (w *world) ok(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) refused(err error, code fault.Code) {
	w.t.Helper()
	if !fault.Is(err, code) {
		w.t.Fatalf("got %v, want %s", err, code)
	}
}

// order places an order of the ATS.
func (w *world) order(key string) core.ID {
	w.t.Helper()
	placed, err := w.assessments.Place(w.t.Context(), w.connection, &ats.PlaceOrder{
		Items:     []ats.OrderItem{{Key: key, TestID: string(w.test.ID)}},
		Candidate: ats.CandidateRecord{ExternalID: "17", FirstName: "Ada", LastName: "Example", Email: "ada@example.com"},
		Order:     ats.Order{CallbackURL: "https://ats.example.com/" + key},
	})
	w.ok(err)
	return core.ID(placed.AssessmentIDs[0])
}

func (w *world) get(id core.ID) *core.Assessment {
	w.t.Helper()
	a, err := w.assessments.Get(w.t.Context(), w.admin, id)
	w.ok(err)
	return a
}

// complete reports a score.
func (w *world) complete(id core.ID, score float64) (*core.Assessment, error) {
	return w.assessments.Complete(w.t.Context(), w.engine, core.Completion{
		AssessmentID: id, Score: &score, Traits: []core.TraitCompletion{{Key: "calm", Score: score}},
	})
}

// types returns an assessment's timeline.
func (w *world) types(id core.ID) string {
	w.t.Helper()
	events, err := w.store.EventsOf(w.t.Context(), w.admin.OrganizationID, id)
	w.ok(err)
	var types []string
	for _, e := range events {
		_, last, _ := strings.Cut(string(e.Type), ".")
		types = append(types, last)
	}
	return strings.Join(types, " ")
}

var errMail = errors.New("the mail server is away")
