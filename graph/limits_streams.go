package graph

import (
	"context"
	"sync"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/fault"
)

// streams counts what a caller keeps open: websockets and event streams hold
// memory as long as they last, however seldom they ask.
type streams struct {
	most int // of one caller
	mu   sync.Mutex
	held map[string]int // by principal
}

func newStreams(most int) *streams { return &streams{most: most, held: map[string]int{}} }

// open counts one until ctx ends. Errors: fault.RateLimited.
func (s *streams) open(ctx context.Context, a *core.Admission) error {
	who := a.Caller()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held[who] >= s.most {
		return fault.New(fault.RateLimited, "You have %d connections open; close some first.", s.most)
	}
	s.held[who]++
	context.AfterFunc(ctx, func() { s.close(who) })
	return nil
}

func (s *streams) close(who string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held[who]--; s.held[who] == 0 {
		delete(s.held, who)
	}
}
