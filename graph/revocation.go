package graph

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/internal/bus"
)

// rememberEnded is how long an ending is remembered for a caller that was let
// in just before it and asks to be watched just after.
const rememberEnded = time.Minute

// Endings ends open connections at once when the token or session that they
// rest on ends, in whatever process that happened. It is safe for concurrent use.
type Endings struct {
	feed    *core.Feed
	signals Signals
	log     *slog.Logger

	mu       sync.Mutex
	watchers map[core.ID]map[*watcher]struct{}
	ended    map[core.ID]time.Time
}

// watcher is one open connection.
type watcher struct {
	once  sync.Once
	ended chan struct{}
}

func (w *watcher) end() { w.once.Do(func() { close(w.ended) }) }

// NewEndings returns a watch over endings; Run it.
func NewEndings(f *core.Feed, s Signals, log *slog.Logger) *Endings {
	return &Endings{
		feed: f, signals: s, log: log,
		watchers: map[core.ID]map[*watcher]struct{}{}, ended: map[core.ID]time.Time{},
	}
}

// Watch returns a channel that is closed when the admission ends: by
// revocation, by signing out, or by its time. Call stop when it is no longer needed.
func (e *Endings) Watch(a *core.Admission) (ended <-chan struct{}, stop func()) {
	w := &watcher{ended: make(chan struct{})}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, root := range a.Roots {
		if e.watchers[root] == nil {
			e.watchers[root] = map[*watcher]struct{}{}
		}
		e.watchers[root][w] = struct{}{}
		if _, over := e.ended[root]; over {
			w.end()
		}
	}
	timer := (*time.Timer)(nil)
	if !a.Until.IsZero() {
		timer = time.AfterFunc(time.Until(a.Until), w.end)
	}
	return w.ended, func() { e.forget(a, w, timer) }
}

func (e *Endings) forget(a *core.Admission, w *watcher, timer *time.Timer) {
	if timer != nil {
		timer.Stop()
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, root := range a.Roots {
		delete(e.watchers[root], w)
		if len(e.watchers[root]) == 0 {
			delete(e.watchers, root)
		}
	}
}

// Run follows the endings until ctx ends.
func (e *Endings) Run(ctx context.Context) {
	signals := e.signals.Subscribe()
	defer signals.Close()
	position, err := e.feed.Latest(ctx)
	for err != nil && pause(ctx, streamRetry) {
		position, err = e.feed.Latest(ctx)
	}
	for ctx.Err() == nil {
		position = e.follow(ctx, position)
		e.wait(ctx, signals)
	}
}

// wait returns when there may be news, and at least every minute, to forget.
func (e *Endings) wait(ctx context.Context, signals *bus.Subscription) {
	timer := time.NewTimer(rememberEnded)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-signals.Signal():
	case <-timer.C:
	}
}

func (e *Endings) follow(ctx context.Context, position int64) int64 {
	for {
		fed, err := e.feed.Endings(ctx, position)
		if err != nil {
			if ctx.Err() == nil {
				e.log.WarnContext(ctx, "revocations cannot be read; open connections end when the store answers", "error", err)
				pause(ctx, streamRetry)
			}
			return position
		}
		e.note(fed.Events)
		position = fed.Position
		if !fed.More {
			return position
		}
	}
}

func (e *Endings) note(events []core.Event) {
	now := time.Now()
	e.mu.Lock()
	defer e.mu.Unlock()
	for id, at := range e.ended {
		if now.Sub(at) > rememberEnded {
			delete(e.ended, id)
		}
	}
	for _, event := range events {
		e.ended[event.SubjectID] = now
		for w := range e.watchers[event.SubjectID] {
			w.end()
		}
	}
}
