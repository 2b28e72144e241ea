package bus_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/trellis-ats/trellis/internal/bus"
	"github.com/trellis-ats/trellis/internal/bus/bustest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

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
