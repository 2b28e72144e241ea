// Package fault holds the one error type of Trellis. An Error says what
// happened in words that may leave the process, whose fault it was and whether
// trying again can help; the cause stays inside. Each edge (GraphQL, REST,
// gRPC, tasks) maps it once.
package fault

import (
	"errors"
	"fmt"
	"time"
)

// Code is the class of an error. The list is append-only: codes travel over
// the plugin boundary and appear in the public API.
type Code string

// The classes. The adapter decides the class of an ATS's answer; the host
// never guesses it from an HTTP status.
const (
	Internal        Code = "INTERNAL"        // unknown; its text never leaves
	Invalid         Code = "INVALID"         // the caller's input; Fields says where
	NotFound        Code = "NOT_FOUND"       // does not exist for this caller
	Conflict        Code = "CONFLICT"        // the state does not allow it; Kind says which
	Unauthenticated Code = "UNAUTHENTICATED" // no valid credential came with the call to us
	Forbidden       Code = "FORBIDDEN"       // known caller, not allowed
	TooLarge        Code = "TOO_LARGE"       // over a size limit
	Retryable       Code = "RETRYABLE"       // nothing happened; try again later
	RateLimited     Code = "RATE_LIMITED"    // nothing happened; not before RetryAfter
	OutcomeUnknown  Code = "OUTCOME_UNKNOWN" // sent, no answer: look before repeating
	Auth            Code = "AUTH"            // the ATS refused our credential
	Permission      Code = "PERMISSION"      // the ATS misses a permission; Missing names it
	Unsupported     Code = "UNSUPPORTED"     // the adapter or ATS cannot do it
	Config          Code = "CONFIG"          // a setting is wrong
	Upstream        Code = "UPSTREAM"        // the ATS answered with something it should not
)

// Source tells whose fault an error is.
type Source string

// The sources.
const (
	Ours    Source = "TRELLIS"
	Caller  Source = "CALLER"
	Adapter Source = "ADAPTER"
	ATS     Source = "ATS"
)

// Field is one thing that is wrong with an input.
type Field struct {
	Path    string // dotted, as the caller spelled it: "candidate.email"
	Code    string // upper snake case, for machines: "REQUIRED"
	Message string // for people
}

// Error is the error type of Trellis. Only Code and Message are always set.
type Error struct {
	Code       Code
	Message    string        // safe to show: what happened, what was kept, what to do
	Source     Source        // whose fault; empty means Ours
	RetryAfter time.Duration // earliest sensible repeat; 0 means unknown
	Scope      string        // what a rate limit covers, for example "organization"
	Fields     []Field       // for Invalid
	Missing    []string      // for Permission
	Kind       string        // for Conflict, for example "STATUS" or "EXISTS"
	Existing   string        // for Conflict: the id of what is in the way
	Cause      error         // stays inside the process
}

// Error returns the message, followed by the cause. It is for logs; edges show Message alone.
func (e *Error) Error() string {
	if e.Cause != nil {
		return fmt.Sprintf("%s: %s: %v", e.Code, e.Message, e.Cause)
	}
	return fmt.Sprintf("%s: %s", e.Code, e.Message)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// New returns an error of code with a message that may leave the process.
func New(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Wrap is New with a cause that stays inside the process.
func Wrap(cause error, code Code, format string, args ...any) *Error {
	e := New(code, format, args...)
	e.Cause = cause
	return e
}

// InvalidField returns an Invalid error about one field.
func InvalidField(path, code, format string, args ...any) *Error {
	message := fmt.Sprintf(format, args...)
	return &Error{
		Code: Invalid, Message: message, Source: Caller,
		Fields: []Field{{Path: path, Code: code, Message: message}},
	}
}

// ConflictField returns a Conflict error of a kind about one field.
func ConflictField(path, code, kind, format string, args ...any) *Error {
	e := InvalidField(path, code, format, args...)
	e.Code, e.Kind = Conflict, kind
	return e
}

// CodeOf returns the class of err: Internal for an unknown error, "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return Internal
}

// Is reports whether err is of class code.
func Is(err error, code Code) bool { return err != nil && CodeOf(err) == code }

// From returns the *Error in err's chain, or an Internal one that keeps err as
// its cause and shows nothing of it. It returns nil for nil.
func From(err error) *Error {
	if err == nil {
		return nil
	}
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return Wrap(err, Internal, "Something went wrong on our side. Nothing was changed; try again, and quote the request id if it persists.")
}

// Repeatable reports whether the same call may be made again unattended:
// nothing happened on the other side, and waiting can help.
func Repeatable(err error) bool {
	switch CodeOf(err) {
	case Retryable, RateLimited, Upstream, Internal:
		return true
	default:
		return false
	}
}
