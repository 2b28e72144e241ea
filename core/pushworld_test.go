package core_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/coretest"
)

// settle is how long the tests' pushes wait for a request without an answer.
const settle = 45 * time.Second

// pushWorld is a world with an ATS that takes candidates, and a job that is
// mapped to its second stage.
type pushWorld struct {
	*world
	system *coretest.ATS
	pushes *core.Pushes
	job    *core.Job
	crash  *crashing
}

// paper prints reports for tests.
type paper struct{}

func (paper) PDF(_ context.Context, s *core.ReportSheet) ([]byte, error) {
	return fmt.Appendf(nil, "%%PDF of %s, %s", s.Candidate, s.Score), nil
}

func newPushWorld(t *testing.T) *pushWorld {
	t.Helper()
	return newPushWorldIn(newWorld(t))
}

func newPushWorldIn(made *world) *pushWorld {
	t := made.t
	t.Helper()
	w := &pushWorld{world: made}
	w.system = coretest.NewATS(w.clock)
	w.adapters.Whole = w.system
	w.crash = &crashing{Store: w.store}
	w.pushes = w.newPushes(w.crash)
	var err error
	w.job, err = w.jobs.Create(t.Context(), w.admin, core.Job{Name: "Sales"}, core.Key{})
	w.ok(err)
	w.mapJob(w.job.ID, "job-1")
	return w
}

// newPushes is one replica.
func (w *pushWorld) newPushes(s core.Store) *core.Pushes {
	return core.NewPushes(core.PushesOptions{
		Store: s, Clock: w.clock, Adapters: w.adapters, Links: w.links, Printer: paper{}, Assessments: w.assessments, Settle: settle,
		Calls: core.NewCalls(core.CallsOptions{Store: s, Clock: w.clock, Adapters: w.adapters}),
	})
}

func (w *pushWorld) mapJob(job core.ID, external string) {
	w.t.Helper()
	w.ok(w.store.Atomically(w.t.Context(), func(tx core.Tx) error {
		return tx.SaveJobMapping(w.t.Context(), &core.JobMapping{
			ID: core.NewID(core.PrefixMapping), OrganizationID: w.admin.OrganizationID, ConnectionID: w.connection.ID, JobID: job,
			ExternalJobID: external, ExternalJobName: "Their " + external, ExternalStageID: external + "-stage-2", ExternalStageName: "Assessment",
			CreatedAt: w.clock.Now(), UpdatedAt: w.clock.Now(),
		})
	}))
}

// profile changes the connection's profile.
func (w *pushWorld) profile(edit func(*core.PushProfile)) {
	w.t.Helper()
	p, err := w.store.PushProfile(w.t.Context(), w.admin.OrganizationID, w.connection.ID)
	w.ok(err)
	edit(p)
	p.Version++
	p.UpdatedAt = w.clock.Now()
	w.ok(w.store.Atomically(w.t.Context(), func(tx core.Tx) error { return tx.SavePushProfile(w.t.Context(), p) }))
}

// scored makes an assessment with a score, ordered through our own API.
func (w *pushWorld) scored(email string, job core.ID, score float64) core.ID {
	w.t.Helper()
	a, err := w.assessments.Create(w.t.Context(), w.admin, core.NewOrder{
		TestID: w.test.ID, JobID: job, Candidate: core.Candidate{FirstName: "Zoë", LastName: "Example", Email: email},
	}, core.Key{})
	w.ok(err)
	_, err = w.complete(a.ID, score)
	w.ok(err)
	w.forgetTasks()
	return a.ID
}

func (w *pushWorld) forgetTasks() {
	w.tasks.mu.Lock()
	defer w.tasks.mu.Unlock()
	w.tasks.tasks = nil
}

// ask requests a push by hand.
func (w *pushWorld) ask(assessment core.ID) *core.Push {
	w.t.Helper()
	p, err := w.pushes.Push(w.t.Context(), w.admin, core.PushRequest{AssessmentID: assessment, ConnectionID: w.connection.ID}, core.Key{})
	w.ok(err)
	return p
}

// drive runs tasks of pushes until none is left, as the engine does: one that
// is postponed runs again when its time has come, one that failed a little
// later. It turns the clock.
func (w *pushWorld) drive() {
	w.t.Helper()
	for n := 0; ; n++ {
		task, ok := w.pop()
		if !ok {
			return
		}
		if n > 200 {
			w.t.Fatal("the pushes do not end")
		}
		err := w.run(task)
		var postponed *core.Postponed
		switch {
		case err == nil:
			continue
		case errors.As(err, &postponed):
			w.clock.Turn(postponed.For)
		default:
			w.clock.Turn(time.Second)
		}
		w.push(task)
	}
}

// run runs one task once. A crash is an error too.
func (w *pushWorld) run(task core.Task) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("crashed: %v", p)
		}
	}()
	return w.pushes.Run(w.t.Context(), task, core.Attempt{Number: 1})
}

func (w *pushWorld) pop() (core.Task, bool) {
	w.tasks.mu.Lock()
	defer w.tasks.mu.Unlock()
	if len(w.tasks.tasks) == 0 {
		return core.Task{}, false
	}
	task := w.tasks.tasks[0]
	w.tasks.tasks = w.tasks.tasks[1:]
	return task, true
}

func (w *pushWorld) push(t core.Task) {
	w.tasks.mu.Lock()
	defer w.tasks.mu.Unlock()
	w.tasks.tasks = append(w.tasks.tasks, t)
}

// now returns a push as it is.
func (w *pushWorld) now(id core.ID) *core.Push {
	w.t.Helper()
	p, err := w.pushes.Get(w.t.Context(), w.admin, id)
	w.ok(err)
	return p
}

func (w *pushWorld) expect(id core.ID, want core.PushState) *core.Push {
	w.t.Helper()
	p := w.now(id)
	if p.State != want {
		w.t.Fatalf("the push is %s, not %s: %s (%s) %+v", p.State, want, p.Message, p.FaultCode, p.Steps)
	}
	return p
}

// one asserts that there is exactly one of everything in the ATS.
func (w *pushWorld) one() {
	w.t.Helper()
	w.count(1)
}

func (w *pushWorld) count(n int) {
	w.t.Helper()
	want := coretest.Tally{People: n, Applications: n, Notes: n, Attachments: n, Tags: n}
	if got := w.system.Tally(); got != want {
		w.t.Fatalf("the ATS has %+v, not %+v", got, want)
	}
}

func step(p *core.Push, k core.StepKind) core.PushStep {
	for _, s := range p.Steps {
		if s.Kind == k {
			return s
		}
	}
	return core.PushStep{}
}

// crashing is a store whose process dies at one of its transactions: before
// the transaction or right after its commit.
type crashing struct {
	core.Store
	at     int // counts down with each transaction; at 1 it dies; 0: never
	before bool
	n      int // transactions so far
}

func (s *crashing) Atomically(ctx context.Context, change func(core.Tx) error) error {
	s.n++
	dies := false
	if s.at > 0 {
		s.at--
		dies = s.at == 0
	}
	if dies && s.before {
		panic("killed before a commit")
	}
	err := s.Store.Atomically(ctx, change)
	if dies {
		panic("killed after a commit")
	}
	return err
}

// failing is a hook that lets an operation fail before anything is done.
func (w *pushWorld) failing(op coretest.Operation, with func() error) coretest.Hook {
	return func(_ context.Context, o coretest.Operation, m coretest.Moment) error {
		if o == op && m == coretest.BeforeCommit {
			return with()
		}
		return nil
	}
}

// requested asks for a push as a rule does.
func (w *pushWorld) requested(assessment core.ID, m core.PushMode) *core.Push {
	w.t.Helper()
	a := w.get(assessment)
	var p *core.Push
	w.ok(w.store.Atomically(w.t.Context(), func(tx core.Tx) (err error) {
		p, err = core.RequestPush(w.t.Context(), tx, w.engine, a, w.connection, m, w.clock)
		return err
	}))
	return p
}
