package graph

import (
	"context"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/internal/ratelimit"
)

// complexityPerRequest is the complexity that each request has free; an
// operation counts as one more request for each time that it goes over it.
const complexityPerRequest = 1000

// budgets are how often one may ask. A request counts when it comes, whatever
// becomes of it; one over a websocket when its operation starts.
type budgets struct {
	callers   *ratelimit.Limiter // by token or person
	strangers *ratelimit.Limiter // by address, for those whom nothing lets in
}

// charge counts a request and says in h what is left. It returns
// fault.RateLimited if there is nothing.
func (b budgets) charge(ctx context.Context, h http.Header, e entry, from netip.Addr) error {
	var o ratelimit.Outcome
	if e.admitted != nil {
		o = b.callers.Take(ctx, principalOf(e.admitted), 1)
	} else {
		o = b.strangers.Take(ctx, ratelimit.AddressKey(from), 1)
	}
	if o.Limit > 0 {
		h.Set("RateLimit-Limit", strconv.Itoa(o.Limit))
		h.Set("RateLimit-Remaining", strconv.Itoa(o.Remaining))
		h.Set("RateLimit-Reset", strconv.Itoa(wholeSeconds(o.Reset)))
	}
	return overLimit(o)
}

func overLimit(o ratelimit.Outcome) error {
	if o.Allowed {
		return nil
	}
	e := fault.New(fault.RateLimited, "Too many requests. Nothing was done; ask again in %d seconds.", wholeSeconds(o.RetryAfter))
	e.Source, e.RetryAfter, e.Scope = fault.Caller, o.RetryAfter, "caller"
	return e
}

// wholeSeconds rounds up, so that who waits as long has waited long enough.
func wholeSeconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }

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
	if err := overLimit(m.callers.Take(ctx, principalOf(a), cost)); err != nil {
		return gqlerror.Wrap(err)
	}
	return nil
}
