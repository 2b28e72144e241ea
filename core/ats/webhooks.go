package ats

import (
	"context"
	"time"
)

// Webhooks is implemented by adapters whose ATS tells us of changes.
type Webhooks interface {
	// Receive judges a request as it came, over its raw bytes. It makes no
	// network call. A request that is not authentic is a verdict, not an error.
	Receive(ctx context.Context, r *WebhookRequest) (*Verdict, error)

	// Translate turns a request that was kept into events. It makes no network
	// call; an action it does not know gives none.
	// Errors: fault.Invalid if the payload is not what the action promises.
	Translate(ctx context.Context, r *WebhookRequest) (*Translation, error)
}

// WebhookRequest is one call. Secrets[SecretWebhook] and
// Secrets[SecretWebhookPrevious] are the live secrets.
type WebhookRequest struct {
	Connection Connection
	HTTP       HTTPRequest // with its Authorization header, if the hook has one
}

// SecretWebhookPrevious names the secret before the rotation, while it lives.
const SecretWebhookPrevious = "webhook_secret_previous"

// Integrity tells how much of a request its signature covers.
type Integrity string

// The integrities.
const (
	IntegrityBody Integrity = "BODY" // the raw body is signed
	IntegrityNone Integrity = "NONE" // nothing is; the address is the secret
)

// Verdict is what the adapter made of a request.
type Verdict struct {
	Verified  bool
	Reason    string // why it is not, for the log; never says more to the caller
	Integrity Integrity
	Action    string       // the ATS's own name of the event: "reject_candidate"
	Ping      bool         // the ATS tries whether we are there; nothing to apply
	EventID   string       // the ATS's id of the delivery; empty if it has none
	Content   string       // a digest of what was said, equal for a repeat under another id
	Answer    HTTPResponse // what is sent once the request is kept, or at once if refused
}

// Translation is what a request says in words of the contract.
type Translation struct {
	Known  bool // whether the action is one that Trellis acts on
	Events []Event
}

// EventKind is what happened in the ATS.
type EventKind string

// The kinds.
const (
	EventRejected            EventKind = "REJECTED"
	EventUnrejected          EventKind = "UNREJECTED"
	EventHired               EventKind = "HIRED"
	EventUnhired             EventKind = "UNHIRED"
	EventStageChanged        EventKind = "STAGE_CHANGED"
	EventApplicationUpdated  EventKind = "APPLICATION_UPDATED"
	EventCandidateMerged     EventKind = "CANDIDATE_MERGED"
	EventCandidateDeleted    EventKind = "CANDIDATE_DELETED"
	EventApplicationDeleted  EventKind = "APPLICATION_DELETED"
	EventCandidateAnonymized EventKind = "CANDIDATE_ANONYMIZED"
)

// Event is one thing that happened in the ATS.
type Event struct {
	Kind          EventKind
	CandidateID   string
	ApplicationID string   // empty if it is about the person
	Applications  []string // all that are concerned, if the ATS says
	JobID         string
	StageID       string // after the event; empty if none
	StageName     string
	MergedInto    string           // the id of the person who remains
	State         ApplicationState // after the event, if the payload says; empty if not
	// At orders events of one application; zero if the payload does not settle
	// it, and then the host reads the application again.
	At time.Time
	// Person is the e-mail address of whoever it is about, if told; for a send
	// by stage.
	Person *CandidateRecord
}
