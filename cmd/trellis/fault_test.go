package main

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestAdapterKilledAmidRequests measures time, so it runs before the parallel
// tests, and the program as it is shipped.
func TestAdapterKilledAmidRequests(t *testing.T) {
	onEach(t, func(t *testing.T, d database) {
		s := prepare(t, d)
		s.program = plain
		s.made = s.setup("Acme")
		s.start()
		test := s.firstTest(s.made.PartnerKey)
		stop := make(chan struct{})
		var mu sync.Mutex
		placed := map[string]string{} // call-back URL → answer
		var wg sync.WaitGroup
		for worker := range 4 {
			wg.Go(func() {
				for n := 0; ; n++ {
					select {
					case <-stop:
						return
					default:
					}
					back := fmt.Sprintf("https://app.greenhouse.io/tests/%d-%d", worker, n)
					a := s.insist(test, back)
					mu.Lock()
					placed[back] = a
					mu.Unlock()
				}
			})
		}
		for range 2 { // the third start in a row waits 2 s
			if err := syscall.Kill(s.adapterPID(), syscall.SIGKILL); err != nil {
				t.Error(err)
			}
			began := time.Now()
			s.insist(test, "https://app.greenhouse.io/tests/"+began.String())
			if took := time.Since(began); took > 2*time.Second {
				t.Errorf("the next request succeeded after %v", took)
			}
			mu.Lock()
			placed["https://app.greenhouse.io/tests/"+began.String()] = s.insist(test, "https://app.greenhouse.io/tests/"+began.String())
			mu.Unlock()
		}
		close(stop)
		wg.Wait()
		seen := map[string]bool{}
		for back, answer := range placed {
			if again := s.insist(test, back); again != answer || seen[answer] {
				t.Errorf("%s: first %s, then %s", back, answer, again)
			}
			seen[answer] = true
		}
		if n := s.countAssessments(); n != len(placed) {
			t.Errorf("%d orders made %d assessments", len(placed), n)
		}
	})
}

// insist orders until it is done, as an ATS's user would press again.
func (s *server) insist(test, back string) string {
	for range 50 {
		a, err := s.tryATS(http.MethodPost, "send-test", s.made.PartnerKey, order(test, back))
		if err == nil && a.status == http.StatusOK {
			return a.body
		}
		if err == nil && a.status != http.StatusServiceUnavailable {
			s.t.Errorf("while the adapter is down: %d %s", a.status, a.body)
			return ""
		}
	}
	s.t.Errorf("the order %s was never taken", back)
	return ""
}

func (s *server) countAssessments() int {
	s.t.Helper()
	count, after := 0, any(nil)
	for {
		var data struct {
			Assessments struct {
				Nodes    []struct{ ID string }
				PageInfo struct {
					HasNextPage bool
					EndCursor   *string
				}
			}
		}
		s.graphql(s.made.AdminToken, `query($after: String) { assessments(first: 100, after: $after) { nodes { id } pageInfo { hasNextPage endCursor } } }`,
			map[string]any{"after": after}, &data)
		count += len(data.Assessments.Nodes)
		if !data.Assessments.PageInfo.HasNextPage {
			return count
		}
		after = *data.Assessments.PageInfo.EndCursor
	}
}

func TestAdapterHangs(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, d database) {
		s := newServer(t, d)
		test := s.firstTest(s.made.PartnerKey)
		if err := syscall.Kill(s.adapterPID(), syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		a := s.ats(http.MethodPost, "send-test", s.made.PartnerKey, order(test, "https://app.greenhouse.io/tests/1"))
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("the caller waited %v", took)
		}
		if a.status != http.StatusOK && a.status != http.StatusServiceUnavailable {
			t.Errorf("%d %s", a.status, a.body)
		}
		until(t, "the adapter's recovery", func() bool {
			a, err := s.tryATS(http.MethodPost, "send-test", s.made.PartnerKey, order(test, "https://app.greenhouse.io/tests/1"))
			return err == nil && a.status == http.StatusOK
		})
		if n := s.countAssessments(); n != 1 {
			t.Errorf("one order made %d assessments", n)
		}
	})
}

func TestServerKilledBeforeThePatch(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, d database) {
		back := newCallback(t, "hang")
		s := newServer(t, d, back.setting())
		id := s.place(s.firstTest(s.made.PartnerKey), back.URL+"/1")
		s.complete(id, 61)
		until(t, "the first PATCH to be under way", func() bool { return len(back.got()) == 1 })
		s.kill()
		s.start()
		until(t, "the PATCH after the restart", func() bool { return s.delivery(id) == "DELIVERED" })
		if n := len(back.got()); n != 2 {
			t.Errorf("%d PATCHes", n)
		}
	})
}

func TestServerKilledAtOnce(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, d database) {
		back := newCallback(t)
		s := newServer(t, d, back.setting())
		id := s.place(s.firstTest(s.made.PartnerKey), back.URL+"/1")
		s.complete(id, 61)
		s.kill() // at whatever moment between completion and PATCH
		s.start()
		until(t, "the PATCH", func() bool { return s.delivery(id) == "DELIVERED" })
	})
}

func TestCallbackFaults(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, d database) {
		t.Run("500 is tried again", func(t *testing.T) {
			t.Parallel()
			s, back, id := delivering(t, d, "500")
			until(t, "the delivery", func() bool { return s.delivery(id) == "DELIVERED" })
			e, ok := s.find("deliver-result", "RETRY")
			if !ok || e.FaultCode != "RETRYABLE" || e.Attempt != 1 || e.Exchanges[0].Status != 500 || len(back.got()) != 2 {
				t.Errorf("%d PATCHes, entry %+v", len(back.got()), e)
			}
		})
		t.Run("429 is tried again when it may", func(t *testing.T) {
			t.Parallel()
			s, back, id := delivering(t, d, "429")
			until(t, "the delivery", func() bool { return s.delivery(id) == "DELIVERED" })
			calls := back.got()
			if waited := calls[1].at.Sub(calls[0].at); waited < 3*time.Second {
				t.Errorf("it was tried again after %v", waited)
			}
			if e, ok := s.find("deliver-result", "RETRY"); !ok || e.FaultCode != "RATE_LIMITED" {
				t.Errorf("entry %+v", e)
			}
		})
		t.Run("a time-out is tried again", func(t *testing.T) {
			t.Parallel()
			s, _, id := delivering(t, d, "hang")
			until(t, "the delivery", func() bool { return s.delivery(id) == "DELIVERED" })
			if e, ok := s.find("deliver-result", "RETRY"); !ok || e.FaultCode != "RETRYABLE" {
				t.Errorf("entry %+v", e)
			}
		})
		t.Run("404 is given up", func(t *testing.T) {
			t.Parallel()
			s, back, id := delivering(t, d, "404")
			until(t, "the failure", func() bool { return s.delivery(id) == "FAILED" })
			e, ok := s.find("deliver-result", "FAILED")
			if !ok || e.FaultCode != "NOT_FOUND" || len(back.got()) != 1 || strings.Contains(e.Exchanges[0].URL, s.made.PartnerKey) {
				t.Errorf("%d PATCHes, entry %+v", len(back.got()), e)
			}
			if st := s.status(id); st.Status != "complete" || s.delivery(id) != "DELIVERED" {
				t.Errorf("asked later, the result is %+v and the delivery %s", st, s.delivery(id))
			}
		})
	})
}

// delivering completes an order whose call-back misbehaves at first.
func delivering(t *testing.T, d database, modes ...string) (*server, *callback, string) {
	t.Helper()
	back := newCallback(t, modes...)
	s := newServer(t, d, back.setting())
	id := s.place(s.firstTest(s.made.PartnerKey), back.URL+"/take_home_tests/1")
	s.complete(id, 55)
	return s, back, id
}
