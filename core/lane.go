package core

import (
	"math/rand/v2"
	"sync"
	"time"
)

const (
	// lanePause is how long a task waits that finds all calls of a connection
	// taken, and as much more for each that was told the same.
	lanePause = 100 * time.Millisecond
	// laneMost bounds that.
	laneMost = 10 * time.Second
	// laneLife is after which a call that did not end counts as ended. It is
	// longer than a task's time.
	laneLife = 5 * time.Minute
)

// lanes bound how many calls this process has at a time on each connection, so
// that a slow ATS cannot hold all workers. They are safe for concurrent use.
type lanes struct {
	width int
	mu    sync.Mutex
	lanes map[ID]*lane
}

type lane struct {
	taken   map[ID]time.Time // by claim
	refused int              // since the last call that ended, and half of those before
}

func newLanes(width int) *lanes { return &lanes{width: width, lanes: map[ID]*lane{}} }

// enter takes a place, or tells how long to wait for one.
func (ls *lanes) enter(connection, claim ID, now time.Time) (wait time.Duration, ok bool) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	l := ls.lanes[connection]
	if l == nil {
		l = &lane{taken: map[ID]time.Time{}}
		ls.lanes[connection] = l
	}
	if wait := l.full(ls.width, now); wait > 0 {
		return wait, false
	}
	l.taken[claim] = now
	return 0, true
}

// full tells how long to wait for a place; 0 if there is one.
func (ls *lanes) full(connection ID, now time.Time) time.Duration {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if l := ls.lanes[connection]; l != nil {
		return l.full(ls.width, now)
	}
	return 0
}

func (l *lane) full(width int, now time.Time) time.Duration {
	for id, since := range l.taken {
		if now.Sub(since) > laneLife {
			delete(l.taken, id)
		}
	}
	if len(l.taken) < width {
		return 0
	}
	l.refused++
	wait := min(time.Duration(l.refused)*lanePause, laneMost)
	return wait + rand.N(wait) //nolint:gosec // spreads load, keeps no secret
}

// leave gives a place back; one that was not taken is free already.
func (ls *lanes) leave(connection, claim ID) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	l := ls.lanes[connection]
	if l == nil {
		return
	}
	delete(l.taken, claim)
	l.refused /= 2
	if len(l.taken) == 0 {
		delete(ls.lanes, connection)
	}
}
