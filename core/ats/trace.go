package ats

import "time"

// Trace is what a call left behind. It comes with an error too: the exchanges
// are wanted most when something went wrong. The host hands out no nil answer
// that has one.
type Trace struct {
	Exchanges []Exchange
	Budget    *RateBudget // what the ATS announced last; nil if it did not
	Degraded  []string    // what was shortened, translated or dropped, for people
}

// LeftBehind returns the trace itself: every answer that has one in it has this
// method too, so that code can reach the trace of any answer.
func (t *Trace) LeftBehind() *Trace { return t }

// Traced is a pointer to an answer that has a trace in it.
type Traced[T any] interface {
	*T
	LeftBehind() *Trace
}

// RateBudget is how many requests the ATS still takes. The host paces all of
// its processes by it.
type RateBudget struct {
	Scope     string // what is counted together: "api", "token"
	Limit     int    // requests in a window
	Remaining int    // of the running window
	ResetAt   time.Time
}
