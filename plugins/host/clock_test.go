//go:build unix

package host_test

import (
	"slices"
	"sync"
	"testing"
	"time"
)

// clock is driven by hand.
type clock struct {
	mu     sync.Mutex
	now    time.Time
	timers []timer
	added  chan struct{} // closed and replaced when a timer is added
}

type timer struct {
	wait time.Duration
	at   time.Time
	ch   chan time.Time
}

func newClock() *clock {
	return &clock{now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), added: make(chan struct{})}
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) After(d time.Duration) <-chan time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	ch := make(chan time.Time, 1)
	c.timers = append(c.timers, timer{wait: d, at: c.now.Add(d), ch: ch})
	close(c.added)
	c.added = make(chan struct{})
	return ch
}

// pass waits until somebody waits for d, and lets that much time pass.
func (c *clock) pass(t *testing.T, d time.Duration) {
	t.Helper()
	limit := time.After(30 * time.Second)
	for {
		c.mu.Lock()
		added := c.added
		waiting := slices.ContainsFunc(c.timers, func(x timer) bool { return x.wait == d })
		if waiting {
			c.advance(d)
		}
		c.mu.Unlock()
		if waiting {
			return
		}
		select {
		case <-added:
		case <-limit:
			t.Fatalf("nobody waits for %s", d)
		}
	}
}

func (c *clock) advance(d time.Duration) {
	c.now = c.now.Add(d)
	c.timers = slices.DeleteFunc(c.timers, func(x timer) bool {
		due := !x.at.After(c.now)
		if due {
			x.ch <- c.now
		}
		return due
	})
}
