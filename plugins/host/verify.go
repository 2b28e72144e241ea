package host

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strings"

	"github.com/hashicorp/go-plugin"

	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/plugins/internal/wire"
)

// hopelessError is a failure that another try would repeat; it says what to do.
type hopelessError struct{ message string }

func (e *hopelessError) Error() string { return e.message }

// verify compares the file with its pin.
func verify(l Launch) error {
	if len(l.SHA256) == 0 {
		return nil
	}
	pin := plugin.SecureConfig{Checksum: l.SHA256, Hash: sha256.New()}
	same, err := pin.Check(l.Command[0])
	switch {
	case err != nil:
		return &hopelessError{fmt.Sprintf("the file cannot be read to verify its checksum: %v", err)}
	case !same:
		return &hopelessError{fmt.Sprintf("%s is not the file that was pinned: its SHA-256 differs. It was not started; install the right file, or pin this one if you trust it", l.Command[0])}
	default:
		return nil
	}
}

// explain turns the failure of a start into words that say what to do. The
// process has ended. go-plugin has no types for its errors, only texts.
func (r *runner) explain(err error) error {
	if r.failure != nil {
		return &hopelessError{fmt.Sprintf("it cannot be started: %v. Check the path, the permissions and the architecture", r.failure)}
	}
	var status *exec.ExitError
	var broken *fault.Error
	text := err.Error()
	switch line, unreadable := strings.CutPrefix(text, "Unrecognized remote plugin message: "); {
	case strings.Contains(text, "incompatible API version"):
		theirs := regexp.MustCompile(`Plugin version: (\d+)`).FindStringSubmatch(text)
		return &hopelessError{fmt.Sprintf("it speaks version %s of the adapter contract and this host version %d. Install a build of the adapter for version %d", theirs[len(theirs)-1], wire.Major, wire.Major)}
	case unreadable && strings.HasPrefix(line, "\n"): // it wrote nothing
		if r.status != nil && errors.As(r.status, &status) {
			return fmt.Errorf("it ended with %w before it was ready", status)
		}
		return notAnAdapter("it wrote nothing")
	case unreadable:
		line, _, _ = strings.Cut(line, "\n")
		return notAnAdapter(fmt.Sprintf("it wrote %.80q", line))
	case strings.Contains(text, "incompatible core API version"), strings.Contains(text, "unsupported plugin protocol"):
		return notAnAdapter(text)
	case errors.Is(err, wire.ErrLost):
		return fmt.Errorf("it ended before it had described itself: %w", r.exit())
	case errors.As(err, &broken):
		return &hopelessError{"it cannot describe itself: " + broken.Message}
	default:
		return err
	}
}

func notAnAdapter(what string) error {
	return &hopelessError{fmt.Sprintf("it is not a Trellis adapter: %s in place of the handshake. Check the command", what)}
}
