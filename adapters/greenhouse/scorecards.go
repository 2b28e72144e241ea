package greenhouse

import (
	"context"
	"fmt"
	"strings"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// scorecard is a scorecard as Harvest lists it.
type scorecard struct {
	ID           identifier `json:"id"`
	Notes        string     `json:"notes"`
	PublicNotes  string     `json:"public_notes"`
	PrivateNotes string     `json:"private_notes"`
}

// newScorecard is a guess: the endpoint is restricted and its body is not
// documented (facts/greenhouse.md 4.9). The names are those of the answer.
type newScorecard struct {
	ApplicationID int64  `json:"application_id"`
	Rating        string `json:"candidate_rating"`
	Notes         string `json:"notes"`
}

// Scorecard implements ats.Feedback where Greenhouse granted the restricted
// endpoint and the setting says so. Errors: fault.Unsupported otherwise.
func (a *adapter) Scorecard(ctx context.Context, r *ats.ScorecardRequest) (*ats.FeedbackReceipt, error) {
	if !restrictedScorecards(&r.Connection) {
		return &ats.FeedbackReceipt{}, fault.New(fault.Unsupported, "No scorecard was written. %s", noScorecards)
	}
	return a.feedback(&r.Connection, func(h *harvest, receipt *ats.FeedbackReceipt) error {
		body, err := h.scorecardBody(r)
		if err != nil {
			return err
		}
		found := func(s scorecard) bool {
			if strings.Contains(s.Notes+s.PublicNotes+s.PrivateNotes, r.Marker) {
				receipt.Reference, receipt.Existed = string(s.ID), true
			}
			return receipt.Existed
		}
		if err := scan(ctx, h, resourceScorecards, first(notePage, applicationsFilter, r.ApplicationID), found); err != nil || receipt.Existed {
			return err
		}
		receipt.Reference, err = h.create(ctx, resourceScorecards, body)
		return err
	})
}

func (h *harvest) scorecardBody(r *ats.ScorecardRequest) (*newScorecard, error) {
	application, err := numeric("applicationId", r.ApplicationID)
	if err != nil {
		return nil, err
	}
	if r.Marker == "" {
		return nil, fault.InvalidField("marker", "REQUIRED", "The scorecard has no marker by which a repeat is recognised. Nothing was sent.")
	}
	word := rating(r.Recommendation)
	if word == "" {
		return nil, fault.InvalidField("recommendation", "INVALID", "%q is not a recommendation. Nothing was sent.", shorten(string(r.Recommendation), maxNameLength))
	}
	if r.Recommendation == ats.RecommendMixed {
		h.degrade("Greenhouse has no mixed rating; no_decision was sent.")
	}
	if len(r.Traits) > 0 {
		h.degrade("The traits are in the scorecard's notes, not rated one by one.")
	}
	return &newScorecard{ApplicationID: application, Rating: word, Notes: h.fitting(scorecardText(r), r.Marker)}, nil
}

// rating is the word of v3, which has four and no_decision
// (facts/greenhouse.md 4.8); "" for an unknown recommendation.
func rating(r ats.Recommendation) string {
	switch r {
	case ats.RecommendStrongYes:
		return "strong_yes"
	case ats.RecommendYes:
		return "yes"
	case ats.RecommendMixed:
		return "no_decision"
	case ats.RecommendNo:
		return "no"
	case ats.RecommendDefinitelyNot:
		return "strong_no"
	default:
		return ""
	}
}

func scorecardText(r *ats.ScorecardRequest) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Score: %g / 100\n", twoDecimals(r.Score))
	for _, t := range r.Traits {
		fmt.Fprintf(&b, "%s: %g\n", oneLine(t.Name), twoDecimals(t.Score))
	}
	for _, text := range []string{r.Summary, r.ReportURL, r.Marker} {
		if text != "" {
			b.WriteString("\n" + text + "\n")
		}
	}
	return b.String()
}
