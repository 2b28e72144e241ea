package graph

import (
	"context"
	"slices"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/graph/generated"
	"github.com/trellis-ats/trellis/graph/model"
)

type subscriptionResolver struct{ *root }

var _ generated.SubscriptionResolver = subscriptionResolver{}

// Subscription returns the resolvers of the subscriptions.
func (r *root) Subscription() generated.SubscriptionResolver { return subscriptionResolver{r} }

func (r subscriptionResolver) Events(ctx context.Context, filter *generated.EventFilter, after *string, first *int) (<-chan *model.EventMessage, error) {
	f := orZero(filter)
	return stream(ctx, r.root, part{eventFilter(f.Types, f.SubjectID), after, first}, func(_ context.Context, events []core.Event) ([]*model.EventMessage, error) {
		messages := make([]*model.EventMessage, len(events))
		for i := range events {
			messages[i] = &model.EventMessage{Cursor: cursorOf(events[i].Position), Event: model.NewEvent(&events[i])}
		}
		return messages, nil
	})
}

func eventFilter(types []string, subject *core.ID) core.EventFilter {
	return core.EventFilter{Subject: orZero(subject), Types: eventTypes(types)}
}

func (r subscriptionResolver) AssessmentChanged(ctx context.Context, filter *generated.AssessmentChangeFilter, after *string, first *int) (<-chan *model.AssessmentMessage, error) {
	if err := actorOf(ctx).Require(core.PermitRead); err != nil {
		return nil, err
	}
	wanted := orZero(filter)
	f := eventFilter(wanted.Types, wanted.AssessmentID)
	for _, t := range f.Types {
		if !slices.Contains(core.AssessmentEvents(), t) {
			return nil, fault.InvalidField("filter.types", "UNKNOWN", "No change of an assessment is of this type; there are %v.", core.AssessmentEvents())
		}
	}
	if len(f.Types) == 0 {
		f.Types = core.AssessmentEvents()
	}
	return stream(ctx, r.root, part{f, after, first}, func(ctx context.Context, events []core.Event) ([]*model.AssessmentMessage, error) {
		return r.assessmentMessages(ctx, events, wanted)
	})
}

// assessmentMessages tells what changed with the assessments as they are now.
func (r subscriptionResolver) assessmentMessages(ctx context.Context, events []core.Event, wanted generated.AssessmentChangeFilter) ([]*model.AssessmentMessage, error) {
	found, err := r.Assessments.ByID(ctx, actorOf(ctx), subjects(events))
	if err != nil {
		return nil, err
	}
	byID := byID(found, func(a *core.Assessment) core.ID { return a.ID })
	var messages []*model.AssessmentMessage
	for i := range events {
		if a := byID[events[i].SubjectID]; a != nil && changed(a, wanted) {
			messages = append(messages, &model.AssessmentMessage{
				Cursor: cursorOf(events[i].Position), Event: model.NewEvent(&events[i]), Assessment: *model.NewAssessment(a),
			})
		}
	}
	return messages, nil
}

// changed reports whether an assessment is one of those that are wanted.
func changed(a *core.Assessment, f generated.AssessmentChangeFilter) bool {
	is := func(wanted *core.ID, id core.ID) bool { return orZero(wanted) == "" || *wanted == id }
	return (len(f.Statuses) == 0 || slices.Contains(f.Statuses, a.Status)) &&
		is(f.JobID, a.JobID) && is(f.TestID, a.TestID) && is(f.ConnectionID, a.ConnectionID)
}

func (r subscriptionResolver) SyncLogAppended(ctx context.Context, filter *core.SyncFilter, after *string, first *int) (<-chan *model.SyncLogMessage, error) {
	if err := actorOf(ctx).Require(core.PermitReadSetup); err != nil {
		return nil, err
	}
	wanted := orZero(filter)
	f := core.EventFilter{Types: []core.EventType{core.EventSyncLogAppended, core.EventSyncLogEnded}}
	return stream(ctx, r.root, part{f, after, first}, func(ctx context.Context, events []core.Event) ([]*model.SyncLogMessage, error) {
		found, err := r.SyncLog.ByID(ctx, actorOf(ctx), subjects(events))
		if err != nil {
			return nil, err
		}
		byID := byID(found, func(e *core.SyncEntry) core.ID { return e.ID })
		var messages []*model.SyncLogMessage
		for i := range events {
			if e := byID[events[i].SubjectID]; e != nil && wanted.Matches(e) {
				messages = append(messages, &model.SyncLogMessage{Cursor: cursorOf(events[i].Position), Entry: model.NewSyncEntry(e)})
			}
		}
		return messages, nil
	})
}

// PipelineChanged counts once for all changes that were read together.
func (r subscriptionResolver) PipelineChanged(ctx context.Context, after *string) (<-chan *model.PipelineMessage, error) {
	if err := actorOf(ctx).Require(core.PermitRead); err != nil {
		return nil, err
	}
	f := core.EventFilter{Types: core.AssessmentEvents()}
	return stream(ctx, r.root, part{f, after, nil}, func(ctx context.Context, events []core.Event) ([]*model.PipelineMessage, error) {
		counts, err := r.Assessments.Pipeline(ctx, actorOf(ctx))
		if err != nil {
			return nil, err
		}
		last := events[len(events)-1]
		return []*model.PipelineMessage{{Cursor: cursorOf(last.Position), Pipeline: model.Pipeline{Pipeline: counts}}}, nil
	})
}

func (r subscriptionResolver) ConnectionHealthChanged(ctx context.Context, after *string) (<-chan *model.ConnectionHealthMessage, error) {
	if err := actorOf(ctx).Require(core.PermitReadSetup); err != nil {
		return nil, err
	}
	f := core.EventFilter{Types: []core.EventType{core.EventConnectionHealth}}
	return stream(ctx, r.root, part{f, after, nil}, func(ctx context.Context, events []core.Event) ([]*model.ConnectionHealthMessage, error) {
		found, err := r.Connections.ByID(ctx, actorOf(ctx), subjects(events))
		if err != nil {
			return nil, err
		}
		byID := byID(found, func(c *core.Connection) core.ID { return c.ID })
		var messages []*model.ConnectionHealthMessage
		for i := range events {
			if c := byID[events[i].SubjectID]; c != nil {
				messages = append(messages, &model.ConnectionHealthMessage{
					Cursor: cursorOf(events[i].Position), Event: model.NewEvent(&events[i]), Connection: *model.NewATSConnection(c),
				})
			}
		}
		return messages, nil
	})
}

// subjects are what events are about, each once.
func subjects(events []core.Event) []core.ID {
	ids := make([]core.ID, len(events))
	for i, e := range events {
		ids[i] = e.SubjectID
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

func byID[C any](all []C, id func(*C) core.ID) map[core.ID]*C {
	found := make(map[core.ID]*C, len(all))
	for i := range all {
		found[id(&all[i])] = &all[i]
	}
	return found
}

// placed gives what is below a subscription's field its place: gqlgen leaves
// the field itself out of the paths of errors in messages.
func placed(ctx context.Context) context.Context {
	if !graphql.HasOperationContext(ctx) {
		return ctx
	}
	o := graphql.GetOperationContext(ctx)
	if o.Operation == nil || o.Operation.Operation != ast.Subscription { // nil: the document was refused
		return ctx
	}
	for _, f := range graphql.CollectFields(o, o.Operation.SelectionSet, []string{"Subscription"}) {
		return graphql.WithFieldContext(ctx, &graphql.FieldContext{Object: "Subscription", Field: f})
	}
	return ctx
}

func eventTypes(names []string) []core.EventType {
	var types []core.EventType
	for _, n := range names {
		types = append(types, core.EventType(n))
	}
	return types
}
