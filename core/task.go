package core

import "context"

// TaskKind tells what background work is to be done.
type TaskKind string

// The kinds.
const (
	TaskSendInvitation TaskKind = "send_invitation"
	TaskDeliverResult  TaskKind = "deliver_result"
)

// Task is durable background work about one assessment. It commits with the
// change that asks for it, and is safe to run twice.
type Task struct {
	Kind           TaskKind `json:"kind"`
	OrganizationID ID       `json:"organizationId"`
	AssessmentID   ID       `json:"assessmentId"`
	// Revision is the result's for TaskDeliverResult; 0 tells a change of state.
	Revision int `json:"revision,omitempty"`
}

// Attempt tells a task's handler where it stands.
type Attempt struct {
	Number int  // from 1
	Last   bool // no further attempt follows a failure of this one
}

// TaskWriter enqueues tasks.
type TaskWriter interface {
	Enqueue(ctx context.Context, t Task) error
}
