package store

import (
	"context"
	"slices"
	"strings"

	"github.com/trellis-ats/trellis/core"
)

type resultRow struct {
	ID             core.ID                 `db:"id"`
	OrganizationID core.ID                 `db:"organization_id"`
	AssessmentID   core.ID                 `db:"assessment_id"`
	TestID         core.ID                 `db:"test_id"`
	Revision       int                     `db:"revision"`
	Latest         bool                    `db:"latest"`
	Score          core.Score              `db:"score"`
	RawScore       float64                 `db:"raw_score"`
	RawMaximum     float64                 `db:"raw_maximum"`
	Traits         JSON[[]core.TraitScore] `db:"traits"`
	Report         JSON[core.Report]       `db:"report"`
	IntegrityFlags JSON[[]string]          `db:"integrity_flags"`
	Accommodation  bool                    `db:"accommodation"`
	Digest         string                  `db:"digest"`
	CreatedAt      Time                    `db:"created_at"`
}

func newResultRow(r *core.Result) resultRow {
	return resultRow{
		ID: r.ID, OrganizationID: r.OrganizationID, AssessmentID: r.AssessmentID, TestID: r.TestID, Revision: r.Revision, Latest: true,
		Score: r.Score, RawScore: r.RawScore, RawMaximum: r.RawMaximum, Traits: JSON[[]core.TraitScore]{r.Traits},
		Report: JSON[core.Report]{r.Report}, IntegrityFlags: JSON[[]string]{r.IntegrityFlags}, Accommodation: r.Accommodation, Digest: r.Digest, CreatedAt: Time{r.CreatedAt},
	}
}

func (r resultRow) result() core.Result {
	return core.Result{
		ID: r.ID, OrganizationID: r.OrganizationID, AssessmentID: r.AssessmentID, TestID: r.TestID, Revision: r.Revision,
		Score: r.Score, RawScore: r.RawScore, RawMaximum: r.RawMaximum, Traits: r.Traits.V,
		Report: r.Report.V, IntegrityFlags: r.IntegrityFlags.V, Accommodation: r.Accommodation, Digest: r.Digest, CreatedAt: r.CreatedAt.Time,
	}
}

// LatestResult implements core.ResultReader.
func (r reader) LatestResult(ctx context.Context, organization, assessment core.ID) (*core.Result, error) {
	var row resultRow
	query := selectFrom[resultRow]("results") + " WHERE organization_id = $1 AND assessment_id = $2 AND latest"
	if err := r.q.get(ctx, &row, query, organization, assessment); err != nil {
		return nil, notFound(err, "result")
	}
	result := row.result()
	return &result, nil
}

// Result implements core.ResultReader.
func (r reader) Result(ctx context.Context, organization, assessment core.ID, revision int) (*core.Result, error) {
	var row resultRow
	query := selectFrom[resultRow]("results") + " WHERE organization_id = $1 AND assessment_id = $2 AND revision = $3"
	if err := r.q.get(ctx, &row, query, organization, assessment, revision); err != nil {
		return nil, notFound(err, "result")
	}
	result := row.result()
	return &result, nil
}

// LatestResults implements core.ResultReader.
func (r reader) LatestResults(ctx context.Context, organization core.ID, s core.Sight, assessments []core.ID, withReports bool) ([]core.Result, error) {
	if len(assessments) == 0 {
		return nil, nil
	}
	w := owned(organization)
	in(&w, "latest AND assessment_id %s", assessments)
	w.inSight(s, `EXISTS (SELECT 1 FROM assessments AS a
		WHERE a.id = results.assessment_id AND a.organization_id = results.organization_id AND a.job_id %s)`)
	query := selectFrom[resultRow]("results")
	if !withReports {
		query = strings.Replace(query, "report", "'{}' AS report", 1)
	}
	rows := []resultRow{}
	err := r.q.list(ctx, &rows, query+w.String(), w.arguments...)
	return convertAll(rows, resultRow.result), err
}

// Standing implements core.ResultReader.
func (r reader) Standing(ctx context.Context, organization, test core.ID, score core.Score) (core.Standing, error) {
	var s core.Standing
	err := r.q.get(ctx, &s, `SELECT count(*) AS count, count(*) FILTER (WHERE score < $3) AS below
		FROM results WHERE organization_id = $1 AND test_id = $2 AND latest`, organization, test, score)
	return s, err
}

// scoresRow counts the results of a test with one score.
type scoresRow struct {
	TestID core.ID    `db:"test_id"`
	Score  core.Score `db:"score"`
	Count  int        `db:"n"`
}

// Standings implements core.ResultReader. It reads how often each test has
// each score, which is once through the index whatever number is asked for.
func (r reader) Standings(ctx context.Context, organization core.ID, asked []core.Ranked) ([]core.Standing, error) {
	if len(asked) == 0 {
		return nil, nil
	}
	w := owned(organization)
	in(&w, "latest AND test_id %s", testsOf(asked))
	rows := []scoresRow{}
	query := "SELECT test_id, score, count(*) AS n FROM results" + w.String() + " GROUP BY test_id, score"
	if err := r.q.list(ctx, &rows, query, w.arguments...); err != nil {
		return nil, err
	}
	standings := make([]core.Standing, len(asked))
	for i, a := range asked {
		standings[i] = standingOf(a, rows)
	}
	return standings, nil
}

func testsOf(asked []core.Ranked) []core.ID {
	ids := make([]core.ID, len(asked))
	for i, a := range asked {
		ids[i] = a.TestID
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

func standingOf(a core.Ranked, rows []scoresRow) core.Standing {
	var s core.Standing
	for _, row := range rows {
		if row.TestID != a.TestID {
			continue
		}
		s.Count += row.Count
		if row.Score < a.Score {
			s.Below += row.Count
		}
	}
	return s
}

// InsertResult implements core.ResultWriter; the result becomes the
// assessment's current revision. Errors: fault.Conflict if the revision exists.
func (t *tx) InsertResult(ctx context.Context, r *core.Result) error {
	_, err := t.q.exec(ctx, "UPDATE results SET latest = FALSE WHERE organization_id = $1 AND assessment_id = $2 AND latest",
		r.OrganizationID, r.AssessmentID)
	if err != nil {
		return err
	}
	if err := insert(ctx, t.q, "results", newResultRow(r)); err != nil {
		return err
	}
	_, err = t.q.exec(ctx, "UPDATE assessments SET score = $3 WHERE organization_id = $1 AND id = $2", r.OrganizationID, r.AssessmentID, r.Score)
	return err
}
