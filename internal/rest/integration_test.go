package rest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/coretest"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/internal/ratelimit"
	"github.com/trellis-ats/trellis/internal/rest"
	"github.com/trellis-ats/trellis/internal/store"
	"github.com/trellis-ats/trellis/internal/store/storetest"
)

// vendor is an organization whose programs call the integration endpoints, on a
// real core and SQLite.
type vendor struct {
	t           *testing.T
	store       *store.DB
	clock       *coretest.Clock
	tokens      *core.Tokens
	handler     http.Handler
	adapters    *coretest.Adapters
	pushes      *core.Pushes
	assessments *core.Assessments
	tasks       *tasks
	admin       core.Actor
	connection  *core.Connection
	token       core.Secret // RECRUITER
	integration rest.IntegrationOptions
}

// serve serves with other exports.
func (v *vendor) serve(e rest.Exports) {
	mux := http.NewServeMux()
	v.integration.Exports = e
	rest.NewIntegration(v.integration).Register(mux)
	v.handler = mux
}

func newVendor(t *testing.T, budgets ratelimit.Budgets) *vendor {
	t.Helper()
	adapters := &coretest.Adapters{}
	v := &vendor{t: t, store: storetest.SQLite(t), clock: coretest.NewClock(), adapters: adapters, tasks: &tasks{}}
	v.store.BindTasks(v.tasks)
	v.tokens = core.NewTokens(v.store, v.clock)
	calls := core.NewCalls(core.CallsOptions{Store: v.store, Clock: v.clock, Adapters: adapters})
	connections := core.NewConnections(v.store, v.clock, adapters, calls)
	v.admin = v.organization()
	made, err := connections.Create(t.Context(), v.admin, core.NewConnection{Adapter: coretest.AdapterName, Name: "ATS", Settings: map[string]string{"account": "acme"}}, core.Key{})
	v.ok(err)
	v.connection, v.token = made.Connection, v.newToken(v.admin, core.RoleRecruiter)
	links := core.NewLinks(core.LinkOptions{PublicURL: "https://trellis.example.com", Key: make([]byte, 32)})
	v.assessments = core.NewAssessments(v.store, v.clock, links)
	v.pushes = core.NewPushes(core.PushesOptions{
		Store: v.store, Clock: v.clock, Adapters: adapters, Calls: calls, Links: links, Assessments: v.assessments,
	})
	mux, log := http.NewServeMux(), slog.New(slog.DiscardHandler)
	requestID := func(context.Context) string { return "req-1" }
	rest.New(rest.Options{Manifests: adapters, Inbound: &recorder{}, Log: log, RequestID: requestID}).Register(mux)
	v.integration = rest.IntegrationOptions{
		Manifests: adapters, Tokens: v.tokens, SyncLog: core.NewSyncLog(v.store), Connections: connections, Pushes: v.pushes, Exports: core.NewExports(v.store, v.clock), Budgets: budgets, Log: log,
		RequestID: requestID, ClientAddress: func(context.Context) netip.Addr { return netip.MustParseAddr("192.0.2.7") },
	}
	rest.NewIntegration(v.integration).Register(mux)
	v.handler = mux
	return v
}

func (v *vendor) ok(err error) {
	v.t.Helper()
	if err != nil {
		v.t.Fatal(err)
	}
}

func (v *vendor) organization() core.Actor {
	by := core.SystemActor(core.NewID(core.PrefixOrganization))
	v.ok(v.store.Atomically(v.t.Context(), func(tx core.Tx) error {
		return tx.InsertOrganization(v.t.Context(), &core.Organization{ID: by.OrganizationID, Name: string(by.OrganizationID), CreatedAt: v.clock.Now()})
	}))
	return by
}

func (v *vendor) newToken(by core.Actor, role core.Role) core.Secret {
	v.t.Helper()
	made, err := v.tokens.Create(v.t.Context(), by, core.NewToken{Name: "program", Role: role}, core.Key{})
	v.ok(err)
	return made.Secret
}

// entry keeps one in the sync log.
func (v *vendor) entry(edit func(e *core.SyncEntry)) core.ID {
	v.t.Helper()
	v.clock.Turn(time.Second)
	e := &core.SyncEntry{
		ID: core.NewID(core.PrefixSyncEntry), OrganizationID: v.admin.OrganizationID, ConnectionID: v.connection.ID, Adapter: coretest.AdapterName,
		Direction: core.DirectionOutbound, Operation: "deliver-result", Outcome: core.SyncOK, Attempt: 1, StartedAt: v.clock.Now(), Duration: 1500 * time.Millisecond,
	}
	if edit != nil {
		edit(e)
	}
	v.ok(v.store.Atomically(v.t.Context(), func(tx core.Tx) error { return tx.InsertSyncEntry(v.t.Context(), e) }))
	return e.ID
}

// call asks as the holder of a token, "" for nobody.
func (v *vendor) call(method, path string, token core.Secret) *httptest.ResponseRecorder {
	v.t.Helper()
	return v.send(httptest.NewRequest(method, path, nil), token)
}

func (v *vendor) send(r *http.Request, token core.Secret) *httptest.ResponseRecorder {
	v.t.Helper()
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token.Reveal())
	}
	w := httptest.NewRecorder()
	v.handler.ServeHTTP(w, r)
	if got := w.Header().Get("Content-Type"); got != "application/json; charset=utf-8" || w.Header().Get("Cache-Control") != "no-store" {
		v.t.Errorf("%s %s: %v", r.Method, r.URL, w.Header())
	}
	return w
}

// get asks as the vendor's program and reads the answer.
func (v *vendor) get(path string, into any) {
	v.t.Helper()
	w := v.call("GET", "/api/integrations/fake/"+path, v.token)
	if w.Code != http.StatusOK {
		v.t.Fatalf("%s: %d %s", path, w.Code, w.Body)
	}
	v.ok(json.Unmarshal(w.Body.Bytes(), into))
}

// page is what a page of the sync log looks like from outside.
type page struct {
	Nodes []struct {
		ID core.ID `json:"id"`
	} `json:"nodes"`
	PageInfo struct {
		HasNextPage bool    `json:"hasNextPage"`
		EndCursor   *string `json:"endCursor"`
	} `json:"pageInfo"`
}

func TestIntegrationLetsTokensIn(t *testing.T) {
	t.Parallel()
	v := newVendor(t, ratelimit.Budgets{})
	entry := v.entry(nil)
	revoked, err := v.tokens.Create(t.Context(), v.admin, core.NewToken{Name: "old", Role: core.RoleAdmin}, core.Key{})
	v.ok(err)
	_, err = v.tokens.Revoke(t.Context(), v.admin, revoked.Token.ID)
	v.ok(err)
	stranger := v.newToken(v.organization(), core.RoleAdmin)
	for name, c := range map[string]struct {
		path   string
		token  core.Secret
		status int
		code   fault.Code
	}{
		"no token":                  {"fake/sync-log", "", 401, fault.Unauthenticated},
		"an unknown one":            {"fake/sync-log", "trl_nothing", 401, fault.Unauthenticated},
		"a revoked one":             {"fake/health", revoked.Secret, 401, fault.Unauthenticated},
		"no token, no endpoint":     {"fake/nothing", "", 401, fault.Unauthenticated},
		"a viewer":                  {"fake/sync-log", v.newToken(v.admin, core.RoleViewer), 403, fault.Forbidden},
		"an engine":                 {"fake/health", v.newToken(v.admin, core.RoleEngine), 403, fault.Forbidden},
		"an engine, for one":        {"fake/sync-log/" + string(entry), v.newToken(v.admin, core.RoleEngine), 403, fault.Forbidden},
		"another company's, one":    {"fake/sync-log/" + string(entry), stranger, 404, fault.NotFound},
		"an entry of no adapter":    {"lever/sync-log/" + string(entry), v.token, 404, fault.NotFound},
		"an id of something else":   {"fake/sync-log/" + string(v.connection.ID), v.token, 404, fault.NotFound},
		"an adapter that is not in": {"lever/health", v.token, 404, fault.NotFound},
		"an endpoint that is not":   {"fake/nothing", v.token, 404, fault.NotFound},
		"an admin":                  {"fake/health", v.newToken(v.admin, core.RoleAdmin), 200, ""},
		"an approver":               {"fake/sync-log", v.newToken(v.admin, core.RoleApprover), 200, ""},
	} {
		w := v.call("GET", "/api/integrations/"+c.path, c.token)
		var got struct {
			Code    fault.Code `json:"code"`
			Message string     `json:"message"`
		}
		v.ok(json.Unmarshal(w.Body.Bytes(), &got))
		if w.Code != c.status || got.Code != c.code || (c.code != "") != (got.Message != "") {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
		if want := map[bool]string{true: `Bearer realm="Trellis"`}[c.status == 401]; w.Header().Get("WWW-Authenticate") != want {
			t.Errorf("%s: WWW-Authenticate is %q", name, w.Header().Get("WWW-Authenticate"))
		}
	}
	w := v.call("DELETE", "/api/integrations/fake/sync-log", v.token)
	if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" {
		t.Errorf("DELETE: %d %v", w.Code, w.Header())
	}
	var none page
	w = v.call("GET", "/api/integrations/fake/sync-log", stranger)
	v.ok(json.Unmarshal(w.Body.Bytes(), &none))
	if len(none.Nodes) != 0 || none.PageInfo.HasNextPage || none.PageInfo.EndCursor != nil {
		t.Errorf("another company's token sees %s", w.Body)
	}
}

// The pages, put together, are the whole log, newest first, without a gap.
func TestSyncLogPages(t *testing.T) {
	t.Parallel()
	v := newVendor(t, ratelimit.Budgets{})
	var want []core.ID
	for range 7 {
		want = append([]core.ID{v.entry(nil)}, want...)
	}
	v.entry(func(e *core.SyncEntry) { e.Adapter = "lever" })
	var got []core.ID
	for after, more := "", true; more; {
		var p page
		v.get("sync-log?first=3"+after, &p)
		for _, n := range p.Nodes {
			got = append(got, n.ID)
		}
		more = p.PageInfo.HasNextPage
		after = "&after=" + url.QueryEscape(*p.PageInfo.EndCursor)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestSyncLogFilters(t *testing.T) {
	t.Parallel()
	v := newVendor(t, ratelimit.Budgets{})
	assessment, connection, push := core.NewID(core.PrefixAssessment), core.NewID(core.PrefixConnection), core.NewID(core.PrefixPush)
	v.entry(nil)
	for query, edit := range map[string]func(e *core.SyncEntry){
		"connection=" + string(connection):  func(e *core.SyncEntry) { e.ConnectionID = connection },
		"assessment=" + string(assessment):  func(e *core.SyncEntry) { e.AssessmentID = assessment },
		"push=" + string(push):              func(e *core.SyncEntry) { e.PushID = push },
		"outcome=RUNNING":                   func(e *core.SyncEntry) { e.Outcome = core.SyncRunning },
		"direction=INBOUND":                 func(e *core.SyncEntry) { e.Direction = core.DirectionInbound },
		"outcome=FAILED":                    func(e *core.SyncEntry) { e.Outcome = core.SyncFailed },
		"outcome=RETRY,REFUSED&first=1":     func(e *core.SyncEntry) { e.Outcome = core.SyncRetry },
		"operation=send-test":               func(e *core.SyncEntry) { e.Operation = "send-test" },
		"operation=push&direction=OUTBOUND": func(e *core.SyncEntry) { e.Operation = "push" },
	} {
		id := v.entry(edit)
		var p page
		v.get("sync-log?"+query, &p)
		if len(p.Nodes) != 1 || p.Nodes[0].ID != id {
			t.Errorf("%s: %+v", query, p)
		}
	}
}

func TestSyncLogRefusesBadInput(t *testing.T) {
	t.Parallel()
	v := newVendor(t, ratelimit.Budgets{})
	for query, field := range map[string]string{
		"first=0": "first", "first=101": "first", "first=x": "first", "first=-1": "first", "first=": "first", "first=1&first=2": "first",
		"after=x": "after", "after=con_00000000000000000000000000": "after", "connection=asm_x": "connection", "assessment=": "assessment",
		"direction=inbound": "direction", "outcome=OK,BAD": "outcome", "outcome=": "outcome", "adapter=lever": "adapter", "outcom=OK": "outcom",
	} {
		w := v.call("GET", "/api/integrations/fake/sync-log?"+query, v.token)
		var got struct {
			Errors []struct {
				Field string `json:"field"`
			} `json:"errors"`
		}
		v.ok(json.Unmarshal(w.Body.Bytes(), &got))
		if w.Code != http.StatusUnprocessableEntity || len(got.Errors) != 1 || got.Errors[0].Field != field {
			t.Errorf("%s: %d %s", query, w.Code, w.Body)
		}
	}
}

func TestSyncEntryIsWhole(t *testing.T) {
	t.Parallel()
	v := newVendor(t, ratelimit.Budgets{})
	id := v.entry(func(e *core.SyncEntry) {
		e.Outcome, e.FaultCode, e.Message = core.SyncRetry, fault.Retryable, "The ATS did not answer."
		e.Exchanges = []ats.Exchange{{Method: "PATCH", URL: "https://ats.example.com/1", RequestBody: `{"score":1}`, StartedAt: e.StartedAt, Duration: time.Second, Error: "timeout"}}
	})
	at := v.clock.Now().UTC().Format(time.RFC3339Nano)
	want := fmt.Sprintf(`{"id":%q,"direction":"OUTBOUND","operation":"deliver-result","outcome":"RETRY","faultCode":"RETRYABLE","message":"The ATS did not answer.","advice":null,`+
		`"attempt":1,"adapter":"fake","connectionId":%q,"assessmentId":null,"pushId":null,"requestId":null,"startedAt":%q,"durationMs":1500,`+
		`"steps":[],"exchanges":[{"method":"PATCH","url":"https://ats.example.com/1","requestBody":"{\"score\":1}","status":null,"responseBody":null,`+
		`"responseHeaders":{},"startedAt":%q,"durationMs":1000,"error":"timeout"}]}`, id, v.connection.ID, at, at)
	if got := v.call("GET", "/api/integrations/fake/sync-log/"+string(id), v.token).Body.String(); got != want {
		t.Error(cmp.Diff(want, got))
	}
	if list := v.call("GET", "/api/integrations/fake/sync-log", v.token).Body.String(); strings.Contains(list, "exchanges") || !strings.Contains(list, string(id)) {
		t.Errorf("the list: %s", list)
	}
}

func TestIntegrationHealth(t *testing.T) {
	t.Parallel()
	v := newVendor(t, ratelimit.Budgets{})
	var fresh map[string]any
	v.get("health", &fresh)
	connection := map[string]any{
		"id": string(v.connection.ID), "name": "ATS", "disabled": false, "status": "UNKNOWN", "checkedAt": nil, "message": nil,
		"missingPermissions": []any{}, "lastSuccessAt": nil, "lastFailure": nil, "deliveries": map[string]any{"pending": 0.0, "failed": 0.0},
		"pushes": map[string]any{"pending": 0.0, "failed": 0.0}, "openIssues": 0.0, "authorization": nil,
	}
	process, _ := fresh["process"].(map[string]any)
	want := map[string]any{"adapter": "fake", "process": process, "connections": []any{connection}}
	if diff := cmp.Diff(want, fresh); diff != "" {
		t.Error(diff)
	}
	if process["status"] != "RUNNING" {
		t.Errorf("the process: %v", process)
	}

	v.entry(nil)
	connection["lastSuccessAt"] = v.clock.Now().UTC().Format(time.RFC3339Nano)
	failed := v.entry(func(e *core.SyncEntry) {
		e.Outcome, e.FaultCode, e.Message = core.SyncFailed, fault.Auth, "The key was refused."
	})
	connection["lastFailure"] = map[string]any{
		"syncEntryId": string(failed), "at": v.clock.Now().UTC().Format(time.RFC3339Nano), "operation": "deliver-result",
		"faultCode": "AUTH", "message": "The key was refused.",
	}
	var now map[string]any
	v.get("health", &now)
	if diff := cmp.Diff(want, now); diff != "" {
		t.Error(diff)
	}
}

func TestIntegrationIsLimited(t *testing.T) {
	t.Parallel()
	limit := func(n int) *ratelimit.Limiter { return ratelimit.New(ratelimit.Options{PerMinute: n}) }
	v := newVendor(t, ratelimit.Budgets{Callers: limit(2), Strangers: limit(1)})
	for name, c := range map[string]struct {
		token core.Secret
		free  int
	}{"a caller": {v.token, 2}, "a stranger": {"trl_guess", 1}} {
		for n := range c.free {
			if w := v.call("GET", "/api/integrations/fake/health", c.token); w.Code == http.StatusTooManyRequests || w.Header().Get("RateLimit-Remaining") != fmt.Sprint(c.free-1-n) {
				t.Errorf("%s, request %d: %d %v", name, n, w.Code, w.Header())
			}
		}
		w := v.call("GET", "/api/integrations/fake/health", c.token)
		if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), "RATE_LIMITED") {
			t.Errorf("%s: %d %v %s", name, w.Code, w.Header(), w.Body)
		}
	}
	if w := v.call("GET", "/api/integrations/fake/health", v.newToken(v.admin, core.RoleAdmin)); w.Code != http.StatusOK {
		t.Errorf("another token is limited with it: %d", w.Code)
	}
}
