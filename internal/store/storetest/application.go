package storetest

import (
	"context"
	"testing"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/internal/store"
)

// newApplication keeps one of the fixture's candidate, whose external ids tell
// the assessment.
func (f *fixture) newApplication(t testing.TB, a *core.Assessment) *core.Application {
	t.Helper()
	made := filled[core.Application]()
	made.OrganizationID, made.ConnectionID, made.AssessmentID, made.CandidateID = f.org, f.connection.ID, a.ID, f.candidate.ID
	made.ExternalID, made.CandidateExternalID = "application "+string(a.ID), "person "+string(a.ID)
	change(t, f.db, func(ctx context.Context, tx core.Tx) error { return tx.SaveApplication(ctx, made) })
	return made
}

func testApplication(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	ctx, first := t.Context(), f.newAssessment(t, nil)
	one := f.newApplication(t, first)
	two := *one
	two.AssessmentID = f.newAssessment(t, nil).ID
	var locked []core.Application
	change(t, db, func(ctx context.Context, tx core.Tx) (err error) {
		if err := tx.SaveApplication(ctx, &two); err != nil {
			return err
		}
		locked, err = tx.LockApplications(ctx, f.org, f.connection.ID, one.ExternalID)
		return err
	})
	list := found[[]core.Application](t)
	same(t, "locked", []core.Application{*one, two}, locked)
	same(t, "by external id", locked, list(db.ApplicationsByExternal(ctx, f.org, f.connection.ID, one.ExternalID)))
	same(t, "of the person", locked, list(db.ApplicationsOfPerson(ctx, f.org, f.connection.ID, one.CandidateExternalID)))
	same(t, "of an assessment", []core.Application{*one}, list(db.ApplicationsOf(ctx, f.org, []core.ID{first.ID})))
	same(t, "of none", 0, len(list(db.ApplicationsOf(ctx, f.org, nil))))
	same(t, "the connection's", one, found[*core.Application](t)(db.ApplicationOf(ctx, f.org, f.connection.ID, first.ID)))
	_, err := db.ApplicationOf(ctx, f.org, "con_other", first.ID)
	expectCode(t, "another connection's", err, fault.NotFound)
}

func testApplicationSavedTwice(t *testing.T, db *store.DB) {
	f, other := newFixture(t, db), newFixture(t, db)
	one := f.newApplication(t, f.newAssessment(t, nil))
	again := filled[core.Application]()
	again.OrganizationID, again.ConnectionID, again.ExternalID = one.OrganizationID, one.ConnectionID, one.ExternalID
	again.AssessmentID, again.CandidateID, again.ChangedAt = one.AssessmentID, f.newCandidate(t).ID, moment(900)
	change(t, db, func(ctx context.Context, tx core.Tx) error { return tx.SaveApplication(ctx, again) })
	same(t, "replaced", again, found[*core.Application](t)(db.ApplicationOf(t.Context(), f.org, one.ConnectionID, one.AssessmentID)))
	stolen := *again
	stolen.OrganizationID = other.org
	err := db.Atomically(t.Context(), func(tx core.Tx) error { return tx.SaveApplication(t.Context(), &stolen) })
	expectCode(t, "another organization's", err, fault.NotFound)
}

// testApplicationForgotten removes one that a push wrote, and no other.
func testApplicationForgotten(t *testing.T, db *store.DB) {
	f, other := newFixture(t, db), newFixture(t, db)
	pushed, ordered := f.newApplication(t, f.newAssessment(t, nil)), f.newApplication(t, f.newAssessment(t, nil))
	pushed.Origin, ordered.Origin = core.ApplicationPushed, core.ApplicationOrdered
	forget := func(org core.ID, a *core.Application, assessment core.ID) int {
		change(t, db, func(ctx context.Context, tx core.Tx) error {
			for _, one := range []*core.Application{pushed, ordered} {
				if err := tx.SaveApplication(ctx, one); err != nil {
					return err
				}
			}
			return tx.ForgetApplication(ctx, org, a.ConnectionID, a.ExternalID, assessment)
		})
		return len(found[[]core.Application](t)(db.ApplicationsOf(t.Context(), f.org, []core.ID{pushed.AssessmentID, ordered.AssessmentID})))
	}
	same(t, "another organization's", 2, forget(other.org, pushed, pushed.AssessmentID))
	same(t, "of another assessment", 2, forget(f.org, pushed, ordered.AssessmentID))
	same(t, "ordered", 2, forget(f.org, ordered, ordered.AssessmentID))
	same(t, "pushed", 1, forget(f.org, pushed, pushed.AssessmentID))
}
