package transport

import (
	"cmp"
	"context"
	"crypto/sha256"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/trellis-ats/trellis/core/fault"
)

const (
	defaultSSEKeepAlive   = 15 * time.Second
	defaultReserveTimeout = 10 * time.Second
	defaultMaxReserved    = 1000
)

// SSE carries operations over server-sent events by the graphql-sse protocol.
// The zero value works; a pointer to it is the transport. It is safe for
// concurrent use. Fields must not change once it serves. It comes before POST and GET,
// and takes only requests that prefer text/event-stream or name a stream.
//
// Distinct connections: a POST or GET is answered by its own stream. Single
// connection: PUT without a body reserves a stream and answers its token; GET
// opens it; POST runs an operation whose results go to the stream; DELETE ends
// one. The token is the header X-GraphQL-Event-Stream-Token or the parameter token.
//
// A browser sends cookies with a GET that any page may cause. Unless
// CheckOrigin decides otherwise, a GET is served only if its Origin (or
// Sec-Fetch-Site) is our own or absent, or if it has a header that no page can
// send elsewhere without being asked first (sseGuarded). PUT, DELETE and POST of JSON
// always need that permission.
//
// A slow client holds back its own operations, and is dropped if it takes
// nothing for Patience while one waits; its connection then breaks, which
// clients answer by connecting again.
//
// Streams are ended, without a complete event, when Revoked says so and by Close.
type SSE struct {
	// Gate lets a request in by its Authorization header and returns the context
	// to run in. Nil lets everybody in, with the request's own context.
	Gate Gate
	// Caller names who asks, from the context that Gate returned. A reserved
	// stream belongs to the caller who reserved it; to others it does not
	// exist. Nil binds streams to nobody: the token alone opens them.
	Caller func(context.Context) string
	// Revoked returns a channel that is closed when the caller of a stream must
	// not read on. Nil, and a nil channel, mean never.
	Revoked func(context.Context) <-chan struct{}
	// CheckOrigin tells whether a request may go on; 403 if not. See above for nil.
	CheckOrigin func(*http.Request) bool

	KeepAlive      time.Duration // between comments; 0 means 15 s, negative none
	WriteTimeout   time.Duration // of one event, and of reading one body; 0 means 10 s
	Patience       time.Duration // with a full queue; 0 means 5 s
	Timeout        time.Duration // of one query or mutation; 0 means 30 s
	ReserveTimeout time.Duration // until a reserved stream must be open; 0 means 10 s
	ReadLimit      int64         // bytes of one request; 0 means 64 KiB
	MaxOperations  int           // active on one single connection; 0 means 50
	MaxConnections int           // streams open or reserved; 0 means 10,000
	MaxReserved    int           // streams reserved and not open; 0 means 1,000
	Queue          int           // events waiting on one stream; 0 means 256
	QueueBytes     int           // bytes waiting on one stream; 0 means 1 MiB
	Log            *slog.Logger  // nil: none

	gate     wsGate
	mu       sync.Mutex
	streams  map[[sha256.Size]byte]*sseStream // by the hash of the token
	reserved int
}

var _ graphql.Transport = (*SSE)(nil)

// Supports tells whether the request is for this transport.
func (t *SSE) Supports(r *http.Request) bool {
	switch {
	case r.Header.Get("Upgrade") != "":
		return false
	case r.Method == http.MethodPut:
		return r.ContentLength == 0
	case r.Method == http.MethodDelete:
		return sseToken(r) != "" || r.URL.Query().Has("operationId")
	case r.Method == http.MethodPost && sseToken(r) != "":
		return true
	default:
		return (r.Method == http.MethodGet || r.Method == http.MethodPost) && ssePreferred(r.Header.Values("Accept"))
	}
}

// Do answers the request; if it opens a stream, until the stream ends.
func (t *SSE) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Add("Vary", "Accept")
	defer t.hurry(w)
	options := Options{Gate: t.Gate, MaxBody: cmp.Or(t.ReadLimit, defaultReadLimit), Timeout: cmp.Or(t.Timeout, defaultTimeout)}
	x := exchange{Options: options, w: w, r: r, exec: exec, accept: asResponse}
	check := t.CheckOrigin
	if check == nil {
		check = sseTrusted
	}
	ctx := r.Context()
	if !check(r) {
		x.fail(ctx, &httpError{http.StatusForbidden, fault.New(fault.Forbidden, "This origin may not open event streams here.")})
		return
	}
	if t.Gate != nil {
		entered, err := t.Gate(ctx, r.Header.Get("Authorization"))
		if err != nil {
			x.refuse(ctx, gqlerror.List{gqlerror.Wrap(err)})
			return
		}
		ctx = entered
	}
	t.route(ctx, x, sseToken(r))
}

// hurry bounds how long net/http then waits for the rest of a body that was
// not read. A recorder has no deadline to set, and needs none.
func (t *SSE) hurry(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(cmp.Or(t.WriteTimeout, defaultWriteTimeout)))
}

func (t *SSE) route(ctx context.Context, x exchange, token string) {
	switch {
	case x.r.Method == http.MethodPut:
		t.reserve(ctx, x)
	case x.r.Method == http.MethodDelete:
		t.stop(ctx, x, token)
	case token == "" || t.adrift(ctx, x, token):
		t.distinct(ctx, x)
	case x.r.Method == http.MethodGet:
		t.open(ctx, x, token)
	default:
		t.operate(ctx, x, token)
	}
}

// adrift tells whether a request names a stream that is no more and still asks
// for an operation by a stream of its own.
func (t *SSE) adrift(ctx context.Context, x exchange, token string) bool {
	return t.find(ctx, token) == nil && ssePreferred(x.r.Header.Values("Accept")) &&
		(x.r.Method == http.MethodPost || x.r.URL.Query().Has("query"))
}

// Close ends the transport: no stream is opened any more, and those that are
// there end. It returns when all have ended; at the end of ctx it returns the
// context's error. Call it before http.Server.Shutdown, which waits for streams.
func (t *SSE) Close(ctx context.Context) error {
	t.gate.shut()
	for _, s := range t.unclaimed() {
		if t.claim(s) {
			t.finish(s)
		}
	}
	return t.gate.close(ctx)
}

func (t *SSE) unclaimed() []*sseStream {
	t.mu.Lock()
	defer t.mu.Unlock()
	var waiting []*sseStream
	for _, s := range t.streams {
		if !s.claimed {
			waiting = append(waiting, s)
		}
	}
	return waiting
}

func (t *SSE) newStream() *sseStream {
	s := &sseStream{ended: make(chan struct{}), ops: wsOperations{limit: cmp.Or(t.MaxOperations, defaultMaxOperations)}}
	s.out = newWSOutbox(cmp.Or(t.Queue, defaultQueue), cmp.Or(t.QueueBytes, defaultQueueBytes),
		cmp.Or(t.Patience, defaultPatience), func() {
			wsLogger(t.Log).Warn("event stream client reads too slowly")
			s.end()
		})
	return s
}

// distinct answers one operation by a stream of its own.
func (t *SSE) distinct(ctx context.Context, x exchange) {
	run, failure := t.run(x)
	if failure != nil {
		x.fail(ctx, failure)
		return
	}
	operation, errs := x.exec.CreateOperationContext(ctx, run.params)
	if len(errs) == 0 && !sseAllowed(ctx, x, operation) {
		return
	}
	s := t.newStream()
	seat, _ := t.gate.enter(cmp.Or(t.MaxConnections, defaultMaxConnections), s.end)
	if seat == nil {
		x.fail(ctx, errSSEFull())
		return
	}
	defer seat.leave()
	inner, op, err := s.ops.start(ctx, "")
	if err != nil {
		return // impossible: the stream is new
	}
	s.ops.run(op, func() {
		if len(errs) > 0 {
			s.finish(inner, op, run.presentAll(graphql.WithOperationContext(inner, operation), errs))
			return
		}
		s.run(inner, op, run, operation)
	})
	t.serve(ctx, x, s)
	s.ops.wait()
}

// run reads an operation out of the request.
func (t *SSE) run(x exchange) (wsRun, *httpError) {
	read := readBody
	if x.r.Method == http.MethodGet {
		read = readParameters
	}
	params, failure := read(x)
	if failure != nil {
		return wsRun{}, failure
	}
	// A stream outlasts the time for a request.
	_ = http.NewResponseController(x.w).SetReadDeadline(time.Time{})
	params.Headers = x.r.Header
	return wsRun{exec: x.exec, params: params, timeout: x.Timeout}, nil
}
