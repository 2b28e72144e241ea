//go:build unix

package host_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/trellis-ats/trellis/adapters/fake"
	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/plugins/host"
)

func kill(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

// suspend stops a process and returns when it has stopped: the signal alone
// does not wait for all of its threads.
func suspend(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(pid, &status, syscall.WUNTRACED, nil); err != nil || !status.Stopped() {
		t.Fatalf("process %d did not stop: %v", pid, err)
	}
}

func atAdapter(t *testing.T, what string, err error, code fault.Code) {
	t.Helper()
	if e := fault.From(err); e == nil || e.Code != code || e.Source != fault.Adapter {
		t.Errorf("%s: %v, want %s of the adapter", what, err, code)
	}
}

// patient restarts quickly and for ever.
func patient() host.Backoff {
	return host.Backoff{First: time.Millisecond, Most: 10 * time.Millisecond, Exits: 1000}
}

func TestAPanicIsAFaultAndNoMore(t *testing.T) {
	t.Parallel()
	h := run(t, self("fake"), host.Options{})
	pid := h.States()[0].PID
	_, err := decode(t, h, map[string]string{"panic": "decode"})
	atAdapter(t, "decode", err, fault.Internal)
	if _, err := decode(t, h, nil); err != nil {
		t.Errorf("the next call: %v", err)
	}
	if state := h.States()[0]; state.PID != pid {
		t.Errorf("the process did not survive: %+v", state)
	}
}

func TestLiesAreFaults(t *testing.T) {
	t.Parallel()
	h := run(t, self("fake"), host.Options{})
	pid := h.States()[0].PID
	inbound, _ := h.Inbound(fake.Name)
	results, _ := h.Results(fake.Name)
	adapter, _ := h.Adapter(fake.Name)
	ctx := t.Context()
	lie := ats.Connection{Settings: map[string]string{"lie": "all"}}
	oversized := ats.Connection{Settings: map[string]string{"oversized": "encode"}}

	_, err := inbound.Decode(ctx, &ats.InboundRequest{Connection: lie})
	atAdapter(t, "decode", err, fault.Internal)
	_, err = inbound.Encode(ctx, &ats.InboundRequest{Connection: lie}, &ats.ErrorRecorded{})
	atAdapter(t, "encode", err, fault.Internal)
	_, err = inbound.Encode(ctx, &ats.InboundRequest{Connection: oversized}, &ats.ErrorRecorded{})
	atAdapter(t, "encode oversized", err, fault.Internal)
	_, err = results.Deliver(ctx, &ats.Delivery{Connection: lie})
	atAdapter(t, "deliver", err, fault.Internal)
	_, err = adapter.CheckConnection(ctx, &lie)
	atAdapter(t, "check", err, fault.Internal)
	if state := h.States()[0]; state.PID != pid {
		t.Errorf("the process did not survive: %+v", state)
	}
}

func TestADeathInTheMiddleOfADecodeIsRepeatedOnce(t *testing.T) {
	t.Parallel()
	h := run(t, self("dies-once", filepath.Join(t.TempDir(), "died")), host.Options{})
	if command, err := decode(t, h, nil); err != nil {
		t.Errorf("got %v, %v", command, err)
	}
	if state := h.States()[0]; state.Restarts != 1 {
		t.Errorf("state is %+v", state)
	}
	_, err := decode(t, h, map[string]string{"exit": "decode"})
	atAdapter(t, "dies again and again", err, fault.Retryable)
	state := await(t, h, "both exits", func(s host.State) bool { return s.Status == host.BackingOff && s.Restarts >= 2 })
	if !strings.Contains(state.LastError, "exit status 3") {
		t.Errorf("state is %+v", state)
	}
}

// callback is an ATS that holds each answer until it is told how to go on.
func callback(t *testing.T, handle http.HandlerFunc) *ats.Delivery {
	t.Helper()
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	address, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	return &ats.Delivery{
		Connection: ats.Connection{Settings: map[string]string{"callback_hosts": address.Host}},
		Order:      ats.Order{ExternalID: "o1", CallbackURL: server.URL + "/result"}, Key: "o1/t1",
		Progress: ats.Progress{AssessmentID: "asm_1", State: ats.StateScored, Result: &ats.ResultRecord{Score: 71.5, Revision: 1}},
	}
}

func TestADeathInTheMiddleOfADeliveryIsRetryable(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	calls, h := 0, run(t, self("fake"), host.Options{})
	d := callback(t, func(http.ResponseWriter, *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		calls++
		kill(t, h.States()[0].PID)
	})
	results, err := h.Results(fake.Name)
	if err != nil {
		t.Fatal(err)
	}
	_, err = results.Deliver(t.Context(), d)
	atAdapter(t, "deliver", err, fault.Retryable)
	mu.Lock()
	defer mu.Unlock()
	if calls != 1 {
		t.Errorf("the ATS got %d calls, want 1: the host must not repeat a delivery", calls)
	}
}

func TestAFailedDeliveryBringsItsExchanges(t *testing.T) {
	t.Parallel()
	h := run(t, self("fake"), host.Options{})
	results, err := h.Results(fake.Name)
	if err != nil {
		t.Fatal(err)
	}
	d := callback(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "30")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	receipt, err := results.Deliver(t.Context(), d)
	if e := fault.From(err); !fault.Is(err, fault.RateLimited) || e.RetryAfter != 30*time.Second || e.Source != fault.ATS {
		t.Errorf("got %v", err)
	}
	if receipt == nil || len(receipt.Exchanges) != 1 || receipt.Exchanges[0].Status != 429 || !strings.Contains(receipt.Exchanges[0].RequestBody, "71.5") {
		t.Errorf("receipt is %+v", receipt)
	}
}

// An adapter that obeys its context answers before the host gives up, and so
// is neither late nor without its exchanges.
func TestASlowATSIsNotTheAdaptersFault(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	h := run(t, self("fake"), host.Options{})
	d := callback(t, func(http.ResponseWriter, *http.Request) { <-release })
	t.Cleanup(func() { close(release) })
	results, err := h.Results(fake.Name)
	if err != nil {
		t.Fatal(err)
	}
	pid := h.States()[0].PID
	var calls sync.WaitGroup
	for range 4 {
		calls.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			receipt, err := results.Deliver(ctx, d)
			if !fault.Is(err, fault.Retryable) || receipt == nil || len(receipt.Exchanges) != 1 {
				t.Errorf("got %+v, %v; want Retryable with the exchange", receipt, err)
			}
		})
	}
	calls.Wait()
	if state := h.States()[0]; state.PID != pid {
		t.Errorf("the process was blamed: %+v", state)
	}
}

func TestHangingCallsEndTheProcess(t *testing.T) {
	t.Parallel()
	h := run(t, self("fake"), host.Options{CallTimeout: time.Second})
	pid := h.States()[0].PID
	var calls sync.WaitGroup
	for range 3 {
		calls.Go(func() {
			_, err := decode(t, h, map[string]string{"hang": "decode"})
			atAdapter(t, "decode", err, fault.Retryable)
		})
	}
	calls.Wait()
	state := await(t, h, "a new process", runningAfter(pid))
	if !strings.Contains(state.LastError, "3 calls in a row") {
		t.Errorf("state is %+v", state)
	}
	if _, err := decode(t, h, nil); err != nil {
		t.Errorf("the next call: %v", err)
	}
}

func TestAStoppedProcessIsReplaced(t *testing.T) {
	t.Parallel()
	h := run(t, self("fake"), host.Options{CallTimeout: time.Second, PingTimeout: 100 * time.Millisecond})
	pid := h.States()[0].PID
	suspend(t, pid)
	_, err := decode(t, h, nil)
	atAdapter(t, "decode", err, fault.Retryable)
	state := await(t, h, "a new process", runningAfter(pid))
	if !strings.Contains(state.LastError, "ping") {
		t.Errorf("state is %+v", state)
	}
	if _, err := decode(t, h, nil); err != nil {
		t.Errorf("the next call: %v", err)
	}
}

func TestAStoppedProcessIsFoundWithoutACall(t *testing.T) {
	t.Parallel()
	c := newClock()
	h := run(t, self("fake"), host.Options{Clock: c, PingTimeout: 100 * time.Millisecond})
	pid := h.States()[0].PID
	suspend(t, pid)
	c.pass(t, 15*time.Second)
	await(t, h, "a new process", runningAfter(pid))
}

func TestDownButDescribed(t *testing.T) {
	t.Parallel()
	c := newClock()
	h := run(t, self("fake"), host.Options{Clock: c, CallTimeout: 500 * time.Millisecond})
	first := h.States()[0]
	kill(t, first.PID)
	second := await(t, h, "restart at once", runningAfter(first.PID))
	kill(t, second.PID)
	await(t, h, "back off", func(s host.State) bool { return s.Status == host.BackingOff && s.Restarts == 1 })
	if m, err := h.Manifest(fake.Name); err != nil || m.Name != fake.Name {
		t.Errorf("manifest %v, error %v", m, err)
	}
	_, err := decode(t, h, nil)
	atAdapter(t, "a call without a process", err, fault.Retryable)
	waited := make(chan error, 1)
	results, err := h.Results(fake.Name)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		_, err := results.Deliver(t.Context(), &ats.Delivery{})
		waited <- err
	}()
	c.pass(t, time.Second)
	if err := <-waited; err != nil {
		t.Errorf("a call that waits for the process: %v", err)
	}
}

func TestCallsDuringRestarts(t *testing.T) {
	t.Parallel()
	h := run(t, self("fake"), host.Options{Backoff: patient()})
	const kills = 4
	done := make(chan struct{})
	var callers sync.WaitGroup
	for range 16 {
		callers.Go(func() {
			for {
				if _, err := decode(t, h, nil); err != nil && !fault.Is(err, fault.Retryable) {
					t.Errorf("got %v, want a reply or Retryable", err)
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	for range kills {
		pid := h.States()[0].PID
		kill(t, pid)
		await(t, h, "a new process", runningAfter(pid))
	}
	close(done)
	callers.Wait()
	if state := h.States()[0]; state.Restarts != kills {
		t.Errorf("%d restarts for %d deaths", state.Restarts, kills)
	}
}

func TestRestartOnDemand(t *testing.T) {
	t.Parallel()
	h := run(t, self("fake"), host.Options{})
	pid := h.States()[0].PID
	if err := h.Restart(fake.Name); err != nil {
		t.Fatal(err)
	}
	await(t, h, "a new process", runningAfter(pid))
}
