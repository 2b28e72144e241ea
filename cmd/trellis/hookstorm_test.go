package main

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/trellis-ats/trellis/internal/sandbox/account"
)

// hooksRaced: more web hooks than this run the shipped program, as the race
// detector takes too long.
const hooksRaced = 1000

// letter is a signed web hook on its way.
type letter struct {
	id, signature string
	body          []byte
	tries         int
}

// courier is the network between the account and Trellis. It takes what the
// account sends, and brings it as badly as a network can: in any order, some of
// it twice, some of it only at a later attempt.
type courier struct {
	hooks *hooked
	after http.RoundTripper // for pings

	mu       sync.Mutex
	changed  *sync.Cond
	dice     *rand.Rand
	pool     []*letter
	least    int // of the pool, before a letter is drawn from it
	left     int // letters that were not answered
	taken    int // what the account sent
	ids      map[string]bool
	repeated int
	lost     int
	finished bool
	up       chan struct{} // closed while the server listens
	running  sync.WaitGroup
}

func newCourier(seed uint64, least int) *courier {
	p := &courier{after: http.DefaultTransport, dice: rand.New(rand.NewPCG(seed, 6)), least: least, ids: map[string]bool{}, up: make(chan struct{})}
	p.changed = sync.NewCond(&p.mu)
	close(p.up)
	return p
}

// RoundTrip takes what the account sends, and says that it arrived.
func (p *courier) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if bytes.Contains(body, []byte(`"action":"ping"`)) {
		r.Body = io.NopCloser(bytes.NewReader(body))
		return p.after.RoundTrip(r)
	}
	p.take(letter{id: r.Header.Get("Greenhouse-Event-Id"), signature: r.Header.Get("Signature"), body: body})
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
}

func (p *courier) take(l letter) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken++
	p.put(l)
	switch roll := p.dice.IntN(100); {
	case roll < 15: // the same delivery again
		p.put(l)
	case roll < 25: // the same under another id
		l.id += "-again"
		p.put(l)
	}
	p.changed.Broadcast()
}

// put puts one letter more into the pool; the lock is held.
func (p *courier) put(l letter) {
	p.pool = append(p.pool, &l)
	p.left++
	if p.ids[l.id] {
		p.repeated++
	}
	p.ids[l.id] = true
}

// draw returns any letter, and whether its attempt is lost; nil when all were answered.
func (p *courier) draw() (l *letter, lost bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.left > 0 && len(p.pool) == 0 || !p.finished && len(p.pool) <= p.least {
		p.changed.Wait()
	}
	if p.left == 0 || len(p.pool) == 0 {
		return nil, false
	}
	at := p.dice.IntN(len(p.pool))
	l = p.pool[at]
	p.pool = slices.Delete(p.pool, at, at+1)
	l.tries++
	lost = l.tries < 5 && p.dice.IntN(10) == 0
	if lost {
		p.lost++
	}
	return l, lost
}

// deliver sends until all was answered.
func (p *courier) deliver() {
	for l, lost := p.draw(); l != nil; l, lost = p.draw() {
		if l.tries > 7 {
			p.hooks.t.Errorf("%s was not taken in seven attempts", l.id)
		}
		if !lost && p.send(l) {
			p.settle(nil)
			continue
		}
		p.settle(l)
	}
}

// settle ends a letter, or puts it back for its next attempt.
func (p *courier) settle(back *letter) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if back != nil {
		p.pool = append(p.pool, back)
	} else {
		p.left--
	}
	p.changed.Broadcast()
}

// send reports whether the answer was 200. After none it waits for the server.
func (p *courier) send(l *letter) bool {
	r, err := http.NewRequestWithContext(p.hooks.t.Context(), http.MethodPost, p.hooks.hookURL(), bytes.NewReader(l.body))
	if err != nil {
		p.hooks.t.Error(err)
		return true
	}
	r.Header.Set("Signature", l.signature)
	r.Header.Set("Greenhouse-Event-ID", l.id)
	a, err := send(r)
	if err != nil {
		p.mu.Lock()
		up := p.up
		p.mu.Unlock()
		<-up
		return false
	}
	if a.status != http.StatusOK {
		p.hooks.t.Logf("%s was answered %d %s", l.id, a.status, a.body)
	}
	return a.status == http.StatusOK
}

func (h *hooked) hookURL() string {
	return h.base + "/api/webhooks/greenhouse?connection=" + h.made.ConnectionID
}

// killServer kills the server amid the letters and starts it again.
func (p *courier) killServer() {
	p.mu.Lock()
	p.up = make(chan struct{})
	p.mu.Unlock()
	p.hooks.kill()
	p.hooks.start()
	close(p.up)
}

// room waits until few enough letters are under way.
func (p *courier) room() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.left > 3*p.least {
		p.changed.Wait()
	}
}

// finish lets the last letters go, and waits until all were answered.
func (p *courier) finish() {
	p.mu.Lock()
	p.finished = true
	p.changed.Broadcast()
	p.mu.Unlock()
	p.running.Wait()
}

// hookStorm is many web hooks of random histories.
type hookStorm struct {
	*hooked
	at       *standIn
	post     *courier
	truth    *truth
	database string
}

// TestHookStorm: however web hooks are doubled, shuffled, lost and sent again,
// and whenever the server is killed, in the end Trellis knows what is true.
func TestHookStorm(t *testing.T) {
	t.Parallel()
	seed, n := number(t, "TRELLIS_TEST_SEED", rand.Uint64()>>32), 400
	if os.Getenv("TRELLIS_TEST_DATABASE_URL") != "" {
		n = 10_000
	}
	n = int(number(t, "TRELLIS_TEST_HOOKS", uint64(n)))
	onEach(t, func(t *testing.T, d database) {
		s := newHookStorm(t, d, seed, n)
		began := time.Now()
		for range stormWorkers {
			s.post.running.Go(s.post.deliver)
		}
		t.Cleanup(s.post.finish)
		for part := range 3 {
			if part > 0 {
				s.post.killServer()
			}
			s.truth.play(n/3, s.post.room)
		}
		until(t, "the account to tell everything", func() bool { return s.at.View(0).Hooks[0].Pending == 0 })
		s.post.finish()
		sent := time.Since(began)
		s.drain()
		t.Logf("%d web hooks, %d other ids, %d repeats and %d lost attempts: sent in %s, taken in after %s; %d requests to the account; %v",
			s.post.taken, len(s.post.ids)-s.post.taken, s.post.repeated, s.post.lost, sent.Round(time.Second), time.Since(began).Round(time.Second),
			s.at.Stats().Requests, s.truth.acts)
		s.check()
	})
}

// newHookStorm makes the applications: most were ordered by the ATS, some were pushed.
func newHookStorm(t *testing.T, d database, seed uint64, n int) *hookStorm {
	t.Helper()
	clock := &hurried{ahead: -48 * time.Hour}
	s := &hookStorm{post: newCourier(seed, n/10), database: d.url(t)}
	s.at = newStandIn(t, account.Options{Clock: clock, Transport: s.post, Rules: func(r *account.Rules) { r.AccessTTLMS = 1_000_000_000 }})
	s.truth = newTruth(t, s.at, clock, seed)
	pushing := prepare(t, database{url: func(*testing.T) string { return s.database }})
	if n > hooksRaced {
		pushing.program = plain
	}
	pushing.beginPushing(s.at)
	s.hooked = &hooked{server: pushing, test: pushing.test}
	s.post.hooks = s.hooked
	s.pushSome(n / 200)
	s.orderSome(n / 40)
	s.truth.ends = float64(len(s.truth.chapters)) / float64(2*n)
	mutate(s.server, "setWebhookSync", map[string]any{
		"connectionId": s.made.ConnectionID, "enabled": true, "scope": "ALL_KNOWN", "secret": hookSecret,
	}, "connection { id }", nil)
	s.at.press("hooks", map[string]any{"url": s.hookURL(), "secret": hookSecret, "all": true})
	if h := s.at.View(0).Hooks[0]; !h.Enabled {
		t.Fatalf("the hook: %+v", h)
	}
	return s
}

func (s *hookStorm) pushSome(n int) {
	job := s.newJob(s.made.ConnectionID, "Account Executive", account.JobExecutive, account.StagePhone, map[string]any{"mode": "ON_COMPLETE"})
	for _, id := range s.scoredMany(job, n) {
		p := s.pushed(id, "DONE")
		s.truth.chapters = append(s.truth.chapters, &chapter{
			id: must(strconv.ParseInt(p.ApplicationExternalID, 10, 64)), soul: &soul{id: must(strconv.ParseInt(p.CandidateExternalID, 10, 64))},
			job: account.JobExecutive, state: "ACTIVE", stage: account.StagePhone, assessment: id, pushed: true,
		})
	}
}

func must(n int64, err error) int64 {
	if err != nil {
		panic(err)
	}
	return n
}

func (s *hookStorm) orderSome(n int) {
	known := len(s.at.arrived())
	for i := range n {
		s.at.press("candidates", map[string]any{
			"first_name": "Ordered", "last_name": fmt.Sprint(i), "email": address(fmt.Sprintf("ordered%d", i)), "job_id": account.JobExecutive + i%2,
		})
	}
	arrived := s.at.arrived()
	if len(arrived) != known+n {
		s.t.Fatalf("%d people are there", len(arrived))
	}
	for i := range n {
		person := arrived[address(fmt.Sprintf("ordered%d", i))]
		a := person.Applications[0]
		s.truth.chapters = append(s.truth.chapters, &chapter{
			id: a.ID, soul: &soul{id: person.ID}, job: a.JobID, state: "ACTIVE", stage: a.StageID,
			assessment: s.orderFor(fmt.Sprint(person.ID), fmt.Sprint(a.ID)),
		})
	}
}

// drain waits until no web hook is left to be applied.
func (s *hookStorm) drain() {
	within(s.t, stormPatience, 200*time.Millisecond, "all web hooks to be taken in", func() bool { return len(s.inState("RECEIVED")) == 0 })
}

func (s *hookStorm) inState(state string) []hookView {
	s.t.Helper()
	var data struct{ Webhooks struct{ Nodes []hookView } }
	s.graphql(s.made.AdminToken, `query($states: [WebhookState!]) { webhooks(filter: {states: $states}, first: 5) { nodes { id eventId action state message } } }`,
		map[string]any{"states": []string{state}}, &data)
	return data.Webhooks.Nodes
}

// check holds what Trellis knows against the truth.
func (s *hookStorm) check() {
	t := s.t
	t.Helper()
	if failed := s.inState("FAILED"); len(failed) > 0 {
		t.Errorf("web hooks failed: %+v", failed)
	}
	counted := 0
	for _, seen := range s.sync().Seen {
		counted += seen.Count
	}
	if counted != len(s.post.ids) {
		t.Errorf("%d web hooks were counted, %d were sent", counted, len(s.post.ids))
	}
	known := s.known()
	for _, c := range s.truth.chapters {
		if got := known[c.assessment]; !strings.HasPrefix(got, c.want()) {
			t.Errorf("the application %d of %d is %q, and should be %q", c.id, c.person().id, got, c.want())
		}
	}
	s.checkForgotten()
}

// known is what GraphQL tells of each assessment, as chapter.want spells it.
func (s *hookStorm) known() map[string]string {
	s.t.Helper()
	found, after := map[string]string{}, ""
	for more := true; more; {
		var data struct {
			Assessments struct {
				Nodes []struct {
					ID, ATSOutcome string
					Candidate      struct{ ExternalID, ErasedAt string }
					Applications   []struct{ State, StageID string }
				}
				PageInfo struct {
					HasNextPage bool
					EndCursor   string
				}
			}
		}
		s.graphql(s.made.AdminToken, `query($after: String) { assessments(first: 100, after: $after) {
			nodes { id atsOutcome candidate { externalId erasedAt } applications { state stageId } } pageInfo { hasNextPage endCursor } } }`,
			map[string]any{"after": orNull(after)}, &data)
		for _, a := range data.Assessments.Nodes {
			is := "erased " + a.ATSOutcome
			if a.Candidate.ErasedAt == "" {
				is = fmt.Sprint(a.ATSOutcome, " ", a.Candidate.ExternalID)
				for _, of := range a.Applications {
					is += fmt.Sprint(" ", of.State, " ", of.StageID)
				}
			}
			found[a.ID] = is
		}
		more, after = data.Assessments.PageInfo.HasNextPage, data.Assessments.PageInfo.EndCursor
	}
	return found
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// checkForgotten: no web hook of somebody who was erased is kept.
func (s *hookStorm) checkForgotten() {
	s.t.Helper()
	db := s.openDatabase(s.database)
	defer func() { _ = db.Close() }()
	var kept []string
	if err := db.SelectContext(s.t.Context(), &kept, "SELECT DISTINCT person FROM webhooks WHERE length(sealed_request) > 0"); err != nil || len(kept) == 0 {
		s.t.Fatalf("%d people: %v", len(kept), err)
	}
	for _, c := range s.truth.chapters {
		if c.person().erased && slices.Contains(kept, fmt.Sprint(c.soul.id)) {
			s.t.Errorf("a web hook of %d is kept, who was %d in the end and erased", c.soul.id, c.person().id)
		}
	}
}
