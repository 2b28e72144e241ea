package host

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/trellis-ats/trellis/plugins/internal/wire"
)

// supervise keeps one process alive until ctx ends. It is the only place that
// starts one, so there is never a second.
func (a *adapter) supervise(ctx context.Context) {
	var past exits
	for ctx.Err() == nil {
		binary := lookAt(a.launch.Command[0])
		why := a.runOnce(ctx, binary)
		switch {
		case ctx.Err() != nil:
		case errors.Is(why, errRestart), errors.Is(why, errReplaced):
			past = nil
		case a.pause(ctx, &past, why, binary):
			past = nil
		}
	}
	a.stopped()
	a.settle()
}

// runOnce runs one process of a binary from its start to its end, and returns
// why it ended.
func (a *adapter) runOnce(ctx context.Context, binary fingerprint) error {
	a.starting()
	p, err := start(ctx, a.launch, a.options, a.log)
	if err != nil {
		return err
	}
	defer p.stop()
	a.runs(p)
	err = p.watch(ctx, a.restart, &renewal{launch: a.launch, runs: binary, log: a.log})
	if ctx.Err() != nil {
		a.stopped() // calls fail at once from here on
		return err
	}
	a.ended(BackingOff, err) // calls wait for the next process from here on
	return err
}

// pause waits until the next start is due. It reports whether the slate is
// clean: somebody asked for a restart, or there is a new binary.
func (a *adapter) pause(ctx context.Context, past *exits, why error, binary fingerprint) bool {
	var hopeless *hopelessError
	wait, giveUp := past.add(a.options.Clock.Now(), a.options.Backoff)
	if giveUp && !errors.As(why, &hopeless) {
		why = fmt.Errorf("given up after %d exits within %s: %w. Mend or replace the adapter, or restart it", len(*past), a.options.Backoff.Window, why)
	}
	var due <-chan time.Time
	if giveUp || errors.As(why, &hopeless) {
		a.log.Error("adapter failed", "error", why)
		a.ended(Failed, why)
	} else {
		a.log.Warn("adapter ended", "error", why, "next_start_in", wait)
		a.ended(BackingOff, why)
		if wait == 0 {
			return false
		}
		due = a.options.Clock.After(wait)
	}
	return a.wait(ctx, due, binary)
}

func (a *adapter) wait(ctx context.Context, due <-chan time.Time, binary fingerprint) (clean bool) {
	for {
		select {
		case <-ctx.Done():
			return false
		case <-due:
			return false
		case <-a.restart:
			return true
		case <-a.options.Clock.After(a.options.BinaryEvery):
			if lookAt(a.launch.Command[0]) != binary {
				return true
			}
		}
	}
}

// watch returns when the process has ended, or must: it was asked to, its file
// was replaced, it does not answer a ping, or too many calls in a row hung.
func (p *process) watch(ctx context.Context, restart <-chan struct{}, file *renewal) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-restart:
			return errRestart
		case <-p.run.exited:
			return p.run.exit()
		case <-p.hung:
			p.run.kill()
			return fmt.Errorf("%d calls in a row got no reply; it was killed", mostLate)
		case <-p.suspect:
		case <-p.options.Clock.After(p.options.PingEvery):
			if file.due() {
				return errReplaced
			}
		}
		if err := p.ping(ctx); err != nil && ctx.Err() == nil {
			return p.giveUpOn(err)
		}
	}
}

// giveUpOn kills a process that failed its ping, unless it failed because the
// process had ended anyway.
func (p *process) giveUpOn(err error) error {
	if errors.Is(err, wire.ErrLost) {
		select {
		case <-p.run.exited:
			return p.run.exit()
		case <-time.After(p.options.PingTimeout): // dying takes a moment
		}
	}
	p.run.kill()
	return fmt.Errorf("it did not answer a ping and was killed: %w", err)
}
