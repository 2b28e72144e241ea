package storetest

import (
	"slices"
	"testing"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/internal/store"
)

// testSight asks every reader that knows a sight for all that there is.
func testSight(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	job, another := f.newJob(t), f.newJob(t)
	shared := f.assess(t, job.ID)
	rest := []*core.Assessment{f.assess(t, another.ID), f.assess(t, "")}
	for _, c := range []struct {
		name  string
		sight core.Sight
		want  []*core.Assessment
	}{
		{"all", core.Sight{}, append(slices.Clone(rest), shared)},
		{"one job", limited(job.ID), []*core.Assessment{shared}},
		{"both jobs", limited(job.ID, another.ID), []*core.Assessment{rest[0], shared}},
		{"another organization's job", limited("job_none"), nil},
		{"no job", limited(), nil},
	} {
		var ids, people []core.ID
		for _, a := range c.want {
			ids, people = append(ids, a.ID), append(people, a.CandidateID)
		}
		for reader, got := range inSight(t, f, c.sight, append(rest, shared)) {
			want := ids
			if reader == "CandidatesByID" || reader == "Candidates" {
				want = people
			}
			sameIDs(t, c.name+", "+reader, want, got)
		}
		same(t, c.name+", Pipeline", len(c.want), found[*core.Pipeline](t)(db.Pipeline(t.Context(), f.org, c.sight)).Total)
	}
}

// assess makes an assessment with a result and a candidate of its own.
func (f *fixture) assess(t testing.TB, job core.ID) *core.Assessment {
	t.Helper()
	person := f.newCandidate(t)
	a := f.newAssessment(t, func(a *core.Assessment) { a.JobID, a.CandidateID = job, person.ID })
	f.newResult(t, a, 1, 100)
	return a
}

func inSight(t testing.TB, f *fixture, s core.Sight, all []*core.Assessment) map[string][]core.ID {
	t.Helper()
	var ids, people []core.ID
	for _, a := range all {
		ids, people = append(ids, a.ID), append(people, a.CandidateID)
	}
	ctx, seen := t.Context(), map[string][]core.ID{}
	for _, a := range found[[]core.Assessment](t)(f.db.AssessmentsByID(ctx, f.org, s, ids)) {
		seen["AssessmentsByID"] = append(seen["AssessmentsByID"], a.ID)
	}
	for _, by := range orders() {
		page := found[*core.Paged[core.Assessment]](t)(f.db.Assessments(ctx, f.org, core.AssessmentFilter{Sight: s}, by, core.Page{}))
		name := "Assessments by " + string(by.By)
		seen[name] = nil
		for _, a := range page.Items {
			seen[name] = append(seen[name], a.ID)
		}
	}
	for _, r := range found[[]core.Result](t)(f.db.LatestResults(ctx, f.org, s, ids, true)) {
		seen["LatestResults"] = append(seen["LatestResults"], r.AssessmentID)
	}
	for _, c := range found[[]core.Candidate](t)(f.db.CandidatesByID(ctx, f.org, s, people)) {
		seen["CandidatesByID"] = append(seen["CandidatesByID"], c.ID)
	}
	page := found[*core.Paged[core.Candidate]](t)(f.db.Candidates(ctx, f.org, core.CandidateFilter{Sight: s}, core.Page{}))
	for _, c := range page.Items {
		if c.ID != f.candidate.ID { // who was not assessed
			seen["Candidates"] = append(seen["Candidates"], c.ID)
		}
	}
	return seen
}

func sameIDs(t testing.TB, what string, want, got []core.ID) {
	t.Helper()
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(want, got) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// testCursorOutOfSight pages from an assessment that the reader must not know:
// what comes back must not tell its key.
func testCursorOutOfSight(t *testing.T, db *store.DB) {
	f, other := newFixture(t, db), newFixture(t, db)
	job := f.newJob(t)
	f.assess(t, job.ID)
	f.assess(t, job.ID)
	for name, cursor := range map[string]core.ID{
		"hidden": f.assess(t, "").ID, "another organization's": other.assess(t, job.ID).ID, "none": "asm_none",
	} {
		for _, by := range orders() {
			if by.By == core.AssessmentsByID {
				continue // the id is its own key
			}
			for _, p := range []core.Page{{First: 10, After: cursor}, {Last: 10, Before: cursor}} {
				filter := core.AssessmentFilter{Sight: limited(job.ID)}
				page := found[*core.Paged[core.Assessment]](t)(db.Assessments(t.Context(), f.org, filter, by, p))
				same(t, name, 0, len(page.Items))
			}
		}
	}
}
