package core

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/trellis-ats/trellis/core/ats"
)

// maxNoteSummary bounds the engine's summary in a note, in bytes.
const maxNoteSummary = 10_000

// pushContent is what there is to write of a result.
type pushContent struct {
	assessment *Assessment
	result     *Result
	sheet      *ReportSheet
	told       []TraitScore // the traits that leave the report
	indicator  string       // empty if no rule routed it
}

func readPushContent(ctx context.Context, r Reader, links *Links, p *Push) (*pushContent, error) {
	a, err := r.Assessment(ctx, p.OrganizationID, p.AssessmentID)
	if err != nil {
		return nil, err
	}
	result, err := r.Result(ctx, p.OrganizationID, p.AssessmentID, p.Revision)
	if err != nil {
		return nil, err
	}
	sheet, err := sheetOf(ctx, r, links, a, p.Revision, p.Plan.Bands.Recommend(result.Score))
	if err != nil {
		return nil, err
	}
	indicator, _, err := indicate(ctx, r, a, p.ConnectionID, result)
	if err != nil {
		return nil, err
	}
	profile := PushProfile{ReportOnlyTraits: p.Plan.ReportOnlyTraits}
	return &pushContent{assessment: a, result: result, sheet: sheet, told: profile.Told(result.Traits), indicator: indicator}, nil
}

// marker is by what a repeat is recognised in the ATS.
func (c *pushContent) marker() string {
	return fmt.Sprintf("[%s r%d]", c.assessment.ID, c.result.Revision)
}

func (c *pushContent) fileName() string {
	return fmt.Sprintf("assessment-report-%s-r%d.pdf", c.assessment.ID, c.result.Revision)
}

// text is a datum as people read it; "" if the result does not have it.
func (c *pushContent) text(d Destination) string {
	switch d.Datum {
	case DatumScore:
		return c.result.Score.String()
	case DatumRecommendation:
		return recommendationLabel(c.sheet.Band)
	case DatumIndicator:
		return c.indicator
	case DatumBenchmark:
		return c.sheet.Benchmark
	case DatumSummary:
		return c.sheet.Summary
	case DatumAllTraits:
		return traitLine(c.told)
	case DatumTrait:
		score, _ := c.trait(d.Trait)
		return score
	case DatumReportURL:
		return c.sheet.URL
	case DatumReportPDF:
		return c.fileName()
	case DatumAssessed:
		return c.sheet.Test
	default:
		return ""
	}
}

// trait returns the score of a trait that leaves the report.
func (c *pushContent) trait(key string) (string, Score) {
	for _, t := range c.told {
		if t.Key == key {
			return t.Score.String(), t.Score
		}
	}
	return "", 0
}

func traitLine(traits []TraitScore) string {
	parts := make([]string, len(traits))
	for i, t := range traits {
		parts[i] = t.Name + " " + t.Score.String()
	}
	return strings.Join(parts, ", ")
}

// recommendationLabel is a recommendation for people.
func recommendationLabel(r ats.Recommendation) string {
	switch r {
	case ats.RecommendStrongYes:
		return "Strong yes"
	case ats.RecommendYes:
		return "Yes"
	case ats.RecommendMixed:
		return "Mixed"
	case ats.RecommendNo:
		return "No"
	case ats.RecommendDefinitelyNot:
		return "Definitely not"
	default:
		return string(r)
	}
}

// field is one custom field, or false if the result does not have the datum.
func (c *pushContent) field(d Destination) (ats.FieldValue, bool) {
	f := ats.FieldValue{Owner: d.Owner, Key: d.FieldKey, Text: c.text(d)}
	switch d.Datum {
	case DatumScore:
		f.Text, f.Number, f.IsNumber = "", c.result.Score.Float(), true
	case DatumTrait:
		_, score := c.trait(d.Trait)
		known := f.Text != ""
		f.Text, f.Number, f.IsNumber = "", score.Float(), true
		return f, known
	default: // texts
	}
	return f, f.IsNumber || f.Text != ""
}

// fields are the custom fields of a plan. Without an application those of
// applications are left out.
func (c *pushContent) fields(plan *PushPlan, application bool) []ats.FieldValue {
	var all []ats.FieldValue
	for _, d := range plan.destinations(ToField) {
		f, ok := c.field(d)
		if ok && (application || d.Owner != ats.OwnerApplication) {
			all = append(all, f)
		}
	}
	return all
}

// note is the text of a note. It holds the marker.
func (c *pushContent) note(plan *PushPlan) string {
	lines := []string{"Assessment: " + c.sheet.Test + " " + c.marker()}
	for _, d := range plan.destinations(ToNote) {
		text := c.text(d)
		if text == "" {
			continue
		}
		switch d.Datum {
		case DatumSummary:
			text = cutText(text, maxNoteSummary)
		case DatumScore:
			text += "/100"
		default: // as it is
		}
		lines = append(lines, c.label(d)+": "+text)
	}
	return strings.Join(lines, "\n")
}

// label is what a datum is called where people read it.
func (c *pushContent) label(d Destination) string {
	switch d.Datum {
	case DatumScore:
		return "Score"
	case DatumRecommendation:
		return "Recommendation"
	case DatumIndicator:
		return "Indicator"
	case DatumBenchmark:
		return "Benchmark"
	case DatumSummary:
		return "Summary"
	case DatumAllTraits:
		return "Traits"
	case DatumTrait:
		for _, t := range c.told {
			if t.Key == d.Trait {
				return t.Name
			}
		}
		return d.Trait
	case DatumReportURL:
		return "Report"
	case DatumReportPDF:
		return "File"
	default:
		return "Assessment"
	}
}

// cutText cuts a text between characters, with a mark that says so.
func cutText(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit] + "… (cut; see the report)"
}

// scorecard is what a scorecard says, by what is to go there.
func (c *pushContent) scorecard(plan *PushPlan) *ats.ScorecardRequest {
	s := &ats.ScorecardRequest{Recommendation: c.sheet.Band, Score: c.result.Score.Float(), Marker: c.marker()}
	for _, d := range plan.destinations(ToScorecard) {
		switch d.Datum {
		case DatumAllTraits:
			s.Traits = traitRecords(c.told)
		case DatumTrait:
			s.Traits = append(s.Traits, traitRecords(onlyTrait(c.told, d.Trait))...)
		case DatumSummary:
			s.Summary = cutText(c.sheet.Summary, maxNoteSummary)
		case DatumReportURL:
			s.ReportURL = c.sheet.URL
		default: // the score and the recommendation are always there
		}
	}
	return s
}

func onlyTrait(all []TraitScore, key string) []TraitScore {
	var found []TraitScore
	for _, t := range all {
		if t.Key == key {
			found = append(found, t)
		}
	}
	return found
}

func traitRecords(traits []TraitScore) []ats.TraitRecord {
	records := make([]ats.TraitRecord, len(traits))
	for i, t := range traits {
		records[i] = ats.TraitRecord{Key: t.Key, Name: t.Name, Score: t.Score.Float()}
	}
	return records
}
