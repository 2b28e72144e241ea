package storetest

import (
	"context"
	"testing"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/internal/store"
)

func (f *fixture) newPushRule(t testing.TB, connection, job core.ID, mode core.PushMode) *core.PushRule {
	t.Helper()
	r := &core.PushRule{
		OrganizationID: f.org, ConnectionID: connection, JobID: job, Mode: mode, Minimum: 64_99, UpdatedAt: moment(1),
	}
	change(t, f.db, func(ctx context.Context, tx core.Tx) error { return tx.SavePushRule(ctx, r) })
	return r
}

func (f *fixture) newEnabledConnection(t testing.TB) *core.Connection {
	t.Helper()
	c := f.newConnection(t, nil)
	c.Disabled = false
	change(t, f.db, func(ctx context.Context, tx core.Tx) error { return tx.UpdateConnection(ctx, c) })
	return c
}

func testPushRule(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	job, connection := f.newJob(t).ID, f.connection.ID
	rule := func(job core.ID) core.PushRule {
		return *found[*core.PushRule](t)(db.PushRule(t.Context(), f.org, connection, job))
	}
	manual := core.PushRule{OrganizationID: f.org, ConnectionID: connection, Mode: core.PushManual}
	same(t, "before any was saved", manual, rule(job))
	all := f.newPushRule(t, connection, "", core.PushOnComplete)
	same(t, "the connection's", *all, rule(job))
	own := f.newPushRule(t, connection, job, core.PushOnThreshold)
	same(t, "the job's own", *own, rule(job))
	same(t, "of another job", *all, rule("job_0"))
	same(t, "the connection's, asked for", *all, rule(""))

	all.Mode, all.Minimum, all.UpdatedAt = core.PushManual, 0, moment(9)
	change(t, db, func(ctx context.Context, tx core.Tx) error { return tx.SavePushRule(ctx, all) })
	same(t, "replaced", []core.PushRule{*all, *own}, found[[]core.PushRule](t)(db.PushRulesOf(t.Context(), f.org, connection)))

	remove := func() error {
		return db.Atomically(t.Context(), func(tx core.Tx) error { return tx.DeletePushRule(t.Context(), f.org, connection, job) })
	}
	if err := remove(); err != nil {
		t.Fatal(err)
	}
	expectCode(t, "removed again", remove(), fault.NotFound)
	same(t, "after its end", *all, rule(job))
}

func testPushRulesFor(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	job, second, third := f.newJob(t).ID, f.newEnabledConnection(t), f.newEnabledConnection(t)
	f.newPushRule(t, f.connection.ID, "", core.PushOnComplete) // it is disabled
	all := f.newPushRule(t, second.ID, "", core.PushOnComplete)
	own := f.newPushRule(t, second.ID, job, core.PushManual)
	other := f.newPushRule(t, third.ID, "", core.PushOnThreshold)
	f.newPushRule(t, third.ID, f.newJob(t).ID, core.PushOnComplete)
	rules := func(job core.ID) []core.PushRule {
		return found[[]core.PushRule](t)(db.PushRulesFor(t.Context(), f.org, job))
	}
	same(t, "one for a connection", []core.PushRule{*own, *other}, rules(job))
	same(t, "without a job", []core.PushRule{*all, *other}, rules(""))
}
