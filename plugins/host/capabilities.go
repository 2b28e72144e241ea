package host

import (
	"context"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/plugins/internal/wire"
)

// Find implements ats.Candidates.
func (p proxy) Find(ctx context.Context, q *ats.CandidateQuery) (*ats.CandidateMatches, error) {
	return traced(ctx, p.a.long(true), q, (*wire.Client).Find)
}

// Create implements ats.Candidates.
func (p proxy) Create(ctx context.Context, n *ats.NewCandidate) (*ats.CandidateReceipt, error) {
	return traced(ctx, p.a.long(false), n, (*wire.Client).Create)
}

// Apply implements ats.Candidates.
func (p proxy) Apply(ctx context.Context, n *ats.NewApplication) (*ats.ApplicationReceipt, error) {
	return traced(ctx, p.a.long(false), n, (*wire.Client).Apply)
}

// Get implements ats.Applications.
func (p proxy) Get(ctx context.Context, q *ats.ApplicationQuery) (*ats.ApplicationList, error) {
	return traced(ctx, p.a.long(true), q, (*wire.Client).Get)
}

// Move implements ats.Applications.
func (p proxy) Move(ctx context.Context, m *ats.MoveRequest) (*ats.ApplicationReceipt, error) {
	return traced(ctx, p.a.long(false), m, (*wire.Client).Move)
}

// Reject implements ats.Applications.
func (p proxy) Reject(ctx context.Context, r *ats.RejectRequest) (*ats.ApplicationReceipt, error) {
	return traced(ctx, p.a.long(false), r, (*wire.Client).Reject)
}

// Unreject implements ats.Applications.
func (p proxy) Unreject(ctx context.Context, r *ats.UnrejectRequest) (*ats.ApplicationReceipt, error) {
	return traced(ctx, p.a.long(false), r, (*wire.Client).Unreject)
}

// SetFields implements ats.Feedback.
func (p proxy) SetFields(ctx context.Context, r *ats.FieldsRequest) (*ats.FeedbackReceipt, error) {
	return traced(ctx, p.a.long(false), r, (*wire.Client).SetFields)
}

// Attach implements ats.Feedback.
func (p proxy) Attach(ctx context.Context, r *ats.AttachRequest) (*ats.FeedbackReceipt, error) {
	return traced(ctx, p.a.long(false), r, (*wire.Client).Attach)
}

// AddNote implements ats.Feedback.
func (p proxy) AddNote(ctx context.Context, r *ats.NoteRequest) (*ats.FeedbackReceipt, error) {
	return traced(ctx, p.a.long(false), r, (*wire.Client).AddNote)
}

// AddTag implements ats.Feedback.
func (p proxy) AddTag(ctx context.Context, r *ats.TagRequest) (*ats.FeedbackReceipt, error) {
	return traced(ctx, p.a.long(false), r, (*wire.Client).AddTag)
}

// Scorecard implements ats.Feedback.
func (p proxy) Scorecard(ctx context.Context, r *ats.ScorecardRequest) (*ats.FeedbackReceipt, error) {
	return traced(ctx, p.a.long(false), r, (*wire.Client).Scorecard)
}

// List implements ats.Reference.
func (p proxy) List(ctx context.Context, q *ats.ReferenceQuery) (*ats.ReferencePage, error) {
	return traced(ctx, p.a.long(true), q, (*wire.Client).List)
}

// Begin implements ats.Authorization.
func (p proxy) Begin(ctx context.Context, r *ats.ConsentRequest) (*ats.ConsentPage, error) {
	return asked(ctx, p.a.long(true), r, (*wire.Client).Begin)
}

// Complete implements ats.Authorization.
func (p proxy) Complete(ctx context.Context, r *ats.ConsentCode) (*ats.Grant, error) {
	return traced(ctx, p.a.long(false), r, (*wire.Client).Complete)
}

// Refresh implements ats.Authorization.
func (p proxy) Refresh(ctx context.Context, r *ats.RefreshRequest) (*ats.Grant, error) {
	return traced(ctx, p.a.long(false), r, (*wire.Client).Refresh)
}

// Receive implements ats.Webhooks.
func (p proxy) Receive(ctx context.Context, r *ats.WebhookRequest) (*ats.Verdict, error) {
	return asked(ctx, p.a.short(), r, (*wire.Client).Receive)
}

// Translate implements ats.Webhooks.
func (p proxy) Translate(ctx context.Context, r *ats.WebhookRequest) (*ats.Translation, error) {
	return asked(ctx, p.a.short(), r, (*wire.Client).Translate)
}

// asked is call for the methods of a client that take one request.
func asked[Q, A any](ctx context.Context, h how, request *Q, method func(*wire.Client, context.Context, *Q) (*A, error)) (*A, error) {
	return call(ctx, h, func(ctx context.Context, c *wire.Client) (*A, error) { return method(c, ctx, request) })
}

// traced is asked for answers that have a trace: they are never nil, so that a
// caller can keep the trace before it looks at the error.
func traced[Q, A any](ctx context.Context, h how, request *Q, method func(*wire.Client, context.Context, *Q) (*A, error)) (*A, error) {
	answer, err := asked(ctx, h, request, method)
	if answer == nil {
		answer = new(A)
	}
	return answer, err
}
