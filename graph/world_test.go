package graph_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/coretest"
	"github.com/trellis-ats/trellis/graph"
	"github.com/trellis-ats/trellis/internal/bus"
	"github.com/trellis-ats/trellis/internal/store"
	"github.com/trellis-ats/trellis/internal/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is an organization with a test, a connection, an assessment that the
// ATS ordered and a token for each role, behind the real API on real SQLite.
type world struct {
	handler  http.Handler
	db       *store.DB
	bus      *bus.Local
	store    *failing
	clock    *coretest.Clock
	tasks    *recorder
	log      *bytes.Buffer
	tokens   map[string]core.Secret // by role; OUTSIDER is another organization's ADMIN
	names    map[string]string      // what test scripts call by name
	core     graph.Options
	adapters *coretest.Adapters
	ats      *coretest.ATS // what its people choose from; it takes candidates once it is adapters.Whole
}

// recorder keeps tasks instead of running them.
type recorder struct {
	mu    sync.Mutex
	tasks []core.Task
}

func (r *recorder) InsertTask(_ context.Context, _ *sql.Tx, t core.Task) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tasks = append(r.tasks, t)
	return nil
}

// ForgetErrors implements store.TaskInserter: there are none.
func (*recorder) ForgetErrors(context.Context, *sql.Tx, core.ID, core.ID) error { return nil }

// failing fails the reads that a test says.
type failing struct {
	core.Store
	fail func(what string) error // nil: nothing fails
}

func (f *failing) check(what string) error {
	if f.fail == nil {
		return nil
	}
	return f.fail(what)
}

func (f *failing) Organization(ctx context.Context, id core.ID) (*core.Organization, error) {
	if err := f.check("organization"); err != nil {
		return nil, err
	}
	return f.Store.Organization(ctx, id)
}

func (f *failing) CandidatesByID(ctx context.Context, organization core.ID, s core.Sight, ids []core.ID) ([]core.Candidate, error) {
	if err := f.check("candidates"); err != nil {
		return nil, err
	}
	return f.Store.CandidatesByID(ctx, organization, s, ids)
}

// newWorld is a world on SQLite.
func newWorld(t *testing.T) *world {
	t.Helper()
	return newWorldOn(t, storetest.SQLite(t))
}

func newWorldOn(t *testing.T, db *store.DB) *world {
	t.Helper()
	w := &world{
		db: db, bus: bus.NewLocal(), store: &failing{Store: db}, clock: coretest.NewClock(), tasks: &recorder{},
		log: &bytes.Buffer{}, tokens: map[string]core.Secret{}, names: map[string]string{},
	}
	db.BindTasks(w.tasks)
	links := core.NewLinks(core.LinkOptions{
		PublicURL: "https://trellis.example.com", EngineURL: "https://engine.example.com/?t={token}", Key: bytes.Repeat([]byte{1}, 32),
	})
	adapters := &coretest.Adapters{}
	calls := core.NewCalls(core.CallsOptions{Store: w.store, Clock: w.clock, Adapters: adapters})
	w.core = graph.Options{
		Tokens: core.NewTokens(w.store, w.clock), Organizations: core.NewOrganizations(w.store),
		Tests: core.NewTests(w.store, w.clock), Candidates: core.NewCandidates(w.store, w.clock),
		Assessments: core.NewAssessments(w.store, w.clock, links),
		Connections: core.NewConnections(w.store, w.clock, adapters, calls),
		Reports:     core.NewReports(w.store, w.clock, links), Events: core.NewEvents(w.store),
		SyncLog: core.NewSyncLog(w.store), Links: links, Jobs: core.NewJobs(w.store, w.clock),
		AuditLog: core.NewAuditLog(w.store), Feed: core.NewFeed(w.store), Signals: w.bus,
		Log:           slog.New(slog.NewTextHandler(w.log, nil)),
		RequestID:     func(context.Context) string { return "req-1" },
		Introspection: graph.Introspection{Everyone: true}, Suggestions: true,
	}
	w.ats = coretest.NewATS(w.clock)
	choices := listed{w.ats}
	w.core.JobMappings = core.NewJobMappings(w.store, w.clock, choices)
	w.core.PushProfiles = core.NewPushProfiles(w.store, w.clock, w.core.Connections, choices)
	w.core.PushRules = core.NewPushRules(w.store, w.clock)
	w.core.RoutingRules = core.NewRoutingRules(core.RoutingRulesOptions{Store: w.store, Clock: w.clock, Choices: choices})
	w.core.RoutingDecisions = core.NewRoutingDecisions(core.RoutingDecisionsOptions{
		Store: w.store, Clock: w.clock, Adapters: adapters, Calls: calls, Choices: choices,
	})
	w.core.Webhooks = core.NewWebhooks(core.WebhooksOptions{Store: w.store, Clock: w.clock, Adapters: adapters, Calls: calls})
	w.core.StageTriggers = core.NewStageTriggers(w.store, w.clock, adapters, choices)
	w.core.Erasures = core.NewErasures(w.store, w.clock)
	w.core.Issues = core.NewIssues(w.store, w.core.Assessments)
	w.core.Reconciliations = core.NewReconciliations(core.ReconciliationOptions{Store: w.store, Clock: w.clock, Webhooks: w.core.Webhooks})
	w.core.Pushes = core.NewPushes(core.PushesOptions{
		Store: w.store, Clock: w.clock, Adapters: adapters, Calls: calls, Links: links, Printer: paper{}, Assessments: w.core.Assessments,
	})
	w.core.ActingUsers = core.NewActingUsers(w.core.Connections, choices)
	w.core.Authorizations = core.NewAuthorizations(core.AuthorizationOptions{
		Store: w.store, Clock: w.clock, Adapters: adapters, Calls: calls, Connections: w.core.Connections, Links: links,
	})
	w.core.ReferenceData = core.NewReferenceData(core.ReferenceOptions{Store: w.store, Clock: w.clock, Adapters: adapters, Calls: calls})
	w.adapters = adapters
	w.handler = graph.NewServer(w.core)
	w.fill(t)
	return w
}

func (w *world) fill(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	organization, outside := w.organization(t, "Hooli Example"), w.organization(t, "Initech Example")
	for _, role := range core.TokenRoles() {
		w.names["token_"+string(role)] = w.token(t, organization, string(role), "token of "+string(role), role)
	}
	w.token(t, outside, "OUTSIDER", "outsider", core.RoleAdmin)
	by := core.SystemActor(organization)
	test, err := w.core.Tests.Create(ctx, by, core.Test{Name: "Cold Call", Modality: core.ModalityVoice, DurationMinutes: 15, Traits: []core.Trait{{Key: "calm", Name: "Calm"}}}, core.Key{})
	check(t, err)
	made, err := w.core.Connections.Create(ctx, by, core.NewConnection{Adapter: coretest.AdapterName, Name: "Main", Settings: map[string]string{"account": "acme", "api_key": "hidden-key"}}, core.Key{})
	check(t, err)
	job, err := w.core.Jobs.Create(ctx, by, core.Job{Name: "Account Executive", ConnectionID: made.Connection.ID, ExternalID: "4711"}, core.Key{})
	check(t, err)
	placed, err := w.core.Assessments.Place(ctx, made.Connection, &ats.PlaceOrder{
		Items:     []ats.OrderItem{{Key: "order-1", TestID: string(test.ID)}},
		Candidate: ats.CandidateRecord{ExternalID: "77", FirstName: "Ada", LastName: "Example", Email: "ada@example.com", ProfileURL: "https://ats.example.com/people/77"},
		OrderedBy: "rita@example.com",
	})
	check(t, err)
	maps.Copy(w.names, map[string]string{
		"organization": string(organization), "outside": string(outside), "test": string(test.ID), "job": string(job.ID),
		"connection": string(made.Connection.ID), "ordered": placed.AssessmentIDs[0],
	})
	w.entry(t, made.Connection, core.ID(placed.AssessmentIDs[0]))
	ordered, err := w.core.Assessments.Get(ctx, by, core.ID(placed.AssessmentIDs[0]))
	check(t, err)
	w.names["issue"] = w.issue(t, ordered, core.IssueNotFinished)
}

// issue keeps an open one about an assessment.
func (w *world) issue(t *testing.T, a *core.Assessment, k core.IssueKind) string {
	t.Helper()
	i := &core.Issue{
		ID: core.NewID(core.PrefixIssue), OrganizationID: a.OrganizationID, ConnectionID: a.ConnectionID, Kind: k,
		Subject: string(a.ID), AssessmentID: a.ID, Cause: "It has not gone on.", FoundAt: w.clock.Now(), SeenAt: w.clock.Now(),
	}
	check(t, w.store.Atomically(t.Context(), func(tx core.Tx) error {
		_, err := tx.KeepIssue(t.Context(), i)
		return err
	}))
	return string(i.ID)
}

// orderOf is an order of a test for an application.
func orderOf(test, person, application string) *ats.PlaceOrder {
	return &ats.PlaceOrder{
		Items:     []ats.OrderItem{{Key: "order of " + application, TestID: test}},
		Candidate: ats.CandidateRecord{ExternalID: person, ApplicationID: application, FirstName: "Bo", LastName: "Example", Email: "bo@example.com"},
	}
}

// token makes a token that tests call name, and returns its id.
func (w *world) token(t *testing.T, organization core.ID, name, title string, role core.Role, scopes ...core.Permission) string {
	t.Helper()
	issued, err := w.core.Tokens.Create(t.Context(), core.SystemActor(organization), core.NewToken{Name: title, Role: role, Scopes: scopes}, core.Key{})
	check(t, err)
	w.tokens[name] = issued.Secret
	return string(issued.Token.ID)
}

// share assigns the ordered assessment to the job and shares that with the VIEWER.
func (w *world) share(t *testing.T) {
	t.Helper()
	by := core.SystemActor(core.ID(w.names["organization"]))
	_, err := w.core.Assessments.AssignJob(t.Context(), by, core.ID(w.names["ordered"]), core.ID(w.names["job"]))
	check(t, err)
	_, err = w.core.Jobs.Share(t.Context(), by, core.ID(w.names["job"]), w.names["token_VIEWER"])
	check(t, err)
}

func (w *world) organization(t *testing.T, name string) core.ID {
	t.Helper()
	o := &core.Organization{ID: core.NewID(core.PrefixOrganization), Name: name, CreatedAt: w.clock.Now()}
	check(t, w.store.Atomically(t.Context(), func(tx core.Tx) error { return tx.InsertOrganization(t.Context(), o) }))
	return o.ID
}

// entry puts what the sync log keeps of an order into it.
func (w *world) entry(t *testing.T, c *core.Connection, assessment core.ID) {
	t.Helper()
	e := &core.SyncEntry{
		ID: core.NewID(core.PrefixSyncEntry), OrganizationID: c.OrganizationID, ConnectionID: c.ID, AssessmentID: assessment,
		Adapter: c.Adapter, Direction: core.DirectionInbound, Operation: "send-test", Outcome: core.SyncOK, Attempt: 1,
		RequestID: "req-0", StartedAt: w.clock.Now(), Duration: 12_000_000,
		Exchanges: []ats.Exchange{{
			Method: "POST", URL: "/api/fake/send-test", RequestBody: `{"email":"***"}`, Status: 200,
			ResponseHeader: map[string]string{"Content-Type": "application/json"}, StartedAt: w.clock.Now(), Duration: 12_000_000,
		}},
	}
	event := &core.Event{
		ID: core.NewID(core.PrefixEvent), OrganizationID: e.OrganizationID, Type: core.EventSyncLogAppended, SubjectID: e.ID,
		ActorRole: core.RoleSystem, At: e.StartedAt, Data: json.RawMessage(`{}`),
	}
	check(t, w.store.Atomically(t.Context(), func(tx core.Tx) error {
		if err := tx.InsertSyncEntry(t.Context(), e); err != nil {
			return err
		}
		return tx.AppendEvent(t.Context(), event)
	}))
	w.names["entry"] = string(e.ID)
}

// send posts an operation as a role and returns the answer.
func (w *world) send(t *testing.T, role, query string, variables any, header ...string) *http.Response {
	t.Helper()
	encoded, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	check(t, err)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/graphql", bytes.NewReader(encoded))
	r.Header.Set("Content-Type", "application/json")
	return w.serve(r, role, header...)
}

func (w *world) serve(r *http.Request, role string, header ...string) *http.Response {
	if secret, ok := w.tokens[role]; ok {
		r.Header.Set("Authorization", "Bearer "+secret.Reveal())
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	recorded := httptest.NewRecorder()
	w.handler.ServeHTTP(recorded, r)
	return recorded.Result()
}

// ask is send for callers who look at the decoded body only.
func (w *world) ask(t *testing.T, role, query string, variables any) map[string]any {
	t.Helper()
	return decoded(t, w.send(t, role, query, variables))
}

func decoded(t *testing.T, r *http.Response) map[string]any {
	t.Helper()
	raw, err := io.ReadAll(r.Body)
	check(t, err)
	var body map[string]any
	if err := json.Unmarshal(raw, &body); err != nil {
		t.Fatalf("not JSON: %v: %s", err, raw)
	}
	return body
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
