package graph

import (
	"context"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/graph/generated"
	"github.com/trellis-ats/trellis/graph/model"
)

type resultResolver struct{ *root }

var _ generated.ResultResolver = resultResolver{}

// Result returns the resolvers of a result's fields.
func (r *root) Result() generated.ResultResolver { return resultResolver{r} }

// Report is read on its own: results come without it.
func (r resultResolver) Report(ctx context.Context, result *model.Result) (*model.Report, error) {
	return of(ctx, loadersOf(ctx).reports, "report", result.Batch, result.Result, func(r *core.Result) core.ID { return r.AssessmentID })
}

func (r resultResolver) Benchmark(ctx context.Context, result *model.Result) (*string, error) {
	return of(ctx, loadersOf(ctx).benchmarks, "benchmark", result.Batch, result.Result, func(r *core.Result) core.Ranked {
		return core.Ranked{TestID: r.TestID, Score: r.Score}
	})
}
