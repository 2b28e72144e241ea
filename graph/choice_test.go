package graph_test

import (
	"context"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/coretest"
)

// listed is what an ATS lists, without a trace in the database.
type listed struct{ ats *coretest.ATS }

func (l listed) Choices(ctx context.Context, _ core.Actor, q core.ChoiceQuery) ([]ats.ReferenceItem, error) {
	page, err := l.ats.List(ctx, &ats.ReferenceQuery{Kind: q.Kind, Parent: q.Parent})
	if err != nil {
		return nil, err
	}
	return page.Items, nil
}
