package tasks

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/fault"
)

// args is a task as River stores it: ids only. All kinds share the type.
type args struct {
	core.Task
	wait time.Duration // before the next attempt; set when this one failed
}

// Kind implements river.JobArgs.
func (a args) Kind() string { return string(a.Task.Kind) }

// worker runs the tasks of one kind.
type worker struct {
	river.WorkerDefaults[args]
	handler Handler
	backoff func(attempt int, err error) time.Duration
	log     *slog.Logger
}

// Work implements river.Worker. A failure that must not be repeated cancels
// the job, which leaves it as a dead letter; so does the last one.
func (w *worker) Work(ctx context.Context, job *river.Job[args]) error {
	last := job.Attempt >= job.MaxAttempts
	err := w.run(ctx, job.Args.Task, core.Attempt{Number: job.Attempt, Last: last}, job.MaxAttempts)
	if err == nil {
		return nil
	}
	var postponed *core.Postponed
	if errors.As(err, &postponed) {
		return river.JobSnooze(max(postponed.For, 0))
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return river.JobSnooze(0) // the engine stops; this was no attempt
	}
	dead := last || !fault.Repeatable(err)
	w.report(ctx, job, err, dead)
	if dead {
		return river.JobCancel(failure{fault.From(err)})
	}
	job.Args.wait = w.backoff(job.Attempt, err)
	return failure{fault.From(err)}
}

// run calls the handler and turns a panic into an error. A task whose process
// was killed in each of its attempts is not tried again.
func (w *worker) run(ctx context.Context, t core.Task, a core.Attempt, most int) (err error) {
	if a.Number > most {
		return fault.New(fault.Internal, "The process ended during each of the %d attempts.", most)
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return w.handler(ctx, t, a)
}

// NextRetry implements river.Worker.
func (w *worker) NextRetry(job *river.Job[args]) time.Time {
	return time.Now().UTC().Add(max(job.Args.wait, 0))
}

// report is the one place where a task's error is logged, with its cause.
func (w *worker) report(ctx context.Context, job *river.Job[args], err error, dead bool) {
	level, message := slog.LevelWarn, "task failed and will be tried again"
	if dead {
		level, message = slog.LevelError, "task failed for good"
	}
	w.log.LogAttrs(ctx, level, message,
		slog.String("kind", job.Kind), slog.Int64("task", job.ID), slog.Int("attempt", job.Attempt),
		slog.String("organization", string(job.Args.OrganizationID)), slog.String("assessment", string(job.Args.AssessmentID)), slog.String("subject", string(job.Args.SubjectID)),
		slog.String("code", string(fault.CodeOf(err))), slog.Any("error", err))
}

// failure is how an error is stored with its task: class and safe message,
// without the cause.
type failure struct{ of *fault.Error }

func (f failure) Error() string { return string(f.of.Code) + ": " + f.of.Message }

// DefaultBackoff is BackoffFrom 2 s.
func DefaultBackoff(attempt int, err error) time.Duration {
	return backoff(2*time.Second, attempt, err)
}

// BackoffFrom waits so long after the first failure, three times as long after
// each further one, an hour at most, give or take a fifth; and never less than
// the error asks for.
func BackoffFrom(first time.Duration) func(attempt int, err error) time.Duration {
	return func(attempt int, err error) time.Duration { return backoff(first, attempt, err) }
}

func backoff(wait time.Duration, attempt int, err error) time.Duration {
	for range attempt - 1 {
		wait = min(3*wait, time.Hour)
	}
	wait = time.Duration(float64(wait) * (0.8 + 0.4*rand.Float64())) //nolint:gosec // spreads load, keeps no secret
	if f := fault.From(err); f != nil {
		return max(wait, f.RetryAfter)
	}
	return wait
}

// unknownKinds is when a task is tried again that this program has no worker
// for: a newer one may have enqueued it.
type unknownKinds struct{}

// NextRetry implements river.ClientRetryPolicy.
func (unknownKinds) NextRetry(job *rivertype.JobRow) time.Time {
	return time.Now().UTC().Add(DefaultBackoff(job.Attempt, nil))
}

// onlyErrors hides River's notes on single tasks, which worker.report logs better.
type onlyErrors struct{ slog.Handler }

// Enabled implements slog.Handler.
func (h onlyErrors) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelError && h.Handler.Enabled(ctx, l)
}

// WithAttrs implements slog.Handler.
func (h onlyErrors) WithAttrs(attrs []slog.Attr) slog.Handler {
	return onlyErrors{h.Handler.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (h onlyErrors) WithGroup(name string) slog.Handler {
	return onlyErrors{h.Handler.WithGroup(name)}
}
