package wire

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/trellis-ats/trellis/core/fault"
)

// ErrLost is in the chain of an error if the connection broke before a reply
// came: the adapter's process is dead or dying.
var ErrLost = errors.New("connection to the adapter lost")

// ErrLate is in the chain of an error if the deadline passed without a reply.
var ErrLate = errors.New("adapter did not reply in time")

// errGivenUp is in the chain of an error if the caller did not wait for the reply.
var errGivenUp = errors.New("call given up")

// fromStatus returns the fault that err carries, or the one that fits a status
// without: the adapter's own code never wrote that one.
func fromStatus(ctx context.Context, err error) error {
	s := status.Convert(err)
	if e := faultIn(s); e != nil {
		return e
	}
	code := s.Code()
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return atCaller(err)
	case code == codes.DeadlineExceeded || ctx.Err() != nil:
		return atAdapter(fmt.Errorf("%w: %w", ErrLate, err), fault.Retryable, "The adapter did not reply in time. Try again later.")
	case code == codes.Unavailable || code == codes.Canceled:
		return atAdapter(fmt.Errorf("%w: %w", ErrLost, err), fault.Retryable, "The adapter's process ended in the middle of the call. It is being restarted; try again.")
	case code == codes.Unimplemented:
		return atAdapter(err, fault.Unsupported, "The adapter does not offer this call.")
	case code == codes.ResourceExhausted:
		return atAdapter(err, fault.Internal, "The adapter answered with more than %d bytes; the answer was not used. Update the adapter.", MaxMessage)
	default:
		return atAdapter(err, fault.Internal, "The adapter's answer could not be read and was not used. Update the adapter.")
	}
}

func atAdapter(cause error, code fault.Code, format string, args ...any) *fault.Error {
	e := fault.Wrap(cause, code, format, args...)
	e.Source = fault.Adapter
	return e
}

func atCaller(cause error) *fault.Error {
	e := fault.Wrap(fmt.Errorf("%w: %w", errGivenUp, cause), fault.Retryable, "The call was given up before the adapter replied.")
	e.Source = fault.Caller
	return e
}
