//go:build unix

package host_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/trellis-ats/trellis/adapters/fake"
	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/plugins/host"
)

// people are an ATS's, in a file that outlives the adapter's processes.
type people struct {
	t    *testing.T
	path string
	ats  ats.Candidates
}

func peopleOf(t *testing.T, h *host.Host) people {
	t.Helper()
	adapter, err := h.Adapter(fake.Name)
	if err != nil {
		t.Fatal(err)
	}
	return people{t: t, path: filepath.Join(t.TempDir(), "state.json"), ats: adapter.(ats.Candidates)}
}

func (p people) with(knob, value string) ats.Connection {
	return ats.Connection{Settings: map[string]string{"state_file": p.path, knob: value}}
}

func (p people) create(ctx context.Context, knob, value string) (*ats.CandidateReceipt, error) {
	return p.ats.Create(ctx, &ats.NewCandidate{Connection: p.with(knob, value), Person: ats.CandidateRecord{Email: "ada@example.com"}})
}

// count is how many there are by now.
func (p people) count() int {
	p.t.Helper()
	m, err := p.ats.Find(p.t.Context(), &ats.CandidateQuery{Connection: p.with("", ""), Email: "ada@example.com"})
	if err != nil {
		p.t.Fatal(err)
	}
	return len(m.Matches)
}

// The host does not know whether a process that died in the middle of a write
// had done it, says so, and does not ask again.
func TestADeathInTheMiddleOfAWriteIsOutcomeUnknown(t *testing.T) {
	t.Parallel()
	h := run(t, self("fake"), host.Options{Backoff: patient()})
	p := peopleOf(t, h)
	for i, knob := range []string{"exit", "exit_after"} {
		restarts := h.States()[0].Restarts
		receipt, err := p.create(t.Context(), knob, "create")
		atAdapter(t, knob, err, fault.OutcomeUnknown)
		if receipt == nil || receipt.CandidateID != "" {
			t.Errorf("%s: the receipt is %+v, want an empty one", knob, receipt)
		}
		await(t, h, "a new process", func(s host.State) bool { return s.Status == host.Running && s.Restarts == restarts+1 })
		if n := p.count(); n != i {
			t.Errorf("after %s there are %d people, want %d", knob, n, i)
		}
	}
}

func TestADeathInTheMiddleOfAReadIsRepeatedOnce(t *testing.T) {
	t.Parallel()
	h := run(t, self("fake"), host.Options{Backoff: patient()})
	p := peopleOf(t, h)
	_, err := p.ats.Find(t.Context(), &ats.CandidateQuery{Connection: p.with("exit", "find")})
	atAdapter(t, "find", err, fault.Retryable)
	state := await(t, h, "both exits", func(s host.State) bool { return s.Status == host.Running && s.Restarts == 2 })
	if !strings.Contains(state.LastError, "exit status 3") {
		t.Errorf("state is %+v", state)
	}
}

func TestAWriteWithoutAReplyIsOutcomeUnknown(t *testing.T) {
	t.Parallel()
	p := peopleOf(t, run(t, self("fake"), host.Options{}))
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	_, err := p.create(ctx, "hang", "create")
	atAdapter(t, "create", err, fault.OutcomeUnknown)
	given, giveUp := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := p.create(given, "hang_after", "create")
		ended <- err
	}()
	for p.count() == 0 && t.Context().Err() == nil { // until it was done
		continue
	}
	giveUp()
	if err := <-ended; !fault.Is(err, fault.OutcomeUnknown) {
		t.Errorf("given up: %v, want OutcomeUnknown", err)
	}
}

// What never reached an adapter is safe to ask for again, also if it writes.
func TestAWriteWithoutAProcessIsRetryable(t *testing.T) {
	t.Parallel()
	c := newClock()
	h := run(t, self("fake"), host.Options{Clock: c})
	p := peopleOf(t, h)
	first := h.States()[0]
	kill(t, first.PID)
	second := await(t, h, "restart at once", runningAfter(first.PID))
	kill(t, second.PID)
	await(t, h, "back off", func(s host.State) bool { return s.Status == host.BackingOff && s.Restarts == 1 })
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	receipt, err := p.create(ctx, "", "")
	atAdapter(t, "create", err, fault.Retryable)
	if receipt == nil {
		t.Error("the receipt is nil")
	}
	if _, err := os.Stat(p.path); !os.IsNotExist(err) {
		t.Errorf("something was written: %v", err)
	}
}

// Every call of the contract reaches the adapter through the proxy.
func TestTheProxyPassesEverythingOn(t *testing.T) {
	t.Parallel()
	h := run(t, self("fake"), host.Options{})
	p := peopleOf(t, h)
	adapter, err := h.Adapter(fake.Name)
	if err != nil {
		t.Fatal(err)
	}
	all := adapter.(whole)
	ctx, c := t.Context(), p.with("fail", "all:CONFIG")
	to := ats.Target{Connection: c}
	for name, call := range map[string]func() error{
		"find":      func() error { _, err := all.Find(ctx, &ats.CandidateQuery{Connection: c}); return err },
		"create":    func() error { _, err := all.Create(ctx, &ats.NewCandidate{Connection: c}); return err },
		"apply":     func() error { _, err := all.Apply(ctx, &ats.NewApplication{Connection: c}); return err },
		"get":       func() error { _, err := all.Get(ctx, &ats.ApplicationQuery{Connection: c}); return err },
		"move":      func() error { _, err := all.Move(ctx, &ats.MoveRequest{Connection: c}); return err },
		"reject":    func() error { _, err := all.Reject(ctx, &ats.RejectRequest{Connection: c}); return err },
		"unreject":  func() error { _, err := all.Unreject(ctx, &ats.UnrejectRequest{Connection: c}); return err },
		"fields":    func() error { _, err := all.SetFields(ctx, &ats.FieldsRequest{Target: to}); return err },
		"attach":    func() error { _, err := all.Attach(ctx, &ats.AttachRequest{Target: to}); return err },
		"note":      func() error { _, err := all.AddNote(ctx, &ats.NoteRequest{Target: to}); return err },
		"tag":       func() error { _, err := all.AddTag(ctx, &ats.TagRequest{Target: to}); return err },
		"scorecard": func() error { _, err := all.Scorecard(ctx, &ats.ScorecardRequest{Target: to}); return err },
		"list":      func() error { _, err := all.List(ctx, &ats.ReferenceQuery{Connection: c}); return err },
		"begin":     func() error { _, err := all.Begin(ctx, &ats.ConsentRequest{Connection: c}); return err },
		"complete":  func() error { _, err := all.Complete(ctx, &ats.ConsentCode{Connection: c}); return err },
		"refresh":   func() error { _, err := all.Refresh(ctx, &ats.RefreshRequest{Connection: c}); return err },
		"receive":   func() error { _, err := all.Receive(ctx, &ats.WebhookRequest{Connection: c}); return err },
		"translate": func() error {
			_, err := all.Translate(ctx, &ats.WebhookRequest{Connection: c, HTTP: ats.HTTPRequest{Body: []byte(`{}`)}})
			return err
		},
	} {
		if e := fault.From(call()); e == nil || e.Code != fault.Config || !strings.HasSuffix(e.Message, " "+name+".") {
			t.Errorf("%s: %v", name, e)
		}
	}
}
