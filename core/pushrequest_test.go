package core_test

import (
	"testing"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/coretest"
	"github.com/trellis-ats/trellis/core/fault"
)

// A push that is asked for through one adapter does not go through another.
func TestPushThroughAnAdapter(t *testing.T) {
	t.Parallel()
	w := newPushWorld(t)
	id := w.scored("zoe@example.com", w.job.ID, 80)
	for _, connection := range []core.ID{"", w.connection.ID} {
		q := core.PushRequest{AssessmentID: id, ConnectionID: connection, Adapter: "lever"}
		_, err := w.pushes.Push(t.Context(), w.admin, q, core.Key{})
		w.refused(err, fault.Invalid)
		w.noTask()
	}
	made, err := w.pushes.Push(t.Context(), w.admin, core.PushRequest{AssessmentID: id, Adapter: coretest.AdapterName}, core.Key{})
	w.ok(err)
	if made.ConnectionID != w.connection.ID {
		t.Errorf("it goes over %s", made.ConnectionID)
	}
}
