package core_test

import (
	"strings"
	"testing"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/coretest"
	"github.com/trellis-ats/trellis/core/fault"
)

func TestValidateEmail(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"ada@example.com", "ada.l+test@mail.example.org", "ädä@example.com"} {
		if err := core.ValidateEmail("email", good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{
		"", " ", "ada", "ada@", "@example.com", "Ada <ada@example.com>", "ada@example.com, bob@example.com",
		"ada@example.com\r\nBcc: bob@example.com", "ada@example.com\n", "ada@exam\x00ple.com",
		strings.Repeat("a", 250) + "@example.com",
	} {
		if err := core.ValidateEmail("email", bad); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q was taken: %v", bad, err)
		}
	}
}

func TestParseID(t *testing.T) {
	t.Parallel()
	id := core.NewID(core.PrefixTest)
	if got, err := core.ParseID(core.PrefixTest, string(id)); err != nil || got != id {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range []string{"", "tst_", string(id[:len(id)-1]), string(id) + "0", strings.ToUpper(string(id)), "asm" + string(id[3:])} {
		if _, err := core.ParseID(core.PrefixTest, bad); !fault.Is(err, fault.NotFound) {
			t.Errorf("%q was taken: %v", bad, err)
		}
	}
	var last core.ID
	for range 1000 {
		next := core.NewID(core.PrefixEvent)
		if next <= last {
			t.Fatalf("%s does not sort after %s", next, last)
		}
		last = next
	}
}

// TestACorrectedNameIsPushed: an ATS may require what an order did not tell.
func TestACorrectedNameIsPushed(t *testing.T) {
	t.Parallel()
	w := newPushWorld(t)
	w.system.OnCall(w.failing(coretest.OpCreate, func() error {
		return fault.InvalidField("candidate.lastName", "REQUIRED", "The ATS requires a last name. Nothing was sent.")
	}))
	p := w.started("ada@example.com")
	if w.expect(p.ID, core.PushNeedsAttention); !strings.Contains(w.now(p.ID).Advice, "candidate's lastName here") {
		t.Errorf("advised: %s", w.now(p.ID).Advice)
	}
	w.system.OnCall(nil)
	name, blank := "Corrected", ""
	candidates := core.NewCandidates(w.store, w.clock)
	c, err := candidates.Update(t.Context(), w.admin, p.CandidateID, core.CandidateUpdate{LastName: &name})
	w.ok(err)
	_, err = w.pushes.Retry(t.Context(), w.admin, p.ID)
	w.ok(err)
	w.drive()
	if people := w.system.People(); w.expect(p.ID, core.PushDone).State != core.PushDone || len(people) != 1 || people[0].Record.LastName != name {
		t.Errorf("pushed %+v", people)
	}
	log, err := w.store.AuditLog(t.Context(), w.admin.OrganizationID, core.AuditFilter{SubjectID: c.ID}, core.Page{})
	w.ok(err)
	if len(log.Items) != 1 || strings.Contains(string(log.Items[0].After), name) || !strings.Contains(string(log.Items[0].After), "lastName") {
		t.Errorf("audited %+v", log.Items)
	}
	_, err = candidates.Update(t.Context(), w.admin, c.ID, core.CandidateUpdate{FirstName: &blank, LastName: &blank})
	w.refused(err, fault.Invalid)
	_, err = candidates.Update(t.Context(), w.engine, c.ID, core.CandidateUpdate{LastName: &name})
	w.refused(err, fault.Forbidden)
	_, err = core.NewErasures(w.store, w.clock).EraseCandidate(t.Context(), w.admin, c.ID)
	w.ok(err)
	_, err = candidates.Update(t.Context(), w.admin, c.ID, core.CandidateUpdate{LastName: &name})
	w.refused(err, fault.Conflict)
}
