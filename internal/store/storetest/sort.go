package storetest

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/internal/store"
)

// orders are all orders of assessments.
func orders() []core.AssessmentSort {
	var all []core.AssessmentSort
	for _, by := range []core.AssessmentOrder{core.AssessmentsByID, core.AssessmentsByUpdate, core.AssessmentsByScore, core.AssessmentsByCandidate} {
		all = append(all, core.AssessmentSort{By: by}, core.AssessmentSort{By: by, Ascending: true})
	}
	return all
}

// sortable is an assessment with all that lists are ordered by.
type sortable struct {
	id      core.ID
	updated time.Time
	score   core.Score // -1 without a result
	name    string
}

// compare is the order that is promised: what has no score is last either way.
func (x sortable) compare(y sortable, s core.AssessmentSort) int {
	scored := func(x sortable) int { return min(int(x.score), 0) }
	c := 0
	switch s.By {
	case core.AssessmentsByID:
	case core.AssessmentsByUpdate:
		c = x.updated.Compare(y.updated)
	case core.AssessmentsByScore:
		if c := cmp.Compare(scored(y), scored(x)); c != 0 {
			return c
		}
		c = cmp.Compare(x.score, y.score)
	case core.AssessmentsByCandidate:
		c = cmp.Compare(x.name, y.name)
	}
	c = cmp.Or(c, cmp.Compare(x.id, y.id))
	if s.Ascending {
		return c
	}
	return -c
}

// newSortables makes assessments with keys that are equal, missing, and of
// letters that databases order in their own ways.
func (f *fixture) newSortables(t testing.TB, n int) []sortable {
	t.Helper()
	var people []*core.Candidate
	for _, name := range []string{"ada lovelace", "Ada Lovelace", "Zoë Ångström", "zoe angstrom", "Émile Zola", "Bob de Witt", "Bob DeWitt", " _x"} {
		first, last, _ := strings.Cut(name, " ")
		people = append(people, f.newPerson(t, first, last))
	}
	all := make([]sortable, n)
	for i := range all {
		person := people[(i*5)%len(people)]
		s := sortable{score: core.Score((i*7)%5-1) * 2500, name: strings.ToLower(strings.TrimSpace(person.LastName + " " + person.FirstName))}
		if i%6 != 0 {
			s.updated = moment((i * 11) % 7)
		}
		a := f.newAssessment(t, func(a *core.Assessment) { a.CandidateID, a.UpdatedAt = person.ID, s.updated })
		s.id = a.ID
		if s.score >= 0 {
			f.newResult(t, a, 1, 1234) // a revision before, which does not count
			f.newResult(t, a, 2, s.score)
		}
		all[i] = s
	}
	return all
}

func (f *fixture) newPerson(t testing.TB, first, last string) *core.Candidate {
	t.Helper()
	c := filled[core.Candidate]()
	c.ID, c.OrganizationID, c.ConnectionID = core.NewID(core.PrefixCandidate), f.org, f.connection.ID
	c.ExternalID, c.FirstName, c.LastName, c.PreferredName = string(c.ID), first, last, ""
	c.Email = string(c.ID) + "@example.org"
	change(t, f.db, func(ctx context.Context, tx core.Tx) error { return tx.SaveCandidate(ctx, c) })
	return c
}

func testSortedPages(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	all := f.newSortables(t, pagedRows)
	sorted := map[core.AssessmentSort][]core.ID{}
	read := func(by core.AssessmentSort) reading {
		return func(p core.Page) (*core.Paged[core.ID], error) {
			page, err := db.Assessments(t.Context(), f.org, core.AssessmentFilter{}, by, p)
			return idsOf(page, err, func(a core.Assessment) core.ID { return a.ID })
		}
	}
	for _, by := range orders() {
		slices.SortFunc(all, func(x, y sortable) int { return x.compare(y, by) })
		for _, s := range all {
			sorted[by] = append(sorted[by], s.id)
		}
		walkForward(t, sorted[by], read(by))
		walkBackward(t, sorted[by], read(by))
	}
	rapid.Check(t, func(t *rapid.T) {
		by := rapid.SampledFrom(orders()).Draw(t, "order")
		checkPage(t, sorted[by], read(by))
	})
}
