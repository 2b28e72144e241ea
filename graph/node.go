package graph

import (
	"context"
	"maps"
	"slices"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/graph/model"
)

// maxNodes is how many ids nodes takes.
const maxNodes = 100

func (r queryResolver) Node(ctx context.Context, id core.ID) (model.Node, error) {
	found, err := r.readNodes(ctx, actorOf(ctx), []core.ID{id}, false)
	return found[id], err
}

func (r queryResolver) Nodes(ctx context.Context, ids []core.ID) ([]model.Node, error) {
	if len(ids) > maxNodes {
		return nil, fault.InvalidField("ids", "TOO_MANY", "nodes takes at most %d ids.", maxNodes)
	}
	found, err := r.readNodes(ctx, actorOf(ctx), ids, false)
	if err != nil {
		return nil, err
	}
	nodes := make([]model.Node, len(ids))
	for i, id := range ids {
		nodes[i] = found[id]
	}
	return nodes, nil
}

// readSubjects reads what events are about; what the caller may not read is
// as if it were not there.
func (o Options) readSubjects(ctx context.Context, by core.Actor, ids []core.ID) (map[core.ID]model.Node, error) {
	return o.readNodes(ctx, by, ids, true)
}

// readNodes reads things of any type, those of one type with one statement.
func (o Options) readNodes(ctx context.Context, by core.Actor, ids []core.ID, lenient bool) (map[core.ID]model.Node, error) {
	if !by.Known() {
		return nil, by.Require(core.PermitRead)
	}
	byPrefix := map[core.Prefix][]core.ID{}
	for _, id := range ids {
		byPrefix[id.Prefix()] = append(byPrefix[id.Prefix()], id)
	}
	all := make(map[core.ID]model.Node, len(ids))
	for _, prefix := range slices.Sorted(maps.Keys(byPrefix)) {
		found, err := o.nodesOf(prefix)(ctx, by, byPrefix[prefix])
		if lenient && fault.Is(err, fault.Forbidden) {
			continue
		}
		if err != nil {
			return nil, err
		}
		maps.Copy(all, found)
	}
	return all, nil
}

// nodesOf returns the read of a type.
func (o Options) nodesOf(p core.Prefix) read[core.ID, model.Node] {
	switch p {
	case core.PrefixOrganization:
		return o.ownOrganization
	case core.PrefixTest:
		return nodes(views(o.Tests.Several, model.ViewTest, func(t *core.Test) core.ID { return t.ID }))
	case core.PrefixJob:
		return nodes(views(o.Jobs.ByID, model.ViewJob, func(j *core.Job) core.ID { return j.ID }))
	case core.PrefixCandidate:
		return nodes(views(o.Candidates.ByID, model.ViewCandidate, func(c *core.Candidate) core.ID { return c.ID }))
	case core.PrefixAssessment:
		return nodes(views(o.Assessments.ByID, model.ViewAssessment, func(a *core.Assessment) core.ID { return a.ID }))
	case core.PrefixConnection:
		return nodes(views(o.Connections.ByID, model.ViewATSConnection, func(c *core.Connection) core.ID { return c.ID }))
	case core.PrefixSyncEntry:
		return nodes(views(o.SyncLog.ByID, model.ViewSyncEntry, func(e *core.SyncEntry) core.ID { return e.ID }))
	case core.PrefixPush:
		return nodes(views(o.Pushes.ByID, model.ViewPush, func(p *core.Push) core.ID { return p.ID }))
	case core.PrefixIssue:
		return nodes(views(o.Issues.ByID, model.ViewIssue, func(i *core.Issue) core.ID { return i.ID }))
	case core.PrefixDecision:
		return nodes(views(o.RoutingDecisions.ByID, model.ViewRoutingDecision, func(d *core.RoutingDecision) core.ID { return d.ID }))
	case core.PrefixToken:
		return nodes(views(o.Tokens.ByID, model.ViewAPIToken, func(t *core.Token) core.ID { return t.ID }))
	default:
		return func(context.Context, core.Actor, []core.ID) (map[core.ID]model.Node, error) { return nil, nil }
	}
}

// ownOrganization finds the caller's: another organization does not exist.
func (o Options) ownOrganization(ctx context.Context, by core.Actor, ids []core.ID) (map[core.ID]model.Node, error) {
	own, err := o.Organizations.Own(ctx, by)
	if err != nil || !slices.Contains(ids, own.ID) {
		return nil, err
	}
	return map[core.ID]model.Node{own.ID: model.NewOrganization(own)}, nil
}

// nodes reads views as nodes.
func nodes[T any, N interface {
	*T
	model.Node
}](r read[core.ID, *T]) read[core.ID, model.Node] {
	return func(ctx context.Context, by core.Actor, ids []core.ID) (map[core.ID]model.Node, error) {
		found, err := r(ctx, by, ids)
		all := make(map[core.ID]model.Node, len(found))
		for id, view := range found {
			all[id] = N(view)
		}
		return all, err
	}
}
