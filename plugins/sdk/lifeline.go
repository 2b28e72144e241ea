package sdk

import (
	"io"
	"os"
	"path/filepath"

	"github.com/hashicorp/go-plugin"

	"github.com/trellis-ats/trellis/plugins/internal/wire"
)

// leaveWithHost ends the process when the host is gone, also if it was killed:
// the host holds the other end of stdin, and the kernel closes it for a dead
// process. Nothing polite is left to do then but to remove the socket.
func leaveWithHost(stdin io.Reader) {
	if os.Getenv(wire.Lifeline) == "" {
		return // not a host that holds it
	}
	_, _ = io.Copy(io.Discard, stdin)
	removeSocket(os.Getenv(plugin.EnvUnixSocketDir))
	os.Exit(0)
}

// removeSocket removes the socket and its folder, which the host made for this
// process and cannot remove any more. A folder with anything else in it stays.
// It tries again because the socket may be in the making.
func removeSocket(dir string) {
	if dir == "" {
		return
	}
	for range 10 {
		sockets, _ := filepath.Glob(filepath.Join(dir, "plugin*"))
		for _, s := range sockets {
			_ = os.Remove(s)
		}
		if os.Remove(dir) == nil {
			return
		}
	}
}
