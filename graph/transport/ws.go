package transport

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/coder/websocket"
)

// wsProtocol is the subprotocol that is spoken; a socket that does not offer
// it is closed with 4406.
const wsProtocol = "graphql-transport-ws"

// The defaults of Websocket and SSE.
const (
	defaultInitTimeout    = 10 * time.Second
	defaultKeepAlive      = 20 * time.Second
	defaultPongTimeout    = 10 * time.Second
	defaultWriteTimeout   = 10 * time.Second
	defaultCloseTimeout   = 5 * time.Second
	defaultPatience       = 5 * time.Second
	defaultTimeout        = 30 * time.Second
	defaultReadLimit      = 64 << 10 // bytes
	defaultMaxOperations  = 50
	defaultMaxConnections = 10_000
	defaultQueue          = 256
	defaultQueueBytes     = 1 << 20
)

// The codes of close frames that are not in RFC 6455. Those of the protocol
// carry the protocol's words as the reason.
const (
	CloseSlowConsumer websocket.StatusCode = 4290 // the client reads slower than its operations produce; connect again and go on from the last event
	CloseBadMessage   websocket.StatusCode = 4400 // a message that the protocol does not know
	CloseUnauthorized websocket.StatusCode = 4401 // an operation before connection_ack, or credentials that are not valid
	CloseForbidden    websocket.StatusCode = 4403 // Init refused, or what it granted was revoked
	CloseSubprotocol  websocket.StatusCode = 4406 // the client does not offer graphql-transport-ws
	CloseInitTimeout  websocket.StatusCode = 4408 // no connection_init, or no answer to it, in time
	CloseDuplicate    websocket.StatusCode = 4409 // an operation of this id is active
	CloseTooManyInits websocket.StatusCode = 4429 // a second connection_init
	ClosePongMissing  websocket.StatusCode = 4499 // nothing was heard from the client in time
)

// Websocket carries queries, mutations and subscriptions by the
// graphql-transport-ws protocol. The zero value works; a pointer to it is the
// transport. It is safe for concurrent use. Fields must not change once it serves.
//
// An operation over MaxOperations gets an error message of code RATE_LIMITED
// for its id; the socket and its other operations go on.
//
// A full queue holds back the operations of its own socket and of no other.
// If the client takes nothing for Patience while an operation waits, it is
// dropped: close code 4290, if it reads again before WriteTimeout.
//
// Errors inside a started subscription's event travel in a next message; an
// error that keeps an operation from starting, or that FailStream reports, is
// an error message, which ends it.
type Websocket struct {
	// Init sees the payload of connection_init (nil if absent) and returns the
	// context for all that follows (nil keeps the present one) and the payload
	// of the acknowledgement (nil for none). An error closes the socket: 4401
	// for fault.Unauthenticated, 1013 (try again later) for fault.Retryable and
	// fault.RateLimited, otherwise 4403. The context ends after InitTimeout if
	// Init has not returned by then. Nil lets everybody in.
	Init func(ctx context.Context, payload map[string]any) (context.Context, any, error)
	// Revoked returns a channel that is closed when what Init granted ends: the
	// socket is closed with 4403. Its argument is the context of Init and ends
	// with the socket. Nil, and a nil channel, mean never.
	Revoked func(ctx context.Context) <-chan struct{}
	// CheckOrigin tells whether a handshake may go on; 403 if not. Nil lets
	// through what has no Origin or one of the request's own host.
	CheckOrigin func(*http.Request) bool

	InitTimeout    time.Duration // until acknowledged; 0 means 10 s
	KeepAlive      time.Duration // between pings; 0 means 20 s, negative none
	PongTimeout    time.Duration // silence allowed beyond KeepAlive; 0 means 10 s
	WriteTimeout   time.Duration // of one message; 0 means 10 s
	CloseTimeout   time.Duration // of the closing handshake; 0 means 5 s
	Patience       time.Duration // with a full queue; 0 means 5 s
	Timeout        time.Duration // of one query or mutation; 0 means 30 s
	ReadLimit      int64         // bytes of one message from the client; 0 means 64 KiB
	MaxOperations  int           // active on one socket; 0 means 50
	MaxConnections int           // sockets at a time, 1013 beyond; 0 means 10,000
	Queue          int           // messages waiting on one socket; 0 means 256
	QueueBytes     int           // bytes waiting on one socket; 0 means 1 MiB
	Log            *slog.Logger  // nil: none

	gate wsGate
}

var _ graphql.Transport = (*Websocket)(nil)

// Supports tells whether the request asks for a websocket.
func (t *Websocket) Supports(r *http.Request) bool {
	return strings.EqualFold(r.Header.Get("Upgrade"), "websocket")
}

// Do serves one socket until it is closed. It returns when all goroutines of
// the socket have ended. The end of the request's context closes the socket
// with 1001, so no deadline may be put on it.
func (t *Websocket) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	check := t.CheckOrigin
	if check == nil {
		check = wsSameHost
	}
	if !check(r) {
		http.Error(w, "websocket: this origin is not allowed", http.StatusForbidden)
		return
	}
	c := t.newConn(r, exec)
	if !c.accept(w, r) {
		return
	}
	seat, status := t.gate.enter(cmp.Or(t.MaxConnections, defaultMaxConnections), c.cut)
	if seat == nil {
		c.refuse(status)
		return
	}
	defer seat.leave()
	c.serve(r.Context(), t.gate.closing())
}

// Close ends the transport: no socket is accepted any more, and those that are
// open are closed with 1001 (going away). It returns when all have ended; at
// the end of ctx it cuts those that are left and returns the context's error.
// Call it before http.Server.Shutdown, which knows nothing of websockets.
func (t *Websocket) Close(ctx context.Context) error { return t.gate.close(ctx) }

func (t *Websocket) newConn(r *http.Request, exec graphql.GraphExecutor) *wsConn {
	c := &wsConn{
		t: t, exec: exec, header: r.Header, log: wsLogger(t.Log),
		granted: make(chan (<-chan struct{}), 1),
		ended:   make(chan struct{}),
		ops:     wsOperations{limit: cmp.Or(t.MaxOperations, defaultMaxOperations)},
	}
	c.out = newWSOutbox(cmp.Or(t.Queue, defaultQueue), cmp.Or(t.QueueBytes, defaultQueueBytes),
		cmp.Or(t.Patience, defaultPatience), func() {
			c.log.Warn("websocket client reads too slowly", "remote", r.RemoteAddr)
			c.end(CloseSlowConsumer, "Slow consumer")
		})
	return c
}

// silence is how long a client may say nothing; 0 means for ever.
func (t *Websocket) silence() time.Duration {
	every := cmp.Or(t.KeepAlive, defaultKeepAlive)
	if every < 0 {
		return 0
	}
	return every + cmp.Or(t.PongTimeout, defaultPongTimeout)
}

// wsSameHost tells whether a request has no Origin or one of its own host.
func wsSameHost(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, r.Host)
}

func wsLogger(l *slog.Logger) *slog.Logger {
	if l == nil {
		return slog.New(slog.DiscardHandler)
	}
	return l
}
