// Package host runs adapters as processes of their own and keeps them running:
// it verifies, launches, negotiates, supervises, and hands out proxies that
// implement the interfaces of core/ats. Whatever an adapter does (crash, hang,
// answer nonsense), the host answers with a fault and goes on.
package host

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// Launch says how to start one adapter.
type Launch struct {
	Name    string   // as in the adapter's manifest
	Command []string // argv; the first is an absolute path
	SHA256  []byte   // of the file at that path; empty: not pinned
}

// Host supervises adapters, one live process each. It is safe for concurrent use.
type Host struct {
	options  Options
	names    []string
	adapters map[string]*adapter
	running  sync.WaitGroup
	changes  *broadcast

	mu      sync.Mutex
	started bool
	closed  bool
	cancel  context.CancelFunc // of the supervision
}

// New returns a host that runs nothing yet.
func New(o Options) *Host {
	h := &Host{options: o.withDefaults(), adapters: make(map[string]*adapter), changes: newBroadcast()}
	for _, l := range o.Launches {
		h.names = append(h.names, l.Name)
		h.adapters[l.Name] = newAdapter(l, h.options, h.changes)
	}
	return h
}

// Start begins the supervision of all adapters. It returns when each is running
// or has failed its first start, which is no error: see States. The supervision
// goes on until Close, whatever becomes of ctx.
//
// Errors: fault.Config for launches that cannot be meant; fault.Conflict if it
// was started or closed before; ctx's error if that ends first.
func (h *Host) Start(ctx context.Context) error {
	if err := h.check(); err != nil {
		return err
	}
	if err := h.launch(); err != nil { //nolint:contextcheck // the supervision outlives the caller
		return err
	}
	for _, name := range h.names {
		select {
		case <-h.adapters[name].settled:
		case <-ctx.Done():
			return fmt.Errorf("start adapters: %w", ctx.Err())
		}
	}
	return nil
}

func (h *Host) check() error {
	if len(h.adapters) != len(h.names) {
		return fault.New(fault.Config, "Two adapters have the same name. Nothing was started; name each once.")
	}
	for _, l := range h.options.Launches {
		if l.Name == "" || len(l.Command) == 0 || !filepath.IsAbs(l.Command[0]) {
			return fault.New(fault.Config, "The adapter %q needs a name and a command that begins with an absolute path. Nothing was started.", l.Name)
		}
	}
	return nil
}

func (h *Host) launch() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.started || h.closed {
		return fault.New(fault.Conflict, "The adapters were started or stopped before.")
	}
	ctx, cancel := context.WithCancel(context.Background())
	h.started, h.cancel = true, cancel
	for _, a := range h.adapters {
		h.running.Go(func() { a.supervise(ctx) })
	}
	return nil
}

// Close stops all adapters, politely at first, and returns when no process and
// no goroutine of the host is left. Calls in flight end with fault.Retryable.
func (h *Host) Close() error {
	h.mu.Lock()
	h.closed = true
	if h.cancel != nil {
		h.cancel()
	}
	h.mu.Unlock()
	h.running.Wait()
	return nil
}

// Names returns the names of the adapters, in the order of the launches.
func (h *Host) Names() []string { return append([]string(nil), h.names...) }

// Manifest returns what an adapter said of itself when it was last started,
// also while its process restarts. It is shared: do not change it.
// Errors: fault.NotFound; fault.Retryable before the first answer.
func (h *Host) Manifest(name string) (*ats.Manifest, error) {
	a, err := h.find(name)
	if err != nil {
		return nil, err
	}
	m, _, err := a.described()
	return m, err
}

// Adapter returns a proxy of the adapter. Errors: fault.NotFound.
func (h *Host) Adapter(name string) (ats.Adapter, error) {
	a, err := h.find(name)
	if err != nil {
		return nil, err
	}
	return proxy{a}, nil
}

// Inbound returns a proxy. Errors: fault.NotFound; fault.Unsupported if the
// adapter does not offer it; fault.Retryable before its first answer.
func (h *Host) Inbound(name string) (ats.Inbound, error) {
	a, err := h.find(name)
	if err != nil {
		return nil, err
	}
	_, offer, err := a.described()
	if err == nil && !offer.Serves(ats.CapabilityInbound) {
		err = a.notOffered(ats.CapabilityInbound)
	}
	if err != nil {
		return nil, err
	}
	return proxy{a}, nil
}

// Results returns a proxy. Errors: as Inbound.
func (h *Host) Results(name string) (ats.Results, error) {
	a, err := h.find(name)
	if err != nil {
		return nil, err
	}
	_, offer, err := a.described()
	if err == nil && !offer.Serves(ats.CapabilityResults) {
		err = a.notOffered(ats.CapabilityResults)
	}
	if err != nil {
		return nil, err
	}
	return proxy{a}, nil
}

// Restart starts an adapter anew, also one that was given up, and forgets its
// earlier exits. It returns at once. Errors: fault.NotFound.
func (h *Host) Restart(name string) error {
	a, err := h.find(name)
	if err != nil {
		return err
	}
	wish(a.restart)
	return nil
}

// States returns the state of each adapter, in the order of the launches.
func (h *Host) States() []State {
	states := make([]State, 0, len(h.names))
	for _, name := range h.names {
		states = append(states, h.adapters[name].snapshot())
	}
	return states
}

// Changed returns a channel that is closed at the next change of any state.
// Take it before reading States, and nothing is missed.
func (h *Host) Changed() <-chan struct{} { return h.changes.next() }

func (h *Host) find(name string) (*adapter, error) {
	if a, ok := h.adapters[name]; ok {
		return a, nil
	}
	return nil, fault.New(fault.NotFound, "There is no adapter called %q.", name)
}

// errRestart ends a process because someone asked for a new one.
var errRestart = errors.New("restart was asked for")
