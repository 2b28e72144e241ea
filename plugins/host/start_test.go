//go:build unix

package host_test

import (
	"context"
	"crypto/sha256"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trellis-ats/trellis/adapters/fake"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/plugins/host"
)

func TestStartsAndDescribes(t *testing.T) {
	t.Parallel()
	l := self("fake")
	l.SHA256 = checksum(t, l.Command[0])
	h := run(t, l, host.Options{})
	state := h.States()[0]
	if state.Status != host.Running || state.PID == 0 || state.Version != "1.0.0" || state.LastError != "" || state.Restarts != 0 {
		t.Errorf("state is %+v", state)
	}
	if m, err := h.Manifest(fake.Name); err != nil || m.Title != "Fake" || len(m.Routes) != 5 {
		t.Errorf("manifest %+v, error %v", m, err)
	}
	if !slices.Equal(h.Names(), []string{fake.Name}) {
		t.Errorf("names are %v", h.Names())
	}
	if err := h.Start(t.Context()); !fault.Is(err, fault.Conflict) {
		t.Errorf("second start: %v, want Conflict", err)
	}
	for _, name := range []string{"", "other"} {
		_, err1 := h.Manifest(name)
		_, err2 := h.Adapter(name)
		_, err3 := h.Inbound(name)
		_, err4 := h.Results(name)
		for _, err := range []error{err1, err2, err3, err4, h.Restart(name)} {
			if !fault.Is(err, fault.NotFound) {
				t.Errorf("adapter %q: %v, want NotFound", name, err)
			}
		}
	}
}

func checksum(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(content)
	return sum[:]
}

func TestFailsForGoodWhatCannotRun(t *testing.T) {
	t.Parallel()
	misnamed := self("fake")
	misnamed.Name = "lever"
	pinned := self("fake")
	pinned.SHA256 = make([]byte, sha256.Size)
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("no program"), 0o700); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		launch host.Launch
		says   []string
	}{
		"wrong checksum":    {pinned, []string{"SHA-256", "pin"}},
		"another major":     {self("next-major"), []string{"version 2", "version 1", "Install"}},
		"not a plugin":      {host.Launch{Name: "x", Command: []string{"/bin/echo", "hello"}}, []string{"not a Trellis adapter", "hello"}},
		"says nothing":      {host.Launch{Name: "x", Command: []string{"/bin/true"}}, []string{"not a Trellis adapter"}},
		"no such file":      {host.Launch{Name: "x", Command: []string{"/no/such/file"}}, []string{"no such file", "Check the path"}},
		"not executable":    {host.Launch{Name: "x", Command: []string{text}}, []string{"exec format error", "architecture"}},
		"another name":      {misnamed, []string{`"fake"`, `"lever"`}},
		"impossible routes": {self("liar"), []string{"cannot describe itself", "cannot be served"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := run(t, test.launch, host.Options{})
			state := h.States()[0]
			if state.Status != host.Failed {
				t.Errorf("state is %+v, want FAILED", state)
			}
			for _, word := range test.says {
				if !strings.Contains(state.LastError, word) {
					t.Errorf("%q does not say %q", state.LastError, word)
				}
			}
			if _, err := h.Manifest(test.launch.Name); !fault.Is(err, fault.Retryable) {
				t.Errorf("manifest: %v, want Retryable", err)
			}
			if _, err := h.Inbound(test.launch.Name); !fault.Is(err, fault.Retryable) {
				t.Errorf("inbound: %v, want Retryable", err)
			}
			a, err := h.Adapter(test.launch.Name)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := a.Describe(t.Context()); !fault.Is(err, fault.Retryable) {
				t.Errorf("describe: %v, want Retryable at once", err)
			}
		})
	}
}

func TestGivesUpAfterFiveExits(t *testing.T) {
	t.Parallel()
	c := newClock()
	h := run(t, self("crashes"), host.Options{Clock: c})
	for _, wait := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second} {
		c.pass(t, wait)
	}
	state := await(t, h, "give up", is(host.Failed))
	if state.Restarts != 4 || !strings.Contains(state.LastError, "given up after 5 exits") || !strings.Contains(state.LastError, "exit status 7") {
		t.Errorf("state is %+v", state)
	}
	if err := h.Restart(fake.Name); err != nil {
		t.Fatal(err)
	}
	c.pass(t, time.Second)
	c.pass(t, 2*time.Second)
	await(t, h, "the count begins anew", func(s host.State) bool { return s.Restarts >= 7 })
}

func TestExitsOutOfTheWindowAreForgotten(t *testing.T) {
	t.Parallel()
	c := newClock()
	h := run(t, self("fake"), host.Options{Clock: c, PingEvery: 11 * time.Minute})
	for range 6 {
		state := h.States()[0]
		kill(t, state.PID)
		await(t, h, "restart at once", runningAfter(state.PID))
		c.pass(t, 11*time.Minute)
	}
	if state := h.States()[0]; state.Restarts != 6 || state.Status != host.Running {
		t.Errorf("state is %+v", state)
	}
}

func TestNotReadyInTime(t *testing.T) {
	t.Parallel()
	h := run(t, self("mute"), host.Options{StartTimeout: 200 * time.Millisecond, Clock: newClock()})
	state := await(t, h, "second try", func(s host.State) bool { return s.Restarts == 1 && s.Status == host.BackingOff })
	if !strings.Contains(state.LastError, "not ready") {
		t.Errorf("state is %+v", state)
	}
}

func TestANewBinaryIsTried(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "adapter")
	install(t, path, "echo not yet")
	c := newClock()
	h := run(t, host.Launch{Name: fake.Name, Command: []string{path}}, host.Options{Clock: c})
	await(t, h, "fail", is(host.Failed))
	install(t, path, "exec "+strings.Join(self("fake").Command, " "))
	c.pass(t, 5*time.Second)
	await(t, h, "run", is(host.Running))
}

func TestARunningAdapterIsReplacedByItsNewBinary(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "adapter")
	install(t, path, "exec "+strings.Join(self("fake").Command, " "))
	c := newClock()
	h := run(t, host.Launch{Name: fake.Name, Command: []string{path}}, host.Options{Clock: c, PingEvery: 15 * time.Second})
	first := h.States()[0]
	for range 3 { // nothing changed
		c.pass(t, 15*time.Second)
	}
	install(t, path, "# another\nexec "+strings.Join(self("fake").Command, " "))
	c.pass(t, 15*time.Second) // it may still be written
	if s := h.States()[0]; s.PID != first.PID || s.Restarts != 0 {
		t.Errorf("after the first look: %+v", s)
	}
	c.pass(t, 15*time.Second)
	next := await(t, h, "the new one", runningAfter(first.PID))
	if next.Restarts != 1 || !strings.Contains(next.LastError, "replaced") {
		t.Errorf("state is %+v", next)
	}
	if _, err := decode(t, h, nil); err != nil {
		t.Error(err)
	}
}

func TestAPinnedAdapterGoesOnWhenItsFileIsReplaced(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "adapter")
	install(t, path, "exec "+strings.Join(self("fake").Command, " "))
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	pin := sha256.Sum256(content)
	c := newClock()
	l := host.Launch{Name: fake.Name, Command: []string{path}, SHA256: pin[:]}
	h := run(t, l, host.Options{Clock: c, PingEvery: 15 * time.Second})
	first := h.States()[0]
	install(t, path, "exit 1 # not what was pinned")
	for range 4 {
		c.pass(t, 15*time.Second)
	}
	if s := h.States()[0]; s.PID != first.PID || s.Status != host.Running || s.Restarts != 0 {
		t.Errorf("state is %+v", s)
	}
}

// install puts a script in place, whole.
func install(t *testing.T, path, script string) {
	t.Helper()
	if err := os.WriteFile(path+".new", []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

func TestLaunchesThatCannotBeMeant(t *testing.T) {
	t.Parallel()
	for name, launches := range map[string][]host.Launch{
		"twice":    {self("fake"), self("fake")},
		"relative": {{Name: "x", Command: []string{"adapter"}}},
		"empty":    {{Name: "x"}},
		"nameless": {{Command: []string{"/bin/true"}}},
	} {
		h := host.New(host.Options{Launches: launches})
		if err := h.Start(t.Context()); !fault.Is(err, fault.Config) {
			t.Errorf("%s: %v, want Config", name, err)
		}
		if err := h.Close(); err != nil {
			t.Errorf("%s: close: %v", name, err)
		}
	}
}

func TestStartObeysItsContext(t *testing.T) {
	t.Parallel()
	h := host.New(host.Options{Launches: []host.Launch{self("mute")}})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := h.Start(ctx); err == nil {
		t.Error("no error")
	}
	if err := h.Close(); err != nil {
		t.Error(err)
	}
}
