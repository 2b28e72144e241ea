package transport

import (
	"context"
	"sync"

	"github.com/coder/websocket"
)

// wsGate knows what a transport serves, bounds it, and ends it. The zero value
// is open.
type wsGate struct {
	mu     sync.Mutex
	seats  map[*wsSeat]struct{}
	end    chan struct{} // closed when the gate closes
	empty  chan struct{} // closed when the gate is closed and nobody is in
	closed bool
}

// wsSeat is the place of one connection.
type wsSeat struct {
	gate *wsGate
	cut  func() // drops the connection
}

// enter takes a seat. If there is none it returns nil and why: going away, or
// try again later.
func (g *wsGate) enter(limit int, cut func()) (*wsSeat, websocket.StatusCode) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.closed:
		return nil, websocket.StatusGoingAway
	case len(g.seats) >= limit:
		return nil, websocket.StatusTryAgainLater
	}
	if g.seats == nil {
		g.seats = map[*wsSeat]struct{}{}
	}
	s := &wsSeat{gate: g, cut: cut}
	g.seats[s] = struct{}{}
	return s, 0
}

// leave gives the seat back.
func (s *wsSeat) leave() {
	g := s.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.seats, s)
	if g.closed && len(g.seats) == 0 {
		close(g.empty)
	}
}

// closing returns a channel that is closed when the gate closes.
func (g *wsGate) closing() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.ending()
}

func (g *wsGate) ending() chan struct{} {
	if g.end == nil {
		g.end, g.empty = make(chan struct{}), make(chan struct{})
	}
	return g.end
}

// close shuts the gate and waits until all have left; at the end of ctx it
// cuts the rest and returns the context's error.
func (g *wsGate) close(ctx context.Context) error {
	g.shut()
	select {
	case <-g.empty:
		return nil
	case <-ctx.Done():
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for s := range g.seats {
		s.cut()
	}
	return context.Cause(ctx)
}

func (g *wsGate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	end := g.ending()
	if g.closed {
		return
	}
	g.closed = true
	close(end)
	if len(g.seats) == 0 {
		close(g.empty)
	}
}
