package tasks_test

import (
	"context"
	"testing"
	"time"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/internal/store/storetest"
	"github.com/trellis-ats/trellis/internal/tasks"
)

// TestPeriodicTaskRunsInOneOfTwoProcesses has a short interval: while a run
// lasts, whatever process it is in, the next ones are left out.
func TestPeriodicTaskRunsInOneOfTwoProcesses(t *testing.T) {
	t.Parallel()
	db, began, end := storetest.Postgres(t), make(chan core.Task, 10), make(chan struct{})
	o := tasks.Options{
		Periodic: []tasks.Periodic{{Kind: core.TaskReconcileAll, Every: time.Second}, {Kind: core.TaskWatchWebhooks, Every: time.Second}},
		Handlers: map[core.TaskKind]tasks.Handler{
			core.TaskReconcileAll: func(ctx context.Context, task core.Task, _ core.Attempt) error {
				began <- task
				select {
				case <-end:
				case <-ctx.Done():
				}
				return nil
			},
			core.TaskWatchWebhooks: func(context.Context, core.Task, core.Attempt) error { return nil },
		},
	}
	one, two := newBench(t, db, o), newBench(t, db, o)
	one.start(t)
	two.start(t)
	if task := receive(t, began); task != (core.Task{Kind: core.TaskReconcileAll}) {
		t.Errorf("began %+v", task)
	}
	count := func(kind core.TaskKind) (n int) {
		if err := db.SQL().QueryRowContext(t.Context(), "SELECT count(*) FROM river_job WHERE kind = $1", kind).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	eventually(t, func() bool { return count(core.TaskWatchWebhooks) >= 3 }) // so many intervals have passed
	if n := count(core.TaskReconcileAll); n != 1 || len(began) != 0 {
		t.Errorf("%d tasks and %d further runs while one is under way", n, len(began))
	}
	close(end)
	receive(t, began)
	one.stop(t)
	two.stop(t)
}
