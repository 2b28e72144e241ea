package graph

import (
	"context"

	"github.com/trellis-ats/trellis/graph/model"
)

func (r queryResolver) Viewer(ctx context.Context) (*model.Viewer, error) {
	by := actorOf(ctx)
	o, err := r.Organizations.Own(ctx, by)
	if err != nil {
		return nil, err
	}
	return &model.Viewer{Organization: *model.NewOrganization(o), Actor: by}, nil
}
