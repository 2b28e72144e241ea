package host

import (
	"sync"
	"time"
)

// Status is where an adapter is in its life.
type Status string

// The statuses.
const (
	Stopped    Status = "STOPPED" // not started yet, or the host is closed
	Starting   Status = "STARTING"
	Running    Status = "RUNNING"
	BackingOff Status = "BACKING_OFF" // exited; started again soon
	Failed     Status = "FAILED"      // given up until its file changes or Restart
)

// State is what can be seen of an adapter.
type State struct {
	Name      string
	Version   string // from the manifest; empty before the first answer
	Status    Status
	PID       int // 0 unless running
	Restarts  int // processes after the first
	LastError string
	Since     time.Time // of the status
}

// broadcast tells any number of waiters that something changed.
type broadcast struct {
	mu sync.Mutex
	ch chan struct{}
}

func newBroadcast() *broadcast { return &broadcast{ch: make(chan struct{})} }

// next returns a channel that is closed by the next announce.
func (b *broadcast) next() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ch
}

func (b *broadcast) announce() {
	b.mu.Lock()
	defer b.mu.Unlock()
	close(b.ch)
	b.ch = make(chan struct{})
}
