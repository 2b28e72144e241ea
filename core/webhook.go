package core

import (
	"context"
	"time"

	"github.com/trellis-ats/trellis/core/ats"
)

// WebhookState is how far a web hook of an ATS is.
type WebhookState string

// The states.
const (
	WebhookReceived  WebhookState = "RECEIVED"  // kept, not yet applied
	WebhookApplied   WebhookState = "APPLIED"   // what it tells was taken in
	WebhookIgnored   WebhookState = "IGNORED"   // kept for the count alone; the message says why
	WebhookDuplicate WebhookState = "DUPLICATE" // said before under another id
	WebhookFailed    WebhookState = "FAILED"    // it could not be understood or applied; a person must look
)

// Webhook is one call by which an ATS told of something. Its request holds
// personal data: it is encrypted at rest, and kept only while it is known
// whose data it holds.
type Webhook struct {
	ID             ID
	OrganizationID ID
	ConnectionID   ID
	EventID        string // the ATS's id of the delivery; empty if it has none
	Content        string // a digest of what was said
	Action         string // the ATS's own name of what happened
	State          WebhookState
	Deliveries     int    // how often it came with the same EventID; 1 for once
	Person         string // the ATS's id of whoever it is about; empty until it was applied
	Message        string // what came of it, for people
	ReceivedAt     time.Time
	AppliedAt      time.Time // when the state left RECEIVED; zero before
	WhileOff       bool      // whether it came while the connection was switched off
	// Request is what came, without its credentials. Lists leave it out; it is
	// nil once it is forgotten.
	Request *ats.HTTPRequest
}

// WebhookFilter narrows a list; empty fields do not.
type WebhookFilter struct {
	ConnectionID ID
	Action       string
	States       []WebhookState
}

// WebhookReader finds web hooks.
type WebhookReader interface {
	// WebhookTarget returns a connection whatever its organization, with all
	// that judging a web hook needs, for callers who know its address.
	// Errors: fault.NotFound.
	WebhookTarget(ctx context.Context, connection ID) (*WebhookTarget, error)
	// Webhook returns one with its request. Errors: fault.NotFound; fault.Config
	// if the master key does not open the request.
	Webhook(ctx context.Context, organization, id ID) (*Webhook, error)
	// Webhooks returns a page without the requests, newest first.
	Webhooks(ctx context.Context, organization ID, f WebhookFilter, p Page) (*Paged[Webhook], error)
	// EarlierWebhook returns the first one that said the same as w, by digest,
	// came before it and not before since. One that failed does not count.
	// Errors: fault.NotFound.
	EarlierWebhook(ctx context.Context, w *Webhook, since time.Time) (*Webhook, error)
}

// WebhookWriter keeps web hooks.
type WebhookWriter interface {
	// KeepWebhook keeps w with its request. It reports false if the connection
	// has one with this EventID already, and then counts the delivery on it.
	KeepWebhook(ctx context.Context, w *Webhook) (bool, error)
	// LockWebhook is Webhook without the request; it keeps others from changing
	// the row until the transaction ends.
	LockWebhook(ctx context.Context, organization, id ID) (*Webhook, error)
	// UpdateWebhook keeps state, person, message and times. Without w.Request
	// and with forget, the request is forgotten.
	UpdateWebhook(ctx context.Context, w *Webhook, forget bool) error
}

// WebhookTarget is where a web hook was sent to.
type WebhookTarget struct {
	Connection Connection
	Secrets    map[string]Secret
	Sync       WebhookSync
}

// Webhooks are the use cases around what an ATS tells us. They are safe for
// concurrent use.
type Webhooks struct {
	store    Store
	clock    Clock
	adapters Adapters
	calls    *Calls
	shape    func(error) *ats.HTTPResponse
}

// WebhooksOptions is what Webhooks are made of.
type WebhooksOptions struct {
	Store    Store
	Clock    Clock
	Adapters Adapters
	Calls    *Calls
	// Shape gives the answer to a caller whom no adapter can answer.
	Shape func(error) *ats.HTTPResponse
}

// NewWebhooks returns the use cases.
func NewWebhooks(o WebhooksOptions) *Webhooks {
	return &Webhooks{store: o.Store, clock: o.Clock, adapters: o.Adapters, calls: o.Calls, shape: o.Shape}
}

// List returns a page, newest first. Errors: fault.Forbidden, fault.Invalid.
func (ws *Webhooks) List(ctx context.Context, by Actor, f WebhookFilter, p Page) (*Paged[Webhook], error) {
	if err := by.Require(PermitReadSetup); err != nil {
		return nil, err
	}
	p, err := p.Normalize()
	if err != nil {
		return nil, err
	}
	if err := optionalText("filter.action", f.Action, 200); err != nil {
		return nil, err
	}
	return ws.store.Webhooks(ctx, by.OrganizationID, f, p)
}
