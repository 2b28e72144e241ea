package tasks_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/internal/store"
	"github.com/trellis-ats/trellis/internal/store/storetest"
	"github.com/trellis-ats/trellis/internal/tasks"
)

// victimVariable makes this test's program a worker that is to be killed, on
// the database that it names.
const victimVariable = "TRELLIS_TEST_TASKS_VICTIM"

// runVictim takes one task, says so and never ends it.
func runVictim(ctx context.Context, address string) {
	db, err := store.Open(ctx, store.Options{URL: address})
	if err != nil {
		fmt.Fprintln(os.Stdout, "open:", err)
		return
	}
	engine, err := tasks.New(tasks.Options{DB: db, Workers: 1, Handlers: map[core.TaskKind]tasks.Handler{
		core.TaskDeliverResult: func(context.Context, core.Task, core.Attempt) error {
			fmt.Fprintln(os.Stdout, "running")
			select {}
		},
	}})
	if err == nil {
		err = engine.Start(ctx)
	}
	if err != nil {
		fmt.Fprintln(os.Stdout, "start:", err)
		return
	}
	select {}
}

func TestTaskOfAKilledProcessIsTakenUp(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		testKill(t, storetest.NewSQLiteFile(t), false)
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		testKill(t, storetest.NewPostgresSchema(t), true)
	})
}

func testKill(t *testing.T, address string, migrate bool) {
	t.Helper()
	db := storetest.OpenURL(t, address)
	if migrate {
		if err := db.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	b := newBench(t, db, tasks.Options{})
	task := newTask()
	b.enqueue(t, task)
	killWhileRunning(t, address, func() {})
	b.start(t)
	b.expect(t, run{task, core.Attempt{Number: 2}})
	b.answers <- nil
}

// killWhileRunning starts a process that takes the task, and kills it after
// meanwhile.
func killWhileRunning(t *testing.T, address string, meanwhile func()) {
	t.Helper()
	victim := exec.CommandContext(t.Context(), os.Args[0])
	victim.Env = append(os.Environ(), victimVariable+"="+address)
	out, err := victim.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	said := bufio.NewScanner(out)
	if !said.Scan() || said.Text() != "running" {
		t.Errorf("the process said %q", said.Text())
	}
	meanwhile()
	if err := victim.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = victim.Wait() // tells that it was killed
}
