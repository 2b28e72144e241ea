package graph

import (
	"context"

	"github.com/trellis-ats/trellis/graph/model"
)

func (r queryResolver) Viewer(ctx context.Context) (*model.Viewer, error) {
	o, err := r.Organization(ctx)
	if err != nil {
		return nil, err
	}
	return &model.Viewer{Organization: *o, Actor: actorOf(ctx)}, nil
}

func (r queryResolver) Organization(ctx context.Context) (*model.Organization, error) {
	o, err := r.Organizations.Own(ctx, actorOf(ctx))
	return model.NewOrganization(o), err
}
