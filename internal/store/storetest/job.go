package storetest

import (
	"context"
	"testing"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/internal/store"
)

func (f *fixture) job() *core.Job {
	j := filled[core.Job]()
	j.ID, j.OrganizationID, j.ConnectionID = core.NewID(core.PrefixJob), f.org, f.connection.ID
	j.ExternalID = string(j.ID)
	return j
}

func (f *fixture) newJob(t testing.TB) *core.Job {
	t.Helper()
	j := f.job()
	change(t, f.db, func(ctx context.Context, tx core.Tx) error { return tx.InsertJob(ctx, j) })
	return j
}

func (f *fixture) share(t testing.TB, job core.ID, principal string) {
	t.Helper()
	change(t, f.db, func(ctx context.Context, tx core.Tx) error { return tx.ShareJob(ctx, f.org, job, principal, moment(1)) })
}

// limited is the sight of an actor with whom these jobs were shared.
func limited(jobs ...core.ID) core.Sight { return core.Sight{Limited: true, Jobs: jobs} }

func testJob(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	j := f.newJob(t)
	same(t, "job", j, found[*core.Job](t)(db.Job(t.Context(), f.org, j.ID)))
	same(t, "by id", []core.Job{*j}, found[[]core.Job](t)(db.JobsByID(t.Context(), f.org, []core.ID{j.ID, "job_none"})))
	same(t, "of no ids", 0, len(found[[]core.Job](t)(db.JobsByID(t.Context(), f.org, nil))))
	second := f.newJob(t)
	list := func(s core.Sight) []core.Job {
		return found[*core.Paged[core.Job]](t)(db.Jobs(t.Context(), f.org, s, core.Page{})).Items
	}
	same(t, "oldest first", []core.Job{*j, *second}, list(core.Sight{}))
	same(t, "in sight", []core.Job{*second}, list(limited(second.ID, "job_none")))
	same(t, "nothing in sight", []core.Job{}, list(limited()))
}

func testJobExternalID(t *testing.T, db *store.DB) {
	f, other := newFixture(t, db), newFixture(t, db)
	first := f.newJob(t)
	insert := func(f *fixture, connection core.ID, external string) error {
		j := f.job()
		j.ConnectionID, j.ExternalID = connection, external
		return db.Atomically(t.Context(), func(tx core.Tx) error { return tx.InsertJob(t.Context(), j) })
	}
	expectCode(t, "again", insert(f, first.ConnectionID, first.ExternalID), fault.Conflict)
	for name, err := range map[string]error{
		"without":                 insert(f, first.ConnectionID, ""),
		"without, again":          insert(f, first.ConnectionID, ""),
		"of our own":              insert(f, "", first.ExternalID),
		"of another organization": insert(other, first.ConnectionID, first.ExternalID),
	} {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func testJobShares(t *testing.T, db *store.DB) {
	f, other := newFixture(t, db), newFixture(t, db)
	a, b := f.newJob(t), f.newJob(t)
	for range 2 {
		f.share(t, b.ID, "eve@example.com")
		f.share(t, a.ID, "ada@example.com")
		f.share(t, a.ID, "Zoë@example.com")
		f.share(t, b.ID, "ada@example.com")
	}
	shared := func(org core.ID, principal string) []core.ID {
		return found[[]core.ID](t)(db.SharedJobs(t.Context(), org, principal))
	}
	same(t, "shared", []core.ID{a.ID, b.ID}, shared(f.org, "ada@example.com"))
	same(t, "elsewhere", []core.ID{}, shared(other.org, "ada@example.com"))
	same(t, "with nobody", []core.ID{}, shared(f.org, ""))
	type shares = map[core.ID][]string
	with := func(org core.ID, jobs ...core.ID) shares {
		return found[shares](t)(db.JobShares(t.Context(), org, jobs))
	}
	of := shares{a.ID: {"Zoë@example.com", "ada@example.com"}, b.ID: {"ada@example.com", "eve@example.com"}}
	same(t, "with", of, with(f.org, a.ID, b.ID, f.newJob(t).ID))
	same(t, "of one", shares{b.ID: of[b.ID]}, with(f.org, b.ID))
	same(t, "of none", shares{}, with(f.org))
	same(t, "with, elsewhere", shares{}, with(other.org, a.ID))

	unshare := func(org core.ID) {
		change(t, db, func(ctx context.Context, tx core.Tx) error { return tx.UnshareJob(ctx, org, a.ID, "ada@example.com") })
	}
	unshare(other.org)
	same(t, "another's end", []core.ID{a.ID, b.ID}, shared(f.org, "ada@example.com"))
	unshare(f.org)
	unshare(f.org)
	same(t, "after the end", []core.ID{b.ID}, shared(f.org, "ada@example.com"))
	err := db.Atomically(t.Context(), func(tx core.Tx) error {
		return tx.ShareJob(t.Context(), other.org, a.ID, "eve@example.com", moment(1))
	})
	expectCode(t, "another organization's job", err, fault.NotFound)
}
