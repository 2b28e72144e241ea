package core

import (
	"context"

	"github.com/trellis-ats/trellis/core/fault"
)

// SendWithdrawal tells the candidate of an assessment which was cancelled after
// the invitation that there is nothing to do any more. It is the handler of
// TaskSendWithdrawal.
// Errors: those of Mailer; nothing is changed then, but for a note after the last attempt.
func (is *Invitations) SendWithdrawal(ctx context.Context, t Task, try Attempt) error {
	a, err := is.store.Assessment(ctx, t.OrganizationID, t.AssessmentID)
	if err != nil {
		return err
	}
	if a.Status != StatusCancelled || !a.ErasedAt.IsZero() {
		return nil
	}
	invitation, err := is.invitation(ctx, a)
	if err != nil {
		return err
	}
	err = is.mailer.SendWithdrawal(ctx, invitation)
	if err == nil || (!try.Last && fault.Repeatable(err)) {
		return err
	}
	return is.fail(ctx, EventWithdrawalFailed, a, err)
}
