package tasks_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/internal/store"
	"github.com/trellis-ats/trellis/internal/store/storetest"
	"github.com/trellis-ats/trellis/internal/tasks"
)

func TestTaskRunsOnce(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db, tasks.Options{})
		b.start(t)
		task := newTask()
		b.enqueue(t, task)
		b.expect(t, run{task, core.Attempt{Number: 1}})
		b.answers <- nil
		b.stop(t)
		if n := len(b.runs); n != 0 {
			t.Errorf("%d further runs", n)
		}
	})
}

func TestChangeAndTaskCommitTogether(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db, tasks.Options{})
		b.start(t)
		lost, kept := newTask(), newTask()
		o := &core.Organization{ID: lost.OrganizationID, Name: "Lost", CreatedAt: time.Unix(1, 0)}
		refuse := errors.New("no")
		err := db.Atomically(t.Context(), func(tx core.Tx) error {
			if err := tx.InsertOrganization(t.Context(), o); err != nil {
				return err
			}
			if err := tx.Enqueue(t.Context(), lost); err != nil {
				return err
			}
			return refuse
		})
		if !errors.Is(err, refuse) {
			t.Fatal(err)
		}
		b.enqueue(t, kept)
		b.expect(t, run{kept, core.Attempt{Number: 1}})
		b.answers <- nil
		if _, err := db.Organization(t.Context(), o.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("the change was kept: %v", err)
		}
	})
}

// TestTaskIsNotDueBeforeTheCommit runs on PostgreSQL alone: SQLite has one writer.
func TestTaskIsNotDueBeforeTheCommit(t *testing.T) {
	t.Parallel()
	b := newBench(t, storetest.Postgres(t), tasks.Options{})
	b.start(t)
	open, committed := newTask(), newTask()
	err := b.db.Atomically(t.Context(), func(tx core.Tx) error {
		if err := tx.Enqueue(t.Context(), open); err != nil {
			return err
		}
		b.enqueue(t, committed) // later, and in a transaction of its own
		b.expect(t, run{committed, core.Attempt{Number: 1}})
		b.answers <- nil
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	b.expect(t, run{open, core.Attempt{Number: 1}})
	b.answers <- nil
}

func TestRepeatableErrorsAreRetried(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db, tasks.Options{MaxAttempts: 9})
		b.start(t)
		task := newTask()
		b.enqueue(t, task)
		failures := []error{
			retryable(), fault.New(fault.RateLimited, "slow"), fault.New(fault.Upstream, "odd"),
			fault.New(fault.Internal, "ours"), errors.New("unknown"), nil,
		}
		want := []wait{{1, fault.Retryable}, {2, fault.RateLimited}, {3, fault.Upstream}, {4, fault.Internal}, {5, fault.Internal}}
		for i, err := range failures {
			b.expect(t, run{task, core.Attempt{Number: i + 1}})
			b.answers <- err
		}
		for _, w := range want {
			if diff := cmp.Diff(w, receive(t, b.waits)); diff != "" {
				t.Error(diff)
			}
		}
	})
}

func TestOtherErrorsAreNotRetried(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db, tasks.Options{})
		b.start(t)
		for _, code := range []fault.Code{
			fault.Invalid, fault.NotFound, fault.Conflict, fault.OutcomeUnknown, fault.Auth,
			fault.Permission, fault.Unsupported, fault.Config,
		} {
			task := newTask()
			b.enqueue(t, task)
			b.expect(t, run{task, core.Attempt{Number: 1}})
			b.answers <- fault.Wrap(errSecret, code, "It cannot be done.")
			want := []tasks.DeadLetter{{Task: task, Attempts: 1, Code: code, Message: "It cannot be done."}}
			got := b.deadLetters(t, task.OrganizationID)
			if diff := cmp.Diff(want, got, ignoreGiven()); diff != "" {
				t.Errorf("%s (-want +got):\n%s", code, diff)
			}
		}
		if n := len(b.runs) + len(b.waits); n != 0 {
			t.Errorf("%d further runs or waits", n)
		}
	})
}

func TestLastFailureLeavesADeadLetter(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db, tasks.Options{MaxAttempts: 2})
		b.start(t)
		task := newTask()
		b.enqueue(t, task)
		b.failTwice(t, task)
		letter := b.deadLetters(t, task.OrganizationID)[0]
		want := tasks.DeadLetter{Task: task, Attempts: 2, Code: fault.Retryable, Message: "The ATS was away."}
		if diff := cmp.Diff(want, letter, ignoreGiven()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if time.Since(letter.FailedAt).Abs() > time.Hour {
			t.Errorf("failed at %v", letter.FailedAt)
		}
		if n := len(b.waits); n != 1 {
			t.Errorf("asked %d times how long to wait, with one attempt to follow", n)
		}
	})
}

func (b *bench) failTwice(t *testing.T, task core.Task) {
	t.Helper()
	b.expect(t, run{task, core.Attempt{Number: 1}})
	b.answers <- retryable()
	b.expect(t, run{task, core.Attempt{Number: 2, Last: true}})
	b.answers <- retryable()
}

func TestPanicIsAFailure(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		attempts := make(chan core.Attempt, 10)
		b := newBench(t, db, tasks.Options{MaxAttempts: 2, Handlers: map[core.TaskKind]tasks.Handler{
			core.TaskDeliverResult: func(_ context.Context, _ core.Task, a core.Attempt) error {
				attempts <- a
				panic(errSecret)
			},
		}})
		b.start(t)
		task := newTask()
		b.enqueue(t, task)
		letter := b.deadLetters(t, task.OrganizationID)[0]
		if len(attempts) != 2 || letter.Code != fault.Internal || letter.Message != fault.From(errSecret).Message {
			t.Errorf("after %d attempts: %+v", len(attempts), letter)
		}
	})
}

func TestUnknownKindIsRefused(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		newBench(t, db, tasks.Options{})
		err := db.Atomically(t.Context(), func(tx core.Tx) error {
			return tx.Enqueue(t.Context(), core.Task{Kind: "make_coffee"})
		})
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("got %v", err)
		}
	})
}

func TestStopWaitsForWhatRuns(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db, tasks.Options{})
		b.start(t)
		task := newTask()
		b.enqueue(t, task)
		b.expect(t, run{task, core.Attempt{Number: 1}})
		stopped := make(chan struct{})
		go func() { b.stop(t); close(stopped) }()
		select {
		case <-stopped:
			t.Error("stopped while a task ran")
		case b.answers <- nil:
		}
		receive(t, stopped)
	})
}

func TestImpatientStopCutsOffAndCountsNoAttempt(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db, tasks.Options{MaxAttempts: 1})
		b.start(t)
		task := newTask()
		b.enqueue(t, task)
		b.expect(t, run{task, core.Attempt{Number: 1, Last: true}})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := b.engine.Stop(ctx); err != nil {
			t.Fatal(err)
		}
		again := newBench(t, db, tasks.Options{MaxAttempts: 1})
		again.start(t)
		again.expect(t, run{task, core.Attempt{Number: 1, Last: true}})
		again.answers <- nil
	})
}

func TestCausesAreNotStored(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db, tasks.Options{MaxAttempts: 2})
		b.start(t)
		task := newTask()
		b.enqueue(t, task)
		b.failTwice(t, task)
		b.deadLetters(t, task.OrganizationID)
		for text, want := range map[string]int{"ATS was away": 1, "ada@example.com": 0} {
			var n int
			query := "SELECT count(*) FROM river_job WHERE CAST(errors AS text) LIKE $1"
			if err := db.SQL().QueryRowContext(t.Context(), query, "%"+text+"%").Scan(&n); err != nil || n != want {
				t.Errorf("%q is stored with %d tasks, %v; want %d", text, n, err, want)
			}
		}
	})
}

// TestTaskThatKilledEachAttemptIsGivenUp stands for a task that takes its
// process down whenever it runs.
func TestTaskThatKilledEachAttemptIsGivenUp(t *testing.T) {
	t.Parallel()
	b := newBench(t, storetest.SQLite(t), tasks.Options{MaxAttempts: 3})
	task := newTask()
	b.enqueue(t, task)
	if _, err := b.db.SQL().ExecContext(t.Context(), "UPDATE river_job SET state = 'running', attempt = 3"); err != nil {
		t.Fatal(err)
	}
	b.start(t)
	letter := b.deadLetters(t, task.OrganizationID)[0]
	if letter.Code != fault.Internal || len(b.runs) != 0 {
		t.Errorf("%d runs, %+v", len(b.runs), letter)
	}
}

func TestDefaultBackoff(t *testing.T) {
	t.Parallel()
	for attempt, middle := range map[int]time.Duration{
		1: 2 * time.Second, 2: 6 * time.Second, 3: 18 * time.Second, 7: 1458 * time.Second, 8: time.Hour, 1000: time.Hour,
	} {
		least, most := middle, middle
		for range 200 {
			wait := tasks.DefaultBackoff(attempt, errSecret)
			least, most = min(least, wait), max(most, wait)
		}
		if least < middle*8/10 || most > middle*12/10 || most-least < middle/5 {
			t.Errorf("attempt %d waits from %v to %v", attempt, least, most)
		}
	}
	limited := fault.New(fault.RateLimited, "slow")
	limited.RetryAfter = 5 * time.Hour
	if wait := tasks.DefaultBackoff(1, limited); wait != 5*time.Hour {
		t.Errorf("rate limited for 5 h: %v", wait)
	}
}

func ignoreGiven() cmp.Option { return cmpopts.IgnoreFields(tasks.DeadLetter{}, "FailedAt") }

// How a task failed is forgotten with the candidate whom it was about, and with
// nobody else.
func TestErrorsAreForgotten(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db, tasks.Options{MaxAttempts: 1})
		b.start(t)
		task := newTask()
		candidate := keepCandidate(t, db, task)
		b.enqueue(t, task)
		b.expect(t, run{task, core.Attempt{Number: 1, Last: true}})
		b.answers <- retryable()
		told := b.deadLetters(t, task.OrganizationID)[0].Message
		b.erase(t, task, "cnd_another")
		if now := b.deadLetters(t, task.OrganizationID)[0].Message; now != told {
			t.Errorf("with another one's it became %q", now)
		}
		b.erase(t, task, candidate)
		if now := b.deadLetters(t, task.OrganizationID)[0].Message; now == told {
			t.Errorf("it is still %q", now)
		}
	})
}

func (b *bench) erase(t *testing.T, task core.Task, candidate core.ID) {
	t.Helper()
	err := b.db.Atomically(t.Context(), func(tx core.Tx) error {
		_, err := tx.EraseCandidate(t.Context(), task.OrganizationID, candidate, time.Unix(2, 0))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// keepCandidate keeps whom the task's assessment is about.
func keepCandidate(t *testing.T, db *store.DB, task core.Task) core.ID {
	t.Helper()
	at, ctx := time.Unix(1, 0), t.Context()
	organization := &core.Organization{ID: task.OrganizationID, Name: string(task.OrganizationID), CreatedAt: at}
	test := &core.Test{ID: core.NewID(core.PrefixTest), OrganizationID: task.OrganizationID, Name: "T", Modality: core.ModalityChat, CreatedAt: at}
	candidate := &core.Candidate{ID: core.NewID(core.PrefixCandidate), OrganizationID: task.OrganizationID, FirstName: "Ada", Email: "ada@example.com", CreatedAt: at, UpdatedAt: at}
	assessment := &core.Assessment{
		ID: task.AssessmentID, OrganizationID: task.OrganizationID, TestID: test.ID, CandidateID: candidate.ID, Status: core.StatusScored,
		Delivery: core.DeliveryPending, Decision: core.DecisionNone, ATSOutcome: core.OutcomeUnknown, OrderedAt: at, ExpiresAt: at, UpdatedAt: at,
	}
	err := db.Atomically(ctx, func(tx core.Tx) error {
		err := errors.Join(tx.InsertOrganization(ctx, organization), tx.InsertTest(ctx, test), tx.SaveCandidate(ctx, candidate))
		_, kept := tx.InsertAssessment(ctx, assessment)
		return errors.Join(err, kept)
	})
	if err != nil {
		t.Fatal(err)
	}
	return candidate.ID
}
