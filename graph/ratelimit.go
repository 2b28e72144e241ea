package graph

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/internal/ratelimit"
)

// complexityPerRequest is the complexity that each request has free; an
// operation counts as one more request for each time that it goes over it.
const complexityPerRequest = 1000

// meter counts operations: those of a websocket, and of all that are complex
// what they cost beyond one request. It comes after the complexity's limit.
type meter struct{ callers *ratelimit.Limiter }

var _ interface {
	graphql.HandlerExtension
	graphql.OperationParameterMutator
	graphql.OperationContextMutator
} = meter{}

// ExtensionName names the extension.
func (meter) ExtensionName() string { return "Meter" }

// Validate accepts every schema.
func (meter) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationParameters counts an operation over a websocket before any
// work is done for it.
func (m meter) MutateOperationParameters(ctx context.Context, _ *graphql.RawParams) *gqlerror.Error {
	e := entryOf(ctx)
	if !e.socket || e.admitted == nil {
		return nil
	}
	return m.take(ctx, e.admitted, 1)
}

// MutateOperationContext counts what a complex operation costs beyond one request.
func (m meter) MutateOperationContext(ctx context.Context, _ *graphql.OperationContext) *gqlerror.Error {
	admitted, stats := admissionOf(ctx), extension.GetComplexityStats(ctx)
	if admitted == nil || stats == nil || stats.Complexity < complexityPerRequest {
		return nil
	}
	return m.take(ctx, admitted, stats.Complexity/complexityPerRequest)
}

func (m meter) take(ctx context.Context, a *core.Admission, cost int) *gqlerror.Error {
	if err := m.callers.Take(ctx, a.Caller(), cost).Err(); err != nil {
		return gqlerror.Wrap(err)
	}
	return nil
}
