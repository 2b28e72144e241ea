package main

import (
	"fmt"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/trellis-ats/trellis/internal/sandbox/account"
)

// shared is the environment of servers that share PostgreSQL and Redis.
func shared(t *testing.T) (d database, env []string) {
	t.Helper()
	url, redis := newSchema(t), os.Getenv("TRELLIS_TEST_REDIS_URL")
	if redis == "" {
		t.Skip("set TRELLIS_TEST_REDIS_URL to run this with two processes")
	}
	return database{url: func(*testing.T) string { return url }}, []string{"TRELLIS_REDIS_URL=" + redis}
}

// TestTwoReplicasRetryOnePush: however many press, one run does it.
func TestTwoReplicasRetryOnePush(t *testing.T) {
	t.Parallel()
	const n = 12
	d, env := shared(t)
	at := newStandIn(t, account.Options{})
	one := newPushing(t, d, at, append(env, "TRELLIS_PUSH_DEADLINE=2s", "TRELLIS_PUSH_SETTLE=2s", "TRELLIS_PUSH_BACKOFF=100ms")...)
	one.sendFields()
	two := one.replica()
	job := one.newJob(one.made.ConnectionID, "Account Executive", account.JobExecutive, account.StagePhone, nil)
	one.pushed(one.scored(job, "First", 70), "DONE") // from now on the account's rate is known
	at.press("harvest/faults/next", map[string]any{"endpoint": "POST candidates", "kind": "500_before", "times": n})
	before := at.Stats().ByEndpoint
	ids := make([]string, n)
	for i := range ids {
		ids[i] = one.scored(job, fmt.Sprintf("Twice%d", i), 82.5)
		one.push(ids[i])
	}
	stopped := make([]*push, n)
	for i, id := range ids { // all, or a retry would meet a failure that is meant for another
		stopped[i] = one.pushed(id, "NEEDS_ATTENTION")
	}
	var pressing sync.WaitGroup
	for i, id := range ids {
		pressing.Go(func() {
			entry := one.entries("first=1&push=" + stopped[i].ID)[0].ID
			for _, s := range []*server{one, two, one, two} {
				pressing.Go(func() {
					a, err := s.integration(http.MethodPost, "sync-log/"+entry+"/retry", "")
					if err != nil || a.status != http.StatusAccepted && a.status != http.StatusConflict { // it is done already
						t.Errorf("%v %+v", err, a)
					}
				})
			}
			one.pushed(id, "DONE")
		})
	}
	pressing.Wait()
	stats := at.Stats()
	for endpoint, times := range map[string]int{
		"POST candidates": 2 * n, "POST attachments": n, "POST notes": n, "POST applied_candidate_tags": n, "PATCH applications/{id}": n,
	} {
		if got := stats.ByEndpoint[endpoint] - before[endpoint]; got != times {
			t.Errorf("%s was called %d times, not %d", endpoint, got, times)
		}
	}
	if stats.Candidates != n+1 || stats.Duplicates.Total() > 0 {
		t.Errorf("%+v", stats)
	}
}

// TestRateWindowShared: two processes keep to one account's rate, finish all
// that is queued, and do not hold up another connection. 500 pushes at
// Greenhouse's own 75 requests in 30 s would take three quarters of an hour, so
// that they have a shorter window, and fewer have the real one.
func TestRateWindowShared(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		window time.Duration
		pushes uint64
	}{{2 * time.Second, 500}, {30 * time.Second, 18}} {
		t.Run(c.window.String(), func(t *testing.T) {
			t.Parallel()
			shareWindow(t, c.window, many(t, c.pushes, c.pushes))
		})
	}
}

func shareWindow(t *testing.T, window time.Duration, n int) {
	t.Helper()
	const others = 5
	d, env := shared(t)
	at := newStandIn(t, account.Options{Rules: func(r *account.Rules) { r.RateLimit, r.RateWindowMS = 75, int(window.Milliseconds()) }})
	one := prepare(t, d)
	if n > stormRaced {
		one.program = plain
	}
	one.beginPushing(at, env...)
	two := one.replica()
	job := one.newJob(one.made.ConnectionID, "Account Executive", account.JobExecutive, account.StagePhone, map[string]any{"mode": "ON_COMPLETE"})

	free := newStandIn(t, account.Options{})
	other := one.addConnection(free)
	elsewhere := one.newJob(other, "Elsewhere", account.JobExecutive, account.StagePhone, map[string]any{"mode": "ON_COMPLETE"})

	began := time.Now()
	servers := []*server{one, two}
	spread(n, func(i int) { servers[i%2].scored(job, fmt.Sprintf("Queued%d", i), 82.5) })
	ordered := time.Now()
	for i := range others {
		two.scored(elsewhere, fmt.Sprintf("Elsewhere%d", i), 82.5)
	}
	within(t, 2*time.Minute, 50*time.Millisecond, "the other connection's pushes", func() bool { return free.Stats().TagsApplied == others })
	queued := n - at.Stats().TagsApplied
	t.Logf("the other connection's pushes took %s, with %d of %d still queued here", time.Since(ordered).Round(time.Second), queued, n)
	if queued < n/3 { // in one queue for all, theirs would have been the last
		t.Errorf("the other connection waited for %d of %d pushes", n-queued, n)
	}
	paused := steady(t, n, func() int { return at.Stats().TagsApplied })
	stats := at.Stats()
	t.Logf("%d pushes in %s, %s at most between two of them: %d requests, %d times 429",
		n, time.Since(began).Round(time.Second), paused.Round(time.Second), stats.Requests, stats.TooMany)
	if stats.TooMany > 5 || stats.Candidates != n || stats.Duplicates.Total() > 0 {
		t.Errorf("%+v", stats)
	}
	if paused > 4*max(window, 10*time.Second) {
		t.Errorf("nothing was done for %s", paused)
	}
}

// steady waits until n are done, and returns how long none was at most.
func steady(t *testing.T, n int, done func() int) (paused time.Duration) {
	t.Helper()
	last, since := 0, time.Now()
	within(t, 20*time.Minute, 100*time.Millisecond, "all pushes", func() bool {
		if now := done(); now > last {
			last, since = now, time.Now()
		}
		paused = max(paused, time.Since(since))
		return last >= n
	})
	return paused
}

// addConnection makes one more, to another account.
func (s *server) addConnection(at *standIn) string {
	s.t.Helper()
	var made struct{ Connection struct{ ID string } }
	settings := []map[string]any{
		{"name": "harvest_url", "value": at.URL},
		{"name": "app_url", "value": at.URL},
		{"name": "auth_url", "value": at.URL + "/oauth"},
	}
	mutate(s, "createConnection", map[string]any{"adapter": "greenhouse", "name": "Another", "settings": settings}, "connection { id }", &made)
	s.connect(made.Connection.ID, at)
	return made.Connection.ID
}
