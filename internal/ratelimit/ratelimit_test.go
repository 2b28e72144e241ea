package ratelimit_test

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"github.com/trellis-ats/trellis/internal/ratelimit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bench is a limiter of 60 a minute with a burst of 5, and its clock.
type bench struct {
	limiter *ratelimit.Limiter
	pass    func(time.Duration)
}

func local(*testing.T) bench {
	var passed atomic.Int64
	begin := time.Date(2026, 5, 7, 12, 0, 0, 0, time.UTC)
	return bench{
		ratelimit.New(ratelimit.Options{PerMinute: 60, Burst: 5, Now: func() time.Time { return begin.Add(time.Duration(passed.Load())) }}),
		func(d time.Duration) { passed.Add(int64(d)) },
	}
}

func onMini(t *testing.T) bench {
	server := miniredis.RunT(t)
	now := time.Date(2026, 5, 7, 12, 0, 0, 0, time.UTC)
	server.SetTime(now)
	return bench{
		ratelimit.New(ratelimit.Options{PerMinute: 60, Burst: 5, Redis: client(t, server.Addr())}),
		func(d time.Duration) {
			now = now.Add(d)
			server.SetTime(now)
			server.FastForward(d)
		},
	}
}

func client(t *testing.T, address string) *redis.Client {
	t.Helper()
	c := redis.NewClient(&redis.Options{Addr: address, MaxRetries: -1, DialerRetries: 1, ContextTimeoutEnabled: true})
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestLimiter(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(*testing.T) bench{"in process": local, "on Redis": onMini} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := open(t)
			for left := 4; left >= 0; left-- {
				o := b.limiter.Take(t.Context(), "a", 1)
				want := ratelimit.Outcome{Allowed: true, Limit: 5, Remaining: left, Reset: time.Duration(5-left) * time.Second}
				if o != want {
					t.Fatalf("%+v, want %+v", o, want)
				}
			}
			refused := ratelimit.Outcome{Limit: 5, Reset: 5 * time.Second, RetryAfter: time.Second}
			for range 3 { // what is refused is not spent
				if o := b.limiter.Take(t.Context(), "a", 1); o != refused {
					t.Fatalf("%+v, want %+v", o, refused)
				}
			}
			if o := b.limiter.Take(t.Context(), "b", 1); !o.Allowed {
				t.Errorf("another caller: %+v", o)
			}
			b.pass(2 * time.Second)
			if o := b.limiter.Take(t.Context(), "a", 3); o.Allowed || o.RetryAfter != time.Second {
				t.Errorf("three, two seconds later: %+v", o)
			}
			if o := b.limiter.Take(t.Context(), "a", 2); !o.Allowed || o.Remaining != 0 {
				t.Errorf("two, two seconds later: %+v", o)
			}
			b.pass(time.Minute)
			if o := b.limiter.Take(t.Context(), "a", 0); !o.Allowed || o.Remaining != 5 || o.Reset != 0 {
				t.Errorf("a look after a minute: %+v", o)
			}
			if o := b.limiter.Take(t.Context(), "a", 1000); !o.Allowed || o.Remaining != 0 {
				t.Errorf("more than the burst: %+v", o)
			}
		})
	}
}

func TestNoLimit(t *testing.T) {
	t.Parallel()
	l := ratelimit.New(ratelimit.Options{})
	if o := l.Take(t.Context(), "a", 1); !o.Allowed || o.Limit != 0 {
		t.Errorf("%+v", o)
	}
}

func TestTogether(t *testing.T) {
	t.Parallel()
	b := local(t)
	var allowed atomic.Int64
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if b.limiter.Take(t.Context(), "a", 1).Allowed {
				allowed.Add(1)
			}
		})
	}
	wg.Wait()
	if n := allowed.Load(); n != 5 {
		t.Errorf("%d of 50 were allowed, want 5", n)
	}
}

func TestForgottenCallersAreTheIdleOnes(t *testing.T) {
	t.Parallel()
	l := ratelimit.New(ratelimit.Options{PerMinute: 1, Burst: 1, MaxKeys: 100})
	l.Take(t.Context(), "busy", 1)
	for i := range 1000 {
		l.Take(t.Context(), fmt.Sprint(i), 1)
		if i == 40 && l.Take(t.Context(), "busy", 1).Allowed {
			t.Error("a caller was forgotten while there was room")
		}
	}
}

func TestTwoProcessesShareOneRedis(t *testing.T) {
	t.Parallel()
	server := miniredis.RunT(t)
	at := func() *ratelimit.Limiter {
		return ratelimit.New(ratelimit.Options{PerMinute: 1, Burst: 2, Redis: client(t, server.Addr())})
	}
	one, two := at(), at()
	if !one.Take(t.Context(), "a", 1).Allowed || !two.Take(t.Context(), "a", 1).Allowed || one.Take(t.Context(), "a", 1).Allowed {
		t.Error("they count apart")
	}
}

func TestLostRedis(t *testing.T) {
	t.Parallel()
	server := miniredis.RunT(t)
	l := ratelimit.New(ratelimit.Options{PerMinute: 1, Burst: 2, Redis: client(t, server.Addr())})
	l.Take(t.Context(), "a", 2)
	server.Close()
	began := time.Now()
	for i := range 100 {
		if o := l.Take(t.Context(), "a", 1); o.Allowed != (i < 2) {
			t.Fatalf("request %d without Redis: %+v", i, o)
		}
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("100 requests took %v without Redis", took)
	}
}

func TestCallerGoneIsNotRedisGone(t *testing.T) {
	t.Parallel()
	server := miniredis.RunT(t)
	l := ratelimit.New(ratelimit.Options{PerMinute: 1, Burst: 1, Redis: client(t, server.Addr())})
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if !l.Take(gone, "a", 1).Allowed || l.Take(t.Context(), "a", 1).Allowed {
		t.Error("Redis was not asked")
	}
}

func TestRealRedis(t *testing.T) {
	t.Parallel()
	address := os.Getenv("TRELLIS_TEST_REDIS_URL")
	if address == "" {
		t.Skip("set TRELLIS_TEST_REDIS_URL to run this on Redis")
	}
	o, err := redis.ParseURL(address)
	if err != nil {
		t.Fatal(err)
	}
	l := ratelimit.New(ratelimit.Options{PerMinute: 60, Burst: 3, Redis: client(t, o.Addr), Name: fmt.Sprint("test-", time.Now().UnixNano())})
	for i := range 4 {
		if got := l.Take(t.Context(), "a", 1); got.Allowed != (i < 3) || got.Limit != 3 {
			t.Errorf("request %d: %+v", i, got)
		}
	}
}

func TestAddressKey(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"192.0.2.7": "192.0.2.7", "::ffff:192.0.2.7": "192.0.2.7", "2001:db8:1:2:3::4": "2001:db8:1:2::/64", "fe80::1%eth0": "fe80::/64",
	} {
		if got := ratelimit.AddressKey(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
	if got := ratelimit.AddressKey(netip.Addr{}); got != "unknown" {
		t.Error(got)
	}
}
