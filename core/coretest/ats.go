package coretest

import (
	"context"
	"strconv"
	"sync"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// ATS is an applicant tracking system in memory, with the adapter to it: it
// keeps what it is told and lets a test look at it. It never recognises a
// person by itself: what is created twice is there twice. It is safe for
// concurrent use, but its exported fields must not be changed while it is used.
//
// It begins with two jobs, "job-1" and "job-2", of three stages each
// ("job-1-stage-1"), two users, one of them a site admin, and some of all else
// that can be chosen.
type ATS struct {
	// Separately makes Create leave the application to Apply.
	Separately bool
	// Scorecards are taken; without it they are unsupported.
	Scorecards bool
	// Guarded makes all but Authorization and Webhooks need a live access token.
	Guarded bool
	// PageSize of lists; 0: 50.
	PageSize int
	// Report is what a check finds; nil: that all is well.
	Report *ats.ConnectionReport

	clock *Clock
	mu    sync.Mutex
	last  int // number of the last id
	hook  Hook
	calls map[Operation]int
	books
	grants
}

// books are what the ATS keeps.
type books struct {
	budget       *ats.RateBudget
	jobs         []*job
	people       []*Person
	applications []*Application
	attachments  []ats.AttachRequest
	notes        []ats.NoteRequest
	scorecards   []ats.ScorecardRequest
	fields       map[fieldKey]ats.FieldValue
}

// Operation is a call of the contract.
type Operation string

// The operations that hooks and counters know.
const (
	OpCheck     Operation = "Check"
	OpFind      Operation = "Find"
	OpCreate    Operation = "Create"
	OpApply     Operation = "Apply"
	OpGet       Operation = "Get"
	OpMove      Operation = "Move"
	OpReject    Operation = "Reject"
	OpUnreject  Operation = "Unreject"
	OpSetFields Operation = "SetFields"
	OpAttach    Operation = "Attach"
	OpAddNote   Operation = "AddNote"
	OpAddTag    Operation = "AddTag"
	OpScorecard Operation = "Scorecard"
	OpList      Operation = "List"
	OpComplete  Operation = "Complete"
	OpRefresh   Operation = "Refresh"
)

// Moment is when in an operation a hook is asked.
type Moment string

// The moments. What fails before the commit has changed nothing; what fails
// after it is done, and the answer is lost.
const (
	BeforeCommit Moment = "BEFORE"
	AfterCommit  Moment = "AFTER"
)

// Hook makes operations fail: its error becomes theirs. It runs in the caller's
// goroutine without a lock, so it may wait, and may use the ATS.
type Hook func(ctx context.Context, op Operation, m Moment) error

// NewATS returns an ATS whose times are the clock's.
func NewATS(clock *Clock) *ATS {
	return &ATS{
		clock: clock, last: 1000, calls: make(map[Operation]int),
		books:  books{jobs: jobs(), fields: make(map[fieldKey]ats.FieldValue)},
		grants: grants{access: make(map[string]bool), codes: make(map[string]bool)},
	}
}

// OnCall sets the hook; nil takes it away.
func (a *ATS) OnCall(h Hook) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.hook = h
}

// FailOnce makes the next op fail at the moment, and no other.
func (a *ATS) FailOnce(op Operation, m Moment, err error) {
	var once sync.Once
	a.OnCall(func(_ context.Context, o Operation, at Moment) (failed error) {
		if o == op && at == m {
			once.Do(func() { failed = err })
		}
		return failed
	})
}

// Calls returns how often op was asked for, whatever came of it.
func (a *ATS) Calls(op Operation) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.calls[op]
}

// SetBudget makes every answer announce b from now on.
func (a *ATS) SetBudget(b *ats.RateBudget) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.budget = b
}

// perform runs an operation: the hook, the deed under the lock, the hook. A
// lost answer keeps its trace alone.
func perform[T any, P ats.Traced[T]](ctx context.Context, a *ATS, op Operation, c *ats.Connection, do func(P) error) (P, error) {
	answer := P(new(T))
	hook := a.arrived(op)
	err := hook(ctx, op, BeforeCommit)
	if err == nil {
		err = a.commit(op, c, func() error { return do(answer) })
		*answer.LeftBehind() = a.trace(op, err)
	}
	if err != nil {
		return answer, err
	}
	if err = hook(ctx, op, AfterCommit); err != nil {
		lost := P(new(T))
		*lost.LeftBehind() = a.trace(op, err)
		return lost, err
	}
	return answer, nil
}

func (a *ATS) arrived(op Operation) Hook {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls[op]++
	if a.hook == nil {
		return func(context.Context, Operation, Moment) error { return nil }
	}
	return a.hook
}

func (a *ATS) commit(op Operation, c *ats.Connection, do func() error) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	open := op == OpComplete || op == OpRefresh
	if a.Guarded && !open && !a.access[c.Secrets[ats.SecretAccessToken]] {
		return refuse(fault.Auth, "The ATS does not know the access token.")
	}
	return do()
}

// trace tells of one exchange, with an answer or without.
func (a *ATS) trace(op Operation, err error) ats.Trace {
	a.mu.Lock()
	defer a.mu.Unlock()
	x := ats.Exchange{Method: "POST", URL: "https://ats.example.com/" + string(op), Status: 200, StartedAt: a.clock.Now()}
	if err != nil {
		x.Status, x.Error = 0, string(fault.CodeOf(err))
	}
	return ats.Trace{Exchanges: []ats.Exchange{x}, Budget: a.budget}
}

func (a *ATS) id() string {
	a.last++
	return strconv.Itoa(a.last)
}

func (a *ATS) pageSize() int {
	if a.PageSize > 0 {
		return a.PageSize
	}
	return 50
}

func refuse(code fault.Code, format string, args ...any) *fault.Error {
	e := fault.New(code, format, args...)
	e.Source = fault.ATS
	return e
}

func conflict(kind, existing, format string, args ...any) error {
	e := refuse(fault.Conflict, format, args...)
	e.Kind, e.Existing = kind, existing
	return e
}
