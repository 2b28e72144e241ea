package model

// The messages of subscriptions. A cursor is where a message stands.
type (
	// EventMessage is an event that happened.
	EventMessage struct {
		Cursor string
		Event  Event
	}
	// AssessmentMessage is an assessment that changed.
	AssessmentMessage struct {
		Cursor     string
		Event      Event
		Assessment Assessment
	}
	// SyncLogMessage is an entry that came into the sync log.
	SyncLogMessage struct {
		Cursor string
		Entry  SyncEntry
	}
	// PipelineMessage is the counts as they are now.
	PipelineMessage struct {
		Cursor   string
		Pipeline Pipeline
	}
	// ConnectionHealthMessage is a connection whose health changed.
	ConnectionHealthMessage struct {
		Cursor     string
		Event      Event
		Connection ATSConnection
	}
)
