package core

import (
	"context"
	"fmt"
	"time"
)

// TaskKind tells what background work is to be done.
type TaskKind string

// The kinds.
const (
	TaskSendInvitation TaskKind = "send_invitation"
	TaskDeliverResult  TaskKind = "deliver_result"
	// TaskRefreshAuthorizations looks at all organizations; the other is about one connection.
	TaskRefreshAuthorizations TaskKind = "refresh_authorizations"
	TaskRefreshAuthorization  TaskKind = "refresh_authorization"
	TaskPush                  TaskKind = "push"
	TaskSweepPushes           TaskKind = "sweep_pushes"
	TaskCarryOutDecision      TaskKind = "carry_out_decision"
)

// Task is durable background work. It commits with the change that asks for
// it, and is safe to run twice.
type Task struct {
	Kind           TaskKind `json:"kind"`
	OrganizationID ID       `json:"organizationId"`
	AssessmentID   ID       `json:"assessmentId"` // that it is about; empty if it is about none
	// SubjectID is what else it is about: a push, a web hook, a connection.
	SubjectID ID `json:"subjectId,omitempty"`
	// Revision is the result's for TaskDeliverResult, where 0 tells a change of
	// state, the push's round for TaskPush and the decision's for
	// TaskCarryOutDecision.
	Revision int `json:"revision,omitempty"`
	// NotBefore is when it may first run; zero for at once.
	NotBefore time.Time `json:"-"`
}

// Postponed is the error of a handler that could not begin yet: a window of
// requests is used up, or something else must end first. It is no attempt and
// no failure.
type Postponed struct { //nolint:errname // it is no failure
	For time.Duration // from now
	Why string        // for the log
}

// Error implements error.
func (p *Postponed) Error() string { return fmt.Sprintf("postponed for %s: %s", p.For, p.Why) }

// Attempt tells a task's handler where it stands.
type Attempt struct {
	Number int  // from 1
	Last   bool // no further attempt follows a failure of this one
}

// TaskWriter enqueues tasks.
type TaskWriter interface {
	Enqueue(ctx context.Context, t Task) error
}
