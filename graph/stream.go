package graph

import (
	"context"
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/internal/bus"
)

// streamRetry is how long a stream waits when the store does not answer.
const streamRetry = time.Second

// Signals tells that there are new events; a bus does.
type Signals interface{ Subscribe() *bus.Subscription }

// cursorOf makes a position opaque to callers.
func cursorOf(position int64) string {
	return base64.RawURLEncoding.EncodeToString([]byte("feed:" + strconv.FormatInt(position, 10)))
}

// openCursor is the way back. Errors: fault.Invalid naming "after".
func openCursor(cursor string) (int64, error) {
	decoded, err := base64.RawURLEncoding.DecodeString(cursor)
	text, ours := strings.CutPrefix(string(decoded), "feed:")
	position, malformed := strconv.ParseInt(text, 10, 64)
	if err != nil || !ours || malformed != nil || position < 0 {
		return 0, fault.InvalidField("after", "NOT_A_CURSOR", "after is not a cursor of a subscription. Use the cursor of a message.")
	}
	return position, nil
}

// part is what of the feed a subscription asks for.
type part struct {
	filter core.EventFilter
	after  *string // the cursor of the last message that was seen; nil: from now
	first  *int    // ends the stream after so many messages; nil: never
}

// stream follows the feed for the actor, from the message with the cursor after
// or, without one, from now, and gives what shape makes of each batch, in
// order, until ctx ends. What was missed and what is new come from the same
// read, so there is neither gap nor repetition between them. A subscriber that
// is slow waits on its own channel and on nobody else.
func stream[T any](ctx context.Context, r *root, p part, shape func(context.Context, []core.Event) ([]T, error)) (<-chan T, error) {
	if p.first != nil && *p.first < 1 {
		return nil, fault.InvalidField("first", "OUT_OF_RANGE", "first is at least 1.")
	}
	signals := r.Signals.Subscribe() // before the position is read, or news between the two would be missed
	position, err := r.startOf(ctx, p.after)
	if err != nil {
		signals.Close()
		return nil, err
	}
	f := &follower[T]{root: r, part: p, position: position, shape: shape, signals: signals, out: make(chan T)}
	go f.run(ctx)
	return f.out, nil
}

func (r *root) startOf(ctx context.Context, after *string) (int64, error) {
	now, err := r.Feed.Now(ctx, actorOf(ctx))
	if err != nil || after == nil {
		return now, err
	}
	position, err := openCursor(*after)
	if err == nil && position > now {
		err = fault.InvalidField("after", "NOT_A_CURSOR", "after is a cursor that no message had. Subscribe without it.")
	}
	if err != nil {
		return 0, err
	}
	return position, r.Feed.Resume(ctx, position)
}

// follower is one stream. ctx owns its goroutine.
type follower[T any] struct {
	root     *root
	part     part
	given    int // messages so far
	position int64
	shape    func(context.Context, []core.Event) ([]T, error)
	signals  *bus.Subscription
	out      chan T
}

func (f *follower[T]) run(ctx context.Context) {
	defer close(f.out)
	defer f.signals.Close()
	for {
		more, err := f.step(ctx)
		switch {
		case ctx.Err() != nil || f.over():
			return
		case err != nil:
			f.root.Log.WarnContext(ctx, "a subscription waits for the store", "error", err)
			if !pause(ctx, streamRetry) {
				return
			}
		case !more:
			select {
			case <-ctx.Done():
				return
			case <-f.signals.Signal():
			}
		}
	}
}

// over reports whether all messages that were asked for were given.
func (f *follower[T]) over() bool { return f.part.first != nil && f.given >= *f.part.first }

// step reads the next batch and hands it over. The position moves only then,
// so that nothing is lost to an error.
func (f *follower[T]) step(ctx context.Context) (more bool, err error) {
	fed, err := f.root.Feed.After(ctx, actorOf(ctx), f.part.filter, f.position)
	if err != nil {
		return false, err
	}
	if len(fed.Events) > 0 {
		messages, err := f.shape(f.root.freshLoaders(ctx), fed.Events)
		if err != nil {
			return false, err
		}
		for _, m := range messages {
			select {
			case f.out <- m:
				f.given++
			case <-ctx.Done():
				return false, ctx.Err()
			}
			if f.over() {
				return false, nil
			}
		}
	}
	f.position = fed.Position
	return fed.More, nil
}

// pause waits and reports whether ctx is still good.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// FeedCursor returns where the feed is now.
func (r queryResolver) FeedCursor(ctx context.Context) (string, error) {
	now, err := r.Feed.Now(ctx, actorOf(ctx))
	return cursorOf(now), err
}
