package graph

import (
	"context"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/graph/generated"
	"github.com/trellis-ats/trellis/graph/model"
)

type pushProfileResolver struct{ *root }

var _ generated.PushProfileResolver = pushProfileResolver{}

// PushProfile returns the resolvers of a push profile's fields.
func (r *root) PushProfile() generated.PushProfileResolver { return pushProfileResolver{r} }

func (r pushProfileResolver) Warnings(ctx context.Context, p *model.PushProfile) ([]string, error) {
	return r.PushProfiles.Warnings(ctx, actorOf(ctx), p.PushProfile)
}

func (r queryResolver) PushProfile(ctx context.Context, connectionID core.ID) (*model.PushProfile, error) {
	p, err := orNull(r.PushProfiles.Of(ctx, actorOf(ctx), connectionID))
	return model.NewPushProfile(p), err
}

func (r mutationResolver) UpdatePushDestinations(ctx context.Context, input generated.UpdatePushDestinationsInput) (*generated.UpdatePushDestinationsPayload, error) {
	to := core.Destinations{All: input.Destinations, SourceID: input.SourceID}
	p, err := r.PushProfiles.UpdateDestinations(ctx, actorOf(ctx), input.ConnectionID, to)
	refused, err := refusals(err, "")
	return &generated.UpdatePushDestinationsPayload{PushProfile: model.NewPushProfile(p), UserErrors: refused}, err
}

func (r mutationResolver) UpdatePushPolicies(ctx context.Context, input generated.UpdatePushPoliciesInput) (*generated.UpdatePushPoliciesPayload, error) {
	to := core.Policies{
		SeveralMatches: orZero(input.SeveralMatches), ClosedApplication: orZero(input.ClosedApplication), ClosedJob: orZero(input.ClosedJob),
	}
	p, err := r.PushProfiles.UpdatePolicies(ctx, actorOf(ctx), input.ConnectionID, to)
	refused, err := refusals(err, "")
	return &generated.UpdatePushPoliciesPayload{PushProfile: model.NewPushProfile(p), UserErrors: refused}, err
}
