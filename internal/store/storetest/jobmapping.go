package storetest

import (
	"context"
	"testing"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/internal/store"
)

// mapJob maps a job of the fixture's connection.
func (f *fixture) mapJob(t testing.TB, job core.ID) *core.JobMapping {
	t.Helper()
	m := filled[core.JobMapping]()
	m.ID, m.OrganizationID, m.ConnectionID, m.JobID = core.NewID(core.PrefixMapping), f.org, f.connection.ID, job
	change(t, f.db, func(ctx context.Context, tx core.Tx) error { return tx.SaveJobMapping(ctx, m) })
	return m
}

func testJobMapping(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	first, second := f.mapJob(t, f.newJob(t).ID), f.mapJob(t, f.newJob(t).ID)
	get := func(m *core.JobMapping) *core.JobMapping {
		return found[*core.JobMapping](t)(db.JobMapping(t.Context(), f.org, f.connection.ID, m.JobID))
	}
	same(t, "mapping", first, get(first))
	list := func(filter core.JobMappingFilter) []core.JobMapping {
		return found[*core.Paged[core.JobMapping]](t)(db.JobMappings(t.Context(), f.org, filter, core.Page{})).Items
	}
	same(t, "oldest first", []core.JobMapping{*first, *second}, list(core.JobMappingFilter{}))
	same(t, "of a connection", []core.JobMapping{*first, *second}, list(core.JobMappingFilter{ConnectionID: f.connection.ID}))
	same(t, "of another connection", []core.JobMapping{}, list(core.JobMappingFilter{ConnectionID: "con_0"}))
	same(t, "of a job", []core.JobMapping{*second}, list(core.JobMappingFilter{JobID: second.JobID}))

	again := *second
	again.ID, again.CreatedAt, again.UpdatedAt = core.NewID(core.PrefixMapping), moment(90), moment(91)
	again.ExternalJobID, again.ExternalJobName, again.ExternalStageID, again.ExternalStageName = "4001", "Closer", "", ""
	change(t, db, func(ctx context.Context, tx core.Tx) error { return tx.SaveJobMapping(ctx, &again) })
	same(t, "its id stays", second.ID, again.ID)
	same(t, "its first time stays", second.CreatedAt, again.CreatedAt)
	same(t, "the rest is replaced", &again, get(second))
	same(t, "of a job of the ATS", []core.JobMapping{again}, list(core.JobMappingFilter{ExternalJobID: "4001"}))

	remove := func() error {
		return db.Atomically(t.Context(), func(tx core.Tx) error {
			return tx.DeleteJobMapping(t.Context(), f.org, f.connection.ID, first.JobID)
		})
	}
	if err := remove(); err != nil {
		t.Fatal(err)
	}
	expectCode(t, "removed again", remove(), fault.NotFound)
	same(t, "the other stays", []core.JobMapping{again}, list(core.JobMappingFilter{}))
}
