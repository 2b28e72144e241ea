//go:build unix

package host_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
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

func gone(pid int) bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }

func TestCloseLeavesNothing(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]host.Options{"running": {}, "stopped": {StopTimeout: 100 * time.Millisecond}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := run(t, self("fake"), o)
			pid := h.States()[0].PID
			env := environment(t, pid)
			if name == "stopped" {
				suspend(t, pid)
			}
			if err := h.Close(); err != nil {
				t.Error(err)
			}
			if !gone(pid) {
				t.Errorf("process %d is alive", pid)
			}
			if _, err := os.Stat(env["PLUGIN_UNIX_SOCKET_DIR"]); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the socket's folder: %v", err)
			}
			if state := h.States()[0]; state.Status != host.Stopped {
				t.Errorf("state is %+v", state)
			}
			_, err := decode(t, h, nil)
			atAdapter(t, "a call after Close", err, fault.Retryable)
		})
	}
}

// environment reads what a process was started with.
func environment(t *testing.T, pid int) map[string]string {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("reads /proc")
	}
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "environ"))
	if err != nil {
		t.Fatal(err)
	}
	env := make(map[string]string)
	for _, entry := range strings.Split(string(text), "\x00") {
		if name, value, ok := strings.Cut(entry, "="); ok {
			env[name] = value
		}
	}
	return env
}

func TestNothingOfTheEnvironmentIsPassedOn(t *testing.T) {
	t.Parallel()
	h := run(t, self("fake"), host.Options{})
	handshake := []string{
		"PLUGIN_CLIENT_CERT", "PLUGIN_MAX_PORT", "PLUGIN_MIN_PORT", "PLUGIN_PROTOCOL_VERSIONS",
		"PLUGIN_UNIX_SOCKET_DIR", "TRELLIS_ADAPTER", "TRELLIS_ADAPTER_LIFELINE",
		"GORACE", // from the command, not from the environment
	}
	for name := range environment(t, h.States()[0].PID) {
		if !slices.Contains(handshake, name) {
			t.Errorf("the adapter got %s", name)
		}
	}
}

func TestAnOrphanLeaves(t *testing.T) {
	t.Parallel()
	fifo := filepath.Join(t.TempDir(), "held")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	parent := exec.Command(path, "host", fifo)
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	held, err := os.Open(fifo) // returns when the adapter has it open too
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	kill(t, parent.Process.Pid)
	_ = parent.Wait()
	// The end of the file comes when the adapter's process has ended.
	if err := held.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(held); err != nil {
		t.Errorf("the adapter outlived its host: %v", err)
	}
}

// record is a log that can be read while it is written.
type record struct {
	mu    sync.Mutex
	text  bytes.Buffer
	count int // lines, when they were read
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

func (r *record) lines(t *testing.T) map[string]map[string]any {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	byMessage := make(map[string]map[string]any)
	r.count = strings.Count(r.text.String(), "\n")
	for _, line := range strings.Split(strings.TrimSpace(r.text.String()), "\n") {
		var entry map[string]any
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatal(err)
		}
		byMessage[entry["msg"].(string)] = entry
	}
	return byMessage
}

func TestLogsReachTheHost(t *testing.T) {
	t.Parallel()
	var r record
	h := run(t, self("logs"), host.Options{Log: slog.New(slog.NewJSONHandler(&r, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	if err := h.Close(); err != nil { // after it, all lines are there
		t.Fatal(err)
	}
	lines := r.lines(t)
	for message, level := range map[string]string{
		"fine detail": "DEBUG", "a fact": "INFO", "a warning": "WARN", "an error": "ERROR",
		"plain text": "DEBUG", `{"@message":7,"@level":{},"@timestamp":false}`: "DEBUG",
	} {
		if line := lines[message]; line["level"] != level || line["adapter"] != fake.Name {
			t.Errorf("%q was logged as %v, want level %s", message, line, level)
		}
	}
	said, _ := lines["an error"]["said"].(map[string]any)
	if said["error"] != "boom" {
		t.Errorf("the attributes are lost: %v", lines["an error"])
	}
}

func TestAFloodOfLogsIsDammed(t *testing.T) {
	t.Parallel()
	var r record
	h := run(t, self("floods"), host.Options{Log: slog.New(slog.NewJSONHandler(&r, nil))})
	if _, err := decode(t, h, nil); err != nil {
		t.Error(err)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	if r.lines(t); r.count < 1000 || r.count > 4000 {
		t.Errorf("%d lines reached the log", r.count)
	}
}

func TestAnAdapterAloneSaysSo(t *testing.T) {
	t.Parallel()
	command := self("fake").Command
	output, err := exec.Command(command[0], command[1:]...).CombinedOutput()
	var status *exec.ExitError
	if !errors.As(err, &status) || status.ExitCode() != 1 || !strings.Contains(string(output), "plugin") {
		t.Errorf("got %v: %s", err, output)
	}
}

func BenchmarkDecode(b *testing.B) {
	h := host.New(host.Options{Launches: []host.Launch{self("fake")}})
	defer h.Close()
	if err := h.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	inbound, err := h.Inbound(fake.Name)
	if err != nil {
		b.Fatal(err)
	}
	request := &ats.InboundRequest{Route: "list-tests", HTTP: ats.HTTPRequest{Body: make([]byte, 1<<10)}}
	for b.Loop() {
		if _, err := inbound.Decode(b.Context(), request); err != nil {
			b.Fatal(err)
		}
	}
}
