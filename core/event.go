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
	EventConnectionUpdated   EventType = "connection.updated"
	EventConnectionHealth    EventType = "connection.health_changed"
	EventAuthorizationChange EventType = "connection.authorization_changed"
	EventJobMapped           EventType = "connection.job_mapped"
	EventJobUnmapped         EventType = "connection.job_unmapped"
	EventPushProfileUpdated  EventType = "connection.push_profile_updated"
	EventPushRuleSet         EventType = "connection.push_rule_set"
	EventPushRuleDeleted     EventType = "connection.push_rule_deleted"
	EventTestCreated         EventType = "test.created"
	EventJobCreated          EventType = "job.created"
	EventJobShared           EventType = "job.shared"
	EventJobUnshared         EventType = "job.unshared"
	EventPurged              EventType = "organization.purged"
	EventExported            EventType = "organization.exported"
	EventTokenCreated        EventType = "token.created"
	EventTokenRotated        EventType = "token.rotated"
	EventTokenRevoked        EventType = "token.revoked"
	EventSessionEnded        EventType = "session.ended"
	EventSyncLogAppended     EventType = "sync_log.appended"
	EventSyncLogEnded        EventType = "sync_log.ended" // of an entry that was appended as RUNNING
	EventAssessmentOrdered   EventType = "assessment.ordered"
	EventAssessmentInvited   EventType = "assessment.invited"
	EventInvitationResent    EventType = "assessment.invitation_resent"
	EventAssessmentJob       EventType = "assessment.job_assigned"
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
	EventPushRequested       EventType = "push.requested"
	EventPushStep            EventType = "push.step_done"
	EventPushWaiting         EventType = "push.waiting"
	EventPushDone            EventType = "push.done"
	EventPushFailed          EventType = "push.failed"
	EventPushAttention       EventType = "push.needs_attention"
	EventPushRetried         EventType = "push.retried"
	EventPushResolved        EventType = "push.resolved"
	EventPushCancelled       EventType = "push.cancelled"
	EventATSReportedError    EventType = "ats.reported_error"

	EventApplicationChanged   EventType = "application.changed" // the subject is the assessment
	EventWebhooksConfigured   EventType = "connection.webhooks_configured"
	EventWebhookSecretRotated EventType = "connection.webhook_secret_rotated"
	EventWebhooksSilent       EventType = "connection.webhooks_silent"
	EventWebhooksResumed      EventType = "connection.webhooks_resumed"
	EventPersonMerged         EventType = "connection.person_merged"
	EventWebhookFailed        EventType = "webhook.failed"
	EventWebhookDismissed     EventType = "webhook.dismissed"
	EventStageTriggerCreated  EventType = "stage_trigger.created"
	EventStageTriggerDeleted  EventType = "stage_trigger.deleted"
	EventCandidateErased      EventType = "candidate.erased"
	EventCandidateUpdated     EventType = "candidate.updated"
	EventWithdrawalFailed     EventType = "assessment.withdrawal_failed"
	EventIssueFound           EventType = "issue.found"
	EventIssueClosed          EventType = "issue.closed"

	EventRuleProposed    EventType = "routing_rule.proposed"
	EventRuleApproved    EventType = "routing_rule.approved"
	EventRulePaused      EventType = "routing_rule.paused"
	EventRuleResumed     EventType = "routing_rule.resumed"
	EventRuleRetired     EventType = "routing_rule.retired"
	EventRoutingSwitched EventType = "connection.routing_switched"

	// The subject of these is the assessment.
	EventDecisionHeld           EventType = "decision.held"
	EventDecisionAdvancePending EventType = "decision.advance_pending"
	EventDecisionAdvanced       EventType = "decision.advanced"
	EventDecisionRejectPending  EventType = "decision.reject_pending"
	EventDecisionRejected       EventType = "decision.rejected"
	EventDecisionUndoPending    EventType = "decision.undo_pending"
	EventDecisionKept           EventType = "decision.kept"
	EventDecisionSuperseded     EventType = "decision.superseded"
)

// AssessmentEvents are the types that tell of a change of an assessment.
func AssessmentEvents() []EventType {
	return []EventType{
		EventAssessmentOrdered, EventAssessmentInvited, EventInvitationResent, EventAssessmentJob, EventInvitationFailed,
		EventAssessmentConsented, EventAssessmentStarted, EventAssessmentCompleted, EventAssessmentScored, EventAssessmentRevised,
		EventAssessmentCancelled, EventAssessmentExpired, EventDeliveryPending, EventDeliveryDelivered, EventDeliveryFailed,
		EventReportRevoked,
		EventPushRequested, EventPushStep, EventPushWaiting, EventPushDone, EventPushFailed, EventPushAttention,
		EventPushRetried, EventPushResolved, EventPushCancelled, EventApplicationChanged, EventWithdrawalFailed,
		EventDecisionHeld, EventDecisionAdvancePending, EventDecisionAdvanced, EventDecisionRejectPending,
		EventDecisionRejected, EventDecisionUndoPending, EventDecisionKept, EventDecisionSuperseded,
	}
}

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
	// EventsOfSubjects returns the oldest events of several subjects, at most
	// perSubject of each, oldest first; for loaders.
	EventsOfSubjects(ctx context.Context, organization ID, subjects []ID, perSubject int) ([]Event, error)
	// EventsAfter returns at most limit numbered events after a position, in
	// order. An empty organization means all: it is for the system alone.
	EventsAfter(ctx context.Context, organization ID, f EventFilter, position int64, limit int) ([]Event, error)
	// LastPosition returns the highest position that was given.
	LastPosition(ctx context.Context) (int64, error)
}

// EventFilter narrows events; empty fields do not.
type EventFilter struct {
	Types   []EventType
	Subject ID
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

// Of returns a page of a subject's timeline, oldest first. Errors:
// fault.Forbidden, fault.NotFound for an assessment out of sight, fault.Invalid.
func (es *Events) Of(ctx context.Context, by Actor, subject ID, p Page) (*Paged[Event], error) {
	if err := requireSubject(ctx, es.store, by, subject); err != nil {
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
	if err := conceal(ctx, es.store, by, all); err != nil {
		return nil, err
	}
	return pageOf(all, func(e Event) ID { return e.ID }, p), nil
}

// OfAssessments returns the oldest events of several assessments that the
// actor sees, at most perAssessment of each, oldest first.
// Errors: fault.Forbidden.
func (es *Events) OfAssessments(ctx context.Context, by Actor, ids []ID, perAssessment int) ([]Event, error) {
	if err := by.Require(PermitRead); err != nil {
		return nil, err
	}
	sight, err := sightOf(ctx, es.store, by)
	if err != nil {
		return nil, err
	}
	seen, err := es.store.AssessmentsByID(ctx, by.OrganizationID, sight, ids)
	if err != nil || len(seen) == 0 {
		return nil, err
	}
	subjects := make([]ID, len(seen))
	for i, a := range seen {
		subjects[i] = a.ID
	}
	events, err := es.store.EventsOfSubjects(ctx, by.OrganizationID, subjects, min(perAssessment, MaxPage+1))
	if err != nil {
		return nil, err
	}
	sight.conceal(events)
	return events, nil
}

// conceal takes out of events what the actor does not see.
func conceal(ctx context.Context, r JobReader, by Actor, events []Event) error {
	sight, err := sightOf(ctx, r, by)
	if err == nil {
		sight.conceal(events)
	}
	return err
}

// conceal takes the names of jobs out of events: an assessment in sight can
// have been for another job before.
func (s Sight) conceal(events []Event) {
	for i := range events {
		if s.Limited && events[i].Type == EventAssessmentJob {
			events[i].Data = json.RawMessage("{}")
		}
	}
}

// requireSubject checks that the actor sees what a timeline is about.
// Errors: fault.Forbidden, fault.NotFound.
func requireSubject(ctx context.Context, r Reader, by Actor, subject ID) error {
	if subject.Prefix() != PrefixAssessment {
		return by.Require(PermitReadSetup)
	}
	if err := by.Require(PermitRead); err != nil {
		return err
	}
	_, err := seenAssessment(ctx, r, by, subject)
	return err
}
