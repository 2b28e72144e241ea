package httpd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/trellis-ats/trellis/core/fault"
)

// Check reports whether something that the server needs is there. Only the
// message of a fault.Error is shown; the text of other errors goes to the log.
type Check func(context.Context) error

// HealthOptions are what the health endpoints are made of.
type HealthOptions struct {
	Checks  map[string]Check // by name: "database", "migrations", "tasks", "adapters"
	Timeout time.Duration    // for each check; 1 s if 0
	Log     *slog.Logger
}

// Health answers whether the process lives and whether it can work.
type Health struct {
	probes   map[string]*probe
	timeout  time.Duration
	log      *slog.Logger
	draining atomic.Bool
}

// NewHealth returns the endpoints.
func NewHealth(o HealthOptions) *Health {
	h := &Health{probes: map[string]*probe{}, timeout: or(o.Timeout, time.Second), log: o.Log}
	if h.log == nil {
		h.log = slog.New(slog.DiscardHandler)
	}
	for name, check := range o.Checks {
		h.probes[name] = &probe{check: check}
	}
	return h
}

// Register adds GET /healthz and GET /readyz.
func (h *Health) Register(mux *http.ServeMux) {
	mux.HandleFunc("GET /healthz", h.live)
	mux.HandleFunc("GET /readyz", h.ready)
}

// Drain makes /readyz refuse from now on, so that a load balancer turns away
// before the server stops.
func (h *Health) Drain() { h.draining.Store(true) }

// Report is the body of both answers.
type Report struct {
	Status string                 `json:"status"` // "ok", "failing" or "draining"
	Checks map[string]CheckReport `json:"checks,omitempty"`
}

// CheckReport tells of one check.
type CheckReport struct {
	OK      bool   `json:"ok"`
	Message string `json:"message,omitempty"`
}

func (h *Health) live(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, Report{Status: "ok"})
}

func (h *Health) ready(w http.ResponseWriter, r *http.Request) {
	if h.draining.Load() {
		writeJSON(w, http.StatusServiceUnavailable, Report{Status: "draining"})
		return
	}
	report := h.Report(r.Context())
	status := http.StatusOK
	if report.Status != "ok" {
		status = http.StatusServiceUnavailable
	}
	writeJSON(w, status, report)
}

// Report runs all checks at the same time and waits for each as long as the time-out says.
func (h *Health) Report(ctx context.Context) Report {
	var (
		mu     sync.Mutex
		wg     sync.WaitGroup
		report = Report{Status: "ok", Checks: map[string]CheckReport{}}
	)
	for name, p := range h.probes {
		wg.Go(func() {
			c := h.outcome(ctx, name, p.run(ctx, h.timeout))
			mu.Lock()
			defer mu.Unlock()
			report.Checks[name] = c
			if !c.OK {
				report.Status = "failing"
			}
		})
	}
	wg.Wait()
	return report
}

func (h *Health) outcome(ctx context.Context, name string, err error) CheckReport {
	if err == nil {
		return CheckReport{OK: true}
	}
	h.log.WarnContext(ctx, "not ready", "check", name, "error", err)
	var f *fault.Error
	switch {
	case errors.As(err, &f):
		return CheckReport{Message: f.Message}
	case errors.Is(err, context.DeadlineExceeded):
		return CheckReport{Message: "did not answer in time"}
	default:
		return CheckReport{Message: "failed; the server's log says why"}
	}
}

// probe runs a check at most once at a time: one that hangs in spite of its
// deadline is waited for by later calls, and never piles up.
type probe struct {
	check   Check
	mu      sync.Mutex
	current *attempt // the one under way
}

type attempt struct {
	done chan struct{}
	err  error // to be read after done
}

func (p *probe) run(ctx context.Context, timeout time.Duration) error {
	a := p.join(ctx, timeout)
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case <-a.done:
		return a.err
	case <-timer.C:
		return context.DeadlineExceeded
	case <-ctx.Done():
		return ctx.Err()
	}
}

// join returns the attempt under way, or begins one. It outlives the caller who
// began it, because others may have joined, but not its deadline.
func (p *probe) join(ctx context.Context, timeout time.Duration) *attempt {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.current != nil {
		return p.current
	}
	a := &attempt{done: make(chan struct{})}
	p.current = a
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	go func() {
		defer cancel()
		defer p.finish(a)
		a.err = p.check(limited)
	}()
	return a
}

func (p *probe) finish(a *attempt) {
	if cause := recover(); cause != nil {
		a.err = fmt.Errorf("httpd: check panicked: %v", cause)
	}
	p.mu.Lock()
	p.current = nil
	p.mu.Unlock()
	close(a.done)
}
