package core_test

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/coretest"
	"github.com/trellis-ats/trellis/core/fault"
)

// hookWorld is a world whose ATS tells of what happens, with the hooks enabled.
type hookWorld struct {
	*world
	system   *coretest.ATS
	hooks    *core.Webhooks
	triggers *core.StageTriggers
	lists    *kept
	erasures *core.Erasures
	secret   string
	sent     int // web hooks, for their ids
}

func newHookWorld(t *testing.T) *hookWorld {
	t.Helper()
	made := newWorld(t)
	return newHookWorldIn(made, coretest.NewATS(made.clock))
}

func newHookWorldIn(made *world, system *coretest.ATS) *hookWorld {
	made.t.Helper()
	w := &hookWorld{world: made, system: system}
	w.adapters.Whole = w.system
	w.hooks = core.NewWebhooks(core.WebhooksOptions{
		Store: w.store, Clock: w.clock, Adapters: w.adapters, Calls: w.calls, Shape: shaped,
	})
	w.lists = &kept{ats: w.system, kept: map[core.ChoiceQuery][]ats.ReferenceItem{}}
	w.triggers = core.NewStageTriggers(w.store, w.clock, w.adapters, w.lists)
	w.erasures = core.NewErasures(w.store, w.clock)
	w.secret = "a secret that was typed"
	w.enable(core.SyncChange{Enabled: true, Secret: core.Secret(w.secret)})
	return w
}

// shaped answers with the status that tells the classes apart.
func shaped(err error) *ats.HTTPResponse {
	switch fault.CodeOf(err) {
	case fault.Unauthenticated:
		return &ats.HTTPResponse{Status: http.StatusUnauthorized}
	case fault.Retryable:
		return &ats.HTTPResponse{Status: http.StatusServiceUnavailable}
	case fault.TooLarge:
		return &ats.HTTPResponse{Status: http.StatusRequestEntityTooLarge}
	default:
		return &ats.HTTPResponse{Status: http.StatusInternalServerError}
	}
}

func (w *hookWorld) enable(c core.SyncChange) {
	w.t.Helper()
	_, err := w.hooks.SetSync(w.t.Context(), w.admin, w.connection.ID, c)
	w.ok(err)
}

// receive hands a request in and returns the status of the answer.
func (w *hookWorld) receive(r ats.HTTPRequest) int {
	w.t.Helper()
	return w.hooks.Receive(w.t.Context(), &core.WebhookCall{
		Adapter: coretest.AdapterName, Connection: string(w.connection.ID), HTTP: r,
	}).Status
}

// tell lets the ATS tell of an event, and applies it.
func (w *hookWorld) tell(e ats.Event) *core.Webhook {
	w.t.Helper()
	w.sent++
	if status := w.receive(w.system.Hook(w.secret, "event-"+strconv.Itoa(w.sent), e)); status != 200 {
		w.t.Fatalf("answered %d", status)
	}
	w.ok(w.hooks.Apply(w.t.Context(), w.take(core.TaskApplyWebhook), core.Attempt{Number: 1}))
	return w.lastHook()
}

func (w *hookWorld) all() []core.Webhook {
	w.t.Helper()
	page, err := w.hooks.List(w.t.Context(), w.admin, core.WebhookFilter{}, core.Page{First: 100})
	w.ok(err)
	return page.Items
}

func (w *hookWorld) lastHook() *core.Webhook {
	w.t.Helper()
	all := w.all()
	if len(all) == 0 {
		w.t.Fatal("no web hook was kept")
	}
	h, err := w.store.Webhook(w.t.Context(), w.admin.OrganizationID, all[0].ID)
	w.ok(err)
	return h
}

func (w *hookWorld) sync() core.SyncStatus {
	w.t.Helper()
	all, err := w.hooks.SyncOf(w.t.Context(), w.admin, []core.ID{w.connection.ID})
	w.ok(err)
	return all[0]
}

// place orders a test for an application; the invitation is sent.
func (w *hookWorld) place(person, application string) core.ID {
	w.t.Helper()
	id := w.orderFor("order of "+application, person, application)
	w.ok(w.invitations.Send(w.t.Context(), w.take(core.TaskSendInvitation), core.Attempt{Number: 1}))
	return id
}

// pushed makes an application one that Trellis brought into the ATS.
func (w *hookWorld) pushed(id core.ID) {
	w.t.Helper()
	a := w.application(id)
	a.Origin = core.ApplicationPushed
	w.ok(w.store.Atomically(w.t.Context(), func(tx core.Tx) error { return tx.SaveApplication(w.t.Context(), a) }))
}

// at is a moment of the ATS's time, in minutes.
func (w *hookWorld) at(minutes int) time.Time {
	return coretest.NewClock().Now().Add(time.Duration(minutes) * time.Minute)
}

func (w *hookWorld) rejected(application string, minute int) ats.Event {
	return ats.Event{Kind: ats.EventRejected, CandidateID: "17", ApplicationID: application, At: w.at(minute)}
}

// Whoever cannot sign with a live secret of the connection is told nothing and
// leaves nothing but a count.
func TestStrangersLeaveACountOnly(t *testing.T) {
	t.Parallel()
	w := newHookWorld(t)
	good := func() ats.HTTPRequest { return w.system.Hook(w.secret, "1", w.rejected("100", 1)) }
	for name, spoil := range map[string]func(r *ats.HTTPRequest){
		"one flipped bit":             func(r *ats.HTTPRequest) { r.Body[10] ^= 1 },
		"no signature":                func(r *ats.HTTPRequest) { r.Header = map[string][]string{} },
		"a malformed signature":       func(r *ats.HTTPRequest) { r.Header["X-Signature"] = []string{"sha256"} },
		"another connection's secret": func(r *ats.HTTPRequest) { *r = w.system.Hook("another secret", "1", w.rejected("100", 1)) },
	} {
		r := good()
		spoil(&r)
		before := w.sync().Strangers
		if status := w.receive(r); status != 401 || w.sync().Strangers != before+1 {
			t.Errorf("%s: %d, counted %d", name, status, w.sync().Strangers-before)
		}
	}
	for name, connection := range map[string]string{"unknown": string(core.NewID(core.PrefixConnection)), "malformed": "con_1", "none": ""} {
		answer := w.hooks.Receive(t.Context(), &core.WebhookCall{Adapter: coretest.AdapterName, Connection: connection, HTTP: good()})
		if answer.Status != 401 {
			t.Errorf("%s connection: %d", name, answer.Status)
		}
	}
	if w.noTask(); len(w.all()) != 0 || !w.sync().Waiting || w.sync().StrangerAt.IsZero() {
		t.Errorf("kept %+v, %+v", w.all(), w.sync())
	}
}

// The answer comes after the commit. A request that comes again, by its id or
// by its content, is recorded and not applied twice.
func TestRepeatsAreRecordedOnce(t *testing.T) {
	t.Parallel()
	w := newHookWorld(t)
	id := w.place("17", "100")
	e := w.rejected("100", 1)
	w.tell(e)
	w.take(core.TaskSendWithdrawal)
	if status := w.receive(w.system.Hook(w.secret, "event-1", e)); status != 200 || len(w.all()) != 1 || w.lastHook().Deliveries != 2 {
		t.Errorf("the same id: %d, %+v", status, w.all())
	}
	w.noTask()
	timeline := w.types(id)
	if again := w.tell(e); again.State != core.WebhookDuplicate || again.Request != nil || w.types(id) != timeline {
		t.Errorf("the same content: %+v\n%s", again, w.types(id))
	}
	w.clock.Turn(16*time.Hour + time.Minute)
	if later := w.tell(e); later.State != core.WebhookApplied || w.types(id) != timeline {
		t.Errorf("the same content after the ATS's last attempt: %+v", later)
	}
	if s := w.sync(); len(s.Seen) != 1 || s.Seen[0].Count != 3 || s.Seen[0].Action != "REJECTED" || !s.Seen[0].LastAt.Equal(w.clock.Now()) || s.Waiting {
		t.Errorf("seen: %+v", s)
	}
	// The task of a web hook that was applied may run again.
	w.ok(w.hooks.Apply(t.Context(), core.Task{OrganizationID: w.admin.OrganizationID, SubjectID: w.lastHook().ID}, core.Attempt{Number: 2}))
}

func TestCredentialsOfAWebhookAreNotKept(t *testing.T) {
	t.Parallel()
	w := newHookWorld(t)
	r := w.system.Hook(w.secret, "1", w.rejected("100", 1))
	r.Header["Authorization"], r.Header["Cookie"], r.Header["User-Agent"] = []string{"Basic c2VjcmV0"}, []string{"a=b"}, []string{"ATS/1"}
	w.receive(r)
	kept := w.lastHook().Request
	if kept == nil || len(kept.Header["Authorization"])+len(kept.Header["Cookie"]) > 0 || kept.Header["User-Agent"][0] != "ATS/1" || !slices.Equal(kept.Body, r.Body) {
		t.Errorf("kept %+v", kept)
	}
}

// A secret that was replaced counts for 14 days more; the replaced one before
// it does not.
func TestTwoSecretsLive(t *testing.T) {
	t.Parallel()
	w := newHookWorld(t)
	_, next, err := w.hooks.RotateSecret(t.Context(), w.admin, w.connection.ID, "")
	w.ok(err)
	ping := func(secret string) int { return w.receive(w.system.Ping(secret)) }
	if ping(w.secret) != 200 || ping(next.Reveal()) != 200 {
		t.Error("both should count")
	}
	w.clock.Turn(14 * 24 * time.Hour)
	if ping(w.secret) != 401 || ping(next.Reveal()) != 200 {
		t.Error("the new one alone should count after 14 days")
	}
	_, err = w.hooks.SetSync(t.Context(), w.admin, w.connection.ID, core.SyncChange{Enabled: true, Secret: "short"})
	w.refused(err, fault.Invalid)
	_, _, err = w.hooks.RotateSecret(t.Context(), w.admin, w.connection.ID, next)
	w.refused(err, fault.Invalid)
	if w.sync().PingedAt.IsZero() || len(w.all()) != 0 || !w.sync().Waiting {
		t.Errorf("a ping is noted, not kept: %+v", w.sync())
	}
}

func TestDisabledHooksAreCountedOnly(t *testing.T) {
	t.Parallel()
	w := newHookWorld(t)
	id := w.place("17", "100")
	w.enable(core.SyncChange{})
	if status := w.receive(w.system.Hook(w.secret, "1", w.rejected("100", 1))); status != 200 {
		t.Fatalf("answered %d", status)
	}
	w.noTask()
	if h := w.lastHook(); h.State != core.WebhookIgnored || h.Request != nil || h.Message == "" || w.sync().Seen[0].Count != 1 || w.get(id).Status != core.StatusInvited {
		t.Errorf("%+v", h)
	}
}

// While the connection is switched off only deletions are taken in: the ATS
// would not tell of them again. What came before that is taken in whole.
func TestADisabledConnectionStillForgets(t *testing.T) {
	t.Parallel()
	w := newHookWorld(t)
	id, before := w.place("17", "100"), w.place("18", "101")
	w.receive(w.system.Hook(w.secret, "before", w.rejected("101", 1)))
	task := w.take(core.TaskApplyWebhook)
	off := true
	_, err := w.connections.Update(t.Context(), w.admin, w.connection.ID, core.ConnectionUpdate{Disabled: &off})
	w.ok(err)
	w.ok(w.hooks.Apply(t.Context(), task, core.Attempt{Number: 1}))
	if got := w.get(before).Status; got != core.StatusCancelled {
		t.Errorf("what came before is not taken in: %s", got)
	}
	w.take(core.TaskSendWithdrawal)
	if h := w.tell(w.rejected("100", 1)); h.State != core.WebhookIgnored || h.Request != nil || h.Message == "" || w.get(id).Status != core.StatusInvited {
		t.Errorf("a rejection: %+v", h)
	}
	if h := w.tell(ats.Event{Kind: ats.EventCandidateDeleted, CandidateID: "17"}); h.State != core.WebhookApplied || w.get(id).ErasedAt.IsZero() {
		t.Errorf("a deletion: %+v", h)
	}
}

// One that nobody can mend is given up, and its content is forgotten.
func TestDismissedHook(t *testing.T) {
	t.Parallel()
	w := newHookWorld(t)
	w.receive(w.system.Hook(w.secret, "broken", w.rejected("100", 1)))
	w.adapters.Whole = wordless{w.system}
	w.refused(w.hooks.Apply(t.Context(), w.take(core.TaskApplyWebhook), core.Attempt{Number: 1}), fault.Invalid)
	id := w.lastHook().ID
	recruiter := w.admin
	recruiter.Role = core.RoleRecruiter
	_, err := w.hooks.Dismiss(t.Context(), recruiter, id, "x")
	w.refused(err, fault.Forbidden)
	_, err = w.hooks.Dismiss(t.Context(), w.admin, id, "Rejected by hand.")
	w.ok(err)
	if h := w.lastHook(); h.State != core.WebhookIgnored || h.Request != nil || h.Person != "" || h.Message != "Dismissed: Rejected by hand." {
		t.Errorf("%+v", h)
	}
	log, err := w.store.AuditLog(t.Context(), w.admin.OrganizationID, core.AuditFilter{SubjectID: id}, core.Page{})
	w.ok(err)
	if len(log.Items) != 1 || log.Items[0].Action != core.EventWebhookDismissed {
		t.Errorf("audited %+v", log.Items)
	}
	_, err = w.hooks.Dismiss(t.Context(), w.admin, id, "Again.")
	w.refused(err, fault.Conflict)
}

// adapterAway is an adapter whose process restarts.
type adapterAway struct{ *coretest.ATS }

func (adapterAway) Receive(context.Context, *ats.WebhookRequest) (*ats.Verdict, error) {
	return nil, fault.New(fault.Retryable, "The adapter restarts.")
}

// While the adapter restarts the ATS is told to come again.
func TestHookWhileTheAdapterRestarts(t *testing.T) {
	t.Parallel()
	w := newHookWorld(t)
	w.adapters.Whole = adapterAway{w.system}
	if status := w.receive(w.system.Hook(w.secret, "1", w.rejected("100", 1))); status != 503 || len(w.all()) != 0 || w.sync().Strangers != 0 {
		t.Errorf("answered %d, kept %v", status, w.all())
	}
	w.noTask()
}

// An action that Trellis does not act on is counted; one that cannot be
// understood is kept for a person to look at, and can be retried.
func TestUnknownAndBrokenHooks(t *testing.T) {
	t.Parallel()
	w := newHookWorld(t)
	if h := w.tell(ats.Event{Kind: "JOB_CREATED", CandidateID: "17"}); h.State != core.WebhookIgnored || h.Request != nil || w.sync().Seen[0].Action != "JOB_CREATED" {
		t.Errorf("unknown: %+v, %+v", h, w.sync())
	}
	w.receive(w.system.Hook(w.secret, "broken", w.rejected("100", 1)))
	task := w.take(core.TaskApplyWebhook)
	w.adapters.Whole = wordless{w.system}
	w.refused(w.hooks.Apply(t.Context(), task, core.Attempt{Number: 1}), fault.Invalid)
	if h := w.lastHook(); h.State != core.WebhookFailed || h.Request == nil || h.Message == "" {
		t.Errorf("broken: %+v", h)
	}
	if _, err := w.hooks.Dismiss(t.Context(), w.admin, w.lastHook().ID, " "); !fault.Is(err, fault.Invalid) {
		t.Errorf("dismissed without a reason: %v", err)
	}
	w.adapters.Whole = w.system
	_, err := w.hooks.Retry(t.Context(), w.admin, w.lastHook().ID)
	w.ok(err)
	w.ok(w.hooks.Apply(t.Context(), w.take(core.TaskApplyWebhook), core.Attempt{Number: 1}))
	if h := w.lastHook(); h.State != core.WebhookApplied {
		t.Errorf("retried: %+v", h)
	}
	_, err = w.hooks.Retry(t.Context(), w.admin, w.lastHook().ID)
	w.refused(err, fault.Conflict)
}

// wordless is an adapter that cannot read what it was sent.
type wordless struct{ *coretest.ATS }

func (wordless) Translate(context.Context, *ats.WebhookRequest) (*ats.Translation, error) {
	return nil, fault.InvalidField("payload.application", "REQUIRED", "The payload has no application.")
}

// A hook that spoke regularly and fell silent is noticed once, and when it
// speaks again.
func TestSilentHook(t *testing.T) {
	t.Parallel()
	w := newHookWorld(t)
	watch := func() { w.ok(w.hooks.Watch(t.Context(), core.Task{}, core.Attempt{Number: 1})) }
	w.clock.Turn(30 * 24 * time.Hour)
	watch()
	if s := w.sync(); !s.SilentSince.IsZero() || !s.Waiting {
		t.Errorf("one that never spoke waits: %+v", s)
	}
	for i := range 12 {
		w.clock.Turn(6 * time.Hour)
		w.tell(w.rejected("100", i))
	}
	w.clock.Turn(59 * time.Hour)
	watch()
	if !w.sync().SilentSince.IsZero() {
		t.Error("silent before ten of its intervals")
	}
	w.clock.Turn(2 * time.Hour)
	watch()
	watch()
	if s := w.sync(); !s.SilentSince.Equal(w.clock.Now()) {
		t.Errorf("not silent: %+v", s)
	}
	w.tell(w.rejected("100", 50))
	if !w.sync().SilentSince.IsZero() {
		t.Error("still silent")
	}
	events := w.types(w.connection.ID)
	if want := "created webhooks_configured webhooks_silent webhooks_resumed"; events != want {
		t.Errorf("told %q", events)
	}
}
