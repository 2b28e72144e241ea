// Package bus tells subscribers, in this process and in others, that events
// were numbered. It carries positions only: who is told reads the events from
// the store, and only those that it may see. A message that is lost costs
// time, never an event.
package bus

import (
	"context"
	"sync"
)

// Bus is the port. *Local and *Redis are buses.
type Bus interface {
	// Publish tells every process that events up to and including position
	// were numbered.
	Publish(ctx context.Context, position int64) error
	// Tell tells the subscriptions of this process alone.
	Tell(position int64)
	// Subscribe returns a subscription; Close it.
	Subscribe() *Subscription
}

// Subscription is one listener. Signals coalesce: a slow listener finds the
// latest position, and never makes another one wait.
type Subscription struct {
	signal chan struct{}
	close  func()

	mu   sync.Mutex
	last int64
}

// Signal is ready when there is news since Position was asked for.
func (s *Subscription) Signal() <-chan struct{} { return s.signal }

// Position returns the highest position that was told; 0 for none yet.
func (s *Subscription) Position() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

// Close ends the subscription. It may be called twice.
func (s *Subscription) Close() { s.close() }

func (s *Subscription) tell(position int64) {
	s.mu.Lock()
	news := position > s.last
	s.last = max(s.last, position)
	s.mu.Unlock()
	if !news {
		return
	}
	select {
	case s.signal <- struct{}{}:
	default: // it has not looked since the last signal
	}
}

// Local is the bus of one process.
type Local struct {
	mu   sync.RWMutex
	subs map[*Subscription]struct{}
}

// NewLocal returns a bus.
func NewLocal() *Local { return &Local{subs: map[*Subscription]struct{}{}} }

// Publish is Tell. It never fails.
func (l *Local) Publish(_ context.Context, position int64) error {
	l.Tell(position)
	return nil
}

// Tell tells every subscription. It never blocks.
func (l *Local) Tell(position int64) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	for s := range l.subs {
		s.tell(position)
	}
}

// Subscribe returns a subscription; Close it.
func (l *Local) Subscribe() *Subscription {
	s := &Subscription{signal: make(chan struct{}, 1)}
	s.close = func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.subs, s)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.subs[s] = struct{}{}
	return s
}
