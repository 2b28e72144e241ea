package model

import "github.com/trellis-ats/trellis/core"

// Event is an event as callers see it.
type Event struct{ *core.Event }

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
	return newConnection(ListEvents, p,
		func(e *core.Event) core.ID { return e.ID },
		func(e *core.Event) Event { return Event{e} })
}
