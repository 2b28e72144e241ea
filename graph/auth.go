package graph

import (
	"context"
	"strings"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/fault"
)

type actorKey struct{}

// actorOf returns who is asking. Without one, core refuses.
func actorOf(ctx context.Context) core.Actor {
	by, _ := ctx.Value(actorKey{}).(core.Actor)
	return by
}

// gate lets callers with an API token in.
type gate struct{ tokens *core.Tokens }

// enter authenticates by "Bearer TOKEN" and returns a context with the actor.
// Errors: fault.Unauthenticated.
func (g gate) enter(ctx context.Context, authorization string) (context.Context, error) {
	scheme, token, _ := strings.Cut(authorization, " ")
	token = strings.TrimSpace(token)
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return nil, fault.New(fault.Unauthenticated, "Sign in first: send an API token as \"Authorization: Bearer trl_…\".")
	}
	by, err := g.tokens.Authenticate(ctx, core.Secret(token))
	if err != nil {
		return nil, err
	}
	return context.WithValue(ctx, actorKey{}, by), nil
}
