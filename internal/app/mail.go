package app

import (
	"context"
	"net/http"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/fault"
)

// noMailer refuses to lose a mail: it says what to set.
type noMailer struct{}

func (noMailer) SendInvitation(context.Context, *core.Invitation) error {
	return fault.New(fault.Config, "The invitation was not sent: TRELLIS_SMTP_URL is not set. The order is kept; set it, restart and retry the task.")
}

func (noMailer) SendWithdrawal(context.Context, *core.Invitation) error {
	return fault.New(fault.Config, "The candidate was not told that the test was withdrawn: TRELLIS_SMTP_URL is not set. The link says so; set it, restart and retry the task.")
}

// forgetting shows the demo's mailbox without the mails to people who were
// erased meanwhile. An assessment that is not there keeps its mails no longer
// either.
func (a *App) forgetting(box http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.mailbox.Forget(r.Context(), func(ctx context.Context, assessment core.ID) bool {
			found, err := a.store.AssessmentByLink(ctx, assessment)
			return fault.Is(err, fault.NotFound) || (err == nil && !found.ErasedAt.IsZero())
		})
		box.ServeHTTP(w, r)
	})
}
