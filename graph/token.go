package graph

import (
	"context"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/graph/generated"
	"github.com/trellis-ats/trellis/graph/model"
)

func (r queryResolver) APITokens(ctx context.Context, first *int, after *string, last *int, before *string) (*model.APITokenConnection, error) {
	page, err := model.ListTokens.Page(model.PageArgs{First: first, After: after, Last: last, Before: before})
	if err != nil {
		return nil, err
	}
	tokens, err := r.Tokens.List(ctx, actorOf(ctx), page)
	return model.NewAPITokens(tokens), err
}

func (r mutationResolver) CreateAPIToken(ctx context.Context, input model.CreateAPITokenInput) (*generated.CreateAPITokenPayload, error) {
	key, err := keyOf(input.IdempotencyKey, input.NewToken)
	if err != nil {
		return nil, err
	}
	issued, err := r.Tokens.Create(ctx, actorOf(ctx), input.NewToken, key)
	refused, err := refusals(err, "")
	token, secret := shown(issued)
	return &generated.CreateAPITokenPayload{APIToken: token, Secret: secret, UserErrors: refused}, err
}

func (r mutationResolver) RotateAPIToken(ctx context.Context, input generated.RotateAPITokenInput) (*generated.RotateAPITokenPayload, error) {
	issued, err := r.Tokens.Rotate(ctx, actorOf(ctx), input.TokenID)
	refused, err := refusals(err, "tokenId")
	token, secret := shown(issued)
	return &generated.RotateAPITokenPayload{APIToken: token, Secret: secret, UserErrors: refused}, err
}

// shown parts a token from its secret, which is shown this once.
func shown(issued *core.IssuedToken) (*model.APIToken, *string) {
	if issued == nil {
		return nil, nil
	}
	secret := issued.Secret.Reveal()
	return model.NewAPIToken(issued.Token), &secret
}

func (r mutationResolver) RevokeAPIToken(ctx context.Context, input generated.RevokeAPITokenInput) (*generated.RevokeAPITokenPayload, error) {
	t, err := r.Tokens.Revoke(ctx, actorOf(ctx), input.TokenID)
	refused, err := refusals(err, "tokenId")
	return &generated.RevokeAPITokenPayload{APIToken: model.NewAPIToken(t), UserErrors: refused}, err
}
