package graph

import (
	"context"

	"github.com/trellis-ats/trellis/graph/model"
)

func (r queryResolver) Adapters(ctx context.Context) ([]model.Adapter, error) {
	installed, err := r.Options.Connections.Installed(ctx, actorOf(ctx))
	return model.NewAdapters(installed), err
}
