package core

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// EventType tells what happened.
type EventType string

// The types. They are part of the public API.
const (
	EventOrganizationCreated EventType = "organization.created"
	EventConnectionCreated   EventType = "connection.created"
	EventPartnerKeyRotated   EventType = "connection.partner_key_rotated"
	EventTestCreated         EventType = "test.created"
	EventAssessmentOrdered   EventType = "assessment.ordered"
	EventAssessmentInvited   EventType = "assessment.invited"
	EventInvitationFailed    EventType = "assessment.invitation_failed"
	EventAssessmentConsented EventType = "assessment.consented"
	EventAssessmentStarted   EventType = "assessment.started"
	EventAssessmentCompleted EventType = "assessment.completed"
	EventAssessmentScored    EventType = "assessment.scored"
	EventAssessmentRevised   EventType = "assessment.revised"
	EventAssessmentCancelled EventType = "assessment.cancelled"
	EventAssessmentExpired   EventType = "assessment.expired"
	EventDeliveryPending     EventType = "delivery.pending"
	EventDeliveryDelivered   EventType = "delivery.delivered"
	EventDeliveryFailed      EventType = "delivery.failed"
	EventReportOpened        EventType = "report.opened"
	EventReportRevoked       EventType = "report.revoked"
	EventATSReportedError    EventType = "ats.reported_error"
)

// Event is a fact that was committed, together with the change that made it.
type Event struct {
	ID             ID
	OrganizationID ID
	Type           EventType
	SubjectID      ID // the assessment, connection, test, … that it is about
	ActorRole      Role
	ActorID        ID
	ActorName      string
	At             time.Time
	Data           json.RawMessage // details by type; never personal data
	Position       int64           // order of delivery; 0 until the event was numbered
}

// EventReader finds events.
type EventReader interface {
	// EventsOf returns a subject's timeline, oldest first.
	EventsOf(ctx context.Context, organization, subject ID) ([]Event, error)
	// EventsAfter returns at most limit numbered events of the organization
	// after a position, in order.
	EventsAfter(ctx context.Context, organization ID, position int64, limit int) ([]Event, error)
}

// EventWriter keeps events.
type EventWriter interface {
	AppendEvent(ctx context.Context, e *Event) error
}

func appendEvent(ctx context.Context, tx Tx, by Actor, at time.Time, t EventType, subject ID, data map[string]any) error {
	encoded := json.RawMessage("{}")
	if len(data) > 0 {
		b, err := json.Marshal(data)
		if err != nil {
			return fmt.Errorf("event %s: %w", t, err)
		}
		encoded = b
	}
	return tx.AppendEvent(ctx, &Event{
		ID: NewID(PrefixEvent), OrganizationID: by.OrganizationID, Type: t, SubjectID: subject,
		ActorRole: by.Role, ActorID: by.ID, ActorName: by.Name, At: at, Data: encoded,
	})
}

// Events are the use cases around events.
type Events struct{ store Store }

// NewEvents returns the use cases.
func NewEvents(s Store) *Events { return &Events{store: s} }

// Of returns a page of a subject's timeline, oldest first.
// Errors: fault.Forbidden, fault.Invalid.
func (es *Events) Of(ctx context.Context, by Actor, subject ID, p Page) (*Paged[Event], error) {
	if err := by.Require(PermitRead); err != nil {
		return nil, err
	}
	p, err := p.Normalize()
	if err != nil {
		return nil, err
	}
	all, err := es.store.EventsOf(ctx, by.OrganizationID, subject)
	if err != nil {
		return nil, err
	}
	return pageOf(all, func(e Event) ID { return e.ID }, p), nil
}
