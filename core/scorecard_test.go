package core_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// A score at the end of a band belongs to the band that begins there.
func TestBandsAreHalfOpen(t *testing.T) {
	t.Parallel()
	for score, want := range map[core.Score]ats.Recommendation{
		100_00: ats.RecommendStrongYes, 80_00: ats.RecommendStrongYes, 79_99: ats.RecommendYes,
		60_00: ats.RecommendYes, 59_99: ats.RecommendMixed, 40_00: ats.RecommendMixed,
		39_99: ats.RecommendNo, 20_00: ats.RecommendNo, 19_99: ats.RecommendDefinitelyNot, 0: ats.RecommendDefinitelyNot,
	} {
		if got := core.DefaultBands().Recommend(score); got != want {
			t.Errorf("%s recommends %s, want %s", score, got, want)
		}
	}
}

// The preview shows the word that the ATS would be sent, which is not ours.
func TestThePreviewOfAScorecardShowsWhatIsSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ps, _ := profiles(w)
	w.can(ats.Capability{Name: ats.CapabilityScorecards, Available: true, Constraints: map[string]string{"recommendation_MIXED": "no_decision"}})
	second := w.newTest(core.Trait{Key: "calm", Name: "Calm"}, core.Trait{Key: "wit", Name: "Wit"})
	_, err := ps.UpdateScorecard(t.Context(), w.admin, w.connection.ID, core.ScorecardMapping{ReportOnlyTraits: []string{"wit"}})
	w.ok(err)
	for name, c := range map[string]struct {
		score core.Score
		test  core.ID
		want  core.ScorecardPreview
	}{
		"of all tests": {40_00, "", core.ScorecardPreview{
			Score: 40_00, Recommendation: ats.RecommendMixed, Sent: "no_decision", Reasons: []string{},
			Traits: []core.Trait{{Key: "calm", Name: "Calmness"}},
		}},
		"of one test": {59_99, second, core.ScorecardPreview{
			Score: 59_99, Recommendation: ats.RecommendMixed, Sent: "no_decision", Reasons: []string{},
			Traits: []core.Trait{{Key: "calm", Name: "Calm"}},
		}},
		"a word that is not told": {60_00, second, core.ScorecardPreview{
			Score: 60_00, Recommendation: ats.RecommendYes, Traits: []core.Trait{{Key: "calm", Name: "Calm"}},
			Reasons: []string{"The adapter does not tell which of the ATS's words it sends."},
		}},
	} {
		got, err := ps.PreviewScorecard(t.Context(), w.admin, w.connection.ID, c.score, c.test)
		w.ok(err)
		if diff := cmp.Diff(&c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestThePreviewOfAScorecardTellsWhyNoneIsSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ps, _ := profiles(w)
	reasons := func() []string {
		t.Helper()
		p, err := ps.PreviewScorecard(t.Context(), w.admin, w.connection.ID, 100_00, "")
		w.ok(err)
		if p.Sent != "" || p.Recommendation != ats.RecommendStrongYes {
			t.Errorf("%+v", p)
		}
		return p.Reasons
	}
	if got := reasons(); !cmp.Equal(got, []string{"This ATS takes no scorecards."}) {
		t.Errorf("by the adapter: %q", got)
	}
	w.can(ats.Capability{Name: ats.CapabilityScorecards, Reasons: []string{"Not granted to this credential."}})
	if got := reasons(); !cmp.Equal(got, []string{"Not granted to this credential."}) {
		t.Errorf("by the last check: %q", got)
	}
	w.can(ats.Capability{Name: ats.CapabilityNotes, Available: true})
	if got := reasons(); !cmp.Equal(got, []string{"The connection does not offer SCORECARDS."}) {
		t.Errorf("not offered: %q", got)
	}
	_, err := ps.UpdateDestinations(t.Context(), w.admin, w.connection.ID, core.Destinations{All: []core.Destination{{Datum: core.DatumScore, To: core.ToNote}}})
	w.ok(err)
	if got := reasons(); len(got) != 2 {
		t.Errorf("not wanted either: %q", got)
	}
	_, err = ps.PreviewScorecard(t.Context(), w.admin, "con_0", 1, "")
	w.about(err, "connectionId", "UNKNOWN")
	_, err = ps.PreviewScorecard(t.Context(), w.engine, w.connection.ID, 1, "")
	w.refused(err, fault.Forbidden)
}

// Whatever goes to a scorecard goes with the score and the recommendation.
func TestAnyScorecardHasARecommendation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ps, _ := profiles(w)
	w.can(ats.Capability{Name: ats.CapabilityScorecards, Available: true, Constraints: map[string]string{"recommendation_MIXED": "no_decision"}})
	for _, d := range []core.Datum{core.DatumScore, core.DatumRecommendation, core.DatumSummary, core.DatumAllTraits, core.DatumReportURL} {
		_, err := ps.UpdateDestinations(t.Context(), w.admin, w.connection.ID, core.Destinations{All: []core.Destination{{Datum: d, To: core.ToScorecard}}})
		w.ok(err)
		p, err := ps.PreviewScorecard(t.Context(), w.admin, w.connection.ID, 50_00, "")
		w.ok(err)
		if p.Sent != "no_decision" || len(p.Reasons) != 0 {
			t.Errorf("%s: %q, %q", d, p.Sent, p.Reasons)
		}
	}
}

// can makes the connection's last check find these capabilities.
func (w *world) can(all ...ats.Capability) {
	w.t.Helper()
	w.ok(w.store.Atomically(w.t.Context(), func(tx core.Tx) error {
		c, err := tx.LockConnection(w.t.Context(), w.admin.OrganizationID, w.connection.ID)
		if err != nil {
			return err
		}
		c.Health = core.Health{Status: core.HealthOK, Capabilities: all}
		return tx.UpdateConnection(w.t.Context(), c)
	}))
}

func (w *world) newTest(traits ...core.Trait) core.ID {
	w.t.Helper()
	test, err := core.NewTests(w.store, w.clock).Create(w.t.Context(), w.admin, core.Test{Name: "Another", Modality: core.ModalityChat, Traits: traits}, core.Key{})
	w.ok(err)
	return test.ID
}
