package app

import (
	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/plugins/host"
)

// adapters is the host as core sees it.
type adapters struct{ *host.Host }

// Processes tells how the adapters' processes are.
func (a adapters) Processes() []core.Process {
	states := a.States()
	processes := make([]core.Process, len(states))
	for i, s := range states {
		processes[i] = core.Process{
			Adapter: s.Name, Version: s.Version, Status: string(s.Status), PID: s.PID,
			Restarts: s.Restarts, LastError: s.LastError, Since: s.Since,
		}
	}
	return processes
}
