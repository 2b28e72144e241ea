package core_test

import (
	"context"
	"testing"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/coretest"
	"github.com/trellis-ats/trellis/core/fault"
)

// scoreInField lets the score go to a field of the application.
func (w *pushWorld) scoreInField() {
	w.profile(func(p *core.PushProfile) {
		p.Destinations = append(p.Destinations, core.Destination{Datum: core.DatumScore, To: core.ToField, FieldKey: "score", Owner: ats.OwnerApplication})
	})
}

func (w *pushWorld) expectScore(p *core.Push, want float64) {
	w.t.Helper()
	if v, _ := w.system.Field(p.ExternalApplicationID, "score"); v.Number != want {
		w.t.Errorf("the ATS shows %v, the result is %v", v.Number, want)
	}
}

// A correction that comes between the older push's steps is not overwritten.
func TestACorrectionDuringAPush(t *testing.T) {
	t.Parallel()
	w := newPushWorld(t)
	w.scoreInField()
	id := w.scored("ada@example.com", w.job.ID, 90)
	older := w.ask(id)
	var newer *core.Push
	w.system.OnCall(func(_ context.Context, op coretest.Operation, m coretest.Moment) error {
		if op == coretest.OpCreate && m == coretest.BeforeCommit && newer == nil {
			_, err := w.complete(id, 10)
			w.ok(err)
			newer = w.ask(id)
		}
		return nil
	})
	w.drive()
	o := w.expect(older.ID, core.PushDone)
	w.expect(newer.ID, core.PushDone)
	if s := step(o, core.StepFields); s.State != core.StepSkipped {
		t.Errorf("the older result's fields: %+v", s)
	}
	w.expectScore(o, 10)
}

// A correction waits while the older result's fields are on their way.
func TestACorrectionDuringAWrite(t *testing.T) {
	t.Parallel()
	for name, fails := range map[string]bool{"slow": false, "unanswered": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newPushWorld(t)
			w.scoreInField()
			id := w.scored("ada@example.com", w.job.ID, 90)
			older := w.ask(id)
			var newer *core.Push
			w.system.OnCall(func(_ context.Context, op coretest.Operation, m coretest.Moment) error {
				if op != coretest.OpSetFields || m != coretest.BeforeCommit || newer != nil {
					return nil
				}
				_, err := w.complete(id, 10)
				w.ok(err)
				newer = w.ask(id)
				task, _ := w.pop()
				if err := w.run(task); err == nil {
					t.Error("it did not wait")
				}
				w.push(task)
				if fails {
					return fault.New(fault.OutcomeUnknown, "no answer")
				}
				return nil
			})
			w.drive()
			o := w.expect(older.ID, core.PushDone)
			n := w.expect(newer.ID, core.PushDone)
			w.expectScore(o, 10)
			if sent, wrote := step(o, core.StepFields).SentAt, step(n, core.StepFields).DoneAt; fails && wrote.Sub(sent) < settle {
				t.Errorf("written %s after an unanswered write, which may land until %s after", wrote.Sub(sent), settle)
			}
		})
	}
}
