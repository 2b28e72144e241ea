package core_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/coretest"
	"github.com/trellis-ats/trellis/core/fault"
)

// choosing is a world with an ATS whose lists are read.
type choosing struct {
	*world
	system *coretest.ATS
	data   *core.ReferenceData
}

func newChoosing(t *testing.T) *choosing {
	t.Helper()
	w := newWorld(t)
	c := &choosing{world: w, system: coretest.NewATS(w.clock)}
	w.adapters.Whole = c.system
	c.data = core.NewReferenceData(core.ReferenceOptions{Store: w.store, Clock: w.clock, Adapters: w.adapters, Calls: w.calls})
	return c
}

func (c *choosing) list(q core.ReferenceQuery) *core.ReferenceAnswer {
	c.t.Helper()
	q.ConnectionID = c.connection.ID
	answer, err := c.data.List(c.t.Context(), c.admin, q)
	c.ok(err)
	return answer
}

func names(a *core.ReferenceAnswer) string {
	var all []string
	for _, i := range a.Items {
		all = append(all, i.Name)
	}
	return strings.Join(all, ", ")
}

func TestListsAreKeptForAWhile(t *testing.T) {
	t.Parallel()
	c := newChoosing(t)
	c.system.PageSize = 1
	users := core.ReferenceQuery{Kind: ats.ReferenceUsers}
	asked := func(want int) {
		t.Helper()
		if n := c.system.Calls(coretest.OpList); n != want {
			t.Errorf("the ATS was asked for %d pages, want %d", n, want)
		}
	}
	if got := c.list(users); names(got) != "Robin Example, Kim Example" || got.Age != 0 || got.Stale {
		t.Errorf("got %+v", got)
	}
	asked(2)
	c.clock.Turn(14 * time.Minute)
	users.Search = " KIM@example "
	if got := c.list(users); names(got) != "Kim Example" || got.Age != 14*time.Minute || got.Stale {
		t.Errorf("searched: %+v", got)
	}
	asked(2)
	users.Refresh = true
	if got := c.list(users); got.Age != 0 {
		t.Errorf("on demand: %+v", got)
	}
	asked(4)
	users.Refresh = false
	c.clock.Turn(15 * time.Minute)
	if got := c.list(users); got.Age != 0 {
		t.Errorf("after its time: %+v", got)
	}
	asked(6)
	page, err := c.store.SyncLog(t.Context(), c.admin.OrganizationID, core.SyncFilter{Operation: "reference-data"}, core.Page{First: 10})
	c.ok(err)
	if len(page.Items) != 3 || len(page.Items[0].Exchanges) != 2 || page.Items[0].Outcome != core.SyncOK {
		t.Errorf("the sync log has %+v", page.Items)
	}
}

func TestAnOldListIsServedWithItsAge(t *testing.T) {
	t.Parallel()
	c := newChoosing(t)
	stages := core.ReferenceQuery{Kind: ats.ReferenceStages, Parent: "job-1"}
	if got := c.list(stages); len(got.Items) != 3 || got.Items[0].Parent != "job-1" {
		t.Errorf("got %+v", got)
	}
	c.clock.Turn(time.Hour)
	c.system.OnCall(func(context.Context, coretest.Operation, coretest.Moment) error {
		return fault.New(fault.Retryable, "The ATS is away.")
	})
	if got := c.list(stages); len(got.Items) != 3 || !got.Stale || got.Age != time.Hour || got.Problem != "The ATS is away." {
		t.Errorf("while it is away: %+v", got)
	}
	if items, err := c.data.Choices(t.Context(), c.admin, core.ChoiceQuery{ConnectionID: c.connection.ID, Kind: ats.ReferenceStages, Parent: "job-1"}); err != nil || len(items) != 3 {
		t.Errorf("choices: %v, %v", items, err)
	}
	_, err := c.data.Choices(t.Context(), c.admin, core.ChoiceQuery{ConnectionID: c.connection.ID, Kind: ats.ReferenceStages, Parent: "job-1", Fresh: true})
	c.refused(err, fault.Retryable)
	_, err = c.data.List(t.Context(), c.admin, core.ReferenceQuery{ConnectionID: c.connection.ID, Kind: ats.ReferenceStages, Parent: "job-2"})
	c.refused(err, fault.Retryable)
}

func TestOneReadsAListAtATime(t *testing.T) {
	t.Parallel()
	c := newChoosing(t)
	jobs := core.ReferenceQuery{Kind: ats.ReferenceJobs, Refresh: true}
	c.list(jobs)
	c.clock.Turn(time.Minute)
	inside, release := make(chan struct{}), make(chan struct{})
	c.system.OnCall(func(_ context.Context, _ coretest.Operation, m coretest.Moment) error {
		if m == coretest.BeforeCommit {
			close(inside)
			<-release
		}
		return nil
	})
	var running sync.WaitGroup
	running.Go(func() { c.list(jobs) })
	<-inside
	if got := c.list(jobs); !got.Stale || got.Age != time.Minute || len(got.Items) != 2 || !strings.Contains(got.Problem, "being read already") {
		t.Errorf("meanwhile: %+v", got)
	}
	close(release)
	running.Wait()
	if n := c.system.Calls(coretest.OpList); n != 2 {
		t.Errorf("the ATS was asked %d times", n)
	}
}

func TestAListWaitsForTheWindow(t *testing.T) {
	t.Parallel()
	c := newChoosing(t)
	claim, err := c.calls.Claim(t.Context(), c.connection, 1000)
	c.ok(err)
	_, err = c.data.List(t.Context(), c.admin, core.ReferenceQuery{ConnectionID: c.connection.ID, Kind: ats.ReferenceJobs})
	c.refused(err, fault.RateLimited)
	if fault.From(err).RetryAfter <= 0 {
		t.Error("the error does not say when to try again")
	}
	c.ok(claim.Settle(t.Context(), nil, nil))
	c.list(core.ReferenceQuery{Kind: ats.ReferenceJobs})
}

func TestAListThatIsTooLongIsCut(t *testing.T) {
	t.Parallel()
	c := newChoosing(t)
	long := &endless{ATS: c.system}
	c.adapters.Whole = long
	if got := c.list(core.ReferenceQuery{Kind: ats.ReferenceTags}); len(got.Items) != 10_000 || !got.Truncated || long.pages != 20 {
		t.Errorf("%d items of %d pages, truncated: %t", len(got.Items), long.pages, got.Truncated)
	}
	long.stuck = true
	_, err := c.data.List(t.Context(), c.admin, core.ReferenceQuery{ConnectionID: c.connection.ID, Kind: ats.ReferenceSources})
	c.refused(err, fault.Upstream)
}

// endless is an ATS whose lists do not end, or whose cursor stands still.
type endless struct {
	*coretest.ATS
	pages int
	stuck bool
}

func (e *endless) List(context.Context, *ats.ReferenceQuery) (*ats.ReferencePage, error) {
	e.pages++
	next := strings.Repeat("x", e.pages)
	if e.stuck {
		next = "x"
	}
	return &ats.ReferencePage{Items: make([]ats.ReferenceItem, 500), Next: next}, nil
}

func TestWhatCannotBeListed(t *testing.T) {
	t.Parallel()
	c := newChoosing(t)
	for field, q := range map[string]core.ReferenceQuery{
		"kind":     {Kind: "PETS"},
		"parentId": {Kind: ats.ReferenceStages},
		"search":   {Kind: ats.ReferenceJobs, Search: strings.Repeat("x", 201)},
	} {
		q.ConnectionID = c.connection.ID
		_, err := c.data.List(t.Context(), c.admin, q)
		if fields := fault.From(err).Fields; len(fields) != 1 || fields[0].Path != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	q := core.ReferenceQuery{ConnectionID: c.connection.ID, Kind: ats.ReferenceJobs}
	_, err := c.data.List(t.Context(), c.engine, q)
	c.refused(err, fault.Forbidden)
	_, err = c.data.List(t.Context(), core.SystemActor(core.NewID(core.PrefixOrganization)), q)
	c.refused(err, fault.NotFound)
	c.adapters.Whole = nil
	_, err = c.data.List(t.Context(), c.admin, q)
	c.refused(err, fault.Unsupported)
	if n := c.system.Calls(coretest.OpList); n != 0 {
		t.Errorf("the ATS was asked %d times", n)
	}
}
