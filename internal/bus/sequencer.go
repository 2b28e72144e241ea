package bus

import (
	"context"
	"log/slog"
	"time"
)

// Numberer gives committed events their positions, in one order for all
// processes. n tells how many it numbered, last the highest position.
type Numberer interface {
	NumberEvents(ctx context.Context, limit int) (last int64, n int, err error)
	// LastPosition returns the highest position that any process gave.
	LastPosition(ctx context.Context) (int64, error)
}

// batch is how many events are numbered in one transaction.
const batch = 500

// between is the least time between two numberings: after a quiet moment an
// event is numbered at once, in a busy one it waits for company.
const between = 10 * time.Millisecond

// SequencerOptions is what a Sequencer needs.
type SequencerOptions struct {
	Events Numberer
	Bus    Bus
	Log    *slog.Logger
	// Every is how often to look without being woken. It finds what a process
	// left behind that died between commit and wake, and what others numbered
	// while the bus between them was down. Default 1 s.
	Every time.Duration
}

// Sequencer numbers events soon after they commit and tells the bus. Numbering
// apart from the commit is what makes a cursor safe: an event of a transaction
// that commits late gets a late position, so no reader passes it by.
type Sequencer struct {
	o    SequencerOptions
	wake chan struct{}
}

// NewSequencer returns a sequencer.
func NewSequencer(o SequencerOptions) *Sequencer {
	if o.Every == 0 {
		o.Every = time.Second
	}
	return &Sequencer{o: o, wake: make(chan struct{}, 1)}
}

// Wake tells that events were committed. It never blocks.
func (s *Sequencer) Wake() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Run works until ctx ends.
func (s *Sequencer) Run(ctx context.Context) {
	tick := time.NewTicker(s.o.Every)
	defer tick.Stop()
	for {
		s.number(ctx)
		if !rest(ctx) {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		case <-tick.C:
			s.catchUp(ctx)
		}
	}
}

func (s *Sequencer) number(ctx context.Context) {
	for ctx.Err() == nil {
		last, n, err := s.o.Events.NumberEvents(ctx, batch)
		if err != nil {
			if ctx.Err() == nil {
				s.o.Log.WarnContext(ctx, "events could not be numbered; subscribers wait until the next try", "error", err)
			}
			return
		}
		if n == 0 {
			return
		}
		if err := s.o.Bus.Publish(ctx, last); err != nil {
			s.o.Log.WarnContext(ctx, "the bus could not be told; subscribers catch up from the event table", "error", err)
		}
	}
}

// rest gathers the events of a busy time into batches, and reports whether ctx
// is still good.
func rest(ctx context.Context) bool {
	timer := time.NewTimer(between)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// catchUp tells this process what others numbered, should the bus have lost it.
func (s *Sequencer) catchUp(ctx context.Context) {
	last, err := s.o.Events.LastPosition(ctx)
	if err != nil {
		return // numbering, which comes next, says why
	}
	s.o.Bus.Tell(last)
}
