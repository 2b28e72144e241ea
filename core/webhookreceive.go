package core

import (
	"context"
	"time"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// WebhookCall is one call of an ATS that tells of something.
type WebhookCall struct {
	Adapter    string
	Connection string          // as the address says
	HTTP       ats.HTTPRequest // with its Authorization header, without cookies
	Problem    error           // why the request could not be read whole; it is refused with this
}

// Receive keeps a web hook and returns the answer. The ATS is told that it was
// taken only once it is durable; until then it is told to come again. A caller
// who cannot show to be the ATS gets one and the same refusal, and leaves
// nothing behind but a count.
func (ws *Webhooks) Receive(ctx context.Context, call *WebhookCall) *ats.HTTPResponse {
	ctx, cancel := context.WithTimeout(ctx, answerDeadline)
	defer cancel()
	answer, err := ws.receive(ctx, call)
	if err != nil {
		return ws.shape(err)
	}
	return answer
}

func (ws *Webhooks) receive(ctx context.Context, call *WebhookCall) (*ats.HTTPResponse, error) {
	if call.Problem != nil {
		return nil, call.Problem
	}
	hooks, err := abilityOf[ats.Webhooks](ws.adapters, call.Adapter, ats.CapabilityWebhooks)
	if err != nil {
		return nil, err
	}
	target, err := ws.target(ctx, call)
	if err != nil {
		return nil, err
	}
	now := ws.clock.Now()
	verdict, err := ws.judge(ctx, hooks, call, target, now)
	if err != nil {
		return nil, err
	}
	if !verdict.Verified {
		return &verdict.Answer, nil
	}
	return &verdict.Answer, ws.keep(ctx, call, target, verdict, now)
}

// stranger is the refusal of whoever is not the ATS.
func stranger() error {
	return fault.New(fault.Unauthenticated, "The web hook is not signed with a secret of the connection that its address names. Nothing was kept.")
}

func (ws *Webhooks) target(ctx context.Context, call *WebhookCall) (*WebhookTarget, error) {
	id, err := ParseID(PrefixConnection, call.Connection)
	if err != nil {
		return nil, stranger()
	}
	target, err := ws.store.WebhookTarget(ctx, id)
	if fault.Is(err, fault.NotFound) || (err == nil && target.Connection.Adapter != call.Adapter) {
		return nil, stranger()
	}
	return target, err
}

// judge asks the adapter, and counts what is not authentic. The ping of an ATS
// that does not sign it is neither: it is answered, and nothing is kept of it.
func (ws *Webhooks) judge(ctx context.Context, hooks ats.Webhooks, call *WebhookCall, t *WebhookTarget, now time.Time) (*ats.Verdict, error) {
	request, err := ws.request(t, call.HTTP, now)
	if err != nil {
		return nil, err
	}
	verdict, err := hooks.Receive(ctx, request)
	if err != nil {
		return nil, err
	}
	if verdict.Verified || verdict.Ping {
		return verdict, nil
	}
	err = ws.store.Atomically(ctx, func(tx Tx) error {
		return tx.CountStranger(ctx, t.Connection.OrganizationID, t.Connection.ID, now)
	})
	if err != nil {
		return nil, err
	}
	return nil, stranger()
}

// request is what the adapter sees: the secret before a rotation is there only
// while it lives.
func (ws *Webhooks) request(t *WebhookTarget, r ats.HTTPRequest, now time.Time) (*ats.WebhookRequest, error) {
	m, err := ws.adapters.Manifest(t.Connection.Adapter)
	if err != nil {
		return nil, err
	}
	c := ats.Connection{ID: string(t.Connection.ID), Settings: m.WithDefaults(t.Connection.Settings), Secrets: map[string]string{}}
	for name, s := range t.Secrets {
		if name != ats.SecretWebhookPrevious || now.Before(t.Sync.PreviousUntil) {
			c.Secrets[name] = s.Reveal()
		}
	}
	return &ats.WebhookRequest{Connection: c, HTTP: r}, nil
}

// keep commits the web hook and its task.
func (ws *Webhooks) keep(ctx context.Context, call *WebhookCall, t *WebhookTarget, v *ats.Verdict, now time.Time) error {
	organization, connection := t.Connection.OrganizationID, t.Connection.ID
	if v.Ping {
		return ws.store.Atomically(ctx, func(tx Tx) error { return tx.NotePing(ctx, organization, connection, now) })
	}
	w := &Webhook{
		ID: NewID(PrefixWebhook), OrganizationID: organization, ConnectionID: connection, EventID: v.EventID, Content: v.Content,
		Action: cut(v.Action, 200), State: WebhookReceived, Deliveries: 1, ReceivedAt: now, Request: stored(call.HTTP),
		WhileOff: t.Connection.Disabled,
	}
	if !t.Sync.Enabled {
		w.State, w.AppliedAt, w.Request = WebhookIgnored, now, nil
		w.Message = "Web hooks are not enabled for this connection. The event was counted, not applied; its content was not kept."
	}
	return ws.store.Atomically(ctx, func(tx Tx) error {
		fresh, err := tx.KeepWebhook(ctx, w)
		if err != nil || !fresh {
			return err
		}
		if w.State != WebhookReceived {
			return tx.CountWebhook(ctx, w)
		}
		return tx.Enqueue(ctx, Task{Kind: TaskApplyWebhook, OrganizationID: organization, SubjectID: w.ID})
	})
}

// stored is the request as it is kept: without what proves who sent it.
func stored(r ats.HTTPRequest) *ats.HTTPRequest {
	kept := r
	kept.Header = map[string][]string{}
	hidden := redactor{sensitive: []string{"cookie", "signature"}}
	for name, values := range r.Header {
		if !hidden.masks(name) {
			kept.Header[name] = values
		}
	}
	return &kept
}
