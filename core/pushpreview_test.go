package core_test

import (
	"testing"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/coretest"
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

// A preview promises nothing that asking for the push would not do: it looks at
// the push that there is.
func TestAPreviewKnowsThePushThatThereIs(t *testing.T) {
	t.Parallel()
	w := newPushWorld(t)
	writes := func(v *core.PushPreview) (all string) {
		for _, s := range v.Steps {
			if len(s.Writes) > 0 {
				all += string(s.Kind) + " "
			}
		}
		return all
	}
	const whole, rest = "CREATE APPLY ATTACH NOTE TAG ", "NOTE TAG "
	preview := func(id core.ID, reason, steps string) {
		t.Helper()
		v, err := w.pushes.Preview(t.Context(), w.admin, id, w.connection.ID)
		w.ok(err)
		got := ""
		if v.Problem != nil {
			got = v.Problem.Fields[0].Code
		}
		if got != reason || writes(v) != steps {
			t.Errorf("problem %q, want %q; it writes %s, want %s", got, reason, writes(v), steps)
		}
	}
	id := w.scored("bob@example.com", w.job.ID, 70)
	preview(id, "", whole)
	p := w.ask(id)
	preview(id, "", whole)
	w.system.FailOnce(coretest.OpAddNote, coretest.BeforeCommit, fault.New(fault.Permission, "Notes may not be added."))
	w.drive()
	w.expect(p.ID, core.PushNeedsAttention)
	preview(id, "STOPPED", rest)
	w.profile(func(p *core.PushProfile) { // retried, it follows the profile of now
		p.Destinations = []core.Destination{{Datum: core.DatumScore, To: core.ToNote}}
	})
	preview(id, "STOPPED", "NOTE ")
	_, err := w.pushes.Cancel(t.Context(), w.admin, p.ID)
	w.ok(err)
	preview(id, "", "CREATE APPLY NOTE ")
	w.ask(id)
	w.drive()
	w.expect(p.ID, core.PushDone)
	preview(id, "DONE", "")

	w.twins()
	asking := w.scored("ada@example.com", w.job.ID, 70)
	w.profile(func(p *core.PushProfile) { p.Destinations = core.DefaultDestinations() })
	w.ask(asking)
	w.drive()
	preview(asking, "ASKS", whole)
}
