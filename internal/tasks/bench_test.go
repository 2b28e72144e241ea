package tasks_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/internal/store"
	"github.com/trellis-ats/trellis/internal/store/storetest"
	"github.com/trellis-ats/trellis/internal/tasks"
)

const patience = 30 * time.Second

// run is one call of a handler.
type run struct {
	Task    core.Task
	Attempt core.Attempt
}

// bench is an engine whose handler tells each run and asks answer what to return.
type bench struct {
	db      *store.DB
	engine  *tasks.Engine
	runs    chan run
	answers chan error
	waits   chan wait // what the back-off was asked
}

type wait struct {
	Attempt int
	Code    fault.Code
}

func newBench(t *testing.T, db *store.DB, o tasks.Options) *bench {
	t.Helper()
	b := &bench{db: db, runs: make(chan run, 100), answers: make(chan error, 100), waits: make(chan wait, 100)}
	handler := func(ctx context.Context, task core.Task, a core.Attempt) error {
		b.runs <- run{task, a}
		select {
		case err := <-b.answers:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	o.DB, o.FetchPoll = db, 5*time.Millisecond
	if o.Handlers == nil {
		o.Handlers = map[core.TaskKind]tasks.Handler{core.TaskSendInvitation: handler, core.TaskDeliverResult: handler}
	}
	o.Backoff = func(attempt int, err error) time.Duration {
		b.waits <- wait{attempt, fault.CodeOf(err)}
		return time.Millisecond
	}
	engine, err := tasks.New(o)
	if err != nil {
		t.Fatal(err)
	}
	b.engine = engine
	return b
}

func (b *bench) start(t *testing.T) {
	t.Helper()
	if err := b.engine.Start(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.stop(t) })
}

func (b *bench) stop(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := b.engine.Stop(ctx); err != nil {
		t.Errorf("stop: %v", err)
	}
}

func (b *bench) enqueue(t *testing.T, task core.Task) {
	t.Helper()
	err := b.db.Atomically(t.Context(), func(tx core.Tx) error { return tx.Enqueue(t.Context(), task) })
	if err != nil {
		t.Fatal(err)
	}
}

// expect waits for the next run.
func (b *bench) expect(t *testing.T, want run) {
	t.Helper()
	if diff := cmp.Diff(want, receive(t, b.runs)); diff != "" {
		t.Fatalf("run (-want +got):\n%s", diff)
	}
}

// deadLetters waits until the organization has a dead letter.
func (b *bench) deadLetters(t *testing.T, organization core.ID) []tasks.DeadLetter {
	t.Helper()
	var letters []tasks.DeadLetter
	eventually(t, func() bool {
		var err error
		if letters, err = b.engine.DeadLetters(t.Context(), organization, 10); err != nil {
			t.Fatal(err)
		}
		return len(letters) > 0
	})
	return letters
}

func receive[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatal("nothing came")
		panic("unreachable")
	}
}

// eventually looks every few milliseconds; there is no signal for what River
// writes after a handler has returned.
func eventually(t *testing.T, done func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); !done(); {
		if time.Now().After(end) {
			t.Fatal("it never happened")
		}
		<-tick.C
	}
}

func newTask() core.Task {
	return core.Task{
		Kind: core.TaskDeliverResult, OrganizationID: core.NewID(core.PrefixOrganization),
		AssessmentID: core.NewID(core.PrefixAssessment), Revision: 3,
	}
}

var errSecret = errors.New("cause with ada@example.com in it")

func retryable() error { return fault.Wrap(errSecret, fault.Retryable, "The ATS was away.") }

func each(t *testing.T, f func(t *testing.T, db *store.DB)) {
	t.Helper()
	t.Parallel()
	storetest.Each(t, f)
}
