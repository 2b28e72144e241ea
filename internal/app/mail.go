package app

import (
	"context"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/fault"
)

// noMailer refuses to lose an invitation: it says what to set.
type noMailer struct{}

func (noMailer) SendInvitation(context.Context, *core.Invitation) error {
	return fault.New(fault.Config, "The invitation was not sent: TRELLIS_SMTP_URL is not set. The order is kept; set it, restart and retry the task.")
}
