// Package transport carries GraphQL over HTTP, as the GraphQL-over-HTTP
// specification wants it. gqlgen's own transports answer 422 where it asks for
// 200, and write "data": null where data must be absent.
package transport

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/trellis-ats/trellis/core/fault"
)

// Gate lets a caller in by what the Authorization header says: it returns the
// context to run the operation in, or an error that is the whole answer.
type Gate func(ctx context.Context, authorization string) (context.Context, error)

const (
	// bodyTimeout is how long a caller may take to send its request.
	bodyTimeout = 10 * time.Second
	// maxErrors bounds the errors of one request that is not carried out.
	maxErrors = 20
)

// Options is what the transports are made of.
type Options struct {
	Gate    Gate
	MaxBody int64         // bytes
	Timeout time.Duration // of one operation
}

// exchange is one request and its answer.
type exchange struct {
	Options
	w      http.ResponseWriter
	r      *http.Request
	exec   graphql.GraphExecutor
	accept mediaType
}

// serve runs one operation; read takes it out of the request, and allowed says
// which kinds it may be.
func (o Options) serve(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor,
	read func(exchange) (*graphql.RawParams, *httpError), allowed func(*ast.OperationDefinition) *httpError,
) {
	x := exchange{Options: o, w: w, r: r, exec: exec, accept: negotiate(r.Header.Values("Accept"))}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Add("Vary", "Accept")
	ctx, cancel := context.WithTimeout(r.Context(), o.Timeout)
	defer cancel()
	if x.accept == none {
		x.accept = asJSON
		x.fail(ctx, &httpError{http.StatusNotAcceptable, fault.New(fault.Invalid, "This endpoint answers %s and %s.", asResponse, asJSON)})
		return
	}
	entered, err := o.Gate(ctx, r.Header.Get("Authorization"))
	if err != nil {
		x.refuse(ctx, gqlerror.List{gqlerror.Wrap(err)})
		return
	}
	params, failure := read(x)
	if failure != nil {
		x.fail(ctx, failure)
		return
	}
	x.run(entered, params, allowed)
}

func (x exchange) run(ctx context.Context, params *graphql.RawParams, allowed func(*ast.OperationDefinition) *httpError) {
	params.Headers = x.r.Header
	operation, errs := x.exec.CreateOperationContext(ctx, params)
	if len(errs) > 0 {
		x.refuse(graphql.WithOperationContext(ctx, operation), errs)
		return
	}
	if failure := allowed(operation.Operation); failure != nil {
		x.fail(ctx, failure)
		return
	}
	responses, inner := x.exec.DispatchOperation(ctx, operation)
	response := responses(inner)
	if response == nil { // the context ended before there was an answer
		x.refuse(ctx, gqlerror.List{gqlerror.Wrap(fault.Wrap(ctx.Err(), fault.Retryable, "The operation took too long. Ask for less at once, and look before repeating a mutation."))})
		return
	}
	x.write(statusOf(response, x.accept), response)
}

// refuse answers a request that was understood as HTTP and not carried out.
func (x exchange) refuse(ctx context.Context, errs gqlerror.List) {
	response := x.exec.DispatchError(ctx, errs[:min(len(errs), maxErrors)])
	status := statusOf(response, x.accept)
	var known *fault.Error
	if errors.As(errs[0], &known) && known.RetryAfter > 0 {
		x.w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(known.RetryAfter.Seconds()))))
	}
	if codeOf(response) == fault.Unauthenticated {
		x.w.Header().Set("WWW-Authenticate", `Bearer realm="trellis"`)
	}
	x.write(status, response)
}

// httpError is a request that is wrong as HTTP: its status does not depend on
// the media type of the answer.
type httpError struct {
	status int
	err    *fault.Error
}

func (x exchange) fail(ctx context.Context, e *httpError) {
	x.write(e.status, x.exec.DispatchError(ctx, gqlerror.List{gqlerror.Wrap(e.err)}))
}

// body is a response whose data is absent, not null, if nothing was executed.
type body struct {
	Errors     gqlerror.List   `json:"errors,omitempty"`
	Data       json.RawMessage `json:"data,omitempty"`
	Extensions map[string]any  `json:"extensions,omitempty"`
}

func (x exchange) write(status int, r *graphql.Response) {
	encoded, err := json.Marshal(body{Errors: r.Errors, Data: r.Data, Extensions: r.Extensions})
	if err != nil {
		panic(err) // data is JSON that gqlgen wrote; the server recovers
	}
	x.w.Header().Set("Content-Type", string(x.accept)+"; charset=utf-8")
	x.w.WriteHeader(status)
	_, _ = x.w.Write(encoded)
}

// statusOf is 200 for everything that was executed, and for whatever is
// answered as application/json, which clients of old expect; but what was
// refused for its frequency is so for every client, proxy and library.
func statusOf(r *graphql.Response, accept mediaType) int {
	code := codeOf(r)
	if r.Data == nil && code == fault.RateLimited {
		return http.StatusTooManyRequests
	}
	if r.Data != nil || accept == asJSON {
		return http.StatusOK
	}
	switch code {
	case fault.Unauthenticated:
		return http.StatusUnauthorized
	case fault.Forbidden:
		return http.StatusForbidden
	case fault.TooLarge:
		return http.StatusRequestEntityTooLarge
	case fault.Retryable:
		return http.StatusServiceUnavailable
	case fault.Internal:
		return http.StatusInternalServerError
	default:
		return http.StatusBadRequest
	}
}

func codeOf(r *graphql.Response) fault.Code {
	for _, e := range r.Errors {
		switch code := e.Extensions["code"].(type) {
		case fault.Code:
			return code
		case string:
			return fault.Code(code)
		}
	}
	return ""
}
