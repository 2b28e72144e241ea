package store

import (
	"context"
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
	Digest         string                  `db:"digest"`
	CreatedAt      Time                    `db:"created_at"`
}

func newResultRow(r *core.Result) resultRow {
	return resultRow{
		ID: r.ID, OrganizationID: r.OrganizationID, AssessmentID: r.AssessmentID, TestID: r.TestID, Revision: r.Revision, Latest: true,
		Score: r.Score, RawScore: r.RawScore, RawMaximum: r.RawMaximum, Traits: JSON[[]core.TraitScore]{r.Traits},
		Report: JSON[core.Report]{r.Report}, Digest: r.Digest, CreatedAt: Time{r.CreatedAt},
	}
}

func (r resultRow) result() core.Result {
	return core.Result{
		ID: r.ID, OrganizationID: r.OrganizationID, AssessmentID: r.AssessmentID, TestID: r.TestID, Revision: r.Revision,
		Score: r.Score, RawScore: r.RawScore, RawMaximum: r.RawMaximum, Traits: r.Traits.V,
		Report: r.Report.V, Digest: r.Digest, CreatedAt: r.CreatedAt.Time,
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

// LatestResults implements core.ResultReader.
func (r reader) LatestResults(ctx context.Context, organization core.ID, assessments []core.ID) ([]core.Result, error) {
	if len(assessments) == 0 {
		return nil, nil
	}
	var w where
	w.add("latest AND organization_id = %s", organization)
	in(&w, "assessment_id", assessments)
	rows := []resultRow{}
	columns := strings.ReplaceAll(strings.Join(columnsOf[resultRow](), ", "), "report", "'{}' AS report")
	if err := r.q.list(ctx, &rows, "SELECT "+columns+" FROM results"+w.String(), w.arguments...); err != nil {
		return nil, err
	}
	return convertAll(rows, resultRow.result), nil
}

// Standing implements core.ResultReader.
func (r reader) Standing(ctx context.Context, organization, test core.ID, score core.Score) (core.Standing, error) {
	var s core.Standing
	err := r.q.get(ctx, &s, `SELECT count(*) AS count, count(*) FILTER (WHERE score < $3) AS below
		FROM results WHERE organization_id = $1 AND test_id = $2 AND latest`, organization, test, score)
	return s, err
}

// InsertResult implements core.ResultWriter; the result becomes the
// assessment's current revision. Errors: fault.Conflict if the revision exists.
func (t *tx) InsertResult(ctx context.Context, r *core.Result) error {
	_, err := t.q.exec(ctx, "UPDATE results SET latest = FALSE WHERE organization_id = $1 AND assessment_id = $2 AND latest",
		r.OrganizationID, r.AssessmentID)
	if err != nil {
		return err
	}
	return insert(ctx, t.q, "results", newResultRow(r))
}
