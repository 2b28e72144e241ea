package wire

import (
	"context"
	"errors"
	"log/slog"
	"runtime/debug"
	"time"

	"google.golang.org/grpc"

	"github.com/trellis-ats/trellis/core/fault"
)

// Bounds of the time that is kept back for the reply.
const (
	marginShare = 10 // of the time that is left, one part in
	marginMost  = 500 * time.Millisecond
)

// guard is the adapter process's edge: it ends the handler's context a little
// before the host gives up, so that an adapter that obeys its context still
// gets its answer (and its exchanges) through; it survives a panic; and it maps
// errors, once.
func guard(log *slog.Logger) grpc.UnaryServerInterceptor {
	return func(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (reply any, err error) {
		ctx, cancel := withMargin(ctx)
		defer cancel()
		defer func() {
			if p := recover(); p != nil {
				log.ErrorContext(ctx, "adapter panicked", "method", info.FullMethod, "panic", p, "stack", string(debug.Stack()))
				reply, err = nil, toStatus(unforeseen(nil))
			}
		}()
		reply, err = handler(ctx, req)
		if err != nil {
			return nil, toStatus(edge(ctx, log, info.FullMethod, err))
		}
		return reply, nil
	}
}

func withMargin(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	margin := min(time.Until(deadline)/marginShare, marginMost)
	return context.WithDeadline(ctx, deadline.Add(-margin))
}

// edge returns the fault that travels for err, and logs what does not: the
// cause. An error without a class is Internal, unless it is the context's: then
// the adapter merely ran out of time, and nobody knows what a write came to.
func edge(ctx context.Context, log *slog.Logger, method string, err error) *fault.Error {
	var e fault.Error
	var known *fault.Error
	switch {
	case errors.As(err, &known):
		e = *known
	case !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled):
		e = *unforeseen(err)
	case writes(method):
		e = *fault.Wrap(err, fault.OutcomeUnknown, "The adapter did not finish in time. It may have been done: look in the ATS before it is asked for again.")
	default:
		e = *fault.Wrap(err, fault.Retryable, "The adapter did not finish in time. Try again later.")
	}
	if e.Source == "" || e.Source == fault.Ours {
		e.Source = fault.Adapter // "ours" here is the adapter's process
	}
	if e.Cause != nil {
		log.WarnContext(ctx, "adapter call failed", "method", method, "code", string(e.Code), "cause", e.Cause.Error())
	}
	return &e
}

func unforeseen(cause error) *fault.Error {
	e := fault.Wrap(cause, fault.Internal, "The adapter failed for a reason that it did not foresee; its log says more.")
	e.Source = fault.Adapter
	return e
}
