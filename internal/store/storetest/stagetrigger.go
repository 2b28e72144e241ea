package storetest

import (
	"context"
	"testing"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/internal/store"
)

func (f *fixture) newStageTrigger(t testing.TB) *core.StageTrigger {
	t.Helper()
	s := filled[core.StageTrigger]()
	s.ID, s.OrganizationID, s.ConnectionID, s.TestID = core.NewID(core.PrefixTrigger), f.org, f.connection.ID, f.test.ID
	s.StageID = "stage " + string(s.ID)
	change(t, f.db, func(ctx context.Context, tx core.Tx) error { return tx.InsertStageTrigger(ctx, s) })
	return s
}

func testStageTrigger(t *testing.T, db *store.DB) {
	f, other := newFixture(t, db), newFixture(t, db)
	ctx, one := t.Context(), f.newStageTrigger(t)
	two := f.newStageTrigger(t)
	same(t, "kept", one, found[*core.StageTrigger](t)(db.StageTrigger(ctx, f.org, one.ID)))
	same(t, "of its stage", one, found[*core.StageTrigger](t)(db.StageTriggerFor(ctx, f.connection.ID, one.ExternalJobID, one.StageID)))
	same(t, "all", []core.StageTrigger{*one, *two}, found[[]core.StageTrigger](t)(db.StageTriggers(ctx, f.org, "")))
	same(t, "of another connection", 0, len(found[[]core.StageTrigger](t)(db.StageTriggers(ctx, f.org, "con_0"))))
	err := db.Atomically(ctx, func(tx core.Tx) error {
		again := *one
		again.ID = core.NewID(core.PrefixTrigger)
		return tx.InsertStageTrigger(ctx, &again)
	})
	expectCode(t, "a second of the stage", err, fault.Conflict)
	remove := func(org core.ID) error {
		return db.Atomically(ctx, func(tx core.Tx) error { return tx.DeleteStageTrigger(ctx, org, one.ID) })
	}
	expectCode(t, "another organization's", remove(other.org), fault.NotFound)
	if err := remove(f.org); err != nil {
		t.Error(err)
	}
	expectCode(t, "removed", remove(f.org), fault.NotFound)
}

func testStageEntry(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	enter := func(application, stage string, at int) (fresh bool) {
		e := &core.StageEntry{OrganizationID: f.org, ConnectionID: f.connection.ID, ApplicationID: application, StageID: stage, EnteredAt: moment(at)}
		change(t, db, func(ctx context.Context, tx core.Tx) (err error) { fresh, err = tx.EnterStage(ctx, e); return err })
		return fresh
	}
	for _, c := range []struct {
		what, application, stage string
		at                       int
		fresh                    bool
	}{
		{"the first", "1", "a", 5, true},
		{"again", "1", "a", 6, false},
		{"a later stage", "1", "b", 7, true},
		{"an earlier one, told late", "1", "c", 6, false},
		{"another application", "2", "a", 5, true},
	} {
		same(t, c.what, c.fresh, enter(c.application, c.stage, c.at))
	}
}

func testAssessed(t *testing.T, db *store.DB) {
	f, other := newFixture(t, db), newFixture(t, db)
	person := f.newCandidate(t)
	person.Email = "Ada@Example.com"
	change(t, db, func(ctx context.Context, tx core.Tx) error { return tx.SaveCandidate(ctx, person) })
	a := f.newAssessment(t, func(a *core.Assessment) {
		a.CandidateID, a.OrderedAt, a.Status = person.ID, moment(10), core.StatusScored
	})
	assessed := func(org core.ID, q core.AssessedQuery) bool { return found[bool](t)(db.Assessed(t.Context(), org, q)) }
	ask := core.AssessedQuery{TestID: f.test.ID, CandidateID: "cnd_0", Email: "ada@example.com", Since: moment(10)}
	same(t, "by address", true, assessed(f.org, ask))
	same(t, "another organization's", false, assessed(other.org, ask))
	later, elsewhere, known := ask, ask, ask
	later.Since, elsewhere.TestID = moment(11), f.newTest(t).ID
	known.Email, known.CandidateID = "", person.ID
	same(t, "too long ago", false, assessed(f.org, later))
	same(t, "another test", false, assessed(f.org, elsewhere))
	same(t, "by candidate", true, assessed(f.org, known))
	a.Status = core.StatusCancelled
	change(t, db, func(ctx context.Context, tx core.Tx) error { return tx.UpdateAssessment(ctx, a) })
	same(t, "cancelled", false, assessed(f.org, ask))
}
