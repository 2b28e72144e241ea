package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin/runner"

	"github.com/trellis-ats/trellis/plugins/internal/wire"
)

// drainTime is how long output is read after the process ended; a grandchild
// that holds the pipe must not hold the host.
const drainTime = time.Second

// runner starts and ends the operating system's process. go-plugin's own does
// not let us hold its stdin, end its descendants, see its end at once, or
// remove its socket.
type runner struct {
	command []string
	exited  chan struct{} // closed when the process was reaped

	mu       sync.Mutex
	cmd      *exec.Cmd
	dir      string   // of the socket
	lifeline *os.File // write end of the process's stdin
	stdout   *os.File
	stderr   *os.File
	killed   bool
	started  bool
	failure  error // of the start
	status   error // how it ended
}

var _ goplugin.Runner = (*runner)(nil)

func newRunner(command []string) *runner {
	return &runner{command: command, exited: make(chan struct{})}
}

// prepare implements plugin.ClientConfig.RunnerFunc. The environment is what
// go-plugin needs and nothing of the host's.
func (r *runner) prepare(_ hclog.Logger, spec *exec.Cmd, dir string) (goplugin.Runner, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.dir = dir
	r.cmd = exec.Command(r.command[0], r.command[1:]...) //nolint:noctx // kill ends it, and its descendants
	r.cmd.Env = append(spec.Env, wire.Lifeline+"=stdin")
	ownGroup(r.cmd)
	return r, nil
}

// Start implements runner.Runner.
func (r *runner) Start(context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.killed {
		return context.Canceled
	}
	theirs, err := r.openPipes()
	if err == nil {
		err = r.cmd.Start()
	}
	for _, f := range theirs {
		_ = f.Close()
	}
	if err != nil {
		r.failure = err
		r.closePipes()
		return err
	}
	r.started = true
	go r.reap()
	return nil
}

// openPipes gives the process its three streams and returns its ends of them.
func (r *runner) openPipes() (theirs []*os.File, err error) {
	stdin, lifeline, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	theirs, r.lifeline, r.cmd.Stdin = append(theirs, stdin), lifeline, stdin
	stdout, out, err := os.Pipe()
	if err != nil {
		return theirs, err
	}
	theirs, r.stdout, r.cmd.Stdout = append(theirs, out), stdout, out
	stderr, out, err := os.Pipe()
	if err != nil {
		return theirs, err
	}
	theirs, r.stderr, r.cmd.Stderr = append(theirs, out), stderr, out
	return theirs, nil
}

func (r *runner) closePipes() {
	for _, f := range []*os.File{r.lifeline, r.stdout, r.stderr} {
		if f != nil {
			_ = f.Close()
		}
	}
}

// reap waits for the end of the process, which go-plugin would do only after
// the end of its output.
func (r *runner) reap() {
	err := r.cmd.Wait()
	killGroup(r.cmd.Process.Pid)
	limit := time.Now().Add(drainTime)
	_ = r.stdout.SetReadDeadline(limit)
	_ = r.stderr.SetReadDeadline(limit)
	r.mu.Lock()
	r.status = err
	r.mu.Unlock()
	close(r.exited)
}

// kill ends the process and its descendants at once; one that has not started
// will not start.
func (r *runner) kill() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.killed = true
	if !r.started {
		return
	}
	select {
	case <-r.exited:
	default:
		killGroup(r.cmd.Process.Pid)
		_ = r.cmd.Process.Kill()
	}
}

// cleanUp removes what the process left. It is called after its end.
func (r *runner) cleanUp() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closePipes()
	if r.dir != "" {
		_ = os.RemoveAll(r.dir)
	}
}

// exit returns how the process ended; it is not to be called before.
func (r *runner) exit() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var status *exec.ExitError
	switch {
	case r.status == nil:
		return errors.New("it ended by itself with exit status 0")
	case errors.As(r.status, &status):
		return fmt.Errorf("it ended with %w", status)
	default:
		return r.status
	}
}

func (r *runner) pid() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.started {
		return 0
	}
	return r.cmd.Process.Pid
}

// Wait implements runner.Runner.
func (r *runner) Wait(context.Context) error {
	<-r.exited
	return r.status
}

// Kill implements runner.Runner.
func (r *runner) Kill(context.Context) error {
	r.kill()
	return nil
}

// ID implements runner.Runner. It is empty before the start.
func (r *runner) ID() string {
	if pid := r.pid(); pid != 0 {
		return strconv.Itoa(pid)
	}
	return ""
}

// Stdout implements runner.Runner.
func (r *runner) Stdout() io.ReadCloser { return r.stdout }

// Stderr implements runner.Runner.
func (r *runner) Stderr() io.ReadCloser { return r.stderr }

// Name implements runner.Runner.
func (r *runner) Name() string { return r.command[0] }

// Diagnose implements runner.Runner.
func (r *runner) Diagnose(context.Context) string { return "" }

// PluginToHost implements runner.Runner; both see the same addresses.
func (r *runner) PluginToHost(network, address string) (string, string, error) {
	return network, address, nil
}

// HostToPlugin implements runner.Runner.
func (r *runner) HostToPlugin(network, address string) (string, string, error) {
	return network, address, nil
}
