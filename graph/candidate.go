package graph

import (
	"context"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/graph/generated"
	"github.com/trellis-ats/trellis/graph/model"
)

type candidateResolver struct{ *root }

var _ generated.CandidateResolver = candidateResolver{}

// Candidate returns the resolvers of a candidate's fields.
func (r *root) Candidate() generated.CandidateResolver { return candidateResolver{r} }

func (r candidateResolver) Connection(ctx context.Context, c *model.Candidate) (*model.ATSConnection, error) {
	return of(ctx, loadersOf(ctx).connections, "connection", c.Batch, c.Candidate, func(c *core.Candidate) core.ID { return c.ConnectionID })
}

func (r queryResolver) Candidates(ctx context.Context, filter *core.CandidateFilter, first *int, after *string, last *int, before *string) (*model.CandidateConnection, error) {
	page, err := model.ListCandidates.Page(model.PageArgs{First: first, After: after, Last: last, Before: before})
	if err != nil {
		return nil, err
	}
	candidates, err := r.Options.Candidates.List(ctx, actorOf(ctx), orZero(filter), page)
	return model.NewCandidates(candidates), err
}

func (r queryResolver) Candidate(ctx context.Context, id core.ID) (*model.Candidate, error) {
	c, err := orNull(r.Options.Candidates.Get(ctx, actorOf(ctx), id))
	return model.NewCandidate(c), err
}

func (r mutationResolver) UpdateCandidate(ctx context.Context, input generated.UpdateCandidateInput) (*generated.UpdateCandidatePayload, error) {
	c, err := r.Candidates.Update(ctx, actorOf(ctx), input.CandidateID, input.Candidate)
	refused, err := refusals(err, "candidateId")
	return &generated.UpdateCandidatePayload{Candidate: model.NewCandidate(c), UserErrors: refused}, err
}
