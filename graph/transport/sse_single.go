package transport

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/trellis-ats/trellis/core/fault"
)

// reserve keeps a stream for the caller and answers its token.
func (t *SSE) reserve(ctx context.Context, x exchange) {
	s := t.newStream()
	seat, _ := t.gate.enter(cmp.Or(t.MaxConnections, defaultMaxConnections), s.end)
	if seat == nil {
		x.fail(ctx, errSSEFull())
		return
	}
	s.seat, s.caller = seat, t.caller(ctx)
	token := t.keep(s)
	if token == "" {
		seat.leave()
		x.fail(ctx, &httpError{http.StatusTooManyRequests, fault.New(fault.RateLimited, "Too many event streams are reserved. Try again in a few seconds.")})
		return
	}
	x.w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	x.w.WriteHeader(http.StatusCreated)
	_, _ = io.WriteString(x.w, token)
}

// keep makes a stream known under a new token, for ReserveTimeout; "" if too
// many wait already.
func (t *SSE) keep(s *sseStream) string {
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails
	token := base64.RawURLEncoding.EncodeToString(secret)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.reserved >= cmp.Or(t.MaxReserved, defaultMaxReserved) {
		return ""
	}
	if t.streams == nil {
		t.streams = map[[sha256.Size]byte]*sseStream{}
	}
	t.reserved++
	s.key = sha256.Sum256([]byte(token))
	t.streams[s.key] = s
	s.timer = time.AfterFunc(cmp.Or(t.ReserveTimeout, defaultReserveTimeout), func() {
		if t.claim(s) {
			t.finish(s)
		}
	})
	return token
}

// find returns the stream of a token, or nil if the caller has none of it.
func (t *SSE) find(ctx context.Context, token string) *sseStream {
	caller := t.caller(ctx)
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.streams[sha256.Sum256([]byte(token))]
	if s == nil || s.caller != caller {
		return nil
	}
	return s
}

func (t *SSE) caller(ctx context.Context) string {
	if t.Caller == nil {
		return ""
	}
	return t.Caller(ctx)
}

// claim takes a reserved stream, once: to open it or to give it up.
func (t *SSE) claim(s *sseStream) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s.claimed {
		return false
	}
	s.claimed = true
	t.reserved--
	s.timer.Stop()
	return true
}

// finish forgets a stream that was claimed, and waits for its operations.
func (t *SSE) finish(s *sseStream) {
	t.mu.Lock()
	delete(t.streams, s.key)
	t.mu.Unlock()
	s.end()
	s.ops.wait()
	s.seat.leave()
}

// open answers with a reserved stream.
func (t *SSE) open(ctx context.Context, x exchange, token string) {
	s := t.find(ctx, token)
	if s == nil {
		x.fail(ctx, errSSENoStream())
		return
	}
	if !t.claim(s) {
		x.fail(ctx, &httpError{http.StatusConflict, fault.New(fault.Conflict, "This event stream is open already.")})
		return
	}
	defer t.finish(s)
	t.serve(ctx, x, s)
}

// operate starts an operation whose results go to a stream of the caller.
func (t *SSE) operate(ctx context.Context, x exchange, token string) {
	s := t.find(ctx, token)
	run, failure := t.run(x)
	if failure != nil {
		x.fail(ctx, failure)
		return
	}
	id, _ := run.params.Extensions["operationId"].(string)
	switch {
	case s == nil && id == "":
		ssePlain(ctx, x, run.params)
		return
	case s == nil:
		x.fail(ctx, errSSENoStream())
		return
	case id == "":
		x.fail(ctx, bad("extensions.operationId is missing. Nothing was done."))
		return
	}
	// The operation lives with the stream, not with this request.
	inner, op, err := s.ops.start(context.WithoutCancel(ctx), id)
	if err != nil {
		x.fail(ctx, errSSEStart(err))
		return
	}
	begun := false
	defer func() { // also if an extension panics, which the server recovers
		if !begun {
			s.ops.forget(op)
			s.ops.done(op)
		}
	}()
	begun = t.begin(inner, x, s, op, run)
}

// ssePlain answers an ordinary POST that has the token of a stream which is no
// more: clients that share headers keep sending it.
func ssePlain(ctx context.Context, x exchange, params *graphql.RawParams) {
	if x.accept = negotiate(x.r.Header.Values("Accept")); x.accept == none {
		x.accept = asJSON
	}
	ctx, cancel := context.WithTimeout(ctx, x.Timeout)
	defer cancel()
	x.run(ctx, params, func(o *ast.OperationDefinition) *httpError {
		if o.Operation == ast.Subscription {
			return errSSENoStream()
		}
		return nil
	})
}

// begin answers the request and runs the operation, if it is valid.
func (t *SSE) begin(ctx context.Context, x exchange, s *sseStream, op *wsOperation, run wsRun) bool {
	operation, errs := x.exec.CreateOperationContext(ctx, run.params)
	if len(errs) > 0 {
		x.refuse(graphql.WithOperationContext(ctx, operation), errs)
		return false
	}
	x.w.WriteHeader(http.StatusAccepted)
	s.ops.run(op, func() { s.run(ctx, op, run, operation) })
	return true
}

// stop ends an operation of a stream; one that is unknown has ended already.
func (t *SSE) stop(ctx context.Context, x exchange, token string) {
	s := t.find(ctx, token)
	if s == nil {
		x.fail(ctx, errSSENoStream())
		return
	}
	id := x.r.URL.Query().Get("operationId")
	if id == "" {
		x.fail(ctx, bad("The parameter operationId is missing. Nothing was done."))
		return
	}
	s.ops.stop(id)
	x.w.WriteHeader(http.StatusOK)
}

func errSSENoStream() *httpError {
	return &httpError{http.StatusNotFound, fault.New(fault.NotFound, "There is no event stream of this token. Reserve another.")}
}

func errSSEFull() *httpError {
	return &httpError{http.StatusServiceUnavailable, fault.New(fault.Retryable, "No more event streams can be opened now. Try again later.")}
}

func errSSEStart(err error) *httpError {
	known := new(fault.Error)
	switch {
	case errors.As(err, &known):
		return &httpError{http.StatusTooManyRequests, known}
	case errors.Is(err, errWSDuplicate):
		return &httpError{http.StatusConflict, fault.New(fault.Conflict, "An operation of this operationId is active. This one was not started.")}
	default:
		return errSSENoStream()
	}
}
