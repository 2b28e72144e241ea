package transport

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/trellis-ats/trellis/core/fault"
)

var (
	errWSDuplicate = errors.New("an operation of this id is active")
	errWSEnded     = errors.New("the connection has ended")
)

// wsOperation is one operation of a socket or an event stream.
type wsOperation struct {
	id      string
	cancel  context.CancelFunc
	stopped atomic.Bool // the client wants no more of it
}

// wsOperations are the operations of one socket or event stream. An id is
// taken until its last message is sent or the client stops it.
type wsOperations struct {
	limit   int
	mu      sync.Mutex
	active  map[string]*wsOperation
	running int
	ended   bool
	wg      sync.WaitGroup
}

// start takes an id for an operation that runs in the returned context; run
// must follow. It returns errWSDuplicate, errWSEnded or fault.RateLimited.
// Operations that were stopped and still run count too, at half weight: a
// client at the limit may swap one for another.
func (o *wsOperations) start(ctx context.Context, id string) (context.Context, *wsOperation, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.ended:
		return nil, nil, errWSEnded
	case o.active[id] != nil:
		return nil, nil, errWSDuplicate
	case len(o.active) >= o.limit || o.running >= 2*o.limit:
		return nil, nil, &fault.Error{
			Code: fault.RateLimited, Source: fault.Caller, Scope: "connection",
			Message: "Too many operations are active on this connection. This one was not started; end another first.",
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	op := &wsOperation{id: id, cancel: cancel}
	if o.active == nil {
		o.active = map[string]*wsOperation{}
	}
	o.active[id] = op
	o.running++
	o.wg.Add(1)
	return ctx, op, nil
}

// run does an operation that start has taken, in a goroutine.
func (o *wsOperations) run(op *wsOperation, do func()) {
	go func() {
		defer o.done(op)
		do()
	}()
}

// done says that an operation does not run any more.
func (o *wsOperations) done(op *wsOperation) {
	op.cancel()
	o.mu.Lock()
	o.running--
	o.mu.Unlock()
	o.wg.Done()
}

// stop ends an operation on the client's wish; nothing more is sent of it.
func (o *wsOperations) stop(id string) {
	o.mu.Lock()
	op := o.active[id]
	delete(o.active, id)
	o.mu.Unlock()
	if op != nil {
		op.stopped.Store(true)
		op.cancel()
	}
}

// forget frees the id of an operation, which may be nil.
func (o *wsOperations) forget(op *wsOperation) {
	if op == nil {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.active[op.id] == op {
		delete(o.active, op.id)
	}
}

// shut cancels all operations and lets none start any more.
func (o *wsOperations) shut() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ended = true
	for _, op := range o.active {
		op.cancel()
	}
}

// wait shuts and returns when no operation runs.
func (o *wsOperations) wait() {
	o.shut()
	o.wg.Wait()
}

// wsRun is what it takes to carry out one operation.
type wsRun struct {
	exec    graphql.GraphExecutor
	params  *graphql.RawParams
	timeout time.Duration // of a query or mutation
}

// do carries the operation out and hands each result to next, until that
// returns false. The errors it returns are presented, and end the operation:
// it could not start, or FailStream was called.
func (r wsRun) do(ctx context.Context, next func(*graphql.Response) bool) (failed gqlerror.List) {
	defer func() {
		if panicked := recover(); panicked != nil {
			failed = r.recovered(ctx, panicked)
		}
	}()
	ctx = graphql.StartOperationTrace(ctx)
	operation, errs := r.exec.CreateOperationContext(ctx, r.params)
	if len(errs) > 0 {
		return r.presentAll(graphql.WithOperationContext(ctx, operation), errs)
	}
	return r.dispatch(ctx, operation, next)
}

// dispatch is do for an operation that was found valid.
func (r wsRun) dispatch(ctx context.Context, operation *graphql.OperationContext, next func(*graphql.Response) bool) (failed gqlerror.List) {
	ctx, failure := wsWithFailure(graphql.WithOperationContext(ctx, operation))
	defer func() {
		if panicked := recover(); panicked != nil {
			failed = r.recovered(ctx, panicked)
		}
	}()
	if operation.Operation.Operation != ast.Subscription {
		return r.once(ctx, operation, next)
	}
	responses, inner := r.exec.DispatchOperation(ctx, operation)
	for first := true; ; first = false {
		response := responses(inner)
		if response == nil {
			break
		}
		if first && response.Data == nil && len(response.Errors) > 0 {
			return response.Errors // the stream could not be opened: a request error
		}
		if !next(response) {
			return nil
		}
	}
	if err := failure.get(); err != nil {
		return r.present(ctx, err)
	}
	return nil
}

// once is dispatch for a query or mutation: one result, in bounded time. What
// an interceptor would answer a second time is not asked for.
func (r wsRun) once(ctx context.Context, operation *graphql.OperationContext, next func(*graphql.Response) bool) gqlerror.List {
	bounded, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	responses, inner := r.exec.DispatchOperation(bounded, operation)
	response := responses(inner)
	for ; response != nil && response.HasNext != nil && *response.HasNext; response = responses(inner) {
		if !next(response) { // a part of a deferred result
			return nil
		}
	}
	switch {
	case response == nil && ctx.Err() != nil:
		return nil // nobody waits for it
	case response == nil:
		return r.present(ctx, fault.Wrap(bounded.Err(), fault.Retryable, "The operation took too long. Ask for less at once, and look before repeating a mutation."))
	case response.Data == nil && len(response.Errors) > 0:
		return response.Errors
	}
	next(response)
	return nil
}

func (r wsRun) present(ctx context.Context, err error) gqlerror.List {
	return r.presentAll(ctx, gqlerror.List{gqlerror.WrapIfUnwrapped(err)})
}

// presentAll never returns an empty list, which would not be an error to the client.
func (r wsRun) presentAll(ctx context.Context, errs gqlerror.List) gqlerror.List {
	if !graphql.HasOperationContext(ctx) { // interceptors expect one
		ctx = graphql.WithOperationContext(ctx, &graphql.OperationContext{
			RawQuery: r.params.Query, OperationName: r.params.OperationName, Headers: r.params.Headers, RecoverFunc: graphql.DefaultRecover,
		})
	}
	if response := r.exec.DispatchError(ctx, errs); response != nil && len(response.Errors) > 0 {
		return response.Errors
	}
	return gqlerror.List{{Message: "The operation failed."}}
}

func (r wsRun) recovered(ctx context.Context, panicked any) gqlerror.List {
	recoverWith := graphql.DefaultRecover
	if graphql.HasOperationContext(ctx) {
		if own := graphql.GetOperationContext(ctx).RecoverFunc; own != nil {
			recoverWith = own
		}
	}
	return r.present(ctx, recoverWith(ctx, panicked))
}

type wsFailureKey struct{}

// streamFailure is an error that ends a subscription after it began.
type streamFailure struct {
	mu  sync.Mutex
	err error
}

func wsWithFailure(ctx context.Context) (context.Context, *streamFailure) {
	f := &streamFailure{}
	return context.WithValue(ctx, wsFailureKey{}, f), f
}

func (f *streamFailure) get() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

// FailStream says why a subscription ends. A resolver that cannot go on calls
// it with its context and then closes its channel: the client gets the error,
// presented, instead of a mere complete. The first error counts. It reports
// whether the context is of an operation of this package's transports. It is
// safe for concurrent use. gqlgen's AddSubscriptionError is not: it panics
// under any transport but gqlgen's own.
func FailStream(ctx context.Context, err error) bool {
	f, ok := ctx.Value(wsFailureKey{}).(*streamFailure)
	if !ok {
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		f.err = err
	}
	return true
}
