package bus_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"go.uber.org/goleak"

	"github.com/trellis-ats/trellis/internal/bus"
	"github.com/trellis-ats/trellis/internal/bus/bustest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestRedis(t *testing.T) {
	t.Parallel()
	url := os.Getenv("TRELLIS_TEST_REDIS_URL")
	if url == "" {
		t.Skip("set TRELLIS_TEST_REDIS_URL to run this on Redis")
	}
	bustest.Run(t, func(t *testing.T) (here, there bus.Bus) {
		channel := "test:" + t.Name()
		return newRedis(t, url, channel), newRedis(t, url, channel)
	})
}

func TestMiniRedis(t *testing.T) {
	t.Parallel()
	bustest.Run(t, func(t *testing.T) (here, there bus.Bus) {
		server := miniredis.RunT(t)
		return newRedis(t, "redis://"+server.Addr(), "events"), newRedis(t, "redis://"+server.Addr(), "events")
	})
}

// newRedis returns a running bus that listens.
func newRedis(t *testing.T, url, channel string) *bus.Redis {
	t.Helper()
	b, err := bus.NewRedis(bus.RedisOptions{URL: url, Channel: channel, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); b.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	select {
	case <-b.Listening():
	case <-t.Context().Done():
	}
	return b
}

func TestRedisAway(t *testing.T) {
	t.Parallel()
	server := miniredis.RunT(t)
	b := newRedis(t, "redis://"+server.Addr(), "events")
	s := b.Subscribe()
	defer s.Close()
	server.Close()
	began := time.Now()
	if err := b.Publish(t.Context(), 5); err == nil {
		t.Error("nobody was told, and nobody said so")
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("a dead Redis cost %v", took)
	}
	<-s.Signal() // this process hears all the same
	if err := server.Restart(); err != nil {
		t.Fatal(err)
	}
	for position := int64(6); ; position++ { // until it listens again
		if err := b.Publish(t.Context(), position); err == nil && server.PubSubNumSub("events")["events"] == 1 {
			break
		}
	}
}

func TestLocal(t *testing.T) {
	t.Parallel()
	bustest.Run(t, func(*testing.T) (here, there bus.Bus) {
		b := bus.NewLocal()
		return b, b
	})
}

// journal numbers what was put into it.
type journal struct {
	mu        sync.Mutex
	committed int64
	numbered  int64
	fail      error
}

func (j *journal) commit(n int64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.committed += n
}

func (j *journal) NumberEvents(_ context.Context, limit int) (int64, int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.fail; err != nil {
		j.fail = nil
		return 0, 0, err
	}
	n := min(j.committed-j.numbered, int64(limit))
	j.numbered += n
	return j.numbered, int(n), nil
}

func (j *journal) LastPosition(context.Context) (int64, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.numbered, nil
}

func TestSequencer(t *testing.T) {
	t.Parallel()
	j, b := &journal{fail: errors.New("the database is away")}, bus.NewLocal()
	s := bus.NewSequencer(bus.SequencerOptions{Events: j, Bus: b, Log: slog.New(slog.DiscardHandler), Every: time.Hour})
	sub := b.Subscribe()
	defer sub.Close()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); s.Run(ctx) }()
	j.commit(1234) // more than one batch
	for sub.Position() < 1234 {
		s.Wake()
		select {
		case <-sub.Signal():
		case <-time.After(10 * time.Millisecond): // the first try fails: wake it again
		}
	}
	cancel()
	<-done
}
