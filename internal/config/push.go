package config

import (
	"errors"
	"time"
)

// Pushes tell how patient pushes into an ATS are.
type Pushes struct {
	PushDeadline time.Duration `name:"deadline" env:"TRELLIS_PUSH_DEADLINE" default:"30s" help:"How long one call to an ATS may take."`
	PushSettle   time.Duration `name:"settle" env:"TRELLIS_PUSH_SETTLE" default:"45s" help:"How long after it was sent a request that got no answer may still be carried out; longer than the deadline."`
	PushAttempts int           `name:"attempts" env:"TRELLIS_PUSH_ATTEMPTS" default:"10" help:"How often a step is tried before a push is given up."`
	PushBackoff  time.Duration `name:"backoff" env:"TRELLIS_PUSH_BACKOFF" default:"2s" help:"How long to wait after the first failed attempt; three times as long after each further one, an hour at most."`
}

// longestCall leaves a task, which has a minute, the time for one call.
const longestCall = 50 * time.Second

// validatePushes lets all be zero, which is their default.
func (p Pushes) validatePushes() error {
	if p == (Pushes{}) {
		return nil
	}
	if p.PushDeadline <= 0 || p.PushDeadline > longestCall {
		return errors.New("TRELLIS_PUSH_DEADLINE is more than nothing, and at most 50s")
	}
	if p.PushSettle < p.PushDeadline {
		return errors.New("TRELLIS_PUSH_SETTLE is at least TRELLIS_PUSH_DEADLINE, or a request that is still under way would count as lost")
	}
	if p.PushAttempts < 1 || p.PushBackoff <= 0 {
		return errors.New("TRELLIS_PUSH_ATTEMPTS and TRELLIS_PUSH_BACKOFF are more than nothing")
	}
	return nil
}
