package core_test

import (
	"context"
	"testing"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/fault"
)

func TestStandingSentence(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		standing core.Standing
		score    core.Score
		want     string
	}{
		{core.Standing{Count: 19, Below: 18}, 8200, "82/100, not enough data yet for a benchmark (19 of 20 assessments)"},
		{core.Standing{Count: 20, Below: 15}, 8250, "82.5/100, above your team's 75th percentile (20 assessments)"},
		{core.Standing{Count: 100, Below: 1}, 300, "3/100, above your team's 1st percentile (100 assessments)"},
		{core.Standing{Count: 100, Below: 12}, 1200, "12/100, above your team's 12th percentile (100 assessments)"},
		{core.Standing{Count: 1000, Below: 929}, 9900, "99/100, above your team's 92nd percentile (1000 assessments)"},
	} {
		if got := c.standing.Sentence(c.score); got != c.want {
			t.Errorf("%+v:\n got %s\nwant %s", c.standing, got, c.want)
		}
	}
}

// busyStore lets its first transactions give way to others.
type busyStore struct {
	core.Store
	times int
}

func (s *busyStore) Atomically(ctx context.Context, change func(core.Tx) error) error {
	if s.times--; s.times >= 0 {
		return fault.New(fault.Retryable, "The database is busy.")
	}
	return s.Store.Atomically(ctx, change)
}

// A report is not refused because another transaction went first.
func TestAReportIsTakenInAnew(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.order("1")
	score := 70.0
	complete := func(times int) error {
		as := core.NewAssessments(&busyStore{w.store, times}, w.clock, w.links)
		_, err := as.Complete(t.Context(), w.engine, core.Completion{AssessmentID: id, Score: &score})
		return err
	}
	w.refused(complete(3), fault.Retryable)
	w.ok(complete(2))
	if a := w.get(id); a.Status != core.StatusScored {
		t.Errorf("it is %s", a.Status)
	}
}
