package core

import (
	"context"
	"time"

	"github.com/trellis-ats/trellis/core/ats"
)

// ReportSheet is a report as it is printed: all that is on the paper, and
// nothing that a reader would have to look up. Its texts come from people and
// the engine and are never trusted.
type ReportSheet struct {
	Organization  string
	Candidate     string
	Test          string
	Taken         time.Time // zero: not known
	Scored        time.Time
	Revision      int // from 1
	Score         Score
	Band          ats.Recommendation // empty: none is shown
	Traits        []TraitScore
	Benchmark     string // the sentence with the score in it; empty: none
	Summary       string
	CoachingNotes []string
	URL           string // the report's permalink
}

// ReportPrinter makes paper of a report; internal/report's is the one there is.
type ReportPrinter interface {
	// PDF prints a sheet. The same sheet gives the same bytes, at most 4 MiB:
	// texts that are longer are cut, with a note that says so. It is safe for
	// concurrent use.
	PDF(ctx context.Context, s *ReportSheet) ([]byte, error)
}

// sheetOf puts together what is printed of one revision of an assessment's
// result. Errors: fault.NotFound if there is no such revision.
func sheetOf(ctx context.Context, r Reader, links *Links, a *Assessment, revision int, band ats.Recommendation) (*ReportSheet, error) {
	result, err := r.Result(ctx, a.OrganizationID, a.ID, revision)
	if err != nil {
		return nil, err
	}
	organization, err := r.Organization(ctx, a.OrganizationID)
	if err != nil {
		return nil, err
	}
	test, err := r.Test(ctx, a.OrganizationID, a.TestID)
	if err != nil {
		return nil, err
	}
	candidate, err := r.Candidate(ctx, a.OrganizationID, a.CandidateID)
	if err != nil {
		return nil, err
	}
	sentence, err := benchmark(ctx, r, result)
	return &ReportSheet{
		Organization: organization.Name, Candidate: candidate.Name(), Test: test.Name,
		Taken: a.CompletedAt, Scored: result.CreatedAt, Revision: revision,
		Score: result.Score, Band: band, Traits: result.Traits, Benchmark: sentence,
		Summary: result.Report.Summary, CoachingNotes: result.Report.CoachingNotes, URL: links.Permalink(a),
	}, err
}
