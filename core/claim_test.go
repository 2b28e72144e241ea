package core_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/coretest"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/internal/store"
	"github.com/trellis-ats/trellis/internal/store/storetest"
)

// strict is an ATS that counts requests in fixed windows of 30 seconds.
type strict struct {
	clock *coretest.Clock
	limit int
	mu    sync.Mutex
	begun time.Time
	count int
	most  int
	over  int
	taken int
}

// take is one request; it returns what the ATS announces.
func (s *strict) take() (ats.Exchange, *ats.RateBudget) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock.Now()
	if begun := now.Truncate(30 * time.Second); begun != s.begun {
		s.begun, s.count = begun, 0
	}
	s.taken++
	s.count++
	s.most = max(s.most, s.count)
	if s.count > s.limit {
		s.over++
	}
	b := &ats.RateBudget{Scope: "api", Limit: s.limit, Remaining: max(0, s.limit-s.count), ResetAt: s.begun.Add(30 * time.Second)}
	return ats.Exchange{Method: "GET", Status: 200, StartedAt: now}, b
}

// pacing is a world with an ATS that counts.
type pacing struct {
	*world
	system *strict
}

func newPacing(t *testing.T, db *store.DB) *pacing {
	t.Helper()
	w := newWorldOn(t, db)
	w.adapters.Whole = coretest.NewATS(w.clock)
	return &pacing{world: w, system: &strict{clock: w.clock, limit: 75}}
}

func (p *pacing) callsOn(s core.Store, atATime int) *core.Calls {
	return core.NewCalls(core.CallsOptions{Store: s, Clock: p.clock, Adapters: p.adapters, AtATime: atATime})
}

// spend makes n requests under a claim and returns what they left behind.
func (p *pacing) spend(n int) ats.Trace {
	var t ats.Trace
	for range n {
		x, b := p.system.take()
		t.Exchanges, t.Budget = append(t.Exchanges, x), b
	}
	return t
}

func (p *pacing) postponed(err error, least, most time.Duration) {
	p.t.Helper()
	var postponed *core.Postponed
	if !errors.As(err, &postponed) {
		p.t.Fatalf("got %v, want to be postponed", err)
	}
	if postponed.For < least || postponed.For > most {
		p.t.Errorf("postponed for %s, want %s to %s", postponed.For, least, most)
	}
}

func (p *pacing) other() *core.Connection {
	p.t.Helper()
	made, err := p.connections.Create(p.t.Context(), p.admin, core.NewConnection{Adapter: coretest.AdapterName, Name: "Other", Settings: map[string]string{"account": "b"}}, core.Key{})
	p.ok(err)
	return made.Connection
}

func (p *pacing) claim(calls *core.Calls, cost int) *core.Claim {
	p.t.Helper()
	claim, err := calls.Claim(p.t.Context(), p.connection, cost)
	p.ok(err)
	return claim
}

func TestClaimsStayWithinTheWindow(t *testing.T) {
	t.Parallel()
	p := newPacing(t, storetest.SQLite(t))
	calls := p.callsOn(p.store, 100)
	refused := func(cost int, least, most time.Duration) {
		t.Helper()
		_, err := calls.Claim(t.Context(), p.connection, cost)
		p.postponed(err, least, most)
	}
	// Before an announcement 50 requests in 30 seconds count, less the margin.
	first := p.claim(calls, 40)
	refused(8, 30*time.Second, 33*time.Second)
	second := p.claim(calls, 7)
	p.ok(second.Settle(t.Context(), nil, nil)) // which was not used
	p.ok(first.Settle(t.Context(), []ats.Trace{p.spend(10)}, nil))
	p.ok(first.Settle(t.Context(), []ats.Trace{p.spend(10)}, nil)) // the second time does nothing
	// Now the ATS's 75 count, of which it has seen 20 and told of 10.
	big := p.claim(calls, 61)
	refused(1, 30*time.Second, 35*time.Second)
	p.ok(big.Settle(t.Context(), []ats.Trace{p.spend(1)}, nil)) // which tells of 21
	p.ok(p.claim(calls, 50).Settle(t.Context(), nil, nil))
	refused(51, 30*time.Second, 35*time.Second)
	// Another connection has a window of its own.
	own, err := calls.Claim(t.Context(), p.other(), 40)
	p.ok(err)
	p.ok(own.Settle(t.Context(), nil, nil))
	// The claim of a dead process ends with the window after its own.
	p.claim(calls, 71-21)
	p.clock.Turn(32 * time.Second)
	refused(71, 0, 35*time.Second)
	p.clock.Turn(32 * time.Second)
	// What costs more than a window takes a whole one.
	whole := p.claim(calls, 1000)
	refused(1, 0, 35*time.Second)
	p.ok(whole.Settle(t.Context(), nil, nil))
	if requests, window, err := calls.Pace(t.Context(), p.connection); err != nil || requests != 71 || window != 30*time.Second {
		t.Errorf("the pace is %d in %s, %v", requests, window, err)
	}
}

func TestARefusedRateClosesTheWindow(t *testing.T) {
	t.Parallel()
	p := newPacing(t, storetest.SQLite(t))
	calls := p.callsOn(p.store, 100)
	limited := fault.New(fault.RateLimited, "Too many requests.")
	limited.RetryAfter = 2 * time.Minute
	p.ok(p.claim(calls, 1).Settle(t.Context(), nil, limited))
	_, err := calls.Claim(t.Context(), p.connection, 1)
	p.postponed(err, 2*time.Minute, 3*time.Minute)
	p.clock.Turn(2 * time.Minute)
	p.ok(p.claim(calls, 1).Settle(t.Context(), nil, nil))
	limited.RetryAfter = time.Second // the window itself goes on
	p.ok(p.claim(calls, 1).Settle(t.Context(), nil, limited))
	p.clock.Turn(time.Second)
	limited.RetryAfter = 0 // then until the next window
	p.ok(p.claim(calls, 1).Settle(t.Context(), nil, limited))
	_, err = calls.Claim(t.Context(), p.connection, 1)
	p.postponed(err, 0, 35*time.Second)
}

// TestWhatIsAnnounced: clocks differ and answers overtake each other.
func TestWhatIsAnnounced(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		reset     []time.Duration // from now, one for each answer
		remaining []int
		free      int // of the 47 or 95 that can be claimed
	}{
		"in order":             {[]time.Duration{20 * time.Second, 20 * time.Second}, []int{90, 80}, 75},
		"overtaken":            {[]time.Duration{20 * time.Second, 20 * time.Second}, []int{80, 90}, 75},
		"of the window before": {[]time.Duration{20 * time.Second, 5 * time.Second}, []int{80, 10}, 73},
		"of the next window":   {[]time.Duration{5 * time.Second, 25 * time.Second}, []int{10, 99}, 94},
		"a clock behind":       {[]time.Duration{-time.Hour}, []int{10}, 93},
		"a clock ahead":        {[]time.Duration{time.Hour}, []int{60}, 55},
		"others use it too":    {[]time.Duration{20 * time.Second}, []int{0}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPacing(t, storetest.SQLite(t))
			calls := p.callsOn(p.store, 100)
			for i, reset := range c.reset {
				now := p.clock.Now()
				trace := ats.Trace{
					Exchanges: []ats.Exchange{{Status: 200, StartedAt: now}, {Status: 200, StartedAt: now}},
					Budget:    &ats.RateBudget{Scope: "api", Limit: 100, Remaining: c.remaining[i], ResetAt: now.Add(reset)},
				}
				p.ok(p.claim(calls, 2).Settle(t.Context(), []ats.Trace{trace}, nil))
			}
			if c.free > 0 {
				p.claim(calls, c.free)
			}
			_, err := calls.Claim(t.Context(), p.connection, 1)
			p.postponed(err, 0, 40*time.Second)
		})
	}
}

// TestUnannouncedRequestsCount: what no answer told of is counted beside what
// answers tell, in the window in which the ATS counts it.
func TestUnannouncedRequestsCount(t *testing.T) {
	t.Parallel()
	begin := func(t *testing.T) (p *pacing, settle func(tell bool, n int, c *core.Claim), free func(n int)) {
		p = newPacing(t, storetest.SQLite(t))
		calls := p.callsOn(p.store, 100)
		settle = func(tell bool, n int, c *core.Claim) {
			t.Helper()
			trace := p.spend(n)
			if !tell {
				trace.Budget = nil
			}
			p.ok(c.Settle(t.Context(), []ats.Trace{trace}, nil))
		}
		free = func(n int) {
			t.Helper()
			p.claim(calls, n)
			_, err := calls.Claim(t.Context(), p.connection, 1)
			p.postponed(err, 0, 40*time.Second)
		}
		settle(true, 1, p.claim(calls, 1))
		return p, settle, free
	}
	t.Run("before an answer that was overtaken", func(t *testing.T) {
		t.Parallel()
		p, settle, free := begin(t)
		calls := p.callsOn(p.store, 100)
		early := p.claim(calls, 5)
		told := p.spend(5)
		settle(false, 10, p.claim(calls, 10))
		p.ok(early.Settle(t.Context(), []ats.Trace{told}, nil))
		free(71 - 16)
	})
	t.Run("as a window begins", func(t *testing.T) {
		t.Parallel()
		p, settle, free := begin(t)
		p.clock.Turn(30*time.Second + 500*time.Millisecond) // ours begins after 31 s
		settle(false, 10, p.claim(p.callsOn(p.store, 100), 10))
		p.clock.Turn(time.Second)
		free(71 - 10)
	})
	t.Run("as a window begins that was announced", func(t *testing.T) {
		t.Parallel()
		p, settle, free := begin(t)
		p.clock.Turn(30*time.Second + 500*time.Millisecond)
		calls := p.callsOn(p.store, 100)
		settle(true, 1, p.claim(calls, 1))
		settle(false, 10, p.claim(calls, 10))
		p.clock.Turn(time.Second)
		free(71 - 11)
	})
}

func TestFewCallsAtATimeOnOneConnection(t *testing.T) {
	t.Parallel()
	p := newPacing(t, storetest.SQLite(t))
	calls, other := p.callsOn(p.store, 0), p.other()
	var taken []*core.Claim
	for range 4 {
		taken = append(taken, p.claim(calls, 1))
	}
	_, err := calls.Claim(t.Context(), p.connection, 1)
	p.postponed(err, 100*time.Millisecond, 200*time.Millisecond)
	for range 1000 {
		_, err = calls.Claim(t.Context(), p.connection, 1)
	}
	p.postponed(err, 10*time.Second, 20*time.Second) // many that wait do not ask all the time
	own, err := calls.Claim(t.Context(), other, 1)
	p.ok(err)
	p.ok(own.Settle(t.Context(), nil, nil))
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	p.ok(taken[0].Settle(ended, nil, nil)) // a task that is cut off settles too
	p.claim(calls, 1)
	p.clock.Turn(6 * time.Minute) // nobody settles for those whose goroutine died
	p.claim(calls, 1)
}

// TestNoRequestTooMany lets two processes claim at random, some die, some hold
// their claim over the window's end, and some answers announce nothing.
func TestNoRequestTooMany(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		p := newPacing(t, db)
		replicas := []*core.Calls{p.callsOn(db, 100), p.callsOn(db, 100)}
		dice := rand.New(rand.NewPCG(seed, 1))
		var held []func()
		for range 60 {
			var running sync.WaitGroup
			for _, end := range held {
				running.Go(end)
			}
			held = nil
			var mu sync.Mutex
			for n := range 12 {
				cost, fate := 1+dice.IntN(12), dice.IntN(10)
				running.Go(func() {
					claim, err := replicas[n%2].Claim(t.Context(), p.connection, cost)
					var postponed *core.Postponed
					if errors.As(err, &postponed) {
						return
					}
					if err != nil {
						t.Error(err)
						return
					}
					end := func() {
						trace := p.spend(cost)
						if fate == 1 {
							trace.Budget = nil
						}
						if err := claim.Settle(t.Context(), []ats.Trace{trace}, nil); err != nil {
							t.Error(err)
						}
					}
					switch fate {
					case 0: // it dies half-way
						p.spend(cost / 2)
					case 2:
						mu.Lock()
						held = append(held, end)
						mu.Unlock()
					default:
						end()
					}
				})
			}
			running.Wait()
			p.clock.Turn(time.Duration(dice.IntN(12_000)) * time.Millisecond)
		}
		if p.system.over > 0 || p.system.most > p.system.limit {
			t.Errorf("%d requests too many: %d in a window", p.system.over, p.system.most)
		}
		if p.system.taken < 300 {
			t.Errorf("only %d requests in 6 minutes", p.system.taken)
		}
	})
}
