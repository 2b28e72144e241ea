// Package ratelimit bounds how often a caller may ask: by the generic cell rate
// algorithm, in process or, for several processes together, on Redis. A lost
// Redis never fails a request: each process then counts by itself.
package ratelimit

import (
	"context"
	"log/slog"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// redisDeadline bounds one question to Redis: it is on the way of every request.
	redisDeadline = 250 * time.Millisecond
	// redisPause is how long Redis is left alone after it failed.
	redisPause = time.Second
)

// Options is what a Limiter is made of.
type Options struct {
	PerMinute int              // requests that a caller may make over time; 0 or less means no limit
	Burst     int              // requests that it may make at once; 0 means PerMinute
	Name      string           // parts the keys of limiters that share a Redis
	Redis     redis.Scripter   // nil: each process counts by itself
	Now       func() time.Time // nil: the system's clock; not used on Redis, which has its own
	MaxKeys   int              // callers remembered in process; 0 means 20,000
	Log       *slog.Logger     // nil: none
}

// Limiter is one limit for many callers. A nil one lets everybody through. It
// is safe for concurrent use and holds nothing that must be closed.
type Limiter struct {
	rate   rate
	burst  int
	prefix string
	now    func() time.Time
	log    *slog.Logger
	local  local
	redis  redis.Scripter
	script *redis.Script
	away   atomic.Int64 // until when Redis is left alone, in Unix nanoseconds
}

// rate is what a limit amounts to in time.
type rate struct {
	each   time.Duration // that one request costs
	window time.Duration // that a caller may have spent ahead
}

// New returns a limiter, or nil if there is no limit.
func New(o Options) *Limiter {
	if o.PerMinute <= 0 {
		return nil
	}
	if o.Burst <= 0 {
		o.Burst = o.PerMinute
	}
	if o.MaxKeys <= 0 {
		o.MaxKeys = 20_000
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	each := max(time.Minute/time.Duration(o.PerMinute), time.Microsecond)
	return &Limiter{
		rate: rate{each: each, window: each * time.Duration(o.Burst)}, burst: o.Burst,
		prefix: "trellis:rate:" + o.Name + ":", now: o.Now, log: o.Log,
		local: local{most: o.MaxKeys}, redis: o.Redis, script: redis.NewScript(source),
	}
}

// Outcome is what a limiter said.
type Outcome struct {
	Allowed    bool
	Limit      int           // requests at once for a caller who made none lately; 0 means no limit
	Remaining  int           // requests that could follow at once
	Reset      time.Duration // until all of Limit is there again
	RetryAfter time.Duration // until the same would be allowed; 0 if it is
}

// Take spends cost requests of a caller's. What is refused is not spent. A cost
// over the burst counts as the burst, so that it is only a matter of waiting.
func (l *Limiter) Take(ctx context.Context, key string, cost int) Outcome {
	if l == nil {
		return Outcome{Allowed: true}
	}
	ask := l.rate.each * time.Duration(min(max(cost, 0), l.burst))
	if ahead, allowed, ok := l.shared(ctx, key, ask); ok {
		return l.outcome(ahead, ask, allowed)
	}
	ahead, allowed := l.local.take(key, l.now(), ask, l.rate.window)
	return l.outcome(ahead, ask, allowed)
}

// outcome tells of a caller that is ahead by some time of what it may.
func (l *Limiter) outcome(ahead, ask time.Duration, allowed bool) Outcome {
	o := Outcome{Allowed: allowed, Limit: l.burst, Reset: ahead, Remaining: int((l.rate.window - ahead) / l.rate.each)}
	if !allowed {
		o.RetryAfter = ahead + ask - l.rate.window
	}
	return o
}

// shared asks Redis, unless it failed a moment ago.
func (l *Limiter) shared(ctx context.Context, key string, ask time.Duration) (ahead time.Duration, allowed, ok bool) {
	now := time.Now()
	if l.redis == nil || now.UnixNano() < l.away.Load() {
		return 0, false, false
	}
	// The caller's going away is no reason to think that Redis did.
	asked, cancel := context.WithTimeout(context.WithoutCancel(ctx), redisDeadline)
	defer cancel()
	answer, err := l.script.Run(asked, l.redis, []string{l.prefix + key}, ask.Microseconds(), l.rate.window.Microseconds()).Int64Slice()
	if err != nil || len(answer) != 2 {
		if l.away.Swap(now.Add(redisPause).UnixNano()) < now.Add(-10*redisPause).UnixNano() {
			l.log.WarnContext(ctx, "Redis is away; each process counts requests by itself until it is back", "error", err)
		}
		return 0, false, false
	}
	return time.Duration(answer[1]) * time.Microsecond, answer[0] == 1, true
}

// source is the algorithm on Redis: the key holds the time, in microseconds,
// at which the caller will have nothing ahead. Redis's clock is everybody's.
const source = `
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local ask, window = tonumber(ARGV[1]), tonumber(ARGV[2])
local ahead = math.max((tonumber(redis.call('GET', KEYS[1])) or 0) - now, 0)
if ahead + ask > window then return {0, ahead} end
ahead = ahead + ask
if ahead > 0 then
  redis.call('SET', KEYS[1], string.format('%.0f', now + ahead), 'PX', math.ceil(ahead / 1000) + 1)
end
return {1, ahead}`

// AddressKey is the key of an address. All addresses of an IPv6 network of
// 64 bits are one: whoever has one of them has them all.
func AddressKey(a netip.Addr) string {
	if !a.IsValid() {
		return "unknown"
	}
	if a = a.Unmap(); a.Is6() {
		if p, err := a.WithZone("").Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.String()
}
