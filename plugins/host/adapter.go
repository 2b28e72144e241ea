package host

import (
	"context"
	"log/slog"
	"sync"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/plugins/internal/wire"
)

// adapter is one adapter under supervision: its state, and its live process if
// there is one. One goroutine, supervise, changes it; calls read it.
type adapter struct {
	launch  Launch
	options Options
	log     *slog.Logger
	changes *broadcast
	restart chan struct{} // holds at most one wish
	settled chan struct{} // closed when the first start succeeded or failed
	settle  func()

	mu       sync.Mutex
	state    State
	live     *process
	manifest *ats.Manifest
	offer    wire.Offer
	launched int // processes so far
}

func newAdapter(l Launch, o Options, changes *broadcast) *adapter {
	settled := make(chan struct{})
	return &adapter{
		launch: l, options: o, log: o.Log.With("adapter", l.Name), changes: changes,
		restart: make(chan struct{}, 1), settled: settled, settle: sync.OnceFunc(func() { close(settled) }),
		state: State{Name: l.Name, Status: Stopped, Since: o.Clock.Now()},
	}
}

// change applies f to the state under the lock and tells everybody.
func (a *adapter) change(status Status, f func()) {
	a.mu.Lock()
	if a.state.Status != status {
		a.state.Status, a.state.Since = status, a.options.Clock.Now()
	}
	if status != Running {
		a.live, a.state.PID = nil, 0
	}
	f()
	a.mu.Unlock()
	a.changes.announce()
}

func (a *adapter) starting() {
	a.change(Starting, func() {
		a.state.Restarts = a.launched
		a.launched++
	})
}

func (a *adapter) runs(p *process) {
	a.change(Running, func() {
		a.live, a.manifest, a.offer = p, p.manifest, p.offer
		a.state.PID, a.state.Version = p.run.pid(), p.manifest.Version
	})
	a.log.Info("adapter is running", "version", p.manifest.Version, "pid", p.run.pid())
	a.settle()
}

// ended notes why the last process is no more.
func (a *adapter) ended(status Status, why error) {
	a.change(status, func() { a.state.LastError = why.Error() })
	a.settle()
}

func (a *adapter) stopped() { a.change(Stopped, func() {}) }

func (a *adapter) snapshot() State {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.state
}

func (a *adapter) described() (*ats.Manifest, wire.Offer, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.manifest == nil {
		return nil, wire.Offer{}, notRunning(a.state)
	}
	return a.manifest, a.offer, nil
}

// acquire returns the live process, but not the one that is known to be gone.
// It waits for one until ctx ends.
// Errors: fault.Retryable, at once if the adapter was given up.
func (a *adapter) acquire(ctx context.Context, gone *process) (*process, error) {
	for {
		changed := a.changes.next()
		a.mu.Lock()
		live, state := a.live, a.state
		a.mu.Unlock()
		if live != nil && live != gone {
			return live, nil
		}
		if state.Status == Failed || state.Status == Stopped {
			return nil, notRunning(state)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			e := notRunning(state)
			e.Cause = ctx.Err()
			return nil, e
		}
	}
}

func (a *adapter) notOffered(c ats.CapabilityName) error {
	e := fault.New(fault.Unsupported, "The adapter %s does not offer %s.", a.launch.Name, c)
	e.Source = fault.Adapter
	return e
}

func notRunning(s State) *fault.Error {
	e := fault.New(fault.Retryable, "The adapter %s is not running (%s). Nothing was done; try again later, or look at the adapter's state.", s.Name, s.Status)
	e.Source = fault.Adapter
	return e
}
