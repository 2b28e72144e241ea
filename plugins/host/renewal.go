package host

import (
	"errors"
	"log/slog"
	"os"
	"time"
)

// errReplaced ends a process because its file is another one now. Calls wait for
// the next process; those in flight fare as when a process dies.
var errReplaced = errors.New("its file was replaced")

// renewal tells when a running adapter's file was replaced by one to run instead.
type renewal struct {
	launch Launch
	runs   fingerprint // of the file that the process was started from
	seen   fingerprint // of another file, at the last look
	log    *slog.Logger
}

// due reports whether the file differs from the one that runs. It waits until
// two looks in a row saw the same one, since a copy may still be under way, and
// never asks for a file that is gone or not the pinned one.
func (r *renewal) due() bool {
	now := lookAt(r.launch.Command[0])
	if now == r.runs || now == (fingerprint{}) {
		r.seen = fingerprint{}
		return false
	}
	if now != r.seen {
		r.seen = now
		return false
	}
	if err := verify(r.launch); err != nil {
		r.log.Warn("the adapter's file was replaced; the one that runs goes on", "error", err)
		r.runs = now
		return false
	}
	return true
}

// fingerprint tells one version of a file from another.
type fingerprint struct {
	size     int64
	modified time.Time
}

// lookAt returns the zero fingerprint for a file that is not there.
func lookAt(path string) fingerprint {
	info, err := os.Stat(path)
	if err != nil {
		return fingerprint{}
	}
	return fingerprint{size: info.Size(), modified: info.ModTime()}
}
