package graph

import (
	"context"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/graph/generated"
	"github.com/trellis-ats/trellis/graph/model"
)

type webhookResolver struct{ *root }

var _ generated.WebhookResolver = webhookResolver{}

// Webhook returns the resolvers of a web hook's fields.
func (r *root) Webhook() generated.WebhookResolver { return webhookResolver{r} }

func (r webhookResolver) Connection(ctx context.Context, w *model.Webhook) (*model.ATSConnection, error) {
	return of(ctx, loadersOf(ctx).connections, "connection", w.Batch, w.Webhook, func(w *core.Webhook) core.ID { return w.ConnectionID })
}

func (r connectionResolver) WebhookSync(ctx context.Context, c *model.ATSConnection) (*core.SyncStatus, error) {
	return of(ctx, loadersOf(ctx).webhookSyncs, "webhookSync", c.Batch, c.Connection, connectionID)
}

func connectionID(c *core.Connection) core.ID { return c.ID }

func (o Options) readWebhookSyncs(ctx context.Context, by core.Actor, connections []core.ID) (map[core.ID]*core.SyncStatus, error) {
	found, err := o.Webhooks.SyncOf(ctx, by, connections)
	all := make(map[core.ID]*core.SyncStatus, len(found))
	for i := range found {
		all[found[i].ConnectionID] = &found[i]
	}
	return all, err
}

func (r queryResolver) Webhooks(ctx context.Context, filter *core.WebhookFilter, first *int, after *string, last *int, before *string) (*model.WebhookConnection, error) {
	page, err := model.ListWebhooks.Page(model.PageArgs{First: first, After: after, Last: last, Before: before})
	if err != nil {
		return nil, err
	}
	all, err := r.Options.Webhooks.List(ctx, actorOf(ctx), orZero(filter), page)
	return model.NewWebhooks(all), err
}

func (r mutationResolver) SetWebhookSync(ctx context.Context, input generated.SetWebhookSyncInput) (*generated.SetWebhookSyncPayload, error) {
	c, err := r.Webhooks.SetSync(ctx, actorOf(ctx), input.ConnectionID, core.SyncChange{
		Enabled: input.Enabled, Scope: orZero(input.Scope), Secret: core.Secret(orZero(input.Secret)),
	})
	refused, err := refusals(err, "connectionId")
	return &generated.SetWebhookSyncPayload{Connection: model.NewATSConnection(c), UserErrors: refused}, err
}

func (r mutationResolver) RotateWebhookSecret(ctx context.Context, input generated.RotateWebhookSecretInput) (*generated.RotateWebhookSecretPayload, error) {
	c, secret, err := r.Webhooks.RotateSecret(ctx, actorOf(ctx), input.ConnectionID, core.Secret(orZero(input.Secret)))
	refused, err := refusals(err, "connectionId")
	payload := &generated.RotateWebhookSecretPayload{Connection: model.NewATSConnection(c), UserErrors: refused}
	if c != nil {
		text := secret.Reveal()
		payload.WebhookSecret = &text
	}
	return payload, err
}

func (r mutationResolver) RetryWebhook(ctx context.Context, input generated.RetryWebhookInput) (*generated.RetryWebhookPayload, error) {
	w, err := r.Webhooks.Retry(ctx, actorOf(ctx), input.WebhookID)
	refused, err := refusals(err, "webhookId")
	return &generated.RetryWebhookPayload{Webhook: model.NewWebhook(w), UserErrors: refused}, err
}

func (r mutationResolver) DismissWebhook(ctx context.Context, input generated.DismissWebhookInput) (*generated.DismissWebhookPayload, error) {
	w, err := r.Webhooks.Dismiss(ctx, actorOf(ctx), input.WebhookID, input.Reason)
	refused, err := refusals(err, "webhookId")
	return &generated.DismissWebhookPayload{Webhook: model.NewWebhook(w), UserErrors: refused}, err
}
