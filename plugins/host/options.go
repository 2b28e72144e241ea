package host

import (
	"cmp"
	"log/slog"
	"time"
)

// Options configures a Host. The zero value of each knob is its default.
type Options struct {
	Log      *slog.Logger // nil: silent
	Launches []Launch

	CallTimeout     time.Duration // of Describe, Decode, Encode, Receive and Translate, their wait for a process included; 2 s
	LongCallTimeout time.Duration // the most for all other calls, which take the caller's deadline; 60 s
	StartTimeout    time.Duration // from the launch to the manifest; 10 s
	StopTimeout     time.Duration // before a polite stop becomes a kill; 2 s
	PingEvery       time.Duration // 15 s
	PingTimeout     time.Duration // 1 s
	BinaryEvery     time.Duration // how often a waiting adapter's file is looked at; 5 s
	Backoff         Backoff
	Clock           Clock // for the waits of the supervision; nil: the real one
}

// Backoff says when an adapter that exited is started again: at once the first
// time, then after First, doubling to Most; never after Exits within Window.
type Backoff struct {
	First  time.Duration // 1 s
	Most   time.Duration // 2 min
	Exits  int           // 5
	Window time.Duration // 10 min
}

// Clock tells the time and wakes up.
type Clock interface {
	Now() time.Time
	After(d time.Duration) <-chan time.Time
}

type realClock struct{}

func (realClock) Now() time.Time                         { return time.Now() }
func (realClock) After(d time.Duration) <-chan time.Time { return time.After(d) }

func (o Options) withDefaults() Options {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Clock == nil {
		o.Clock = realClock{}
	}
	o.CallTimeout = cmp.Or(o.CallTimeout, 2*time.Second)
	o.LongCallTimeout = cmp.Or(o.LongCallTimeout, time.Minute)
	o.StartTimeout = cmp.Or(o.StartTimeout, 10*time.Second)
	o.StopTimeout = cmp.Or(o.StopTimeout, 2*time.Second)
	o.PingEvery = cmp.Or(o.PingEvery, 15*time.Second)
	o.PingTimeout = cmp.Or(o.PingTimeout, time.Second)
	o.BinaryEvery = cmp.Or(o.BinaryEvery, 5*time.Second)
	o.Backoff.First = cmp.Or(o.Backoff.First, time.Second)
	o.Backoff.Most = cmp.Or(o.Backoff.Most, 2*time.Minute)
	o.Backoff.Exits = cmp.Or(o.Backoff.Exits, 5)
	o.Backoff.Window = cmp.Or(o.Backoff.Window, 10*time.Minute)
	return o
}

// exits remembers when an adapter exited.
type exits []time.Time

// add notes one more and says how long to wait, or to give up.
func (x *exits) add(now time.Time, b Backoff) (wait time.Duration, giveUp bool) {
	recent := exits{now}
	for _, t := range *x {
		if now.Sub(t) < b.Window {
			recent = append(recent, t)
		}
	}
	*x = recent
	if len(recent) >= b.Exits {
		return 0, true
	}
	if len(recent) == 1 {
		return 0, false
	}
	wait = b.First
	for range len(recent) - 2 {
		wait = min(2*wait, b.Most)
	}
	return min(wait, b.Most), false
}
