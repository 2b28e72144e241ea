package core

import (
	"context"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// The scopes in which requests are counted: an ATS may meter its token endpoint
// apart (for example Greenhouse: facts/greenhouse.md 6).
const (
	scopeAPI   = "api"
	scopeToken = "token"
)

const (
	// rateGuard is how much later than announced a window counts as new: ATSs
	// announce whole seconds.
	rateGuard = time.Second
	// sparePercent of a window is never claimed: others use the account too.
	sparePercent = 5
	// settleWithin bounds the transaction that ends a claim.
	settleWithin = 10 * time.Second
)

// RateWindow is how many requests an ATS takes of a connection in one scope
// and window of time, and how many it has had. All processes share it.
type RateWindow struct {
	OrganizationID ID
	ConnectionID   ID
	Scope          string        // what is counted together: "api", "token"
	Limit          int           // requests in a window
	Length         time.Duration // of a window
	Spent          int           // requests of this window, as far as the ATS told
	ResetsAt       time.Time     // when the next window begins
	Announced      bool          // whether ResetsAt is the ATS's word and not our guess
	ClosedUntil    time.Time     // the ATS takes nothing before; zero: it does
}

// RateClaim is requests of a window that were claimed and not settled yet, or
// that were made and never announced. It ends by itself, as its process may die.
type RateClaim struct {
	ID           ID
	ConnectionID ID
	Scope        string
	Cost         int
	ExpiresAt    time.Time
}

// PaceReader finds windows.
type PaceReader interface {
	// RateWindow returns one as it was last written. Errors: fault.NotFound.
	RateWindow(ctx context.Context, organization, connection ID, scope string) (*RateWindow, error)
}

// PaceWriter keeps windows and claims.
type PaceWriter interface {
	// LockRateWindow returns the window, or fresh if there is none yet, and
	// keeps others from changing it until the transaction ends.
	LockRateWindow(ctx context.Context, fresh *RateWindow) (*RateWindow, error)
	// UpdateRateWindow keeps all but whose it is.
	UpdateRateWindow(ctx context.Context, w *RateWindow) error
	// ClaimedRequests returns the sum of a window's claims that live at now,
	// and forgets the others.
	ClaimedRequests(ctx context.Context, connection ID, scope string, now time.Time) (int, error)
	InsertRateClaim(ctx context.Context, c *RateClaim) error
	// DeleteRateClaim forgets a claim; one that is not there is forgotten already.
	DeleteRateClaim(ctx context.Context, id ID) error
}

// usable is how many requests of a window are claimed at most.
func (w *RateWindow) usable() int {
	return max(1, w.Limit-(w.Limit*sparePercent+99)/100)
}

// roll begins the next window if its time has come. Windows follow each other
// without a gap, so that a guess keeps the pace of what was announced.
func (w *RateWindow) roll(now time.Time) {
	if now.Before(w.ResetsAt) {
		return
	}
	passed := now.Sub(w.ResetsAt)/w.Length + 1
	w.ResetsAt, w.Spent, w.Announced = w.ResetsAt.Add(passed*w.Length), 0, false
}

// wait is how long a claim must wait; 0 if there is room.
func (w *RateWindow) wait(cost, claimed int, now time.Time) time.Duration {
	switch {
	case now.Before(w.ClosedUntil):
		return w.ClosedUntil.Sub(now)
	case w.Spent+claimed+cost > w.usable():
		return w.ResetsAt.Sub(now)
	default:
		return 0
	}
}

// hear takes over what one answer announced, which counts more than what we
// counted ourselves: others may use the account too. An answer of a window
// that is over says nothing of this one. It reports whether the ATS's count
// was taken.
func (w *RateWindow) hear(b *ats.RateBudget, now time.Time) bool {
	if b.Limit > 0 {
		w.Limit = b.Limit
	}
	reset := b.ResetAt.Add(rateGuard)
	if latest := now.Add(w.Length + rateGuard); reset.After(latest) {
		reset = latest // the ATS's clock is ahead of ours
	}
	if !reset.After(now) || (w.Announced && reset.Before(w.ResetsAt.Add(-2*rateGuard))) {
		return false
	}
	spent := max(0, w.Limit-b.Remaining)
	if w.Announced && !reset.After(w.ResetsAt.Add(2*rateGuard)) {
		spent = max(spent, w.Spent) // answers overtake each other
	}
	w.Spent, w.ResetsAt, w.Announced = spent, reset, true
	return true
}

// close notes that the ATS refused a request for its rate. Where it says for how
// long, that counts, and not the whole window.
func (w *RateWindow) close(retryAfter time.Duration, now time.Time) {
	until := now.Add(retryAfter)
	if retryAfter <= 0 {
		until, w.Spent = w.ResetsAt, w.Limit
	}
	w.ClosedUntil = latest(until, w.ClosedUntil)
}

// settle takes over what calls left behind. It returns the requests that no
// announcement covers, and until when they count. They stay claimed, beside what
// is announced: an answer that comes later may be of an earlier request and not
// know of them. One near the end of our window may be in the next of the ATS's.
func (w *RateWindow) settle(h heard, now time.Time) (untold int, until time.Time) {
	w.roll(now)
	var last time.Time
	for _, t := range h.traces {
		counted := t.Budget != nil && w.hear(t.Budget, now)
		for _, x := range t.Exchanges {
			begun := w.ResetsAt.Add(-w.Length - 2*rateGuard)
			if unanswered := x.Status == 0; (!counted || unanswered) && !x.StartedAt.Before(begun) {
				untold++
				last = latest(last, x.StartedAt)
			}
		}
	}
	if h.limited != nil {
		w.close(h.limited.RetryAfter, now)
	}
	if until = w.ResetsAt; !last.Before(until.Add(-2 * rateGuard)) {
		until = until.Add(w.Length)
	}
	return untold, until
}

// heard is what a claim's calls left behind in one scope.
type heard struct {
	traces  []ats.Trace
	limited *fault.Error // nil: the ATS did not refuse
}

// hearing sorts what calls left behind by scope; what names none is of scope.
func hearing(scope string, traces []ats.Trace, err error) map[string]heard {
	all := map[string]heard{}
	for _, t := range traces {
		name := scope
		if t.Budget != nil && t.Budget.Scope != "" {
			name = t.Budget.Scope
		}
		h := all[name]
		h.traces = append(h.traces, t)
		all[name] = h
	}
	if f := fault.From(err); fault.Is(err, fault.RateLimited) {
		name := scope
		if f.Scope == scopeAPI || f.Scope == scopeToken {
			name = f.Scope
		}
		h := all[name]
		h.limited = f
		all[name] = h
	}
	return all
}

// freshWindow is what counts before the ATS announced anything: what the
// adapter's manifest says.
func freshWindow(m *ats.Manifest, c *Connection, scope string, now time.Time) *RateWindow {
	w := &RateWindow{OrganizationID: c.OrganizationID, ConnectionID: c.ID, Scope: scope, Limit: 50, Length: 30 * time.Second}
	if scope == scopeToken {
		w.Limit, w.Length = 20, time.Minute // ours: an ATS may tell none (for example Greenhouse: facts/greenhouse.md 6)
	} else if limit, seconds := rateOf(m); limit > 0 && seconds > 0 {
		w.Limit, w.Length = limit, time.Duration(seconds)*time.Second
	}
	w.ResetsAt = now.Add(w.Length)
	return w
}

func rateOf(m *ats.Manifest) (limit, seconds int) {
	for _, c := range m.Capabilities {
		if c.Name == ats.CapabilityCandidates {
			limit, _ = strconv.Atoi(c.Constraints["rate_limit"])            // 0 if it is not said
			seconds, _ = strconv.Atoi(c.Constraints["rate_window_seconds"]) // likewise
		}
	}
	return limit, seconds
}

// jitter spreads those who wait for the same moment over a tenth of the time,
// a second at least.
func jitter(d time.Duration) time.Duration {
	return d + rand.N(max(d/10, time.Second)) //nolint:gosec // spreads load, keeps no secret
}
