// Package tasks runs durable background work on River, in the same database
// as the data, so that a task commits with the change that asks for it.
package tasks

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivertype"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/internal/store"
)

// Handler does one task. It must be safe to run twice, and must end soon after
// ctx does. The class of its error decides what happens next.
type Handler func(ctx context.Context, t core.Task, a core.Attempt) error

// Options are what an engine needs. Zero values mean the defaults.
type Options struct {
	DB          *store.DB
	Handlers    map[core.TaskKind]Handler
	Log         *slog.Logger  // nil discards
	Workers     int           // tasks at a time; 20, on SQLite 8
	FetchPoll   time.Duration // how often to look for due tasks; 100 ms
	RescueAfter time.Duration // after this a running task's worker counts as dead; 90 s
	AliveEvery  time.Duration // how often to look for tasks of dead processes, on PostgreSQL; 5 s
	MaxAttempts int           // 10
	// Periodic are run once every so often, by one of the processes.
	Periodic []Periodic
	// Backoff tells how long to wait after a failed attempt, counted from 1.
	Backoff func(attempt int, err error) time.Duration // DefaultBackoff
}

// Periodic is a task that nobody enqueues: it has no organization and looks at
// all of them. A run is left out while the one before has not ended.
type Periodic struct {
	Kind  core.TaskKind
	Every time.Duration
}

const (
	// deadline bounds one attempt.
	deadline = 60 * time.Second
	// fetchCooldown is how soon after a fetch the next may follow.
	fetchCooldown = 10 * time.Millisecond
	// keepDead is how long a dead letter can still be looked at in the database.
	// Nothing retries it: what a person repeats is a new task.
	keepDead = 90 * 24 * time.Hour
)

// Engine enqueues and runs tasks. It is safe for concurrent use.
type Engine struct {
	client *river.Client[*sql.Tx]
	alive  *alive // nil on SQLite
	o      Options
}

// New returns an engine and binds it to the database, so that transactions can
// enqueue. It runs nothing before Start.
func New(o Options) (*Engine, error) {
	o.fillIn()
	workers := river.NewWorkers()
	for _, kind := range slices.Sorted(maps.Keys(o.Handlers)) {
		w := &worker{handler: o.Handlers[kind], backoff: o.Backoff, log: o.Log}
		river.AddWorkerArgs(workers, args{Task: core.Task{Kind: kind}}, w)
	}
	client, err := river.NewClient(driver(o.DB), config(o, workers))
	if err != nil {
		return nil, fmt.Errorf("tasks: %w", err)
	}
	e := &Engine{client: client, o: o}
	if !o.DB.SQLite() {
		e.alive = &alive{db: o.DB.SQL(), id: client.ID(), every: o.AliveEvery, log: o.Log}
	}
	o.DB.BindTasks(e)
	return e, nil
}

func (o *Options) fillIn() {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Workers == 0 {
		o.Workers = 20
		if o.DB.SQLite() {
			o.Workers = 8
		}
	}
	if o.FetchPoll == 0 {
		o.FetchPoll = 100 * time.Millisecond
	}
	if o.RescueAfter == 0 {
		o.RescueAfter = 90 * time.Second
	}
	if o.AliveEvery == 0 {
		o.AliveEvery = 5 * time.Second
	}
	if o.MaxAttempts == 0 {
		o.MaxAttempts = 10
	}
	if o.Backoff == nil {
		o.Backoff = DefaultBackoff
	}
}

func driver(db *store.DB) riverdriver.Driver[*sql.Tx] {
	if db.SQLite() {
		return riversqlite.New(db.SQL())
	}
	return riverdatabasesql.New(db.SQL())
}

func config(o Options, workers *river.Workers) *river.Config {
	c := &river.Config{
		CancelledJobRetentionPeriod: keepDead,
		DiscardedJobRetentionPeriod: keepDead,
		FetchCooldown:               min(fetchCooldown, o.FetchPoll),
		FetchPollInterval:           o.FetchPoll,
		JobTimeout:                  min(deadline, o.RescueAfter), // or a living worker's task would be rescued
		Logger:                      slog.New(onlyErrors{o.Log.Handler()}),
		MaxAttempts:                 o.MaxAttempts,
		RescueStuckJobsAfter:        o.RescueAfter,
		RetryPolicy:                 unknownKinds{},
		Workers:                     workers,
	}
	if len(o.Handlers) > 0 {
		c.PeriodicJobs = periodic(o.Periodic)
		c.Queues = map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: o.Workers}}
	}
	return c
}

func periodic(all []Periodic) []*river.PeriodicJob {
	jobs := make([]*river.PeriodicJob, len(all))
	for i, p := range all {
		one := func() (river.JobArgs, *river.InsertOpts) {
			return args{Task: core.Task{Kind: p.Kind}}, &river.InsertOpts{UniqueOpts: river.UniqueOpts{ByState: notEnded()}}
		}
		jobs[i] = river.NewPeriodicJob(river.PeriodicInterval(p.Every), one, &river.PeriodicJobOpts{RunOnStart: true})
	}
	return jobs
}

// notEnded are the states of a task that will still run.
func notEnded() []rivertype.JobState {
	return []rivertype.JobState{
		rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable,
		rivertype.JobStateRunning, rivertype.JobStateScheduled,
	}
}

// InsertTask implements store.TaskInserter.
func (e *Engine) InsertTask(ctx context.Context, tx *sql.Tx, t core.Task) error {
	if e.o.Handlers[t.Kind] == nil {
		return fault.New(fault.Invalid, "There is no handler for tasks of kind %q. Nothing was changed.", t.Kind)
	}
	if _, err := e.client.InsertTx(ctx, tx, args{Task: t}, &river.InsertOpts{ScheduledAt: t.NotBefore}); err != nil {
		return fmt.Errorf("tasks: enqueue %s: %w", t.Kind, err)
	}
	return nil
}

// ForgetErrors implements store.TaskInserter.
func (*Engine) ForgetErrors(ctx context.Context, tx *sql.Tx, organization, candidate core.ID) error {
	const query = `UPDATE river_job SET errors = NULL WHERE errors IS NOT NULL AND args ->> 'organizationId' = $1 AND (
		args ->> 'assessmentId' IN (SELECT a.id FROM assessments AS a WHERE a.organization_id = $1 AND a.candidate_id = $2)
		OR args ->> 'subjectId' IN (SELECT p.id FROM pushes AS p WHERE p.organization_id = $1 AND p.candidate_id = $2))`
	if _, err := tx.ExecContext(ctx, query, string(organization), string(candidate)); err != nil {
		return fmt.Errorf("tasks: forget errors: %w", err)
	}
	return nil
}

// Start begins to run tasks. Cancelling ctx cuts running tasks off; Stop ends
// the engine politely.
func (e *Engine) Start(ctx context.Context) error {
	takeUp := e.releaseRunning
	if e.alive != nil {
		takeUp = e.alive.start
	}
	if err := takeUp(ctx); err != nil {
		return err
	}
	if err := e.client.Start(ctx); err != nil {
		return errors.Join(fmt.Errorf("tasks: start: %w", err), e.giveUpLock())
	}
	return nil
}

// releaseRunning makes tasks due at once that a process which was killed left
// running. Only one process works on a SQLite file, and this one has not begun,
// so nobody runs them. On PostgreSQL another replica may: see alive.
func (e *Engine) releaseRunning(ctx context.Context) error {
	_, err := e.o.DB.SQL().ExecContext(ctx, "UPDATE river_job SET state = 'available' WHERE state = 'running'")
	if err != nil {
		return fmt.Errorf("tasks: release what was running: %w", err)
	}
	return nil
}

// Stop takes no more tasks and waits for those that run. When ctx ends first,
// running tasks are cut off and Stop waits for them to notice.
func (e *Engine) Stop(ctx context.Context) error {
	err := e.client.Stop(ctx)
	if err != nil && errors.Is(err, ctx.Err()) {
		cut, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		err = e.client.StopAndCancel(cut)
	}
	return errors.Join(err, e.giveUpLock())
}

func (e *Engine) giveUpLock() error {
	if e.alive == nil {
		return nil
	}
	return e.alive.stop()
}
