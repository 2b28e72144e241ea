package storetest

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/internal/store"
)

// webhook returns one that is not kept yet.
func (f *fixture) webhook() *core.Webhook {
	w := filled[core.Webhook]()
	w.ID, w.OrganizationID, w.ConnectionID, w.State = core.NewID(core.PrefixWebhook), f.org, f.connection.ID, core.WebhookReceived
	w.EventID, w.Content = "event "+string(w.ID), "content "+string(w.ID)
	return w
}

func (f *fixture) newWebhook(t testing.TB) *core.Webhook {
	t.Helper()
	w := f.webhook()
	change(t, f.db, func(ctx context.Context, tx core.Tx) error {
		fresh, err := tx.KeepWebhook(ctx, w)
		same(t, "fresh", true, fresh)
		return err
	})
	return w
}

// filledRequest has bytes that are no text.
func filledRequest() *ats.HTTPRequest {
	return &ats.HTTPRequest{
		Method: "POST", Path: "/api/webhooks/x", Params: map[string]string{"a": "b"}, Query: map[string][]string{"c": {"d"}},
		Header: map[string][]string{"E": {"f"}}, Body: []byte{0, 255, '{', '\n'},
	}
}

func testWebhook(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	w := f.webhook()
	w.Request = filledRequest()
	change(t, db, func(ctx context.Context, tx core.Tx) error {
		_, err := tx.KeepWebhook(ctx, w)
		return err
	})
	same(t, "kept", w, found[*core.Webhook](t)(db.Webhook(t.Context(), f.org, w.ID)))
	listed := *w
	listed.Request = nil
	list := func(filter core.WebhookFilter) []core.Webhook {
		return found[*core.Paged[core.Webhook]](t)(db.Webhooks(t.Context(), f.org, filter, core.Page{})).Items
	}
	second := f.newWebhook(t)
	same(t, "newest first", 2, len(list(core.WebhookFilter{ConnectionID: f.connection.ID})))
	same(t, "by action", []core.Webhook{listed}, list(core.WebhookFilter{Action: w.Action, States: []core.WebhookState{w.State}})[1:])
	same(t, "none of a state", 0, len(list(core.WebhookFilter{States: []core.WebhookState{core.WebhookFailed}})))

	w.State, w.Person, w.Message, w.AppliedAt = core.WebhookApplied, "person 7", "done", moment(50)
	change(t, db, func(ctx context.Context, tx core.Tx) error {
		locked, err := tx.LockWebhook(ctx, f.org, second.ID)
		same(t, "locked", second.ID, locked.ID)
		if err != nil {
			return err
		}
		return tx.UpdateWebhook(ctx, w, false)
	})
	same(t, "updated", w, found[*core.Webhook](t)(db.Webhook(t.Context(), f.org, w.ID)))
	change(t, db, func(ctx context.Context, tx core.Tx) error { return tx.UpdateWebhook(ctx, w, true) })
	w.Request = nil
	same(t, "forgotten", w, found[*core.Webhook](t)(db.Webhook(t.Context(), f.org, w.ID)))
}

// testWebhookOnce sends the same delivery from many at once.
func testWebhookOnce(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	const callers = 8
	var all sync.WaitGroup
	fresh := make(chan bool, callers)
	for range callers {
		all.Go(func() {
			w := f.webhook()
			w.EventID, w.Deliveries = "the same", 1
			err := db.Atomically(t.Context(), func(tx core.Tx) error {
				first, err := tx.KeepWebhook(t.Context(), w)
				fresh <- first
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	close(fresh)
	n := 0
	for first := range fresh {
		if first {
			n++
		}
	}
	kept := found[*core.Paged[core.Webhook]](t)(db.Webhooks(t.Context(), f.org, core.WebhookFilter{}, core.Page{})).Items
	if n != 1 || len(kept) != 1 || kept[0].Deliveries != callers {
		t.Errorf("%d were fresh; kept %+v", n, kept)
	}
}

func testEarlierWebhook(t *testing.T, db *store.DB) {
	f, other := newFixture(t, db), newFixture(t, db)
	keep := func(f *fixture, at time.Time, state core.WebhookState) *core.Webhook {
		w := f.webhook()
		w.Content, w.ReceivedAt, w.State = "said", at, state
		change(t, db, func(ctx context.Context, tx core.Tx) error { _, err := tx.KeepWebhook(ctx, w); return err })
		return w
	}
	keep(f, moment(1), core.WebhookFailed)
	keep(other, moment(1), core.WebhookApplied)
	first := keep(f, moment(2), core.WebhookApplied)
	last := keep(f, moment(3), core.WebhookReceived)
	same(t, "earlier", first.ID, found[*core.Webhook](t)(db.EarlierWebhook(t.Context(), last, moment(2))).ID)
	_, err := db.EarlierWebhook(t.Context(), last, moment(3))
	expectCode(t, "too long ago", err, fault.NotFound)
	_, err = db.EarlierWebhook(t.Context(), first, moment(1))
	expectCode(t, "of the first", err, fault.NotFound)
}

func testWebhookSync(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	ctx := t.Context()
	sync := func() core.WebhookSync {
		return found[[]core.WebhookSync](t)(db.WebhookSyncs(ctx, f.org, []core.ID{f.connection.ID}))[0]
	}
	want := core.WebhookSync{OrganizationID: f.org, ConnectionID: f.connection.ID, Scope: core.ScopePushed}
	same(t, "by default", want, sync())
	change(t, db, func(ctx context.Context, tx core.Tx) error {
		if err := tx.CountStranger(ctx, f.org, f.connection.ID, moment(1)); err != nil {
			return err
		}
		if err := tx.CountStranger(ctx, f.org, f.connection.ID, moment(2)); err != nil {
			return err
		}
		return tx.NotePing(ctx, f.org, f.connection.ID, moment(3))
	})
	want.Strangers, want.StrangerAt, want.PingedAt = 2, moment(2), moment(3)
	same(t, "counted", want, sync())
	want.Enabled, want.Scope, want.EnabledAt, want.PreviousUntil = true, core.ScopeKnown, moment(4), moment(5)
	change(t, db, func(ctx context.Context, tx core.Tx) error { return tx.SaveWebhookSync(ctx, &want) })
	want.SilentSince = moment(6)
	change(t, db, func(ctx context.Context, tx core.Tx) error { return tx.SaveSilence(ctx, &want) })
	same(t, "set", want, sync())
	target := found[*core.WebhookTarget](t)(db.WebhookTarget(ctx, f.connection.ID))
	same(t, "the target", *f.connection, target.Connection)
	same(t, "its secrets", map[string]core.Secret{"api_key": "fixture-api-key"}, target.Secrets)
	if target.Sync.Scope != core.ScopeKnown || !target.Sync.Enabled || !target.Sync.PreviousUntil.Equal(moment(5)) {
		t.Errorf("its settings: %+v", target.Sync)
	}
	_, err := db.WebhookTarget(ctx, "con_0")
	expectCode(t, "no connection", err, fault.NotFound)
}

func testWebhookCounts(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	change(t, db, func(ctx context.Context, tx core.Tx) error {
		for i, at := range []int{5, 2, 9} {
			w := f.webhook()
			w.Action, w.ReceivedAt = []string{"b", "a"}[i/2], moment(at)
			if err := tx.CountWebhook(ctx, w); err != nil {
				return err
			}
		}
		return nil
	})
	want := []core.WebhookCount{
		{ConnectionID: f.connection.ID, Action: "a", Count: 1, FirstAt: moment(9), LastAt: moment(9)},
		{ConnectionID: f.connection.ID, Action: "b", Count: 2, FirstAt: moment(2), LastAt: moment(5)},
	}
	same(t, "counts", want, found[[]core.WebhookCount](t)(db.WebhookCounts(t.Context(), f.org, []core.ID{f.connection.ID})))
	same(t, "of none", 0, len(found[[]core.WebhookCount](t)(db.WebhookCounts(t.Context(), f.org, nil))))
}

// testEnabledWebhookSyncs reads across organizations, for the system.
func testEnabledWebhookSyncs(t *testing.T, db *store.DB) {
	one, two, off := newFixture(t, db), newFixture(t, db), newFixture(t, db)
	for _, f := range []*fixture{one, two, off} {
		s := filled[core.WebhookSync]()
		s.OrganizationID, s.ConnectionID, s.Enabled = f.org, f.connection.ID, f != off
		change(t, db, func(ctx context.Context, tx core.Tx) error { return tx.SaveWebhookSync(ctx, s) })
	}
	all := found[[]core.WebhookSync](t)(db.EnabledWebhookSyncs(t.Context()))
	if len(all) != 2 || all[0].ConnectionID != one.connection.ID || all[1].ConnectionID != two.connection.ID {
		t.Errorf("enabled are %+v", all)
	}
}
