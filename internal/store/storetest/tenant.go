package storetest

import (
	"testing"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/internal/store"
)

// readers calls every reader that finds one thing, with the given ids.
func readers(t testing.TB, db *store.DB, org core.ID, f *fixture, a core.ID) map[string]error {
	t.Helper()
	ctx := t.Context()
	errs := map[string]error{}
	_, errs["Connection"] = db.Connection(ctx, org, f.connection.ID)
	_, errs["ConnectionSecrets"] = db.ConnectionSecrets(ctx, org, f.connection.ID)
	_, errs["PartnerKeyInUse"] = db.PartnerKeyInUse(ctx, org, f.connection.ID)
	_, errs["Test"] = db.Test(ctx, org, f.test.ID)
	_, errs["Candidate"] = db.Candidate(ctx, org, f.candidate.ID)
	_, errs["Assessment"] = db.Assessment(ctx, org, a)
	_, errs["LatestResult"] = db.LatestResult(ctx, org, a)
	errs["LockAssessment"] = db.Atomically(ctx, func(tx core.Tx) error {
		_, err := tx.LockAssessment(ctx, org, a)
		return err
	})
	errs["UpdateAssessment"] = db.Atomically(ctx, func(tx core.Tx) error {
		return tx.UpdateAssessment(ctx, &core.Assessment{ID: a, OrganizationID: org, Status: core.StatusFailed})
	})
	return errs
}

func testNothingIsThere(t *testing.T, db *store.DB) {
	ctx := t.Context()
	f := &fixture{connection: &core.Connection{ID: "con_0"}, test: &core.Test{ID: "tst_0"}, candidate: &core.Candidate{ID: "cnd_0"}}
	errs := readers(t, db, "org_0", f, "asm_0")
	_, errs["Organization"] = db.Organization(ctx, "org_0")
	_, errs["OrganizationByName"] = db.OrganizationByName(ctx, "nobody")
	_, errs["TokenByHash"] = db.TokenByHash(ctx, "0")
	_, errs["PartnerKeyByHash"] = db.PartnerKeyByHash(ctx, "greenhouse", "0")
	_, errs["AssessmentByLink"] = db.AssessmentByLink(ctx, "asm_0")
	_, errs["AssessmentByOrder"] = db.AssessmentByOrder(ctx, "con_0", "0")
	for name, err := range errs {
		expectCode(t, name, err, fault.NotFound)
	}
}

func testOtherOrganization(t *testing.T, db *store.DB) {
	f, other := newFixture(t, db), newFixture(t, db)
	a := f.newAssessment(t, nil)
	f.newKey(t, moment(0).AddDate(100, 0, 0), moment(0))
	f.newResult(t, a, 1, 100)
	f.newEvent(t, a.ID)
	f.newSyncEntry(t, nil)
	for name, err := range readers(t, db, f.org, f, a.ID) {
		if err != nil && name != "UpdateAssessment" {
			t.Errorf("the owner's %s: %v", name, err)
		}
	}
	for name, err := range readers(t, db, other.org, f, a.ID) {
		expectCode(t, name, err, fault.NotFound)
	}
	for name, n := range listers(t, db, other.org, f, a.ID) {
		same(t, name, 0, n)
	}
	for name, n := range listers(t, db, f.org, f, a.ID) {
		same(t, name, 1, n)
	}
}

// listers counts what every reader that finds several things gives for f's ids.
func listers(t testing.TB, db *store.DB, org core.ID, f *fixture, a core.ID) map[string]int {
	t.Helper()
	ctx, n := t.Context(), map[string]int{}
	n["TestsByID"] = len(found[[]core.Test](t)(db.TestsByID(ctx, org, []core.ID{f.test.ID})))
	n["CandidatesByID"] = len(found[[]core.Candidate](t)(db.CandidatesByID(ctx, org, core.Sight{}, []core.ID{f.candidate.ID})))
	n["LatestResults"] = len(found[[]core.Result](t)(db.LatestResults(ctx, org, core.Sight{}, []core.ID{a}, false)))
	n["Standing"] = found[core.Standing](t)(db.Standing(ctx, org, f.test.ID, 1)).Count
	n["EventsOf"] = len(found[[]core.Event](t)(db.EventsOf(ctx, org, a)))
	n["Assessments"] = len(found[*core.Paged[core.Assessment]](t)(db.Assessments(ctx, org, core.AssessmentFilter{}, core.AssessmentSort{}, core.Page{})).Items)
	n["SyncLog"] = len(found[*core.Paged[core.SyncEntry]](t)(db.SyncLog(ctx, org, core.SyncFilter{}, core.Page{})).Items)
	return n
}
