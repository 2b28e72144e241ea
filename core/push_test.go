package core_test

import (
	"testing"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/coretest"
)

// A push makes the person at the mapped stage, attaches the report, adds a note
// and a tag, and links back.
func TestAPushBringsEverything(t *testing.T) {
	t.Parallel()
	w := newPushWorld(t)
	w.profile(func(p *core.PushProfile) {
		p.Destinations = append(p.Destinations, core.Destination{Datum: core.DatumScore, To: core.ToField, FieldKey: "score", Owner: "APPLICATION"})
	})
	id := w.scored("zoe@example.com", w.job.ID, 82.5)
	p := w.ask(id)
	w.drive()
	p = w.expect(p.ID, core.PushDone)
	want := coretest.Tally{People: 1, Applications: 1, Fields: 1, Notes: 1, Attachments: 1, Tags: 1}
	if got := w.system.Tally(); got != want {
		t.Fatalf("the ATS has %+v", got)
	}
	person := w.system.People()[0]
	if p.ExternalCandidateID != person.ID || p.ProfileURL == "" || p.ExternalApplicationID == "" {
		t.Errorf("the push does not link back: %+v", p)
	}
	a, err := w.store.ApplicationOf(t.Context(), w.admin.OrganizationID, w.connection.ID, id)
	w.ok(err)
	if a.ExternalID != p.ExternalApplicationID || a.StageID != "job-1-stage-2" || a.Origin != core.ApplicationPushed {
		t.Errorf("what is known of the application: %+v", a)
	}
	if s := step(p, core.StepScorecard); s.State != core.StepSkipped || s.Message != "Off: This ATS takes no scorecards." {
		t.Errorf("the scorecard: %+v", s)
	}
}
