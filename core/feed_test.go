package core_test

import (
	"testing"

	"github.com/trellis-ats/trellis/core"
)

// What does not pass a reader's filter is read once, not again at each signal.
func TestAQuietReaderOfTheFeedGoesOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, key := range []string{"1", "2", "3"} {
		w.order(key)
	}
	numberEvents(t, w.store)
	feed := core.NewFeed(w.store)
	last, err := feed.Latest(t.Context())
	w.ok(err)
	quiet, err := feed.After(t.Context(), w.admin, core.EventFilter{Types: []core.EventType{core.EventIssueFound}}, 0)
	w.ok(err)
	ends, err := feed.Endings(t.Context(), 0)
	w.ok(err)
	if last == 0 || quiet.Position != last || ends.Position != last || len(quiet.Events)+len(ends.Events) != 0 {
		t.Errorf("they are at %d and %d of %d", quiet.Position, ends.Position, last)
	}
	all, err := feed.After(t.Context(), w.admin, core.EventFilter{}, 0)
	w.ok(err)
	if len(all.Events) == 0 || all.Position != last {
		t.Errorf("%d events up to %d", len(all.Events), all.Position)
	}
}
