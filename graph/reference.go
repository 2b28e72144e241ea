package graph

import (
	"context"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/graph/model"
)

func (r queryResolver) ReferenceData(ctx context.Context, connectionID core.ID, kind ats.ReferenceKind, parentID, search *string, refresh *bool, first *int) (*model.ReferenceList, error) {
	page, err := core.Page{First: orZero(first)}.Normalize()
	if err != nil {
		return nil, err
	}
	answer, err := orNull(r.Options.ReferenceData.List(ctx, actorOf(ctx), core.ReferenceQuery{
		ConnectionID: connectionID, Kind: kind, Parent: orZero(parentID), Search: orZero(search), Refresh: orZero(refresh),
	}))
	return model.NewReferenceList(answer, page.First), err
}
