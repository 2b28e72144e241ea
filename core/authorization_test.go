package core_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/coretest"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/internal/store"
	"github.com/trellis-ats/trellis/internal/store/storetest"
)

// connecting is a world whose ATS must be connected with.
type connecting struct {
	*world
	system         *coretest.Asking
	authorizations *core.Authorizations
	person         core.Actor
}

func newConnecting(t *testing.T) *connecting {
	t.Helper()
	return newConnectingOn(t, storetest.SQLite(t))
}

func newConnectingOn(t *testing.T, db *store.DB) *connecting {
	t.Helper()
	w := newWorldOn(t, db)
	c := &connecting{world: w, system: &coretest.Asking{ATS: coretest.NewATS(w.clock), Secret: "right"}}
	c.system.Guarded = true
	w.adapters.Whole = c.system
	c.authorizations = c.replica(w.store, w.calls)
	c.person = core.Actor{OrganizationID: w.admin.OrganizationID, Role: core.RoleAdmin, ID: "ses_1", Name: "Ada", Principal: "ada@example.com"}
	return c
}

func (c *connecting) replica(s core.Store, calls *core.Calls) *core.Authorizations {
	return core.NewAuthorizations(core.AuthorizationOptions{
		Store: s, Clock: c.clock, Adapters: c.adapters, Calls: calls, Links: c.links,
		Connections: core.NewConnections(s, c.clock, c.adapters, calls),
	})
}

func (c *connecting) credentials(secret string) core.Credentials {
	return core.Credentials{ConnectionID: c.connection.ID, Adapter: coretest.AdapterName, ClientID: "client-1", ClientSecret: core.Secret(secret), ActingUser: "17"}
}

func (c *connecting) authorization() *core.Authorization {
	c.t.Helper()
	all, err := c.authorizations.Of(c.t.Context(), c.admin, []core.ID{c.connection.ID})
	c.ok(err)
	if a := all[c.connection.ID]; a != nil {
		return a
	}
	return &core.Authorization{}
}

// consent connects by a person's consent.
func (c *connecting) consent() {
	c.t.Helper()
	page, err := c.authorizations.BeginConsent(c.t.Context(), c.person, c.connection.ID, coretest.AdapterName)
	c.ok(err)
	_, err = c.authorizations.CompleteConsent(c.t.Context(), c.person, core.ConsentAnswer{Adapter: coretest.AdapterName, State: stateOf(page.URL), Code: core.Secret(c.system.Consent())})
	c.ok(err)
	if task := c.take(core.TaskResumePushes); task.SubjectID != c.connection.ID {
		c.t.Errorf("pushes of %s go on", task.SubjectID)
	}
}

func stateOf(page string) core.Secret {
	_, state, _ := strings.Cut(page, "state=")
	return core.Secret(state)
}

// stored returns the connection as it is now.
func (c *connecting) stored() *core.Connection {
	c.t.Helper()
	stored, err := c.store.Connection(c.t.Context(), c.admin.OrganizationID, c.connection.ID)
	c.ok(err)
	return stored
}

// find asks the ATS as a push would.
func (c *connecting) find(calls *core.Calls) error {
	call, err := calls.Prepare(c.t.Context(), c.stored())
	if err != nil {
		return err
	}
	_, err = c.system.Find(c.t.Context(), &ats.CandidateQuery{Connection: call, Email: "ada@example.com"})
	return err
}

func (c *connecting) operations() string {
	c.t.Helper()
	page, err := c.store.SyncLog(c.t.Context(), c.admin.OrganizationID, core.SyncFilter{ConnectionID: c.connection.ID}, core.Page{First: 100})
	c.ok(err)
	var all []string
	for _, e := range slices.Backward(page.Items) {
		all = append(all, e.Operation+" "+string(e.Outcome))
	}
	return strings.Join(all, ", ")
}

func TestCredentialsAreTriedBeforeTheyAreKept(t *testing.T) {
	t.Parallel()
	c := newConnecting(t)
	c.refused(c.find(c.calls), fault.Auth)
	_, err := c.authorizations.Connect(t.Context(), c.person, c.credentials("wrong"))
	c.refused(err, fault.Invalid)
	if fields := fault.From(err).Fields; len(fields) != 1 || fields[0].Path != "clientSecret" {
		t.Errorf("the error names %v", fields)
	}
	if got := c.stored(); got.Settings[ats.SettingClientID] != "" || c.secrets()[ats.SettingClientSecret] != "" || c.authorization().State != "" {
		t.Errorf("kept after a refusal: %v, %s", got.Settings, c.authorization().State)
	}
	for field, refusal := range map[string]*fault.Error{
		"actingUserId": {Code: fault.Auth, Kind: ats.KindActingUser, Message: "Nobody has this id."},
		"clientId":     fault.New(fault.Config, "It has no suffix."),
	} {
		c.system.FailOnce(coretest.OpRefresh, coretest.BeforeCommit, refusal)
		_, err := c.authorizations.Connect(t.Context(), c.person, c.credentials("right"))
		if fields := fault.From(err).Fields; len(fields) != 1 || fields[0].Path != field {
			t.Errorf("%v, want one about %s", err, field)
		}
	}
	connected, err := c.authorizations.Connect(t.Context(), c.person, c.credentials("right"))
	c.ok(err)
	a := c.authorization()
	if a.State != core.Connected || a.Account != coretest.Account || a.Subject != "user-1" || len(a.Scopes) != 1 || a.Mode != ats.AuthModeClientCredentials {
		t.Errorf("the authorization is %+v", a)
	}
	if connected.Health.Status != core.HealthOK || connected.Settings[ats.SettingActingUser] != "17" {
		t.Errorf("the connection is %+v", connected)
	}
	c.ok(c.find(c.calls))
	if got := c.operations(); got != "connect REFUSED, connect REFUSED, connect REFUSED, connect OK" {
		t.Errorf("the sync log has %s", got)
	}
}

// Two connections to one account would make people twice: the health of the
// second says so, until the first is switched off.
func TestASecondConnectionToAnAccountIsTold(t *testing.T) {
	t.Parallel()
	c := newConnecting(t)
	first, err := c.authorizations.Connect(t.Context(), c.person, c.credentials("right"))
	c.ok(err)
	made, err := c.connections.Create(t.Context(), c.admin, core.NewConnection{Adapter: coretest.AdapterName, Name: "Again", Settings: map[string]string{"account": "acme"}}, core.Key{})
	c.ok(err)
	again := c.credentials("right")
	again.ConnectionID = made.Connection.ID
	second, err := c.authorizations.Connect(t.Context(), c.person, again)
	c.ok(err)
	told := func(c *core.Connection) bool {
		return slices.ContainsFunc(c.Health.Checks, func(one ats.Check) bool {
			return one.Name == "one connection for the account" && !one.OK && strings.Contains(one.Message, `"`+first.Name+`"`)
		})
	}
	if told(first) || !told(second) || second.Health.Status != core.HealthDegraded {
		t.Errorf("the first %+v, the second %+v", first.Health, second.Health)
	}
	off := true
	_, err = c.connections.Update(t.Context(), c.admin, first.ID, core.ConnectionUpdate{Disabled: &off})
	c.ok(err)
	second, err = c.connections.Check(t.Context(), c.admin, second.ID)
	c.ok(err)
	if told(second) || second.Health.Status != core.HealthOK {
		t.Errorf("the only one: %+v", second.Health)
	}
}

func TestWhatIsMissingOrForeignDoesNotConnect(t *testing.T) {
	t.Parallel()
	c := newConnecting(t)
	for field, edit := range map[string]func(*core.Credentials){
		"clientId":     func(cr *core.Credentials) { cr.ClientID = "" },
		"clientSecret": func(cr *core.Credentials) { cr.ClientSecret = "" },
		"actingUserId": func(cr *core.Credentials) { cr.ActingUser = "some\nbody" },
		"connectionId": func(cr *core.Credentials) { cr.Adapter = "another" },
	} {
		cr := c.credentials("right")
		edit(&cr)
		_, err := c.authorizations.Connect(t.Context(), c.person, cr)
		if fields := fault.From(err).Fields; len(fields) != 1 || fields[0].Path != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	_, err := c.authorizations.Connect(t.Context(), c.engine, c.credentials("right"))
	c.refused(err, fault.Forbidden)
	stranger := core.SystemActor(core.NewID(core.PrefixOrganization))
	_, err = c.authorizations.Connect(t.Context(), stranger, c.credentials("right"))
	c.refused(err, fault.NotFound)
	_, err = c.authorizations.Disconnect(t.Context(), c.person, c.connection.ID)
	c.refused(err, fault.Conflict)
	if n := c.system.Calls(coretest.OpRefresh); n != 0 {
		t.Errorf("the ATS was asked %d times", n)
	}
}

func TestAnotherAccountIsRefused(t *testing.T) {
	t.Parallel()
	c := newConnecting(t)
	c.consent()
	before := c.authorization()
	c.system.ChangeAccount("globex-at-the-ats")
	_, err := c.authorizations.Connect(t.Context(), c.person, c.credentials("right"))
	c.refused(err, fault.Conflict)
	for _, name := range []string{coretest.Account, "globex-at-the-ats"} {
		if !strings.Contains(fault.From(err).Message, name) {
			t.Errorf("the error does not name %s: %v", name, err)
		}
	}
	if got := c.authorization(); got.Version != before.Version || got.Mode != ats.AuthModeAuthorizationCode {
		t.Errorf("changed by the refusal: %+v", got)
	}
	// Nor once it was disconnected: what is known of candidates is the first account's.
	_, err = c.authorizations.Disconnect(t.Context(), c.person, c.connection.ID)
	c.ok(err)
	c.refused(c.find(c.calls), fault.Auth)
	_, err = c.authorizations.Connect(t.Context(), c.person, c.credentials("right"))
	c.refused(err, fault.Conflict)
	c.system.ChangeAccount(coretest.Account)
	_, err = c.authorizations.Connect(t.Context(), c.person, c.credentials("right"))
	c.ok(err)
	c.ok(c.find(c.calls))
}

func TestAConsentIsTheBeginnersOnceAndSoon(t *testing.T) {
	t.Parallel()
	c := newConnecting(t)
	begin := func() core.ConsentAnswer {
		page, err := c.authorizations.BeginConsent(t.Context(), c.person, c.connection.ID, "")
		c.ok(err)
		return core.ConsentAnswer{Adapter: coretest.AdapterName, State: stateOf(page.URL), Code: core.Secret(c.system.Consent())}
	}
	other, foreign := c.person, c.person
	other.Principal, foreign.OrganizationID = "eve@example.com", core.NewID(core.PrefixOrganization)
	answer := begin()
	for _, by := range []core.Actor{other, foreign} {
		_, err := c.authorizations.CompleteConsent(t.Context(), by, answer)
		c.refused(err, fault.NotFound)
	}
	_, err := c.authorizations.CompleteConsent(t.Context(), c.person, answer)
	c.ok(err)
	_, err = c.authorizations.CompleteConsent(t.Context(), c.person, answer)
	c.refused(err, fault.NotFound)
	late := begin()
	c.clock.Turn(10 * time.Minute)
	_, err = c.authorizations.CompleteConsent(t.Context(), c.person, late)
	c.refused(err, fault.NotFound)
	refused := begin()
	refused.Problem = "access_denied"
	_, err = c.authorizations.CompleteConsent(t.Context(), c.person, refused)
	c.refused(err, fault.Conflict)
	wrong := begin()
	wrong.Code = "made-up"
	_, err = c.authorizations.CompleteConsent(t.Context(), c.person, wrong)
	c.refused(err, fault.Conflict)
	c.ok(c.find(c.calls))
	if c.stored().Health.Status != core.HealthOK {
		t.Errorf("after the consent the health is %+v", c.stored().Health)
	}
}

func TestTheCheckTellsOfTheAuthorization(t *testing.T) {
	t.Parallel()
	c := newConnecting(t)
	c.consent()
	c.clock.Turn(2 * time.Hour)
	c.system.Revoke()
	c.refused(c.find(c.calls), fault.Auth)
	if a := c.authorization(); a.State != core.NeedsReconnect || a.Reason == "" {
		t.Fatalf("revoked: %+v", a)
	}
	asked := c.system.Calls(coretest.OpRefresh)
	c.refused(c.find(c.calls), fault.Auth)
	if n := c.system.Calls(coretest.OpRefresh); n != asked {
		t.Error("the ATS was asked again though only a person can help")
	}
	if got := c.stored().Health.Status; got != core.HealthDegraded {
		t.Errorf("the health is %s", got)
	}
	checked, err := c.connections.Check(t.Context(), c.admin, c.connection.ID)
	c.ok(err)
	last := checked.Health.Checks[len(checked.Health.Checks)-1]
	if last.Name != "authorization" || last.OK || last.Message == "" {
		t.Errorf("the check is %+v", last)
	}
	c.consent()
	if c.stored().Health.Status != core.HealthOK || c.authorization().State != core.Connected {
		t.Errorf("connected anew: %+v", c.stored().Health)
	}
}

func TestAChangedCredentialIsUsedAtOnce(t *testing.T) {
	t.Parallel()
	c := newConnecting(t)
	_, err := c.authorizations.Connect(t.Context(), c.person, c.credentials("right"))
	c.ok(err)
	_, err = c.connections.Update(t.Context(), c.person, c.connection.ID, core.ConnectionUpdate{Settings: map[string]string{ats.SettingClientSecret: "wrong"}})
	c.ok(err)
	c.refused(c.find(c.calls), fault.Auth)
	if a := c.authorization(); a.State != core.NeedsReconnect {
		t.Errorf("the state is %s", a.State)
	}
	_, err = c.connections.Update(t.Context(), c.person, c.connection.ID, core.ConnectionUpdate{Settings: map[string]string{ats.SettingClientSecret: "right"}})
	c.ok(err)
	c.ok(c.find(c.calls))
	if a := c.authorization(); a.State != core.Connected {
		t.Errorf("with the right one the state is %s: %s", a.State, a.Reason)
	}
}

// A credential of another account is not used, however it is entered.
func TestAChangedCredentialOfAnotherAccountIsRefused(t *testing.T) {
	t.Parallel()
	c := newConnecting(t)
	_, err := c.authorizations.Connect(t.Context(), c.person, c.credentials("right"))
	c.ok(err)
	c.system.ChangeAccount("globex-at-the-ats")
	_, err = c.connections.Update(t.Context(), c.person, c.connection.ID, core.ConnectionUpdate{Settings: map[string]string{ats.SettingClientID: "client-2", ats.SettingActingUser: ""}})
	c.ok(err)
	c.refused(c.find(c.calls), fault.Auth)
	if a := c.authorization(); a.State != core.NeedsReconnect || a.Account != coretest.Account || !strings.Contains(a.Reason, "globex-at-the-ats") {
		t.Errorf("%s, %s: %s", a.State, a.Account, a.Reason)
	}
}

// A look that fails for the moment leaves what was known, and pushes with it.
func TestALookThatFailsForNowForgetsNothing(t *testing.T) {
	t.Parallel()
	c := newConnecting(t)
	c.consent()
	before := c.stored().Health
	c.system.FailOnce(coretest.OpCheck, coretest.BeforeCommit, fault.New(fault.Retryable, "The ATS is away."))
	after, err := c.connections.Check(t.Context(), c.admin, c.connection.ID)
	c.ok(err)
	if h := after.Health; h.Status != core.HealthDegraded || h.Message != "The ATS is away." || h.Identity != before.Identity || len(h.Capabilities) == 0 {
		t.Errorf("%+v", h)
	}
	c.ok(c.connections.Recheck(t.Context(), core.Task{OrganizationID: c.admin.OrganizationID, SubjectID: c.connection.ID}, core.Attempt{}))
	if h := c.stored().Health; h.Status != core.HealthOK || h.Message != "" {
		t.Errorf("looked at again: %+v", h)
	}
}

// keyless is a store that fails where the partner key is read.
type keyless struct{ core.Store }

func (keyless) PartnerKeyInUse(context.Context, core.ID, core.ID) (core.Secret, error) {
	return "", fault.New(fault.Retryable, "The database is gone.")
}

// A database that fails between two reads ends the attempt, not the process.
func TestConnectHeedsAFailingStore(t *testing.T) {
	t.Parallel()
	c := newConnecting(t)
	failing := keyless{c.store}
	calls := core.NewCalls(core.CallsOptions{Store: failing, Clock: c.clock, Adapters: c.adapters})
	_, err := c.replica(failing, calls).Connect(t.Context(), c.person, c.credentials("right"))
	c.refused(err, fault.Retryable)
}

// A check tries a customer's own credential anew: one that was taken back is
// told at once, and so is one that works again.
func TestACheckTriesTheCredential(t *testing.T) {
	t.Parallel()
	c := newConnecting(t)
	_, err := c.authorizations.Connect(t.Context(), c.person, c.credentials("right"))
	c.ok(err)
	check := func(want core.AuthorizationState) {
		t.Helper()
		c.clock.Turn(2 * time.Minute)
		_, err := c.connections.Check(t.Context(), c.admin, c.connection.ID)
		c.ok(err)
		if a := c.authorization(); a.State != want {
			t.Errorf("it is %s, not %s: %s", a.State, want, a.Reason)
		}
	}
	check(core.Connected)
	c.system.FailOnce(coretest.OpRefresh, coretest.BeforeCommit, fault.New(fault.Auth, "It was taken back."))
	check(core.NeedsReconnect)
	check(core.Connected)
}
