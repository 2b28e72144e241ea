package transport

import (
	"context"
	"sync"
	"time"
)

// wsItem is a message that waits to be sent.
type wsItem struct {
	op   *wsOperation // nil if it belongs to none
	data []byte
	last bool // ends op
}

// wsOutbox holds the messages of one socket or event stream, bounded by number
// and bytes. Any goroutine may put, one takes. An idle one holds no buffer.
type wsOutbox struct {
	limit    int
	bytes    int
	patience time.Duration
	stalled  func() // called when a put gives up because nothing is taken

	ready chan struct{} // something may be there to take
	freed chan struct{} // there may be room for one that waits

	mu    sync.Mutex
	items []wsItem
	head  int // items before it are gone
	size  int // bytes waiting
	taken time.Time
}

func newWSOutbox(limit, bytes int, patience time.Duration, stalled func()) *wsOutbox {
	return &wsOutbox{
		limit: limit, bytes: bytes, patience: patience, stalled: stalled,
		ready: make(chan struct{}, 1), freed: make(chan struct{}, 1), taken: time.Now(),
	}
}

// put adds a message; it waits while there is no room. It returns false if ctx
// ends, or if nothing was taken for the whole of patience.
func (b *wsOutbox) put(ctx context.Context, item wsItem) bool {
	if ctx.Err() != nil {
		return false
	}
	return b.offer(item) || b.await(ctx, item)
}

func (b *wsOutbox) await(ctx context.Context, item wsItem) bool {
	timer := time.NewTimer(b.patience)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-b.freed:
			if b.offer(item) {
				return true
			}
		case <-timer.C:
			idle := b.idle()
			if idle >= b.patience {
				b.stalled()
				return false
			}
			timer.Reset(b.patience - idle) // slow, and alive
		}
	}
}

// idle is how long nothing was taken.
func (b *wsOutbox) idle() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return time.Since(b.taken)
}

// offer adds a message if there is room. One that is larger than all the room
// goes alone.
func (b *wsOutbox) offer(item wsItem) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	waiting := len(b.items) - b.head
	if waiting > 0 && (waiting >= b.limit || b.size+len(item.data) > b.bytes) {
		return false
	}
	if b.head > 0 && len(b.items) == cap(b.items) {
		n := copy(b.items, b.items[b.head:])
		clear(b.items[n:])
		b.items, b.head = b.items[:n], 0
	}
	b.items = append(b.items, item)
	b.size += len(item.data)
	signal(b.ready)
	return true
}

// take returns the oldest message, leaving out those of operations that the
// client has stopped; false if there is none.
func (b *wsOutbox) take() (wsItem, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.taken = time.Now()
	for b.head < len(b.items) {
		item := b.items[b.head]
		b.items[b.head] = wsItem{}
		b.head++
		b.size -= len(item.data)
		signal(b.freed)
		if item.op != nil && item.op.stopped.Load() {
			continue
		}
		if b.head < len(b.items) {
			signal(b.ready)
		}
		b.tidy()
		return item, true
	}
	b.tidy()
	return wsItem{}, false
}

// tidy forgets a buffer that is empty and large.
func (b *wsOutbox) tidy() {
	const small = 8
	if b.head < len(b.items) {
		return
	}
	b.items, b.head = b.items[:0], 0
	if cap(b.items) > small {
		b.items = nil
	}
}

// signal leaves a mark in a channel of one place.
func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
