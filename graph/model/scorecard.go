package model

import (
	"github.com/99designs/gqlgen/graphql"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/ats"
)

// ScorecardMapping is what a scorecard shows, as callers see it.
type ScorecardMapping struct{ *core.PushProfile }

// RecommendationBand is the scores of one recommendation. Below is nil for the
// best, which ends with the scale.
type RecommendationBand struct {
	Recommendation ats.Recommendation
	From           core.Score
	Below          *core.Score
}

// Bands are the bands, best first.
func (m ScorecardMapping) Bands() []RecommendationBand {
	b := m.PushProfile.Bands
	return []RecommendationBand{
		{ats.RecommendStrongYes, b.StrongYes, nil},
		{ats.RecommendYes, b.Yes, &b.StrongYes},
		{ats.RecommendMixed, b.Mixed, &b.Yes},
		{ats.RecommendNo, b.No, &b.Mixed},
		{ats.RecommendDefinitelyNot, core.MinScore, &b.No},
	}
}

// ReportOnlyTraits are the keys of traits that only the report shows.
func (m ScorecardMapping) ReportOnlyTraits() []string { return listed(m.PushProfile.ReportOnlyTraits) }

// ScorecardPreview is what a score would become, as callers see it.
type ScorecardPreview struct{ *core.ScorecardPreview }

// NewScorecardPreview is a view of p, or nil of nil.
func NewScorecardPreview(p *core.ScorecardPreview) *ScorecardPreview {
	if p == nil {
		return nil
	}
	return &ScorecardPreview{p}
}

// Sent is nil if nothing would be sent.
func (p ScorecardPreview) Sent() *string { return optional(p.ScorecardPreview.Sent) }

// MarshalRecommendation writes a recommendation.
func MarshalRecommendation(v ats.Recommendation) graphql.Marshaler {
	return graphql.MarshalString(string(v))
}

// UnmarshalRecommendation reads a recommendation.
func UnmarshalRecommendation(v any) (ats.Recommendation, error) { return enum[ats.Recommendation](v) }
