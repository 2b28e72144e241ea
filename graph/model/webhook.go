package model

import "github.com/trellis-ats/trellis/core"

// Webhook is a web hook as callers see it: without what it brought.
type Webhook struct {
	*core.Webhook
	Batch *Batch[core.Webhook]
}

// ViewWebhook is a view of one of a batch.
func ViewWebhook(w *core.Webhook, b *Batch[core.Webhook]) Webhook { return Webhook{w, b} }

// NewWebhook is a view of a single web hook, or nil of nil.
func NewWebhook(w *core.Webhook) *Webhook { return single(w, ViewWebhook) }

// EventID is nil if the ATS gives none.
func (w Webhook) EventID() *string { return optional(w.Webhook.EventID) }

// Message is nil if there is nothing to say.
func (w Webhook) Message() *string { return optional(w.Webhook.Message) }

type (
	// WebhookConnection is a page of web hooks.
	WebhookConnection = Connection[Webhook]
	// WebhookEdge is a web hook in a page.
	WebhookEdge = Edge[Webhook]
)

// NewWebhooks shapes a page of web hooks.
func NewWebhooks(p *core.Paged[core.Webhook]) *WebhookConnection {
	return connection(ListWebhooks, p, func(w *core.Webhook) core.ID { return w.ID }, ViewWebhook)
}
