package httpd_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/internal/httpd"
)

func health(t *testing.T, o httpd.HealthOptions) (*httpd.Health, http.Handler) {
	t.Helper()
	h := httpd.NewHealth(o)
	mux := http.NewServeMux()
	h.Register(mux)
	return h, mux
}

func report(t *testing.T, h http.Handler, path string) (int, httpd.Report) {
	t.Helper()
	w := ask(h, "GET", path)
	var r httpd.Report
	if err := json.Unmarshal(w.Body.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	if w.Header().Get("Cache-Control") != "no-store" {
		t.Error("the answer may be stored")
	}
	return w.Code, r
}

func TestReadiness(t *testing.T) {
	t.Parallel()
	j := &journal{}
	_, h := health(t, httpd.HealthOptions{Log: j.logger(), Checks: map[string]httpd.Check{
		"good": func(context.Context) error { return nil },
		"fault": func(context.Context) error {
			return fault.Wrap(errors.New("DETAIL"), fault.Config, "Migrations are missing.")
		},
		"error": func(context.Context) error { return errors.New("DETAIL") },
		"panic": func(context.Context) error { panic("DETAIL") },
	}})
	code, got := report(t, h, "/readyz")
	want := httpd.Report{Status: "failing", Checks: map[string]httpd.CheckReport{
		"good": {OK: true}, "fault": {Message: "Migrations are missing."},
		"error": {Message: "failed; the server's log says why"}, "panic": {Message: "failed; the server's log says why"},
	}}
	if d := cmp.Diff(want, got); d != "" || code != http.StatusServiceUnavailable {
		t.Errorf("%d: %s", code, d)
	}
	if n := strings.Count(j.String(), "DETAIL"); n != 3 {
		t.Errorf("the log: %s", j)
	}
	if code, got := report(t, h, "/healthz"); code != http.StatusOK || got.Status != "ok" || got.Checks != nil {
		t.Errorf("/healthz: %d %+v", code, got)
	}
}

func TestDraining(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	health, h := health(t, httpd.HealthOptions{Checks: map[string]httpd.Check{"x": func(context.Context) error { asked.Add(1); return nil }}})
	if code, got := report(t, h, "/readyz"); code != http.StatusOK || got.Status != "ok" {
		t.Errorf("%d %+v", code, got)
	}
	health.Drain()
	if code, got := report(t, h, "/readyz"); code != http.StatusServiceUnavailable || got.Status != "draining" || asked.Load() != 1 {
		t.Errorf("%d %+v", code, got)
	}
	if code, _ := report(t, h, "/healthz"); code != http.StatusOK {
		t.Errorf("a draining server is dead: %d", code)
	}
}

func TestACheckHasADeadline(t *testing.T) {
	t.Parallel()
	_, h := health(t, httpd.HealthOptions{Timeout: 30 * time.Millisecond, Checks: map[string]httpd.Check{
		"slow": func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
	}})
	code, got := report(t, h, "/readyz")
	if code != http.StatusServiceUnavailable || got.Checks["slow"].Message != "did not answer in time" {
		t.Errorf("%d %+v", code, got)
	}
}

// A check that heeds no deadline is run once, not once for each question, and
// counts again as soon as it is back.
func TestAHangingCheckDoesNotPileUp(t *testing.T) {
	t.Parallel()
	var running, runs atomic.Int32
	release, back := make(chan struct{}), make(chan struct{}, 100)
	_, h := health(t, httpd.HealthOptions{Timeout: 20 * time.Millisecond, Checks: map[string]httpd.Check{
		"hung": func(context.Context) error {
			if running.Add(1) > 1 {
				t.Error("the check runs twice at a time")
			}
			runs.Add(1)
			<-release
			running.Add(-1)
			back <- struct{}{}
			return nil
		},
	}})
	for range 3 {
		if code, got := report(t, h, "/readyz"); code != http.StatusServiceUnavailable || got.Checks["hung"].OK {
			t.Errorf("%d %+v", code, got)
		}
	}
	if got := runs.Load(); got != 1 {
		t.Errorf("%d runs", got)
	}
	close(release)
	<-back
	for n := 0; ; n++ { // the attempt that hung may still be on its way out
		if code, _ := report(t, h, "/readyz"); code == http.StatusOK {
			break
		}
		if n == 100 {
			t.Fatal("it never gets ready again")
		}
	}
}

// A caller who goes away neither ends the check for others nor is waited for.
func TestACheckOutlivesTheCaller(t *testing.T) {
	t.Parallel()
	entered, release, seen := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	health, _ := health(t, httpd.HealthOptions{Timeout: time.Minute, Checks: map[string]httpd.Check{
		"x": func(ctx context.Context) error {
			close(entered)
			<-release
			seen <- ctx.Err()
			return nil
		},
	}})
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan httpd.Report, 1)
	go func() { first <- health.Report(ctx) }()
	<-entered
	cancel()
	if got := <-first; got.Status != "failing" {
		t.Errorf("%+v", got)
	}
	close(release)
	if err := <-seen; err != nil {
		t.Errorf("the check was ended with its caller: %v", err)
	}
}
