package account_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trellis-ats/trellis/internal/sandbox/account"
)

// Anything but 200 is tried seven times, over fifteen hours on the scale.
func TestRetries(t *testing.T) {
	t.Parallel()
	clock := newFakeClock()
	b := newBench(t, func(o *account.Options) {
		o.Clock = clock
		o.Rules = func(r *account.Rules) { r.HookScale = 0.1 }
	})
	r := newReceiver(t)
	b.hook(r, `,"all":true`)
	r.answer(http.StatusAccepted)
	b.press("applications/26230001/reject", `{}`)
	ids := map[string]bool{r.next().eventID: true}
	var waits []time.Duration
	for range 6 {
		wait := <-clock.waiting
		waits = append(waits, wait)
		clock.advance(wait - time.Millisecond)
		r.none()
		clock.advance(time.Millisecond)
		ids[r.next().eventID] = true
	}
	want := []time.Duration{6 * time.Second, 90 * time.Second, 6 * time.Minute, 12 * time.Minute, 24 * time.Minute, 48 * time.Minute}
	if diff := cmp.Diff(want, waits); diff != "" || len(ids) != 1 {
		t.Errorf("%d ids\n%s", len(ids), diff)
	}
	d := b.delivery("failed")
	if len(d.Attempts) != 7 || d.Attempts[6].Status != http.StatusAccepted {
		t.Errorf("got %+v", d)
	}
	r.answer(http.StatusOK)
	b.press("applications/26230001/unreject", `{}`)
	r.next()
	if d := b.delivery("delivered"); d.Action != "unreject_candidate" || len(d.Attempts) != 1 {
		t.Errorf("got %+v", d)
	}
}

// delivery waits for the newest one to be in a state.
func (b *bench) delivery(state string) account.Delivery {
	b.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		if list := b.a.View(10).Deliveries; len(list) > 0 && list[0].State == state {
			return list[0]
		}
	}
	b.t.Fatalf("no %s delivery in %+v", state, b.a.View(10).Deliveries)
	return account.Delivery{}
}

// What goes wrong on the way follows from the seed and comes to rest.
func TestChaos(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		chaos     string
		came, ids int
		last      int // attempts of the last delivery
	}{
		"double":          {`{"double":1}`, 6, 3, 1},
		"double other id": {`{"double":1,"other_id":true}`, 6, 6, 1},
		"vanish":          {`{"vanish":1}`, 0, 0, 0},
		"delay":           {`{"delay":1,"delay_ms":60000}`, 3, 3, 1},
		"reorder":         {`{"reorder":1,"reorder_ms":600000,"seed":3}`, 3, 3, 1},
		"parallel":        {`{"parallel":4}`, 3, 3, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clock := newFakeClock()
			b, r := newBench(t, func(o *account.Options) { o.Clock = clock }), newReceiver(t)
			b.hook(r, `,"all":true`)
			b.press("chaos", tt.chaos)
			for _, action := range []string{"reject", "unreject", "update"} {
				b.press("applications/26230001/"+action, `{}`)
			}
			clock.advance(time.Hour)
			ids := map[string]bool{}
			var order []string
			for range tt.came {
				got := r.next()
				ids[got.eventID] = true
				order = append(order, got.action)
			}
			if len(ids) != tt.ids {
				t.Errorf("%d ids, want %d", len(ids), tt.ids)
			}
			if name == "reorder" && slices.Equal(order, []string{"reject_candidate", "unreject_candidate", "application_updated"}) {
				t.Errorf("came in order: %v", order)
			}
			b.a.Close()
			r.none()
			if name == "vanish" && b.a.View(1).Deliveries[0].State != account.DeliveryVanished {
				t.Errorf("got %+v", b.a.View(1).Deliveries)
			}
		})
	}
}

// A lost attempt is made good by a later one.
func TestLostAttempts(t *testing.T) {
	t.Parallel()
	clock := newFakeClock()
	b, r := newBench(t, func(o *account.Options) { o.Clock = clock }), newReceiver(t)
	b.hook(r, `,"all":true`)
	b.press("chaos", `{"lose":1,"retry_id":true}`)
	b.press("applications/26230001/reject", `{}`)
	<-clock.waiting
	r.none()
	b.press("chaos", `{}`)
	clock.advance(time.Hour)
	r.next()
	if d := b.delivery("delivered"); len(d.Attempts) != 2 || !d.Attempts[0].Lost || d.Attempts[0].Status != 0 || d.Attempts[1].Lost {
		t.Errorf("got %+v", d)
	}
}

// Nothing is sent while deliveries are held.
func TestHold(t *testing.T) {
	t.Parallel()
	b, r := newBench(t, nil), newReceiver(t)
	b.hook(r, `,"all":true`)
	b.press("chaos", `{"hold":true}`)
	b.press("applications/26230001/reject", `{}`)
	r.none()
	if got := b.a.View(1).Hooks[0].Pending; got != 1 {
		t.Errorf("%d pending", got)
	}
	b.press("chaos", `{}`)
	if got := r.next(); got.action != "reject_candidate" {
		t.Errorf("came %s", got.body)
	}
}

// Entering a stage with a take-home test is told to who sends tests, if wanted.
func TestEnteringAStage(t *testing.T) {
	t.Parallel()
	entered := make(chan account.Placed, 10)
	b := newBench(t, func(o *account.Options) { o.Entered = func(p account.Placed) { entered <- p } })
	b.candidate("before@example.com")
	b.press("rules", `{"stage_sends":true}`)
	person, app := b.candidate("after@example.com")
	want := account.Placed{CandidateID: person, ApplicationID: app, FirstName: "Zoë", LastName: "Ünal <x>", Email: "after@example.com"}
	if diff := cmp.Diff(want, <-entered); diff != "" {
		t.Error(diff)
	}
	b.press(fmt.Sprintf("applications/%d/move", app), `{}`)
	b.press(fmt.Sprintf("applications/%d/move", app), `{"stage_id":71412}`)
	if got := <-entered; got.ApplicationID != app || len(entered) != 0 {
		t.Errorf("got %+v", got)
	}
}
