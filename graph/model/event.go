package model

import "github.com/trellis-ats/trellis/core"

// Event is an event as callers see it.
type Event struct {
	*core.Event
	Batch *Batch[core.Event]
}

// ViewEvent is a view of one of a batch.
func ViewEvent(e *core.Event, b *Batch[core.Event]) Event { return Event{e, b} }

// NewEvent is a view of a single event.
func NewEvent(e *core.Event) Event { return ViewEvent(e, alone(e)) }

// Type is what happened.
func (e Event) Type() string { return string(e.Event.Type) }

type (
	// EventConnection is a page of events.
	EventConnection = Connection[Event]
	// EventEdge is an event in a page.
	EventEdge = Edge[Event]
)

// NewEvents shapes a page of events.
func NewEvents(p *core.Paged[core.Event]) *EventConnection {
	return connection(ListEvents, p, func(e *core.Event) core.ID { return e.ID }, ViewEvent)
}

// SharedEvents shapes a page of events that were read together with others.
func SharedEvents(p *core.Paged[core.Event], b *Batch[core.Event]) *EventConnection {
	return connection(ListEvents, p, func(e *core.Event) core.ID { return e.ID },
		func(e *core.Event, _ *Batch[core.Event]) Event { return Event{e, b} })
}
