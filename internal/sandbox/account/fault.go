package account

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"net"
	"net/http"
	"slices"
	"time"
)

// The faults of Harvest calls. What ends in _after happens when the call was
// carried out.
const (
	faultResetBefore  = "reset_before"
	faultResetAfter   = "reset_after"
	faultTimeoutAfter = "timeout_after" // the answer never comes; the connection is cut in the end
	faultErrorBefore  = "500_before"
	faultErrorAfter   = "500_after"
	faultTooMany      = "429" // not carried out
	faultSlow         = "slow"

	maxShots    = 10_000
	maxPatience = 60_000 // milliseconds
)

func faultKinds() []string {
	return []string{faultResetBefore, faultResetAfter, faultTimeoutAfter, faultErrorBefore, faultErrorAfter, faultTooMany, faultSlow}
}

// Scenario says how Harvest calls fail. The n-th call of an endpoint fails in
// the same way for the same seed, whatever other endpoints are called between.
type Scenario struct {
	Seed       uint64 `json:"seed"`
	Rules      []Odds `json:"rules"`
	Next       []Shot `json:"next"`        // before the odds, in their order
	SlowMS     int    `json:"slow_ms"`     // how long a slow call takes; default 200
	TimeoutMS  int    `json:"timeout_ms"`  // after how long an unanswered call is cut; default 1000
	RetryAfter int    `json:"retry_after"` // seconds, with a 429; default 1
}

// Odds are probabilities, which together are at most 1. An endpoint is named
// as in GET /sandbox/stats, "POST candidates"; without one they are for all
// Harvest calls that no other rule names. "POST oauth/token" must be named.
type Odds struct {
	Endpoint      string             `json:"endpoint"`
	Probabilities map[string]float64 `json:"probabilities"` // by kind
}

// Shot makes the next calls of an endpoint, or of any, fail.
type Shot struct {
	Endpoint string `json:"endpoint"`
	Kind     string `json:"kind"`
	Times    int    `json:"times"` // default 1
}

// shot is what happens to one call.
type shot struct {
	kind       string
	wait       time.Duration
	retryAfter int
}

// faults hand them out.
type faults struct {
	now  Scenario
	seen map[string]uint64 // calls by endpoint since the scenario was set
}

func (s *Scenario) complete() error {
	for to, otherwise := range map[*int]int{&s.SlowMS: 200, &s.TimeoutMS: 1000, &s.RetryAfter: 1} {
		if *to == 0 {
			*to = otherwise
		}
		if *to < 0 || *to > maxPatience {
			return fmt.Errorf("slow_ms, timeout_ms and retry_after must be from 0 to %d", maxPatience)
		}
	}
	for _, o := range s.Rules {
		sum := 0.0
		for kind, p := range o.Probabilities {
			if !slices.Contains(faultKinds(), kind) {
				return fmt.Errorf("%q is not one of %v", kind, faultKinds())
			}
			if !(p >= 0 && p <= 1) {
				return fmt.Errorf("the probability of %s must be from 0 to 1", kind)
			}
			sum += p
		}
		if sum > 1+1e-9 {
			return errors.New("the probabilities of a rule are over 1 together")
		}
	}
	for i := range s.Next {
		n := &s.Next[i]
		if n.Times == 0 {
			n.Times = 1
		}
		if !slices.Contains(faultKinds(), n.Kind) || n.Times < 0 || n.Times > maxShots {
			return fmt.Errorf("next: kind must be one of %v and times from 1 to %d", faultKinds(), maxShots)
		}
	}
	return nil
}

// draw decides about a call.
func (f *faults) draw(endpoint string) shot {
	if f.seen == nil {
		f.seen = map[string]uint64{}
	}
	f.seen[endpoint]++
	kind := f.next(endpoint)
	if kind == "" {
		kind = f.chance(endpoint, chance(f.now.Seed, endpoint, f.seen[endpoint]))
	}
	s := shot{kind: kind, retryAfter: f.now.RetryAfter}
	switch kind {
	case faultSlow:
		s.wait = milliseconds(f.now.SlowMS)
	case faultTimeoutAfter:
		s.wait = milliseconds(f.now.TimeoutMS)
	}
	return s
}

// next takes a single shot that is meant for the endpoint.
func (f *faults) next(endpoint string) string {
	for i := range f.now.Next {
		n := &f.now.Next[i]
		if n.Endpoint != endpoint && (n.Endpoint != "" || endpoint == tokenEndpoint) {
			continue
		}
		kind := n.Kind
		if n.Times--; n.Times == 0 {
			f.now.Next = slices.Delete(f.now.Next, i, i+1)
		}
		return kind
	}
	return ""
}

// chance picks the kind whose share of [0, 1) holds p.
func (f *faults) chance(endpoint string, p float64) string {
	o, ok := f.odds(endpoint)
	if !ok {
		return ""
	}
	for _, kind := range faultKinds() {
		if p -= o.Probabilities[kind]; p < 0 {
			return kind
		}
	}
	return ""
}

func (f *faults) odds(endpoint string) (Odds, bool) {
	for _, name := range []string{endpoint, ""} {
		if name == "" && endpoint == tokenEndpoint {
			break
		}
		if at := slices.IndexFunc(f.now.Rules, func(o Odds) bool { return o.Endpoint == name }); at >= 0 {
			return f.now.Rules[at], true
		}
	}
	return Odds{}, false
}

// chance is a number of [0, 1) that follows from seed, name and ordinal alone.
func chance(seed uint64, name string, n uint64) float64 {
	h := fnv.New64a()
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:8], seed)
	binary.LittleEndian.PutUint64(b[8:], n)
	_, _ = h.Write([]byte(name)) // never fails
	_, _ = h.Write(b[:])
	x := h.Sum64() // its low bits are mixed worst, so mix once more
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	x ^= x >> 33
	return float64(x>>11) / math.Exp2(53)
}

// finish answers, or does not, as the shot wants.
func (a *Account) finish(w http.ResponseWriter, r *http.Request, s shot, result answer) {
	switch s.kind {
	case faultResetBefore, faultResetAfter:
		cut(w)
	case faultTimeoutAfter:
		a.hang(r.Context(), s.wait)
		cut(w)
	case faultErrorAfter:
		answer{status: http.StatusInternalServerError, body: failure{Message: "Internal Server Error"}}.write(w)
	case faultSlow:
		a.hang(r.Context(), s.wait)
		result.write(w)
	default:
		result.write(w)
	}
}

// hang waits, but not beyond the caller's patience or the account's end.
func (a *Account) hang(ctx context.Context, d time.Duration) {
	wait, cancel := context.WithTimeout(ctx, maxPatience*time.Millisecond)
	defer cancel()
	stop := context.AfterFunc(a.hooks.ctx, cancel) //nolint:contextcheck // two contexts end the wait
	defer stop()
	a.clock.Wait(wait, a.clock.Now().Add(d))
}

// cut resets the connection without an answer.
func cut(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // ends it too, a little more politely
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // a reset instead of an orderly end
	}
	_ = conn.Close() // it is gone either way
}

// clone keeps what is counted down apart.
func (s Scenario) clone() Scenario {
	s.Next, s.Rules = slices.Clone(s.Next), slices.Clone(s.Rules)
	return s
}
