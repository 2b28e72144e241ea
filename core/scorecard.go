package core

import (
	"context"
	"slices"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// Bands are the lower ends of the recommendations. They are half-open: a score
// at an end belongs to the band that begins there. DEFINITELY_NOT begins at 0.
type Bands struct {
	StrongYes Score `json:"strongYes"`
	Yes       Score `json:"yes"`
	Mixed     Score `json:"mixed"`
	No        Score `json:"no"`
}

// DefaultBands are 80, 60, 40 and 20.
func DefaultBands() Bands { return Bands{StrongYes: 80_00, Yes: 60_00, Mixed: 40_00, No: 20_00} }

// Recommend returns what a score recommends.
func (b Bands) Recommend(s Score) ats.Recommendation {
	switch {
	case s >= b.StrongYes:
		return ats.RecommendStrongYes
	case s >= b.Yes:
		return ats.RecommendYes
	case s >= b.Mixed:
		return ats.RecommendMixed
	case s >= b.No:
		return ats.RecommendNo
	default:
		return ats.RecommendDefinitelyNot
	}
}

// BandEnds are the lower ends of bands as a person typed them, from 0 to 100
// with at most two decimals.
type BandEnds struct{ StrongYes, Yes, Mixed, No float64 }

// bands checks that each band has room: the ends fall from the best to the
// worst, and the last band, DEFINITELY_NOT, begins at 0. Errors: fault.Invalid
// names the first end that is wrong.
func (e BandEnds) bands() (Bands, error) {
	var b Bands
	above := Score(-1)
	for _, end := range []struct {
		path  string
		typed float64
		to    *Score
	}{
		{"bands.strongYes", e.StrongYes, &b.StrongYes},
		{"bands.yes", e.Yes, &b.Yes},
		{"bands.mixed", e.Mixed, &b.Mixed},
		{"bands.no", e.No, &b.No},
	} {
		s, err := exactScore(end.path, end.typed)
		if err != nil {
			return b, err
		}
		if above >= 0 && s >= above {
			return b, fault.InvalidField(end.path, "OVERLAP", "%s begins at %s, which is not below the band above it, at %s. Nothing was changed; the ends fall from strongYes to no.", end.path, s, above)
		}
		if s == MinScore {
			return b, fault.InvalidField(end.path, "OVERLAP", "%s begins at 0, where DEFINITELY_NOT does. Nothing was changed; let it begin above 0.", end.path)
		}
		*end.to, above = s, s
	}
	return b, nil
}

// ScorecardMapping says what a scorecard shows; nil fields stay.
type ScorecardMapping struct {
	Bands            *BandEnds
	ReportOnlyTraits []string // keys; empty and not nil: none
}

// apply checks what was typed and changes p. Errors: fault.Invalid.
func (m ScorecardMapping) apply(p *PushProfile) error {
	if m.Bands != nil {
		bands, err := m.Bands.bands()
		if err != nil {
			return err
		}
		p.Bands = bands
	}
	if m.ReportOnlyTraits == nil {
		return nil
	}
	if err := eachOnce("reportOnlyTraits", m.ReportOnlyTraits); err != nil {
		return err
	}
	p.ReportOnlyTraits = m.ReportOnlyTraits
	return nil
}

// ScorecardPreview tells what a score would become on a scorecard.
type ScorecardPreview struct {
	Score          Score
	Recommendation ats.Recommendation // ours
	Sent           string             // the ATS's word for it; empty if none would be sent
	Reasons        []string           // why none would
	Traits         []Trait            // that would be on it, by name
}

// PreviewScorecard tells what a score would become on a scorecard, for a test
// or, if none is given, for all that are offered. Nothing is sent.
// Errors: fault.Forbidden, fault.NotFound.
func (ps *PushProfiles) PreviewScorecard(ctx context.Context, by Actor, connection ID, s Score, test ID) (*ScorecardPreview, error) {
	c, err := ps.connections.Get(ctx, by, connection)
	if err != nil {
		return nil, unknownField(err, "connectionId", "connection")
	}
	p, err := ps.store.PushProfile(ctx, by.OrganizationID, connection)
	if err != nil {
		return nil, err
	}
	all, err := ps.connections.Capabilities(ctx, by, c)
	if err != nil {
		return nil, err
	}
	preview := &ScorecardPreview{Score: s, Recommendation: p.Bands.Recommend(s), Traits: []Trait{}}
	preview.Sent, preview.Reasons = p.sent(capabilityIn(all, ats.CapabilityScorecards), preview.Recommendation)
	traits, err := ps.traits(ctx, by, test)
	if err != nil {
		return nil, err
	}
	if p.has(Destination{Datum: DatumAllTraits, To: ToScorecard}) {
		preview.Traits = slices.DeleteFunc(traits, func(t Trait) bool { return slices.Contains(p.ReportOnlyTraits, t.Key) })
	}
	return preview, nil
}

// sent returns the ATS's word for a recommendation, or why none is sent. Whatever
// goes to a scorecard goes with one.
func (p *PushProfile) sent(card ats.Capability, r ats.Recommendation) (word string, reasons []string) {
	if !slices.ContainsFunc(p.Destinations, func(d Destination) bool { return d.To == ToScorecard }) {
		reasons = append(reasons, "The push profile brings nothing to a scorecard.")
	}
	if !card.Available {
		reasons = append(reasons, card.Reasons...)
	}
	word = card.Constraints["recommendation_"+string(r)]
	if word == "" && len(reasons) == 0 {
		reasons = append(reasons, "The adapter does not tell which of the ATS's words it sends.")
	}
	if len(reasons) > 0 {
		return "", reasons
	}
	return word, []string{}
}

// maxTests bounds how many tests are looked at for their traits.
const maxTests = 1000

// traits returns those of a test, or of all that are offered, by their names.
func (ps *PushProfiles) traits(ctx context.Context, by Actor, test ID) ([]Trait, error) {
	if test != "" {
		t, err := ps.store.Test(ctx, by.OrganizationID, test)
		if err != nil {
			return nil, unknownField(err, "testId", "test")
		}
		return t.Traits, nil
	}
	seen, all, page := map[string]bool{}, []Trait{}, Page{First: MaxPage}
	for range maxTests / MaxPage {
		tests, err := ps.store.Tests(ctx, by.OrganizationID, TestFilter{}, page)
		if err != nil {
			return nil, err
		}
		for _, t := range tests.Items {
			page.After = t.ID
			for _, trait := range t.Traits {
				if !seen[trait.Key] {
					all = append(all, trait)
				}
				seen[trait.Key] = true
			}
		}
		if !tests.HasNext {
			break
		}
	}
	return all, nil
}
