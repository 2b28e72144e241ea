package ratelimit

import (
	"context"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"github.com/trellis-ats/trellis/core/fault"
)

// Budgets are how often one may ask. A request counts when it comes, whatever
// becomes of it.
type Budgets struct {
	Callers   *Limiter // by token or person
	Strangers *Limiter // by address, for those whom nothing lets in
}

// Charge counts a request and says in h what is left. caller names who shares a
// budget; it is empty for a stranger, who is known by the address.
// Errors: fault.RateLimited if there is nothing left.
func (b Budgets) Charge(ctx context.Context, h http.Header, caller string, from netip.Addr) error {
	limiter, key := b.Callers, caller
	if caller == "" {
		limiter, key = b.Strangers, AddressKey(from)
	}
	o := limiter.Take(ctx, key, 1)
	if o.Limit > 0 {
		h.Set("RateLimit-Limit", strconv.Itoa(o.Limit))
		h.Set("RateLimit-Remaining", strconv.Itoa(o.Remaining))
		h.Set("RateLimit-Reset", strconv.Itoa(wholeSeconds(o.Reset)))
	}
	return o.Err()
}

// Err is what a caller is told who asked too often; nil for one who did not.
// Errors: fault.RateLimited.
func (o Outcome) Err() error {
	if o.Allowed {
		return nil
	}
	e := fault.New(fault.RateLimited, "Too many requests. Nothing was done; ask again in %d seconds.", wholeSeconds(o.RetryAfter))
	e.Source, e.RetryAfter, e.Scope = fault.Caller, o.RetryAfter, "caller"
	return e
}

// wholeSeconds rounds up, so that who waits as long has waited long enough.
func wholeSeconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }
