package wire

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
	atsv1 "github.com/trellis-ats/trellis/plugins/proto/ats/v1"
)

// replied is a reply with an answer and a fault side by side, because the
// answer's trace is wanted most when something went wrong.
type replied[P any] interface {
	GetAnswer() P
	GetFault() *atsv1.Fault
}

// question is a call whose answer comes with an error too.
type question[Q proto.Message, R replied[P], P comparable, A any] struct {
	method  string // its full name
	rpc     func(context.Context, Q, ...grpc.CallOption) (R, error)
	request Q
	read    func(P) A
	check   func(A) error // of an answer without a fault
}

// ask makes the call. The answer is never nil; beside an error it may have
// nothing but its trace. What is not known of a write is fault.OutcomeUnknown.
func ask[Q proto.Message, R replied[P], P comparable, T any, A ats.Traced[T]](ctx context.Context, q question[Q, R, P, A]) (A, error) {
	if ended := ctx.Err(); ended != nil { // nothing leaves
		return A(new(T)), fromStatus(ctx, status.FromContextError(ended).Err())
	}
	s := new(sending)
	answer, err := q.put(context.WithValue(ctx, sendingKey{}, s))
	if answer == nil {
		answer = A(new(T))
	}
	settle(answer.LeftBehind())
	if writes(q.method) {
		err = s.doubt(err)
	}
	return answer, err
}

// put returns the zero answer if there is none.
func (q question[Q, R, P, A]) put(ctx context.Context) (A, error) {
	var none A
	reply, err := invoke(ctx, q.rpc, q.request)
	if err != nil {
		return none, err
	}
	var absent P
	answer := none
	if given := reply.GetAnswer(); given != absent {
		answer = q.read(given)
	}
	switch failed := faultFromProto(reply.GetFault()); {
	case failed != nil:
		return answer, failed
	case reply.GetAnswer() == absent:
		return answer, breach("no answer to %s", q.method)
	default:
		return answer, q.check(answer)
	}
}

// told returns the fault that travels beside an answer, or nil.
func told(ctx context.Context, log *slog.Logger, method string, err error) *atsv1.Fault {
	if err == nil {
		return nil
	}
	return faultToProto(edge(ctx, log, method, err))
}

// writes reports whether a call of the method may change something in the ATS,
// or spend what can be used once. Deliver is not among them: it is safe to ask
// for twice, and its caller repeats it.
func writes(method string) bool {
	switch method {
	case atsv1.CandidatesService_Create_FullMethodName, atsv1.CandidatesService_Apply_FullMethodName,
		atsv1.ApplicationsService_Move_FullMethodName, atsv1.ApplicationsService_Reject_FullMethodName,
		atsv1.ApplicationsService_Unreject_FullMethodName,
		atsv1.FeedbackService_SetFields_FullMethodName, atsv1.FeedbackService_Attach_FullMethodName,
		atsv1.FeedbackService_AddNote_FullMethodName, atsv1.FeedbackService_AddTag_FullMethodName,
		atsv1.FeedbackService_Scorecard_FullMethodName,
		atsv1.AuthorizationService_Complete_FullMethodName, atsv1.AuthorizationService_Refresh_FullMethodName:
		return true
	default:
		return false
	}
}

// sending notes how far the request of one call got.
type sending struct {
	watched atomic.Bool // the connection tells of it
	sent    atomic.Bool // it was handed to the connection
}

type sendingKey struct{}

// doubt returns fault.OutcomeUnknown for the failure of a write that may have
// been done all the same: no reply came, or none that says what happened.
// Without a connection that tells, every request counts as sent.
func (s *sending) doubt(err error) error {
	silent := errors.Is(err, ErrLost) || errors.Is(err, ErrLate) || errors.Is(err, errGivenUp)
	unsent := s.watched.Load() && !s.sent.Load()
	if unsent || !silent && !fault.Is(err, fault.Internal) {
		return err
	}
	e := atAdapter(err, fault.OutcomeUnknown, "The adapter gave no answer that tells what became of the call. It may have been done: look in the ATS before it is asked for again.")
	e.Source = fault.From(err).Source
	return e
}

// watcher is the connection's side of sending.
type watcher struct{}

var _ stats.Handler = watcher{}

// TagRPC implements stats.Handler: a call begins.
func (watcher) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context {
	if s, ok := ctx.Value(sendingKey{}).(*sending); ok {
		s.watched.Store(true)
	}
	return ctx
}

// HandleRPC implements stats.Handler: the request is on its way.
func (watcher) HandleRPC(ctx context.Context, event stats.RPCStats) {
	s, ok := ctx.Value(sendingKey{}).(*sending)
	if _, out := event.(*stats.OutPayload); ok && out {
		s.sent.Store(true)
	}
}

// TagConn implements stats.Handler.
func (watcher) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

// HandleConn implements stats.Handler.
func (watcher) HandleConn(context.Context, stats.ConnStats) {}
