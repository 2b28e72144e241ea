package fake

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// The names of the calls in the knobs.
const (
	callCheck   = "check"
	callDecode  = "decode"
	callEncode  = "encode"
	callDeliver = "deliver"

	callFind      = "find"
	callCreate    = "create"
	callApply     = "apply"
	callGet       = "get"
	callMove      = "move"
	callReject    = "reject"
	callUnreject  = "unreject"
	callFields    = "fields"
	callAttach    = "attach"
	callNote      = "note"
	callTag       = "tag"
	callScorecard = "scorecard"
	callList      = "list"
	callBegin     = "begin"
	callComplete  = "complete"
	callRefresh   = "refresh"
	callReceive   = "receive"
	callTranslate = "translate"
)

// retryAfter is what a RATE_LIMITED of the fail knob asks for.
const retryAfter = time.Second

// exitStatus is that of the exit knob.
const exitStatus = 3

// oversizedBytes is more than a message may have.
const oversizedBytes = 17 << 20

// knobs are the settings that make calls fail; the package comment lists them.
type knobs map[string]string

func knobsOf(c *ats.Connection) knobs { return c.Settings }

func knobSettings() []ats.Setting {
	names := []string{"fail_decode", "fail_deliver", "fail", "lose", "exit_after", "hang_after", "budget", "delay", "hang", "panic", "exit", "lie", "oversized"}
	settings := make([]ats.Setting, 0, len(names))
	for _, n := range names {
		settings = append(settings, ats.Setting{Name: n, Label: n, Type: ats.TypeText, Description: "A failure knob, for tests."})
	}
	return settings
}

// on reports whether the knob is set for the call.
func (k knobs) on(knob, call string) bool {
	calls := strings.Split(k[knob], ",")
	return slices.Contains(calls, "all") || slices.Contains(calls, call)
}

// misbehave does what the knobs say before the call proper.
// Errors: the context's, if the delay is longer; fault.Config for a delay that
// is no duration.
func (k knobs) misbehave(ctx context.Context, call string) error {
	switch {
	case k.on("panic", call):
		panic("the panic knob is set for " + call)
	case k.on("exit", call):
		os.Exit(exitStatus)
	case k.on("hang", call):
		select {}
	}
	return k.wait(ctx)
}

func (k knobs) wait(ctx context.Context) error {
	if k["delay"] == "" {
		return nil
	}
	delay, err := time.ParseDuration(k["delay"])
	if err != nil {
		return fault.Wrap(err, fault.Config, "The delay %q is not a duration.", k["delay"])
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// fault returns the fault that the knob asks for, or nil.
func (k knobs) fault(knob string) error {
	if k[knob] == "" {
		return nil
	}
	e := fault.New(fault.Code(k[knob]), "The knob %s is set.", knob)
	e.Source = fault.ATS
	return e
}

// failure returns the fault that the fail knob has for the call, or nil.
func (k knobs) failure(call string) error {
	for pair := range strings.SplitSeq(k["fail"], ",") {
		name, code, _ := strings.Cut(strings.TrimSpace(pair), ":")
		if name == "" || name != "all" && name != call {
			continue
		}
		e := fault.New(fault.Code(code), "The knob fail is set for %s.", call)
		e.Source = fault.ATS
		if e.Code == fault.RateLimited {
			e.RetryAfter, e.Scope = retryAfter, scopeAPI
		}
		return e
	}
	return nil
}

// scopeAPI is what the one budget of this ATS counts.
const scopeAPI = "api"

// budget returns what the budget knob announces: REMAINING/LIMIT. The window
// ends within a second.
func (k knobs) budget() *ats.RateBudget {
	var b ats.RateBudget
	if n, err := fmt.Sscanf(k["budget"], "%d/%d", &b.Remaining, &b.Limit); err != nil || n != 2 {
		return nil
	}
	b.Scope, b.ResetAt = scopeAPI, time.Now().UTC().Add(retryAfter)
	return &b
}
