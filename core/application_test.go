package core_test

import (
	"testing"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

func (w *world) application(id core.ID) *core.Application {
	w.t.Helper()
	a, err := w.store.ApplicationOf(w.t.Context(), w.admin.OrganizationID, w.connection.ID, id)
	w.ok(err)
	return a
}

// orderFor places an order of the ATS for an application of a person.
func (w *world) orderFor(key, person, application string) core.ID {
	w.t.Helper()
	placed, err := w.assessments.Place(w.t.Context(), w.connection, &ats.PlaceOrder{
		Items: []ats.OrderItem{{Key: key, TestID: string(w.test.ID)}},
		Candidate: ats.CandidateRecord{
			ExternalID: person, ApplicationID: application, FirstName: "Ada", LastName: "Example",
			Email: "ada" + person + "@example.com", ProfileURL: "https://ats.example.com/people/" + person,
		},
	})
	w.ok(err)
	return core.ID(placed.AssessmentIDs[0])
}

// An order tells which application it is for; a second one of the same
// application joins what is known of it.
func TestOrderKeepsItsApplication(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.orderFor("1", "17", "100")
	a := w.application(first)
	if a.ExternalID != "100" || a.CandidateExternalID != "17" || a.Origin != core.ApplicationOrdered || a.State != ats.ApplicationActive ||
		a.CandidateID != w.get(first).CandidateID || a.ProfileURL != "https://ats.example.com/people/17" {
		t.Errorf("kept: %+v", a)
	}
	a.State, a.ChangedAt, a.StageID, a.JobExternalID = ats.ApplicationHired, w.clock.Now(), "9", "55"
	w.ok(w.store.Atomically(t.Context(), func(tx core.Tx) error { return tx.SaveApplication(t.Context(), a) }))
	joined := w.application(w.orderFor("2", "17", "100"))
	if joined.State != ats.ApplicationHired || !joined.ChangedAt.Equal(a.ChangedAt) || joined.StageID != "9" || joined.JobExternalID != "55" {
		t.Errorf("joined: %+v", joined)
	}
	_, err := w.store.ApplicationOf(t.Context(), w.admin.OrganizationID, w.connection.ID, w.orderFor("3", "", ""))
	w.refused(err, fault.NotFound)
}
