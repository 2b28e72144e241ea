package core_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/coretest"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/internal/store"
	"github.com/trellis-ats/trellis/internal/store/storetest"
)

// dying is a store whose process dies when it comes to a transaction: it goes
// on nowhere, and nothing is cleaned up.
type dying struct {
	*store.DB
	left atomic.Int64 // transactions until then
}

func (d *dying) Atomically(ctx context.Context, change func(core.Tx) error) error {
	if d.left.Add(-1) < 0 {
		runtime.Goexit()
	}
	return d.DB.Atomically(ctx, change)
}

func (c *connecting) callsOn(s core.Store) *core.Calls {
	return core.NewCalls(core.CallsOptions{Store: s, Clock: c.clock, Adapters: c.adapters})
}

// waited runs f until it is not postponed any more.
func waited(f func() error) error {
	for {
		err := f()
		var postponed *core.Postponed
		if !errors.As(err, &postponed) {
			return err
		}
	}
}

func TestReplicasRotateSingleUseTokens(t *testing.T) {
	t.Parallel()
	address := storetest.NewPostgresSchema(t)
	first := storetest.OpenURL(t, address)
	if err := first.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	c := newConnectingOn(t, first)
	c.consent()
	replicas := []*core.Calls{c.calls, c.callsOn(storetest.OpenURL(t, address))}
	const rounds, callers = 8, 6
	for round := range rounds {
		c.clock.Turn(time.Hour)
		var running sync.WaitGroup
		for n := range callers {
			running.Go(func() {
				if err := waited(func() error { return c.find(replicas[n%len(replicas)]) }); err != nil {
					t.Errorf("round %d: %v", round, err)
				}
			})
		}
		running.Wait()
	}
	if n := c.system.Calls(coretest.OpRefresh); n != rounds {
		t.Errorf("%d refreshes in %d rounds: each refresh token can be used once", n, rounds)
	}
	if a := c.authorization(); a.State != core.Connected || a.LeaseID != "" || a.Version != rounds+1 {
		t.Errorf("in the end: %+v", a)
	}
}

func TestWhileOneRefreshesOthersUseTheOldTokenOrWait(t *testing.T) {
	t.Parallel()
	c := newConnecting(t)
	c.consent()
	c.clock.Turn(time.Hour - 30*time.Second)
	inside, release := make(chan struct{}), make(chan struct{})
	c.system.OnCall(func(_ context.Context, op coretest.Operation, m coretest.Moment) error {
		if op == coretest.OpRefresh && m == coretest.BeforeCommit {
			close(inside)
			<-release
		}
		return nil
	})
	var running sync.WaitGroup
	running.Go(func() {
		if err := c.find(c.calls); err != nil {
			t.Error(err)
		}
	})
	<-inside
	if err := c.find(c.calls); err != nil {
		t.Errorf("the old token lives, and still: %v", err)
	}
	c.clock.Turn(26 * time.Second)
	var postponed *core.Postponed
	if err := c.find(c.calls); !errors.As(err, &postponed) || postponed.For <= 0 {
		t.Errorf("without a token: %v", err)
	}
	close(release)
	running.Wait()
}

// TestACrashDuringARefresh lets the process die before each of its
// transactions, and another go on.
func TestACrashDuringARefresh(t *testing.T) {
	t.Parallel()
	const unstored = 2 // before this transaction the pair was received and is nowhere
	died := 0
	for step := range 6 {
		c := newConnecting(t)
		c.consent()
		c.clock.Turn(2 * time.Hour)
		dead := &dying{DB: c.store}
		dead.left.Store(int64(step))
		stored, ended := c.stored(), false
		var running sync.WaitGroup
		running.Go(func() {
			if _, err := c.callsOn(dead).Prepare(t.Context(), stored); err != nil {
				t.Errorf("before it died: %v", err)
			}
			ended = true
		})
		running.Wait()
		if !ended {
			died++
		}
		c.clock.Turn(time.Minute)
		err := c.find(c.calls)
		a := c.authorization()
		switch {
		case step != unstored && (err != nil || a.State != core.Connected):
			t.Errorf("after dying before transaction %d: %v, %s", step, err, a.Reason)
		case step == unstored && (!fault.Is(err, fault.Auth) || a.State != core.NeedsReconnect || !strings.Contains(a.Reason, "2026-11-02T11:00:00Z")):
			t.Errorf("the pair was lost, and: %v, %s, %s", err, a.State, a.Reason)
		}
		if step == unstored {
			c.consent()
			c.ok(c.find(c.calls))
		}
	}
	if died != 4 {
		t.Errorf("it died %d times", died)
	}
}

func TestARefreshOfUnknownOutcome(t *testing.T) {
	t.Parallel()
	lost := fault.New(fault.OutcomeUnknown, "No answer came.")
	for _, m := range []coretest.Moment{coretest.BeforeCommit, coretest.AfterCommit} {
		c := newConnecting(t)
		c.consent()
		c.clock.Turn(2 * time.Hour)
		c.system.FailOnce(coretest.OpRefresh, m, lost)
		c.refused(c.find(c.calls), fault.Retryable) // of the call itself nothing was sent
		if a := c.authorization(); a.State != core.Expiring || a.DoubtSince.IsZero() {
			t.Errorf("%s: %+v", m, a)
		}
		err := c.find(c.calls)
		if a := c.authorization(); m == coretest.BeforeCommit && (err != nil || a.State != core.Connected || !a.DoubtSince.IsZero()) {
			t.Errorf("the token was not spent: %v, %+v", err, a)
		} else if m == coretest.AfterCommit && (a.State != core.NeedsReconnect || !strings.Contains(a.Reason, "never ended here")) {
			t.Errorf("the token was spent: %v, %+v", err, a)
		}
	}
}

func TestNewTokensAreKeptAlthoughTheDatabaseFaltered(t *testing.T) {
	t.Parallel()
	c := newConnecting(t)
	c.consent()
	c.clock.Turn(2 * time.Hour)
	faltering := &faltering{DB: c.store, at: 2}
	c.ok(c.find(c.callsOn(faltering)))
	if a := c.authorization(); a.State != core.Connected || a.Version != 2 || faltering.n.Load() < 5 {
		t.Errorf("after %d transactions: %+v", faltering.n.Load(), a)
	}
}

// faltering is a store that fails one transaction.
type faltering struct {
	*store.DB
	at int64
	n  atomic.Int64
}

func (f *faltering) Atomically(ctx context.Context, change func(core.Tx) error) error {
	if f.n.Add(1)-1 == f.at {
		return fault.New(fault.Retryable, "The database is busy.")
	}
	return f.DB.Atomically(ctx, change)
}

// TestALateRefreshIsNotLost: whoever slept through the end of its lease still
// holds the only pair that works.
func TestALateRefreshIsNotLost(t *testing.T) {
	t.Parallel()
	c := newConnecting(t)
	c.consent()
	c.clock.Turn(2 * time.Hour)
	once := sync.OnceFunc(func() {
		c.clock.Turn(time.Minute) // the lease is over
		if err := c.find(c.callsOn(c.store)); !fault.Is(err, fault.Auth) {
			t.Errorf("the token was spent: %v", err)
		}
	})
	c.system.OnCall(func(_ context.Context, op coretest.Operation, m coretest.Moment) error {
		if op == coretest.OpRefresh && m == coretest.AfterCommit {
			once()
		}
		return nil
	})
	c.ok(c.find(c.calls))
	if a := c.authorization(); a.State != core.Connected || a.LeaseID != "" {
		t.Errorf("in the end: %+v", a)
	}
}

func TestAnIdleConnectionIsRefreshedInTime(t *testing.T) {
	t.Parallel()
	c := newConnecting(t)
	c.consent()
	work := func() (tasks int) {
		c.ok(c.authorizations.RefreshDue(t.Context(), core.Task{}, core.Attempt{}))
		for len(c.tasks.tasks) > 0 && c.tasks.tasks[0].Kind == core.TaskRefreshAuthorization {
			c.ok(c.authorizations.Refresh(t.Context(), c.take(core.TaskRefreshAuthorization), core.Attempt{Number: 1}))
			tasks++
		}
		return tasks
	}
	if n := work(); n != 0 {
		t.Errorf("%d refreshes at once", n)
	}
	for range 400 { // beyond the life of the first refresh token, 90 days
		c.clock.Turn(6*time.Hour - time.Minute)
		if n := work(); n != 0 {
			t.Fatalf("%d refreshes too early", n)
		}
		c.clock.Turn(time.Minute)
		if n := work(); n != 1 {
			t.Fatalf("%d refreshes after six hours", n)
		}
	}
	c.ok(c.find(c.calls))
	c.clock.Turn(46 * 24 * time.Hour)
	c.system.FailOnce(coretest.OpRefresh, coretest.BeforeCommit, fault.New(fault.Retryable, "The ATS is away."))
	work()
	if a := c.authorization(); a.State != core.Expiring || !strings.Contains(a.Reason, "The ATS is away.") {
		t.Errorf("away: %+v", a)
	}
	c.clock.Turn(5 * time.Minute)
	work()
	if a := c.authorization(); a.State != core.Connected {
		t.Errorf("back: %+v", a)
	}
	c.take(core.TaskResumePushes)
	c.system.Revoke()
	c.clock.Turn(46 * 24 * time.Hour)
	work()
	if a := c.authorization(); a.State != core.NeedsReconnect {
		t.Errorf("revoked: %+v", a)
	}
	events, err := c.store.EventsOf(t.Context(), c.admin.OrganizationID, c.connection.ID)
	c.ok(err)
	changes := 0
	for _, e := range events {
		if e.Type == core.EventAuthorizationChange {
			changes++
		}
	}
	if changes != 4 {
		t.Errorf("%d events, want connected, expiring, connected, needs reconnect", changes)
	}
}

func TestARefusedTokenIsThrownAway(t *testing.T) {
	t.Parallel()
	c := newConnecting(t)
	c.consent()
	refuse := func() {
		claim, err := c.calls.Claim(t.Context(), c.stored(), 1)
		c.ok(err)
		c.ok(claim.Settle(t.Context(), nil, fault.New(fault.Auth, "The ATS does not know the token.")))
	}
	refuse() // a new token may be refused too: it is not fetched again within a minute
	c.ok(c.find(c.calls))
	if n := c.system.Calls(coretest.OpRefresh); n != 0 {
		t.Errorf("%d refreshes", n)
	}
	c.clock.Turn(2 * time.Minute)
	refuse()
	c.ok(c.find(c.calls))
	if n := c.system.Calls(coretest.OpRefresh); n != 1 {
		t.Errorf("%d refreshes", n)
	}
}

func TestWhatTheVendorConfiguredTravels(t *testing.T) {
	t.Parallel()
	c := newConnecting(t)
	c.consent()
	vendor := map[string]map[string]string{coretest.AdapterName: {"client_id": "vendor-1"}}
	calls := core.NewCalls(core.CallsOptions{Store: c.store, Clock: c.clock, Adapters: c.adapters, Vendor: vendor})
	call, err := calls.Prepare(t.Context(), c.stored())
	c.ok(err)
	if call.Vendor["client_id"] != "vendor-1" || call.Secrets[ats.SecretAccessToken] == "" || call.ID != string(c.connection.ID) {
		t.Errorf("what travels: %v", call.Vendor)
	}
}

// away makes the next refreshes fail because of what the vendor configured.
func (c *connecting) away(times int) {
	c.system.OnCall(func(_ context.Context, op coretest.Operation, m coretest.Moment) error {
		if op != coretest.OpRefresh || m != coretest.BeforeCommit || times == 0 {
			return nil
		}
		times--
		return fault.New(fault.Config, "The ATS does not know the vendor's client.")
	})
}

// What the vendor must mend stops no customer's push: it waits, and goes on by
// itself.
func TestAPushOutlivesAMistakeOfTheVendors(t *testing.T) {
	t.Parallel()
	c := newConnecting(t)
	c.consent()
	w := newPushWorldIn(c.world)
	w.system, w.adapters.Whole = c.system.ATS, c.system
	p := w.ask(w.scored("ada@example.com", w.job.ID, 70))
	c.clock.Turn(2 * time.Hour)
	c.away(3)
	task, _ := w.pop()
	var postponed *core.Postponed
	if err := w.run(task); !errors.As(err, &postponed) || postponed.For != 15*time.Minute {
		t.Errorf("it waits: %v", err)
	}
	if p := w.expect(p.ID, core.PushWaiting); p.FaultCode != fault.Retryable || !strings.Contains(p.Message, "whoever runs Trellis") || c.authorization().State != core.Expiring {
		t.Errorf("%s: %s", p.FaultCode, p.Message)
	}
	w.push(task)
	w.drive()
	w.expect(p.ID, core.PushDone)
	w.one()
	if n := c.system.Calls(coretest.OpRefresh); n != 4 {
		t.Errorf("%d refreshes", n)
	}
}

// Nor do web hooks wait for the vendor: they are taken in by what they tell.
func TestWebhooksDoNotWaitForTheVendor(t *testing.T) {
	t.Parallel()
	c := newConnecting(t)
	c.consent()
	c.system.Guarded = false // lists are read without a token here
	w := newHookWorldIn(c.world, c.system.ATS)
	w.adapters.Whole = c.system
	w.newTrigger("job-1-stage-2", 0)
	c.clock.Turn(2 * time.Hour)
	c.away(9)
	w.tell(enters("18", "101", "job-1-stage-2", w.at(5)))
	w.take(core.TaskSendInvitation)
}
