package storetest

import (
	"context"
	"maps"
	"testing"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/internal/store"
)

// known are the ids that one organization has, for another to try.
type known struct {
	connection, test, candidate, job, token, assessment, sync core.ID
}

// readers calls every reader that finds one thing, with the given ids.
func readers(t testing.TB, db *store.DB, org core.ID, k known) map[string]error {
	t.Helper()
	ctx := t.Context()
	errs := map[string]error{}
	_, errs["Connection"] = db.Connection(ctx, org, k.connection)
	_, errs["ConnectionSecrets"] = db.ConnectionSecrets(ctx, org, k.connection)
	_, errs["PartnerKeyInUse"] = db.PartnerKeyInUse(ctx, org, k.connection)
	_, errs["Test"] = db.Test(ctx, org, k.test)
	_, errs["Candidate"] = db.Candidate(ctx, org, k.candidate)
	_, errs["Job"] = db.Job(ctx, org, k.job)
	_, errs["Token"] = db.Token(ctx, org, k.token)
	_, errs["Assessment"] = db.Assessment(ctx, org, k.assessment)
	_, errs["LatestResult"] = db.LatestResult(ctx, org, k.assessment)
	return errs
}

// writers calls every writer that changes one thing, with the given ids.
func writers(t testing.TB, db *store.DB, org core.ID, k known) map[string]error {
	t.Helper()
	errs := map[string]error{}
	for name, write := range map[string]func(ctx context.Context, tx core.Tx) error{
		"LockAssessment": func(ctx context.Context, tx core.Tx) error {
			_, err := tx.LockAssessment(ctx, org, k.assessment)
			return err
		},
		"LockToken": func(ctx context.Context, tx core.Tx) error {
			_, err := tx.LockToken(ctx, org, k.token)
			return err
		},
		"LockConnection": func(ctx context.Context, tx core.Tx) error {
			_, err := tx.LockConnection(ctx, org, k.connection)
			return err
		},
		"UpdateAssessment": func(ctx context.Context, tx core.Tx) error {
			return tx.UpdateAssessment(ctx, &core.Assessment{ID: k.assessment, OrganizationID: org, Status: core.StatusFailed})
		},
		"UpdateToken": func(ctx context.Context, tx core.Tx) error {
			return tx.UpdateToken(ctx, &core.Token{ID: k.token, OrganizationID: org, Hash: "stolen " + string(org)})
		},
		"UpdateConnection": func(ctx context.Context, tx core.Tx) error {
			return tx.UpdateConnection(ctx, &core.Connection{ID: k.connection, OrganizationID: org})
		},
		"SaveSecrets": func(ctx context.Context, tx core.Tx) error {
			return tx.SaveSecrets(ctx, org, k.connection, map[string]core.Secret{"api_key": "stolen"})
		},
		"ShareJob": func(ctx context.Context, tx core.Tx) error {
			return tx.ShareJob(ctx, org, k.job, "eve@example.com", moment(1))
		},
	} {
		errs[name] = db.Atomically(t.Context(), func(tx core.Tx) error { return write(t.Context(), tx) })
	}
	return errs
}

func testNothingIsThere(t *testing.T, db *store.DB) {
	ctx := t.Context()
	k := known{"con_0", "tst_0", "cnd_0", "job_0", "tok_0", "asm_0", "syn_0"}
	errs := readers(t, db, "org_0", k)
	maps.Copy(errs, writers(t, db, "org_0", k))
	_, errs["SessionByHash"] = db.SessionByHash(ctx, "0")
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
	k := f.populate(t)
	for name, err := range readers(t, db, other.org, k) {
		expectCode(t, name, err, fault.NotFound)
	}
	for name, err := range writers(t, db, other.org, k) {
		expectCode(t, name, err, fault.NotFound)
	}
	for name, n := range listers(t, db, other.org, k) {
		same(t, name, 0, n)
	}
	for name, n := range listers(t, db, f.org, k) {
		same(t, name, 1, n)
	}
	for name, err := range readers(t, db, f.org, k) {
		if err != nil {
			t.Errorf("the owner's %s: %v", name, err)
		}
	}
	for name, err := range writers(t, db, f.org, k) {
		if err != nil {
			t.Errorf("the owner's %s: %v", name, err)
		}
	}
}

// populate makes one of everything.
func (f *fixture) populate(t testing.TB) known {
	t.Helper()
	job := f.newJob(t)
	a := f.newAssessment(t, func(a *core.Assessment) { a.JobID = job.ID })
	f.newKey(t, moment(0).AddDate(100, 0, 0), moment(0))
	f.newResult(t, a, 1, 100)
	f.newEvent(t, a.ID)
	f.newAuditEntry(t, job.ID)
	f.share(t, job.ID, "ada@example.com")
	e := f.newSyncEntry(t, func(e *core.SyncEntry) { e.AssessmentID = a.ID })
	return known{f.connection.ID, f.test.ID, f.candidate.ID, job.ID, f.newToken(t).ID, a.ID, e.ID}
}

// listers counts what every reader that finds several things gives for the ids.
func listers(t testing.TB, db *store.DB, org core.ID, k known) map[string]int {
	t.Helper()
	ctx, n, job := t.Context(), map[string]int{}, limited(k.job)
	n["TestsByID"] = len(found[[]core.Test](t)(db.TestsByID(ctx, org, []core.ID{k.test})))
	n["JobsByID"] = len(found[[]core.Job](t)(db.JobsByID(ctx, org, []core.ID{k.job})))
	n["SharedJobs"] = len(found[[]core.ID](t)(db.SharedJobs(ctx, org, "ada@example.com")))
	n["JobShares"] = len(found[map[core.ID][]string](t)(db.JobShares(ctx, org, []core.ID{k.job})))
	n["TokensByID"] = len(found[[]core.Token](t)(db.TokensByID(ctx, org, []core.ID{k.token})))
	n["Tokens"] = len(found[*core.Paged[core.Token]](t)(db.Tokens(ctx, org, core.Page{})).Items)
	n["ConnectionsByID"] = len(found[[]core.Connection](t)(db.ConnectionsByID(ctx, org, []core.ID{k.connection})))
	n["LatestResults"] = len(found[[]core.Result](t)(db.LatestResults(ctx, org, core.Sight{}, []core.ID{k.assessment}, true)))
	n["LatestResults in sight"] = len(found[[]core.Result](t)(db.LatestResults(ctx, org, job, []core.ID{k.assessment}, false)))
	n["Standing"] = found[core.Standing](t)(db.Standing(ctx, org, k.test, 1)).Count
	n["Standings"] = found[[]core.Standing](t)(db.Standings(ctx, org, []core.Ranked{{TestID: k.test, Score: 1}}))[0].Count
	n["EventsOf"] = len(found[[]core.Event](t)(db.EventsOf(ctx, org, k.assessment)))
	n["EventsOfSubjects"] = len(found[[]core.Event](t)(db.EventsOfSubjects(ctx, org, []core.ID{k.assessment}, 9)))
	n["SyncEntriesByID"] = len(found[[]core.SyncEntry](t)(db.SyncEntriesByID(ctx, org, []core.ID{k.sync})))
	n["SyncEntriesOf"] = len(found[[]core.SyncEntry](t)(db.SyncEntriesOf(ctx, org, []core.ID{k.assessment}, 9)))
	n["SyncLog"] = len(found[*core.Paged[core.SyncEntry]](t)(db.SyncLog(ctx, org, core.SyncFilter{AssessmentID: k.assessment}, core.Page{})).Items)
	n["AuditLog"] = len(found[*core.Paged[core.AuditEntry]](t)(db.AuditLog(ctx, org, core.AuditFilter{SubjectID: k.job}, core.Page{})).Items)
	for name, s := range map[string]core.Sight{"": {}, " in sight": job} {
		n["CandidatesByID"+name] = len(found[[]core.Candidate](t)(db.CandidatesByID(ctx, org, s, []core.ID{k.candidate})))
		n["AssessmentsByID"+name] = len(found[[]core.Assessment](t)(db.AssessmentsByID(ctx, org, s, []core.ID{k.assessment})))
		filter := core.AssessmentFilter{JobID: k.job, Sight: s}
		n["Assessments"+name] = len(found[*core.Paged[core.Assessment]](t)(db.Assessments(ctx, org, filter, core.AssessmentSort{}, core.Page{})).Items)
		n["Pipeline"+name] = found[*core.Pipeline](t)(db.Pipeline(ctx, org, s)).Total
	}
	n["Jobs"] = len(found[*core.Paged[core.Job]](t)(db.Jobs(ctx, org, job, core.Page{})).Items)
	n["Candidates"] = len(found[*core.Paged[core.Candidate]](t)(db.Candidates(ctx, org, core.CandidateFilter{Sight: job}, core.Page{})).Items)
	return n
}
