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

// Report is read on its own: lists of results come without it.
func (r resultResolver) Report(ctx context.Context, result *core.Result) (*model.Report, error) {
	whole, err := r.Reports.Result(ctx, actorOf(ctx), result.AssessmentID)
	if err != nil {
		return nil, err
	}
	return &model.Report{Report: &whole.Report}, nil
}

func (r resultResolver) Benchmark(ctx context.Context, result *core.Result) (*string, error) {
	sentence, err := r.Reports.Benchmark(ctx, actorOf(ctx), result)
	return &sentence, err
}
