package core

import (
	"context"
	"time"

	"github.com/trellis-ats/trellis/core/fault"
)

// ReportView is all that the report's page shows.
type ReportView struct {
	Assessment   *Assessment
	Organization *Organization
	Test         *Test
	Candidate    *Candidate
	Result       *Result
	Benchmark    string
}

// Reports are the use cases around the report's page.
type Reports struct {
	store Store
	clock Clock
	links *Links
}

// NewReports returns the use cases.
func NewReports(s Store, c Clock, l *Links) *Reports {
	return &Reports{store: s, clock: c, links: l}
}

// Follow turns a permalink into a signed address, and notes the access.
// Errors: fault.NotFound for an unknown or revoked link.
func (rs *Reports) Follow(ctx context.Context, token string) (string, error) {
	id, generation, err := rs.links.OpenPermalink(token)
	if err != nil {
		return "", err
	}
	a, err := rs.store.AssessmentByLink(ctx, id)
	if err != nil {
		return "", err
	}
	if a.ReportLinkGen != generation {
		return "", fault.New(fault.NotFound, "This link to the report was revoked. Ask the hiring company for a new one.")
	}
	now := rs.clock.Now()
	address, _ := rs.links.Report(a.ID, now)
	by := Actor{OrganizationID: a.OrganizationID, Role: RoleViewer, Name: "report link"}
	return address, rs.store.Atomically(ctx, func(tx Tx) error {
		return appendEvent(ctx, tx, by, now, EventReportOpened, a.ID, nil)
	})
}

// Revoke ends the report's permalink; the next result told to the ATS carries
// a new one. Errors: fault.Forbidden, fault.NotFound.
func (rs *Reports) Revoke(ctx context.Context, by Actor, id ID) (*Assessment, error) {
	if err := by.Require(PermitOrder); err != nil {
		return nil, err
	}
	return changeAssessment(ctx, rs.store, rs.clock, by.OrganizationID, id, func(tx Tx, a *Assessment, now time.Time) error {
		a.ReportLinkGen++
		return appendEvent(ctx, tx, by, now, EventReportRevoked, a.ID, nil)
	})
}

// Sign returns a signed address for someone who may read the assessment, and
// when it expires. Errors: fault.Forbidden, fault.NotFound, also before there is a result.
func (rs *Reports) Sign(ctx context.Context, by Actor, id ID) (string, time.Time, error) {
	if err := by.Require(PermitRead); err != nil {
		return "", time.Time{}, err
	}
	if _, err := seenAssessment(ctx, rs.store, by, id); err != nil {
		return "", time.Time{}, err
	}
	if _, err := rs.store.LatestResult(ctx, by.OrganizationID, id); err != nil {
		return "", time.Time{}, err
	}
	address, until := rs.links.Report(id, rs.clock.Now())
	return address, until, nil
}

// View returns what a signed address shows.
// Errors: fault.NotFound, fault.Forbidden once expired.
func (rs *Reports) View(ctx context.Context, token string) (*ReportView, error) {
	a, err := rs.signed(ctx, token)
	if err != nil {
		return nil, err
	}
	v := &ReportView{Assessment: a}
	if v.Result, err = rs.store.LatestResult(ctx, a.OrganizationID, a.ID); err != nil {
		return nil, err
	}
	if v.Organization, err = rs.store.Organization(ctx, a.OrganizationID); err != nil {
		return nil, err
	}
	if v.Test, err = rs.store.Test(ctx, a.OrganizationID, a.TestID); err != nil {
		return nil, err
	}
	if v.Candidate, err = rs.store.Candidate(ctx, a.OrganizationID, a.CandidateID); err != nil {
		return nil, err
	}
	v.Benchmark, err = benchmark(ctx, rs.store, v.Result)
	return v, err
}

// Sheet returns what is printed of the report behind a signed address, with
// the recommendation by the bands of the assessment's connection.
// Errors: those of View.
func (rs *Reports) Sheet(ctx context.Context, token string) (*ReportSheet, error) {
	a, err := rs.signed(ctx, token)
	if err != nil {
		return nil, err
	}
	result, err := rs.store.LatestResult(ctx, a.OrganizationID, a.ID)
	if err != nil {
		return nil, err
	}
	profile, err := rs.store.PushProfile(ctx, a.OrganizationID, a.ConnectionID)
	if err != nil {
		return nil, err
	}
	return sheetOf(ctx, rs.store, rs.links, a, result.Revision, profile.Bands.Recommend(result.Score))
}

// signed returns the assessment of a signed address.
func (rs *Reports) signed(ctx context.Context, token string) (*Assessment, error) {
	id, err := rs.links.OpenReport(token, rs.clock.Now())
	if err != nil {
		return nil, err
	}
	return rs.store.AssessmentByLink(ctx, id)
}

func benchmark(ctx context.Context, r ResultReader, result *Result) (string, error) {
	standing, err := r.Standing(ctx, result.OrganizationID, result.TestID, result.Score)
	if err != nil {
		return "", err
	}
	return standing.Sentence(result.Score), nil
}

// Benchmarks returns the sentences that tell where results stand, in their order.
// Errors: fault.Forbidden.
func (rs *Reports) Benchmarks(ctx context.Context, by Actor, results []Result) ([]string, error) {
	if err := by.Require(PermitRead); err != nil {
		return nil, err
	}
	asked := make([]Ranked, len(results))
	for i, r := range results {
		asked[i] = Ranked{r.TestID, r.Score}
	}
	standings, err := rs.store.Standings(ctx, by.OrganizationID, asked)
	if err != nil {
		return nil, err
	}
	sentences := make([]string, len(results))
	for i, s := range standings {
		sentences[i] = s.Sentence(results[i].Score)
	}
	return sentences, nil
}

// Results returns the current results of several assessments that the actor
// sees, in no order. Errors: fault.Forbidden.
func (rs *Reports) Results(ctx context.Context, by Actor, assessments []ID, withReports bool) ([]Result, error) {
	if err := by.Require(PermitRead); err != nil {
		return nil, err
	}
	sight, err := sightOf(ctx, rs.store, by)
	if err != nil {
		return nil, err
	}
	return rs.store.LatestResults(ctx, by.OrganizationID, sight, assessments, withReports)
}

// Permalink returns the report's address that lasts, or "" before there is a
// result. Errors: fault.Forbidden.
func (rs *Reports) Permalink(by Actor, a *Assessment) (string, error) {
	if err := by.Require(PermitRead); err != nil {
		return "", err
	}
	if a.Status != StatusScored {
		return "", nil
	}
	return rs.links.Permalink(a), nil
}
