package core

import "context"

// Store keeps everything. Every method is safe for concurrent use; every read
// that names an organization returns only what that organization owns.
type Store interface {
	Reader
	// Atomically runs change in one transaction that commits if change returns
	// nil. change must do all its reading and writing through tx, must not call
	// anything outside the database, and must not keep tx.
	Atomically(ctx context.Context, change func(tx Tx) error) error
}

// Reader is what can be read, inside a transaction or outside.
type Reader interface {
	OrganizationReader
	TokenReader
	SessionReader
	JobReader
	JobMappingReader
	PushProfileReader
	PushRuleReader
	RoutingRuleReader
	RoutingSwitchReader
	RoutingDecisionReader
	AuditReader
	ConnectionReader
	TestReader
	CandidateReader
	AssessmentReader
	ResultReader
	EventReader
	SyncLogReader
	ActivityReader
	ApplicationReader
	AuthorizationReader
	PaceReader
	ReferenceReader
	PushReader
	WebhookReader
	WebhookSyncReader
	StageTriggerReader
	StageEntryReader
	ErasureReader
	MergeReader
	IssueReader
	ReconciliationReader
	RetentionReader
}

// Tx is one transaction.
type Tx interface {
	Reader
	OrganizationWriter
	TokenWriter
	SessionWriter
	JobWriter
	JobMappingWriter
	PushProfileWriter
	PushRuleWriter
	RoutingRuleWriter
	RoutingSwitchWriter
	RoutingDecisionWriter
	AuditWriter
	OutcomeWriter
	ConnectionWriter
	TestWriter
	CandidateWriter
	AssessmentWriter
	ResultWriter
	EventWriter
	SyncLogWriter
	ApplicationWriter
	AuthorizationWriter
	ConsentWriter
	PaceWriter
	ReferenceWriter
	PushWriter
	PersonWriter
	WebhookWriter
	WebhookSyncWriter
	StageTriggerWriter
	StageEntryWriter
	ErasureWriter
	IssueWriter
	ReadBackWriter
	RetentionWriter
	MergeWriter
	TaskWriter
}
