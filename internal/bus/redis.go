package bus

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// redisDeadline bounds one call, so that a dead Redis does not hold the
// sequencer up.
const redisDeadline = 2 * time.Second

// RedisOptions is what a bus over Redis needs.
type RedisOptions struct {
	URL     string // redis://…
	Channel string // all processes of one installation use the same
	Log     *slog.Logger
}

// Redis is the bus of several processes. It carries positions only; what is
// lost while Redis is away, the sequencer's look into the table makes up for.
type Redis struct {
	*Local
	client    *redis.Client
	channel   string
	log       *slog.Logger
	listening chan struct{}
	once      sync.Once
}

// NewRedis returns a bus; Run it.
func NewRedis(o RedisOptions) (*Redis, error) {
	options, err := redis.ParseURL(o.URL)
	if err != nil {
		return nil, fmt.Errorf("TRELLIS_REDIS_URL is not an address of Redis: %w", err)
	}
	options.MaxRetries, options.DialerRetries, options.ContextTimeoutEnabled = -1, 1, true
	return &Redis{
		Local: NewLocal(), client: redis.NewClient(options), channel: o.Channel, log: o.Log,
		listening: make(chan struct{}),
	}, nil
}

// Publish tells this process at once, and the others through Redis.
func (b *Redis) Publish(ctx context.Context, position int64) error {
	b.Tell(position)
	ctx, cancel := context.WithTimeout(ctx, redisDeadline)
	defer cancel()
	return b.client.Publish(ctx, b.channel, position).Err()
}

// Listening is closed once others are heard for the first time.
func (b *Redis) Listening() <-chan struct{} { return b.listening }

// Run listens to the others until ctx ends, through any loss of Redis, and
// closes the client.
func (b *Redis) Run(ctx context.Context) {
	defer func() { _ = b.client.Close() }() // nothing is buffered
	for ctx.Err() == nil {
		if err := b.listen(ctx); err != nil && ctx.Err() == nil {
			b.log.WarnContext(ctx, "Redis is away; events of other processes come by the table until it is back", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// listen subscribes and hears until the connection breaks.
func (b *Redis) listen(ctx context.Context) error {
	subscription := b.client.Subscribe(ctx, b.channel)
	defer func() { _ = subscription.Close() }() // it may be broken already
	// Receive does not look at ctx while it waits.
	stop := context.AfterFunc(ctx, func() { _ = subscription.Close() })
	defer stop()
	for {
		message, err := subscription.Receive(ctx)
		if err != nil {
			return err
		}
		switch m := message.(type) {
		case *redis.Subscription:
			b.once.Do(func() { close(b.listening) })
		case *redis.Message:
			position, err := strconv.ParseInt(m.Payload, 10, 64)
			if err != nil {
				continue // not ours: someone else uses the channel
			}
			b.Tell(position)
		}
	}
}
