package graph

import (
	"context"

	"github.com/trellis-ats/trellis/graph/generated"
	"github.com/trellis-ats/trellis/graph/model"
)

func (r queryResolver) Erasures(ctx context.Context, first *int, after *string, last *int, before *string) (*model.ErasureConnection, error) {
	page, err := model.ListErasures.Page(model.PageArgs{First: first, After: after, Last: last, Before: before})
	if err != nil {
		return nil, err
	}
	all, err := r.Options.Erasures.List(ctx, actorOf(ctx), page)
	return model.NewErasures(all), err
}

func (r mutationResolver) EraseCandidate(ctx context.Context, input generated.EraseCandidateInput) (*generated.EraseCandidatePayload, error) {
	c, err := r.Erasures.EraseCandidate(ctx, actorOf(ctx), input.CandidateID)
	refused, err := refusals(err, "candidateId")
	return &generated.EraseCandidatePayload{Candidate: model.NewCandidate(c), UserErrors: refused}, err
}
