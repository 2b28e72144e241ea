// Package bustest is what every bus must do.
package bustest

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/trellis-ats/trellis/internal/bus"
)

// Run runs the suite. open returns two handles of one bus: the same one twice,
// or one of each of two processes.
func Run(t *testing.T, open func(t *testing.T) (here, there bus.Bus)) {
	t.Helper()
	t.Run("TellsEverySubscriber", func(t *testing.T) { t.Parallel(); tellsEverySubscriber(t, open) })
	t.Run("CoalescesForTheSlow", func(t *testing.T) { t.Parallel(); coalescesForTheSlow(t, open) })
	t.Run("ClosedHearsNothing", func(t *testing.T) { t.Parallel(); closedHearsNothing(t, open) })
	t.Run("ManyAtOnce", func(t *testing.T) { t.Parallel(); manyAtOnce(t, open) })
}

type opener = func(t *testing.T) (here, there bus.Bus)

func publish(t *testing.T, b bus.Bus, position int64) {
	t.Helper()
	if err := b.Publish(t.Context(), position); err != nil {
		t.Fatal(err)
	}
}

// await waits until s knows position.
func await(ctx context.Context, t *testing.T, s *bus.Subscription, position int64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for s.Position() < position {
		select {
		case <-s.Signal():
		case <-ctx.Done():
			t.Fatalf("position %d was not told; %d was", position, s.Position())
		}
	}
}

func tellsEverySubscriber(t *testing.T, open opener) {
	here, there := open(t)
	one, two := here.Subscribe(), there.Subscribe()
	defer one.Close()
	defer two.Close()
	publish(t, here, 7)
	await(t.Context(), t, one, 7)
	await(t.Context(), t, two, 7)
}

func coalescesForTheSlow(t *testing.T, open opener) {
	here, there := open(t)
	slow, quick := here.Subscribe(), there.Subscribe()
	defer slow.Close()
	defer quick.Close()
	for p := range int64(1000) {
		publish(t, here, p+1) // nobody reads: it must not block
	}
	await(t.Context(), t, quick, 1000)
	await(t.Context(), t, slow, 1000)
}

func closedHearsNothing(t *testing.T, open opener) {
	here, _ := open(t)
	closed, live := here.Subscribe(), here.Subscribe()
	defer live.Close()
	closed.Close()
	closed.Close()
	publish(t, here, 3)
	await(t.Context(), t, live, 3)
	if p := closed.Position(); p != 0 {
		t.Errorf("it heard of %d", p)
	}
}

func manyAtOnce(t *testing.T, open opener) {
	here, there := open(t)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			s := there.Subscribe()
			defer s.Close()
			publish(t, here, 50)
			await(t.Context(), t, s, 50)
		})
	}
	wg.Wait()
}
