package main

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/trellis-ats/trellis/internal/sandbox/account"
)

const (
	stormWorkers  = 8
	stormPatience = 15 * time.Minute
	stormRaced    = 100 // more pushes than this run the shipped program: the race detector takes too long
)

// number reads what a test can be told by the environment.
func number(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	n, err := strconv.ParseUint(os.Getenv(name), 10, 64)
	if err != nil {
		n = otherwise
	}
	t.Logf("%s=%d", name, n)
	return n
}

// many is how many pushes a test makes: fewer where no service is and the
// tests should be quick.
func many(t *testing.T, services, alone uint64) int {
	t.Helper()
	if os.Getenv("TRELLIS_TEST_DATABASE_URL") == "" {
		services = alone
	}
	return int(number(t, "TRELLIS_TEST_PUSHES", services))
}

// storm is many pushes, and all that can go wrong meanwhile.
type storm struct {
	*server
	at          *standIn
	dice        *rand.Rand
	assessments map[string]string // by the candidate's e-mail address
	retried     int
}

// TestPushStorm: whatever fails, and however often a person retries, the ATS
// has everything once in the end.
func TestPushStorm(t *testing.T) {
	t.Parallel()
	seed, n := number(t, "TRELLIS_TEST_SEED", rand.Uint64()>>32), many(t, 1000, 40)
	onEach(t, func(t *testing.T, d database) {
		at := newStandIn(t, account.Options{Rules: func(r *account.Rules) { r.AccessTTLMS = 90_000 }}) // refreshed every half minute
		s := prepare(t, d)
		if n > stormRaced {
			s.program = plain
		}
		s.beginPushing(at, "TRELLIS_PUSH_DEADLINE=3s", "TRELLIS_PUSH_SETTLE=3s", "TRELLIS_PUSH_BACKOFF=200ms")
		s.sendFields()
		job := s.newJob(s.made.ConnectionID, "Account Executive", account.JobExecutive, account.StagePhone, nil)
		s.pushed(s.scored(job, "First", 70), "DONE") // from now on the account's rate is known
		st := &storm{server: s, at: at, dice: rand.New(rand.NewPCG(seed, 4)), assessments: s.scoredMany(job, n)}
		began := time.Now()
		at.press("harvest/faults", map[string]any{"seed": seed, "timeout_ms": 4000, "slow_ms": 30, "rules": []any{
			map[string]any{"probabilities": map[string]float64{
				"reset_before": 0.02, "reset_after": 0.03, "500_before": 0.02, "500_after": 0.03,
				"timeout_after": 0.003,                          // later than the deadline, which is waited for
				"429":           0.4 / float64(n), "slow": 0.02, // each 429 stops all for a second or two
			}},
			map[string]any{"endpoint": "POST oauth/token", "probabilities": map[string]float64{"reset_before": 0.2, "500_after": 0.2}},
		}})
		at.press("harvest/faults/next", map[string]any{"kind": "429", "times": 1}) // at least one, whatever the dice say
		var pressing sync.WaitGroup
		pressing.Go(st.pressAll)
		st.killAll(n)
		pressing.Wait()
		st.retryAll()
		took := time.Since(began)
		stats := at.Stats()
		t.Logf("%d pushes in %s: %d requests, faults %v, %d retries by hand", n, took.Round(time.Second), stats.Requests, stats.Faults, st.retried)
		st.check(n+1, stats)
	})
}

// scoredMany makes assessments and completes them, several at a time.
func (s *server) scoredMany(job string, n int) map[string]string {
	var mu sync.Mutex
	made := make(map[string]string, n)
	spread(n, func(i int) {
		name := fmt.Sprintf("Candidate%d", i)
		id := s.scored(job, name, 82.5)
		mu.Lock()
		defer mu.Unlock()
		made[address(name)] = id
	})
	return made
}

// spread does n things, several at a time.
func spread(n int, do func(i int)) {
	var running sync.WaitGroup
	for worker := range stormWorkers {
		running.Go(func() {
			for i := worker; i < n; i += stormWorkers {
				do(i)
			}
		})
	}
	running.Wait()
}

// pressAll presses all buttons; what was not answered is pressed later.
func (st *storm) pressAll() {
	ids := slices.Collect(maps.Values(st.assessments))
	spread(len(ids), func(i int) { _, _ = st.tryPush(st.made.ConnectionID, ids[i]) })
}

// killAll kills adapter and server in turn, when as many candidates as the dice
// say have arrived: nine tenths at most, since some wait for a person.
func (st *storm) killAll(n int) {
	const kills = 6
	for i := range kills {
		at := (i*n + st.dice.IntN(n)) * 9 / (10 * kills)
		within(st.t, stormPatience, 20*time.Millisecond, fmt.Sprintf("%d candidates", at), func() bool { return st.at.Stats().Candidates >= at })
		if i%2 == 0 {
			if err := syscall.Kill(st.adapterPID(), syscall.SIGKILL); err != nil {
				st.t.Error(err)
			}
			continue
		}
		st.kill()
		st.start()
	}
}

// retryAll goes on until all pushes are done, as a patient person would.
func (st *storm) retryAll() {
	open := slices.Collect(maps.Values(st.assessments))
	within(st.t, stormPatience, time.Second, "all pushes to be done", func() bool {
		var mu sync.Mutex
		var left []string
		spread(len(open), func(i int) {
			p, err := st.tryPush(st.made.ConnectionID, open[i])
			if err == nil && (p.State == "FAILED" || p.State == "NEEDS_ATTENTION") {
				err = st.retry(p.ID)
			}
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				st.t.Error(err)
				return
			}
			if p.State != "DONE" {
				left = append(left, open[i])
			}
			if p.State == "FAILED" || p.State == "NEEDS_ATTENTION" {
				st.retried++
			}
		})
		open = left
		return len(open) == 0 || st.t.Failed()
	})
}

// check: exactly n of everything.
func (st *storm) check(n int, stats account.Stats) {
	t := st.t
	t.Helper()
	for what, got := range map[string]int{
		"candidates": stats.Candidates, "applications": stats.Applications, "notes": stats.Notes,
		"attachments": stats.Attachments, "tags": stats.TagsApplied,
	} {
		if got != n {
			t.Errorf("%d pushes made %d %s", n, got, what)
		}
	}
	if stats.Duplicates.Total() > 0 {
		t.Errorf("there are duplicates: %+v", stats.Duplicates)
	}
	if n >= 1000 && len(stats.Faults) < 7 {
		t.Errorf("only these faults happened: %v", stats.Faults)
	}
	arrived := st.at.arrived()
	for email := range st.assessments {
		c := arrived[email]
		if len(c.Notes) != 1 || len(c.Tags) != 1 || len(c.Applications) != 1 || len(c.Applications[0].Attachments) != 1 ||
			len(c.Applications[0].Fields) != 3 || c.Applications[0].StageID != account.StagePhone {
			t.Errorf("%s: %+v", email, c)
		}
	}
}
