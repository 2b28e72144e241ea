package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/trellis-ats/trellis/internal/sandbox/account"
)

// hurried is a clock that a test puts forward.
type hurried struct {
	mu    sync.Mutex
	ahead time.Duration
}

func (c *hurried) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead)
}

func (c *hurried) turn(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}

func (c *hurried) Wait(ctx context.Context, until time.Time) bool {
	wait := time.NewTimer(until.Sub(c.Now()))
	defer wait.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-wait.C:
		return true
	}
}

// soul is a person of the ATS, as the test knows that they must be in the end.
type soul struct {
	id     int64
	into   *soul // whom they were merged into
	erased bool
}

// last is who has what was p's.
func (p *soul) last() *soul {
	for p.into != nil {
		p = p.into
	}
	return p
}

// chapter is an application.
type chapter struct {
	id         int64
	job        int64
	soul       *soul  // whose it was at first
	state      string // as Trellis should have it
	stage      int64
	told       bool // some web hook told how it is
	stagedAt   time.Time
	unsure     bool // two stages were told of one second, and none since
	assessment string
	pushed     bool
}

// truth plays random histories in the account, and keeps how all must be in
// the end. It knows nothing of web hooks.
type truth struct {
	t        *testing.T
	at       *standIn
	clock    *hurried
	dice     *rand.Rand
	chapters []*chapter
	openings map[int64]int // by job
	ends     float64       // how likely it is that somebody goes
	latest   *chapter
	acts     map[string]int
}

func newTruth(t *testing.T, at *standIn, clock *hurried, seed uint64) *truth {
	t.Helper()
	return &truth{
		t: t, at: at, clock: clock, dice: rand.New(rand.NewPCG(seed, 5)), acts: map[string]int{},
		openings: map[int64]int{account.JobExecutive: 1, account.JobDevelopment: 2},
	}
}

// play presses buttons, some two in the same second.
func (w *truth) play(presses int, room func()) {
	for range presses {
		room()
		c := w.latest
		w.latest = nil
		if c == nil || c.over() || w.dice.IntN(8) > 0 {
			w.clock.turn(time.Second + time.Duration(w.dice.IntN(4000))*time.Millisecond)
			c = w.living()
			w.latest = c
		}
		w.turn(c)
	}
}

func (c *chapter) person() *soul { return c.soul.last() }

func (c *chapter) over() bool { return c.state == "REMOVED" || c.person().erased }

func (w *truth) living() *chapter {
	for {
		if c := w.chapters[w.dice.IntN(len(w.chapters))]; !c.over() {
			return c
		}
	}
}

// turn lets one thing happen to an application or its person.
func (w *truth) turn(c *chapter) {
	ends, roll := w.dice.Float64() < w.ends && c.told && !w.hires(c.person()), w.dice.IntN(100)
	switch {
	case ends:
		w.end(c)
	case !c.told: // so that its stage was told once: a hire does not tell it
		w.move(c)
	case roll < 20:
		w.act(c, "update")
	case c.state == "REJECTED":
		w.act(c, "unreject")
		c.state = "ACTIVE"
	case c.state == "HIRED":
		w.act(c, "unhire")
		c.state = "ACTIVE"
		w.openings[c.job]++
	case roll < 28 && w.openings[c.job] > 0:
		w.act(c, "hire")
		c.state = "HIRED"
		w.openings[c.job]--
	case roll < 55:
		w.act(c, "reject")
		c.state = "REJECTED"
	default:
		w.move(c)
	}
}

// act presses a button of an application, which the account tells of.
func (w *truth) act(c *chapter, button string) {
	began := w.clock.Now()
	w.press("applications", c.id, button, struct{}{})
	if c.told = true; button != "hire" && button != "delete" { // these do not tell the stage
		c.staged(false, began, w.clock.Now())
	}
}

// staged notes that a stage was told, maybe of the same second as another one.
// The button was pressed at began at the earliest.
func (c *chapter) staged(another bool, began, now time.Time) {
	c.unsure = began.Sub(c.stagedAt) < time.Second && (another || c.unsure)
	c.stagedAt = now
}

func (w *truth) press(what string, id int64, button string, body any) {
	w.acts[button]++
	w.at.press(fmt.Sprintf("%s/%d/%s", what, id, button), body)
}

func (w *truth) move(c *chapter) {
	first := account.StageReview + 10*(c.job-account.JobExecutive)
	to := c.stage
	for to == c.stage {
		to = first + w.dice.Int64N(5)
	}
	began := w.clock.Now()
	w.press("applications", c.id, "move", map[string]any{"stage_id": to})
	c.told, c.stage = true, to
	c.staged(true, began, w.clock.Now())
}

func (w *truth) of(p *soul) (all []*chapter) {
	for _, c := range w.chapters {
		if c.person() == p && c.state != "REMOVED" {
			all = append(all, c)
		}
	}
	return all
}

func (w *truth) hires(p *soul) bool {
	return slices.ContainsFunc(w.of(p), func(c *chapter) bool { return c.state == "HIRED" })
}

// end lets an application or a person go.
func (w *truth) end(c *chapter) {
	switch w.dice.IntN(5) {
	case 0:
		w.act(c, "delete")
		c.state = "REMOVED"
	case 1:
		w.press("candidates", c.person().id, "delete", struct{}{})
		c.person().erased = true
	case 2:
		w.press("candidates", c.person().id, "anonymize", struct{}{})
		c.person().erased = true
	default:
		w.merge(c.person(), w.living().person())
	}
}

// merge makes one person of two. Where both applied for the same job, the one
// who goes loses the application.
func (w *truth) merge(p, into *soul) {
	if p == into {
		return
	}
	w.press("candidates", p.id, "merge", map[string]any{"into": into.id})
	for _, c := range w.of(p) {
		if slices.ContainsFunc(w.of(into), func(other *chapter) bool { return other.job == c.job }) {
			c.state, c.told = "REMOVED", true
		}
	}
	p.into = into
}

// want is how that begins what Trellis should know of an application's
// assessment: outcome, person, state and stage. Of whom is erased nothing but
// that is told; of an application that ended Greenhouse does not tell the
// stage, so which one of two in the same second was the last cannot be known.
func (c *chapter) want() string {
	if c.person().erased {
		return "erased REMOVED"
	}
	outcome := c.state
	if !c.told {
		outcome = "UNKNOWN"
	}
	person := strconv.FormatInt(c.person().id, 10)
	if c.pushed {
		person = "" // a candidate of ours, not the ATS's
	}
	if c.unsure && c.state != "ACTIVE" {
		return fmt.Sprint(outcome, " ", person, " ", c.state)
	}
	return fmt.Sprintf("%s %s %s %d", outcome, person, c.state, c.stage)
}
