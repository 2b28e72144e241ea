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
	// TaskSendWithdrawal tells a candidate that a test is not needed any more.
	TaskSendWithdrawal TaskKind = "send_withdrawal"
	TaskDeliverResult  TaskKind = "deliver_result"
	// TaskRefreshAuthorizations looks at all organizations; the other is about one connection.
	TaskRefreshAuthorizations TaskKind = "refresh_authorizations"
	TaskRefreshAuthorization  TaskKind = "refresh_authorization"
	// TaskCheckConnection looks how a connection is.
	TaskCheckConnection TaskKind = "check_connection"
	TaskPush            TaskKind = "push"
	TaskSweepPushes     TaskKind = "sweep_pushes"
	// TaskResumePushes lets the pushes of a connection go on that stopped because
	// the ATS let us in no more.
	TaskResumePushes     TaskKind = "resume_pushes"
	TaskCarryOutDecision TaskKind = "carry_out_decision"
	TaskApplyWebhook     TaskKind = "apply_webhook"
	TaskWatchWebhooks    TaskKind = "watch_webhooks"
	TaskReconcileAll     TaskKind = "reconcile_all" // all organizations
	TaskReconcile        TaskKind = "reconcile"     // one connection, or what no ATS ordered
	TaskReadBack         TaskKind = "read_back"     // one connection: what only its ATS knows
	// TaskPurge deletes what was kept long enough, of all organizations.
	TaskPurge TaskKind = "purge"
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
