package core_test

import (
	"testing"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/fault"
)

// A preview shows the candidate and the result, and the connection's set-up:
// a token that is narrowed to one of them does not see it.
func TestWhoMayPreviewAPush(t *testing.T) {
	t.Parallel()
	w := newPushWorld(t)
	id := w.scored("ada@example.com", w.job.ID, 70)
	for _, c := range []struct {
		scopes []core.Permission
		may    bool
	}{
		{[]core.Permission{core.PermitReadSetup}, false},
		{[]core.Permission{core.PermitRead}, false},
		{[]core.Permission{core.PermitRead, core.PermitReadSetup}, true},
		{nil, true},
	} {
		by := core.Actor{OrganizationID: w.admin.OrganizationID, Role: core.RoleRecruiter, Name: "narrow", Scopes: c.scopes}
		_, err := w.pushes.Preview(t.Context(), by, id, w.connection.ID)
		if c.may != (err == nil) || !c.may && !fault.Is(err, fault.Forbidden) {
			t.Errorf("%v: %v", c.scopes, err)
		}
	}
}
