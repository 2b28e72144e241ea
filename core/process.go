package core

import (
	"context"
	"time"

	"github.com/trellis-ats/trellis/core/ats"
)

// Process tells how an adapter's process is.
type Process struct {
	Adapter   string
	Version   string
	Status    string // STARTING, RUNNING, BACKING_OFF, FAILED or STOPPED
	PID       int    // 0 while there is none
	Restarts  int
	LastError string
	Since     time.Time // of the status
}

// Installed is an adapter with its process.
type Installed struct {
	Process  Process
	Manifest *ats.Manifest // nil until it first described itself
}

// Installed returns the adapters that connections can use. Errors: fault.Forbidden.
func (cs *Connections) Installed(_ context.Context, by Actor) ([]Installed, error) {
	if err := by.Require(PermitReadSetup); err != nil {
		return nil, err
	}
	var all []Installed
	for _, p := range cs.adapters.Processes() {
		m, err := cs.adapters.Manifest(p.Adapter)
		if err != nil {
			m = nil // it never ran; the process says why
		}
		all = append(all, Installed{Process: p, Manifest: m})
	}
	return all, nil
}
