package core_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// The print behind a signed address is of the current result, with the
// recommendation by the bands of the connection.
func TestReportSheet(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.order("o-1")
	address, _ := w.links.Report(id, w.clock.Now())
	signed := token(t, address, "/report/")
	_, err := w.reports.Sheet(t.Context(), signed)
	w.refused(err, fault.NotFound)

	_, err = w.complete(id, 40)
	w.ok(err)
	a, err := w.complete(id, 55)
	w.ok(err)
	s, err := w.reports.Sheet(t.Context(), signed)
	w.ok(err)
	want := &core.ReportSheet{
		Organization: "Acme", Candidate: "Ada Example", Test: "Cold Call", Taken: w.clock.Now(), Scored: w.clock.Now(), Revision: 2,
		Score: 5500, Band: ats.RecommendMixed, Traits: []core.TraitScore{{Key: "calm", Name: "Calmness", Score: 5500}},
		Benchmark: "55/100, not enough data yet for a benchmark (1 of 20 assessments)", URL: w.links.Permalink(a),
	}
	if diff := cmp.Diff(want, s); diff != "" {
		t.Error(diff)
	}

	profile := core.DefaultPushProfile(a.OrganizationID, a.ConnectionID)
	profile.Bands = core.Bands{StrongYes: 5500, Yes: 40_00, Mixed: 30_00, No: 20_00}
	profile.Version, profile.UpdatedAt = 1, w.clock.Now()
	w.ok(w.store.Atomically(t.Context(), func(tx core.Tx) error { return tx.SavePushProfile(t.Context(), profile) }))
	s, err = w.reports.Sheet(t.Context(), signed)
	w.ok(err)
	if s.Band != ats.RecommendStrongYes {
		t.Errorf("by the saved bands: %s", s.Band)
	}

	_, err = w.reports.Sheet(t.Context(), signed+"x")
	w.refused(err, fault.NotFound)
	w.clock.Turn(time.Hour)
	_, err = w.reports.Sheet(t.Context(), signed)
	w.refused(err, fault.Forbidden)
}
