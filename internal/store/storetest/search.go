package storetest

import (
	"context"
	"strings"
	"testing"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/internal/store"
)

func testSearch(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	const ada, zoe, odd = "Ada Lovelace", "Zoë Ångström", `100% A_B\C`
	people, taken := map[string]core.ID{}, map[string]core.ID{}
	for _, name := range []string{ada, zoe, odd} {
		first, last, _ := strings.Cut(name, " ")
		person := f.newPerson(t, first, last)
		if name == ada { // saved again
			person.Email, person.PreferredName = "Countess@Example.com", "Augusta"
			change(t, db, func(ctx context.Context, tx core.Tx) error { return tx.SaveCandidate(ctx, person) })
		}
		people[name] = person.ID
		taken[name] = f.newAssessment(t, func(a *core.Assessment) { a.CandidateID = person.ID }).ID
	}
	for text, name := range map[string]string{
		"ada": ada, "LOVE": ada, "a l": ada, "countess@example": ada, "gusta love": ada,
		"zoë å": zoe, "ÅNG": zoe, "zoe": "", "ang": "",
		"0%": odd, "a_b": odd, `B\c`: odd, "a%e": "", "a_a": "", `b\\c`: "",
		"lovelace augusta": "", "';": "",
	} {
		want, wantPeople := []core.ID{}, []core.ID{}
		if name != "" {
			want, wantPeople = []core.ID{taken[name]}, []core.ID{people[name]}
		}
		same(t, "assessments with "+text, want, f.listed(t, core.AssessmentFilter{Search: text}))
		same(t, "candidates with "+text, wantPeople, f.people(t, core.CandidateFilter{Search: text}))
	}
}

// people returns the ids of the first page, newest first.
func (f *fixture) people(t testing.TB, filter core.CandidateFilter) []core.ID {
	t.Helper()
	page := found[*core.Paged[core.Candidate]](t)(f.db.Candidates(t.Context(), f.org, filter, core.Page{}))
	ids := make([]core.ID, len(page.Items))
	for i, c := range page.Items {
		ids[i] = c.ID
	}
	return ids
}

func testCandidatePages(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	newestFirst := []core.ID{f.candidate.ID}
	for len(newestFirst) < pagedRows {
		newestFirst = append([]core.ID{f.newCandidate(t).ID}, newestFirst...)
	}
	checkPages(t, newestFirst, func(p core.Page) (*core.Paged[core.ID], error) {
		page, err := db.Candidates(t.Context(), f.org, core.CandidateFilter{}, p)
		return idsOf(page, err, func(c core.Candidate) core.ID { return c.ID })
	})
}
