package graph

import (
	"context"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/graph/model"
)

// maxNodes is how many ids nodes takes.
const maxNodes = 100

func (r queryResolver) Node(ctx context.Context, id core.ID) (model.Node, error) {
	by := actorOf(ctx)
	switch id.Prefix() {
	case core.PrefixOrganization:
		o, err := r.Organizations.Own(ctx, by)
		if err == nil && o.ID != id {
			return nil, nil //nolint:nilnil // another organization does not exist
		}
		return node(o, err, model.NewOrganization)
	case core.PrefixTest:
		t, err := r.Options.Tests.Get(ctx, by, id)
		return node(t, err, model.NewTest)
	case core.PrefixCandidate:
		c, err := r.Candidates.Get(ctx, by, id)
		return node(c, err, model.NewCandidate)
	case core.PrefixAssessment:
		a, err := r.Options.Assessments.Get(ctx, by, id)
		return node(a, err, model.NewAssessment)
	case core.PrefixConnection:
		c, err := r.Options.Connections.Get(ctx, by, id)
		return node(c, err, model.NewATSConnection)
	default:
		return nil, nil //nolint:nilnil // nothing has such an id
	}
}

// node keeps a nil pointer from becoming an interface that is not nil.
func node[C any, N model.Node](found *C, err error, view func(*C) N) (model.Node, error) {
	found, err = orNull(found, err)
	if found == nil || err != nil {
		return nil, err
	}
	return view(found), nil
}

func (r queryResolver) Nodes(ctx context.Context, ids []core.ID) ([]model.Node, error) {
	if len(ids) > maxNodes {
		return nil, fault.InvalidField("ids", "TOO_MANY", "nodes takes at most %d ids.", maxNodes)
	}
	found := make([]model.Node, len(ids))
	for i, id := range ids {
		n, err := r.Node(ctx, id)
		if err != nil {
			return nil, err
		}
		found[i] = n
	}
	return found, nil
}
