package account

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"time"
)

// Delivery is an event on its way to one hook, as it is shown.
type Delivery struct {
	ID       uint64    `json:"id"`
	HookID   int64     `json:"hook_id"`
	Action   string    `json:"action"`
	EventID  string    `json:"event_id"`
	State    string    `json:"state"`
	Attempts []Attempt `json:"attempts"`
	Next     time.Time `json:"next"` // of a pending one
}

// The states of a delivery.
const (
	DeliveryPending   = "pending"
	DeliveryDelivered = "delivered"
	DeliveryFailed    = "failed"   // after the last attempt
	DeliveryVanished  = "vanished" // never sent, as wanted by a switch
)

// Attempt is one try. Its status is 0 if no answer came or it was lost on the way.
type Attempt struct {
	At     time.Time `json:"at"`
	Status int       `json:"status"`
	Lost   bool      `json:"lost,omitempty"`
}

// delivery is one that is kept. The lock of hooks guards it.
type delivery struct {
	shown Delivery
	hook  *hook
	body  []byte
	due   time.Time
	draw  uint64 // what its attempts' fate follows from
}

// Chaos is how web hooks go wrong. What happens to the n-th event follows from
// the seed. Probabilities are from 0 to 1.
type Chaos struct {
	Seed      uint64  `json:"seed"`
	Lose      float64 `json:"lose"`     // an attempt does not arrive; the next one may
	Vanish    float64 `json:"vanish"`   // an event is never sent
	Double    float64 `json:"double"`   // it is sent twice
	OtherID   bool    `json:"other_id"` // the double has another Greenhouse-Event-ID
	RetryID   bool    `json:"retry_id"` // each retry has another one
	Delay     float64 `json:"delay"`
	DelayMS   int     `json:"delay_ms"`
	Reorder   float64 `json:"reorder"` // it waits for up to ReorderMS while others pass
	ReorderMS int     `json:"reorder_ms"`
	Parallel  int     `json:"parallel"` // attempts at a time for one hook; default 1, which keeps the order
	Hold      bool    `json:"hold"`     // nothing is sent until this is taken back
}

func (c *Chaos) complete() error {
	for _, p := range []float64{c.Lose, c.Vanish, c.Double, c.Delay, c.Reorder} {
		if !(p >= 0 && p <= 1) {
			return errors.New("lose, vanish, double, delay and reorder must be from 0 to 1")
		}
	}
	if c.Parallel == 0 {
		c.Parallel = 1
	}
	if c.Parallel < 1 || c.Parallel > maxSending || c.DelayMS < 0 || c.ReorderMS < 0 {
		return errors.New("parallel must be from 1 to 16, delay_ms and reorder_ms not negative")
	}
	return nil
}

// schedule is how long after an attempt the next one comes (facts/greenhouse.md 2.4).
func schedule() []time.Duration {
	return []time.Duration{time.Minute, 15 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour, 8 * time.Hour}
}

// tell queues an event for each hook that wants it. It never blocks.
func (h *hooks) tell(e event, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	wanted := func(e event) bool {
		return slices.ContainsFunc(h.list, func(k *hook) bool { return k.wants(e.action) })
	}
	if !wanted(e) && e.instead != nil {
		e = *e.instead
	}
	for _, k := range h.list {
		if k.wants(e.action) {
			h.events++
			h.plan(k, e, now)
		}
	}
	h.wake()
}

// plan makes one delivery of an event, or none, or two.
func (h *hooks) plan(k *hook, e event, now time.Time) {
	c, n := h.chaos, h.events
	happens := func(what string, p float64) bool { return p > 0 && chance(c.Seed, what, n) < p }
	due, eventID := now, newEventID()
	if happens("vanish", c.Vanish) {
		h.keep(h.newDelivery(k, e, eventID, due), DeliveryVanished)
		return
	}
	if happens("delay", c.Delay) {
		due = due.Add(milliseconds(c.DelayMS))
	}
	if happens("reorder", c.Reorder) {
		due = due.Add(time.Duration(chance(c.Seed, "by", n) * float64(milliseconds(c.ReorderMS))))
	}
	first := h.newDelivery(k, e, eventID, due)
	h.put(first)
	if happens("double", c.Double) {
		if c.OtherID {
			eventID = newEventID()
		}
		second := h.newDelivery(k, e, eventID, due)
		second.draw = first.draw + 1
		h.put(second)
	}
}

func (h *hooks) newDelivery(k *hook, e event, eventID string, due time.Time) *delivery {
	h.sequence++
	return &delivery{hook: k, body: e.body, due: due, draw: h.events << 1, shown: Delivery{
		ID: h.sequence, HookID: k.shown.ID, Action: e.action, EventID: eventID, State: DeliveryPending, Attempts: []Attempt{},
	}}
}

// put queues in the order of due time and sequence; over the limit it fails at once.
func (h *hooks) put(d *delivery) {
	if len(h.queue) >= maxPending {
		h.keep(d, DeliveryFailed)
		return
	}
	at, _ := slices.BinarySearchFunc(h.queue, d, func(a, b *delivery) int {
		if c := a.due.Compare(b.due); c != 0 {
			return c
		}
		return int(int64(a.shown.ID) - int64(b.shown.ID))
	})
	h.queue = slices.Insert(h.queue, at, d)
}

// keep writes the end of a delivery into the history.
func (h *hooks) keep(d *delivery, state string) {
	d.shown.State = state
	switch state {
	case DeliveryDelivered:
		d.hook.shown.Delivered++
	case DeliveryFailed:
		d.hook.shown.Failed++
	}
	h.history = append(h.history, d)
	if over := len(h.history) - maxHistory; over > 0 {
		h.history = slices.Delete(h.history, 0, over)
	}
}

// wake lets the sender look again, and starts it at the first time. The lock is held.
func (h *hooks) wake() {
	if h.interrupt != nil {
		h.interrupt()
	}
	if !h.running && len(h.queue) > 0 {
		h.running = true
		h.done.Go(h.send)
	}
}

// send works off the queue until the account is closed.
func (h *hooks) send() {
	for h.ctx.Err() == nil {
		d, wait := h.take()
		if d != nil {
			h.done.Go(func() { h.attempt(d) })
			continue
		}
		h.rest(wait)
	}
}

// take returns what is due, or nil and the context that ends when something changed.
func (h *hooks) take() (*delivery, pausing) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.o.Clock.Now()
	wait, cancel := context.WithCancel(h.ctx)
	h.interrupt = cancel
	p := pausing{ctx: wait, cancel: cancel}
	if h.sending >= maxSending || h.chaos.Hold {
		return nil, p
	}
	for i, d := range h.queue {
		if d.due.After(now) {
			p.until = d.due
			break
		}
		if d.hook.busy < max(1, h.chaos.Parallel) {
			h.queue = slices.Delete(h.queue, i, i+1)
			d.hook.busy++
			h.sending++
			cancel()
			return d, p
		}
	}
	return nil, p
}

// pausing is how long there is nothing to do; zero: until something changes.
type pausing struct {
	ctx    context.Context //nolint:containedctx // one pause, given to the clock
	cancel context.CancelFunc
	until  time.Time
}

func (h *hooks) rest(p pausing) {
	defer p.cancel()
	if p.until.IsZero() {
		<-p.ctx.Done()
		return
	}
	h.o.Clock.Wait(p.ctx, p.until)
}

// attempt sends once and decides what comes next.
func (h *hooks) attempt(d *delivery) {
	h.mu.Lock()
	n := uint64(len(d.shown.Attempts))
	in, eventID := d.hook.in, d.shown.EventID
	lost := h.chaos.Lose > 0 && chance(h.chaos.Seed, "lose", d.draw<<3|n) < h.chaos.Lose
	if n > 0 && h.chaos.RetryID {
		eventID = newEventID()
		d.shown.EventID = eventID
	}
	h.mu.Unlock()
	try := Attempt{At: h.o.Clock.Now(), Lost: lost}
	if !lost {
		try.Status, _ = h.post(h.ctx, in, d.body, eventID, true) // no answer is a failed attempt
	}
	h.settle(d, try)
	h.o.Changed()
}

// settle ends a delivery on exactly 200 and after the last attempt.
func (h *hooks) settle(d *delivery, try Attempt) {
	h.mu.Lock()
	defer h.mu.Unlock()
	d.hook.busy--
	h.sending--
	d.shown.Attempts = append(d.shown.Attempts, try)
	tried := len(d.shown.Attempts)
	switch {
	case try.Status == http.StatusOK:
		h.keep(d, DeliveryDelivered)
	case d.hook.gone:
	case h.ctx.Err() != nil:
		d.shown.Attempts = d.shown.Attempts[:tried-1] // it was ours to end
		h.put(d)
	case tried > len(schedule()):
		h.keep(d, DeliveryFailed)
	default:
		d.due = h.o.Clock.Now().Add(time.Duration(float64(schedule()[tried-1]) * h.scale))
		d.shown.Next = d.due
		h.put(d)
	}
	h.wake()
}

// deliveries are the newest, and what is pending, at most limit of each.
func (h *hooks) deliveries(limit int) []Delivery {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := []Delivery{}
	add := func(d *delivery) {
		shown := d.shown
		shown.Attempts = slices.Clone(shown.Attempts)
		list = append(list, shown)
	}
	for i, d := range h.queue {
		if i < limit {
			add(d)
		}
	}
	for i, d := range slices.Backward(h.history) {
		if len(h.history)-i <= limit {
			add(d)
		}
	}
	slices.SortFunc(list, func(a, b Delivery) int { return int(int64(b.ID) - int64(a.ID)) })
	return list
}

// setChaos replaces the switches. Events are counted anew, so that the same
// seed does the same again.
func (h *hooks) setChaos(c Chaos) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.chaos, h.events = c, 0
	h.wake()
}

func (h *hooks) setScale(scale float64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.scale = scale
}

func request(ctx context.Context, address string, body []byte) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Sandbox")
	return req, nil
}

func drain(resp *http.Response) {
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // its words do not matter
	_ = resp.Body.Close()
}

func (h *hooks) chaosNow() Chaos {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.chaos
}
