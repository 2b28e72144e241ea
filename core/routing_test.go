package core_test

import (
	"testing"

	"github.com/trellis-ats/trellis/core"
)

// The bands are half-open, also where they meet or have no width.
func TestDecideAtTheBoundaries(t *testing.T) {
	t.Parallel()
	usual := core.RoutingTerms{Advance: 75_00, Review: 55_00}
	for name, c := range map[string]struct {
		terms core.RoutingTerms
		score core.Score
		want  core.RoutingAction
		light core.Indicator
	}{
		"0":                         {usual, 0, core.RouteReject, core.IndicatorRed},
		"54.99":                     {usual, 54_99, core.RouteReject, core.IndicatorRed},
		"55":                        {usual, 55_00, core.RouteReview, core.IndicatorYellow},
		"74.99":                     {usual, 74_99, core.RouteReview, core.IndicatorYellow},
		"75":                        {usual, 75_00, core.RouteAdvance, core.IndicatorGreen},
		"100":                       {usual, 100_00, core.RouteAdvance, core.IndicatorGreen},
		"nobody is rejected":        {core.RoutingTerms{Advance: 75_00}, 0, core.RouteReview, core.IndicatorYellow},
		"no review, below":          {core.RoutingTerms{Advance: 60_00, Review: 60_00}, 59_99, core.RouteReject, core.IndicatorRed},
		"no review, at":             {core.RoutingTerms{Advance: 60_00, Review: 60_00}, 60_00, core.RouteAdvance, core.IndicatorGreen},
		"everybody":                 {core.RoutingTerms{}, 0, core.RouteAdvance, core.IndicatorGreen},
		"only the best":             {core.RoutingTerms{Advance: 100_00, Review: 100_00}, 99_99, core.RouteReject, core.IndicatorRed},
		"only the best, who is one": {core.RoutingTerms{Advance: 100_00, Review: 100_00}, 100_00, core.RouteAdvance, core.IndicatorGreen},
	} {
		if got := c.terms.Decide(core.RoutingInputs{Score: c.score}); got.Suggestion != c.want || got.Indicator != c.light {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestWhatIsHeld(t *testing.T) {
	t.Parallel()
	usual := core.RoutingTerms{Advance: 75_00, Review: 55_00}
	pilot := usual
	pilot.Pilot = true
	flagged := func(s core.Score) core.RoutingInputs {
		return core.RoutingInputs{Score: s, IntegrityFlags: []string{"second voice"}}
	}
	for name, c := range map[string]struct {
		terms core.RoutingTerms
		in    core.RoutingInputs
		want  core.Hold
	}{
		"advance":                      {usual, core.RoutingInputs{Score: 75_00}, ""},
		"review":                       {usual, core.RoutingInputs{Score: 55_00}, core.HoldReview},
		"reject":                       {usual, core.RoutingInputs{Score: 54_99}, ""},
		"pilot, advance":               {pilot, core.RoutingInputs{Score: 75_00}, core.HoldPilot},
		"pilot, reject":                {pilot, core.RoutingInputs{}, core.HoldPilot},
		"flag, advance":                {usual, flagged(75_00), core.HoldIntegrity},
		"flag, reject":                 {usual, flagged(0), core.HoldIntegrity},
		"flag in a pilot":              {pilot, flagged(0), core.HoldIntegrity},
		"missing traits, reject":       {usual, core.RoutingInputs{MissingTraits: []string{"calm"}}, core.HoldMissingTraits},
		"missing traits, advance":      {usual, core.RoutingInputs{Score: 90_00, MissingTraits: []string{"calm"}}, ""},
		"accommodation, reject":        {usual, core.RoutingInputs{Accommodation: true}, core.HoldAccommodation},
		"accommodation, advance":       {usual, core.RoutingInputs{Score: 90_00, Accommodation: true}, ""},
		"accommodation, in the review": {usual, core.RoutingInputs{Score: 60_00, Accommodation: true}, core.HoldReview},
	} {
		got := c.terms.Decide(c.in)
		if got.Hold != c.want || (c.want != "" && c.want.Sentence() == "") {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
