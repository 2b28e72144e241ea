package graph

import (
	"context"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/graph/generated"
	"github.com/trellis-ats/trellis/graph/model"
)

func (r queryResolver) ScorecardMapping(ctx context.Context, connectionID core.ID) (*model.ScorecardMapping, error) {
	p, err := orNull(r.PushProfiles.Of(ctx, actorOf(ctx), connectionID))
	if p == nil {
		return nil, err
	}
	return &model.ScorecardMapping{PushProfile: p}, err
}

func (r queryResolver) ScorecardPreview(ctx context.Context, connectionID core.ID, score core.Score, testID *core.ID) (*model.ScorecardPreview, error) {
	p, err := orNull(r.PushProfiles.PreviewScorecard(ctx, actorOf(ctx), connectionID, score, orZero(testID)))
	return model.NewScorecardPreview(p), err
}

func (r mutationResolver) UpdateScorecardMapping(ctx context.Context, input generated.UpdateScorecardMappingInput) (*generated.UpdateScorecardMappingPayload, error) {
	to := core.ScorecardMapping{Bands: input.Bands, ReportOnlyTraits: input.ReportOnlyTraits}
	p, err := r.PushProfiles.UpdateScorecard(ctx, actorOf(ctx), input.ConnectionID, to)
	refused, err := refusals(err, "")
	return &generated.UpdateScorecardMappingPayload{PushProfile: model.NewPushProfile(p), UserErrors: refused}, err
}
