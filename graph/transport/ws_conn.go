package transport

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/coder/websocket"

	"github.com/trellis-ats/trellis/core/fault"
)

// wsConn is one socket. Its reader is the goroutine of the request, its writer
// a second one; each operation has one more. All have ended when serve returns.
type wsConn struct {
	t      *Websocket
	exec   graphql.GraphExecutor
	header http.Header
	log    *slog.Logger
	ws     *websocket.Conn
	raw    net.Conn
	out    *wsOutbox
	ops    wsOperations

	acknowledged bool                   // the reader's alone
	granted      chan (<-chan struct{}) // hands the writer what Revoked returned

	ending sync.Once
	ended  chan struct{} // closed by end, after the three below are set
	code   websocket.StatusCode
	reason string
	cancel context.CancelFunc
}

// wsHijacker keeps hold of the network connection, whose deadlines bound what
// the websocket library does without one.
type wsHijacker struct {
	http.ResponseWriter
	raw net.Conn
}

// Hijack gives the connection to the websocket library.
func (h *wsHijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffer, err := http.NewResponseController(h.ResponseWriter).Hijack()
	h.raw = conn
	return conn, buffer, err
}

// accept answers the handshake. On failure it has answered with an HTTP error.
func (c *wsConn) accept(w http.ResponseWriter, r *http.Request) bool {
	h := &wsHijacker{ResponseWriter: w}
	// What the client offers is agreed to, so that it can be told 4406: clients
	// drop a handshake without one of their protocols, and learn nothing.
	offered := r.Header.Values("Sec-WebSocket-Protocol")
	ws, err := websocket.Accept(h, r, &websocket.AcceptOptions{
		Subprotocols:       append([]string{wsProtocol}, wsTokens(offered)...),
		InsecureSkipVerify: true, // CheckOrigin has decided
		OnPingReceived:     func(context.Context, []byte) bool { c.heard(); return true },
		OnPongReceived:     func(context.Context, []byte) { c.heard() },
	})
	if err != nil {
		c.log.DebugContext(r.Context(), "websocket handshake failed", "error", err)
		return false
	}
	c.ws, c.raw = ws, h.raw
	ws.SetReadLimit(cmp.Or(c.t.ReadLimit, defaultReadLimit))
	return true
}

// wsTokens parts the values of a header that holds lists.
func wsTokens(values []string) []string {
	var tokens []string
	for token := range strings.SplitSeq(strings.Join(values, ","), ",") {
		if token = strings.TrimSpace(token); token != "" {
			tokens = append(tokens, token)
		}
	}
	return tokens
}

// serve runs the socket to its end.
func (c *wsConn) serve(ctx context.Context, closing <-chan struct{}) {
	ctx, c.cancel = context.WithCancel(ctx)
	var writer sync.WaitGroup
	writer.Go(func() { c.write(ctx, closing) })
	c.read(ctx)
	c.end(0, "")
	c.ops.wait()
	writer.Wait()
	c.log.Debug("websocket closed", "code", int(c.code), "reason", c.reason)
}

// refuse closes a socket that was never served.
func (c *wsConn) refuse(code websocket.StatusCode) {
	c.code = code
	c.sayGoodbye()
}

// end decides how the socket ends, once: with a close frame, or if code is 0
// without one. Operations are cancelled and nothing but the frame is sent.
func (c *wsConn) end(code websocket.StatusCode, reason string) {
	c.ending.Do(func() {
		c.code, c.reason = code, reason
		close(c.ended)
		c.cancel()
	})
}

// cut drops the connection without another word.
func (c *wsConn) cut() { _ = c.raw.Close() }

// heard gives the client time until it must be heard again. The time until
// the acknowledgement is not extended by anything.
func (c *wsConn) heard() {
	select {
	case <-c.ended: // the closing handshake has its own deadline
		return
	default:
	}
	if !c.acknowledged {
		return
	}
	if silence := c.t.silence(); silence > 0 {
		_ = c.raw.SetReadDeadline(time.Now().Add(silence))
	} else {
		_ = c.raw.SetReadDeadline(time.Time{})
	}
}

// read takes messages until the socket ends.
func (c *wsConn) read(ctx context.Context) {
	if c.ws.Subprotocol() != wsProtocol {
		c.end(CloseSubprotocol, "Subprotocol not acceptable")
		return
	}
	_ = c.raw.SetReadDeadline(time.Now().Add(cmp.Or(c.t.InitTimeout, defaultInitTimeout)))
	// The library drops the connection when the context of a read ends, so no
	// close frame could be sent: reads end by deadlines instead.
	unending := context.WithoutCancel(ctx)
	for {
		start := graphql.Now()
		kind, data, err := c.ws.Read(unending)
		if err != nil {
			c.readFailed(err)
			return
		}
		c.heard()
		message, err := wsParse(kind, data)
		if err != nil {
			c.end(CloseBadMessage, wsReason(err.Error()))
			return
		}
		next, ok := c.handle(ctx, message, start)
		if !ok {
			return
		}
		ctx = next
	}
}

func (c *wsConn) readFailed(err error) {
	switch {
	case errors.Is(err, websocket.ErrMessageTooBig):
		c.end(websocket.StatusMessageTooBig, "Message too big")
	case errors.Is(err, os.ErrDeadlineExceeded) && c.acknowledged:
		c.end(ClosePongMissing, "Pong missing")
	case errors.Is(err, os.ErrDeadlineExceeded):
		c.end(CloseInitTimeout, "Connection initialisation timeout")
	default:
		c.end(0, "") // the client closed, or is gone
	}
}

// handle acts on one message. It returns the context for the next ones.
func (c *wsConn) handle(ctx context.Context, m wsMessage, start time.Time) (context.Context, bool) {
	switch m.Type {
	case wsInit:
		return c.init(ctx, m)
	case wsPing:
		return ctx, c.out.put(ctx, wsItem{data: wsEnvelope(wsPong, "", m.Payload)})
	case wsSubscribe:
		return ctx, c.subscribe(ctx, m, start)
	case wsComplete:
		c.ops.stop(m.id())
		return ctx, true
	default: // a pong, which heard has noted
		return ctx, true
	}
}

// init acknowledges the connection, if Init lets the client in.
func (c *wsConn) init(ctx context.Context, m wsMessage) (context.Context, bool) {
	if c.acknowledged {
		c.end(CloseTooManyInits, "Too many initialisation requests")
		return ctx, false
	}
	ctx, ack, ok := c.authorize(ctx, m)
	if !ok {
		return ctx, false
	}
	payload, err := wsPayload(ack)
	if err != nil {
		c.log.ErrorContext(ctx, "websocket acknowledgement cannot be encoded", "error", err)
		c.end(websocket.StatusInternalError, "Internal server error")
		return ctx, false
	}
	if c.t.Revoked != nil {
		c.granted <- c.t.Revoked(ctx)
	}
	c.acknowledged = true
	c.heard()
	return ctx, c.out.put(ctx, wsItem{data: wsEnvelope(wsAck, "", payload)})
}

// authorize asks Init, for at most InitTimeout.
func (c *wsConn) authorize(ctx context.Context, m wsMessage) (context.Context, any, bool) {
	if c.t.Init == nil {
		return ctx, nil, true
	}
	payload, err := m.object()
	if err != nil {
		c.end(CloseBadMessage, "Invalid payload of connection_init")
		return ctx, nil, false
	}
	asked, cancel := context.WithCancel(ctx) // ends with the socket
	timer := time.AfterFunc(cmp.Or(c.t.InitTimeout, defaultInitTimeout), cancel)
	granted, ack, err := c.t.Init(asked, payload)
	if !timer.Stop() {
		c.end(CloseInitTimeout, "Connection initialisation timeout")
		return ctx, nil, false
	}
	if err != nil {
		c.log.InfoContext(ctx, "websocket refused", "error", err)
		c.end(wsRefusal(err))
		return ctx, nil, false
	}
	if granted == nil {
		granted = asked
	}
	return granted, ack, true
}

func wsRefusal(err error) (websocket.StatusCode, string) {
	switch fault.CodeOf(err) {
	case fault.Unauthenticated:
		return CloseUnauthorized, "Unauthorized"
	case fault.Retryable, fault.RateLimited:
		return websocket.StatusTryAgainLater, "Try again later"
	default:
		return CloseForbidden, "Forbidden"
	}
}

// subscribe starts an operation. It reports whether the socket goes on.
func (c *wsConn) subscribe(ctx context.Context, m wsMessage, start time.Time) bool {
	if !c.acknowledged {
		c.end(CloseUnauthorized, "Unauthorized")
		return false
	}
	params, err := m.params()
	if err != nil {
		c.end(CloseBadMessage, wsReason(err.Error()))
		return false
	}
	params.Headers = c.header
	params.ReadTime = graphql.TraceTiming{Start: start, End: graphql.Now()}
	run := wsRun{exec: c.exec, timeout: cmp.Or(c.t.Timeout, defaultTimeout), params: params}
	inner, op, err := c.ops.start(ctx, m.id())
	switch {
	case errors.Is(err, errWSDuplicate):
		c.end(CloseDuplicate, wsReason("Subscriber for "+m.id()+" already exists"))
		return false
	case err != nil:
		return c.fail(ctx, nil, m.id(), run.present(ctx, err))
	}
	c.ops.run(op, func() { c.run(inner, op, run) })
	return true
}

// run carries one operation out and tells the client how it went.
func (c *wsConn) run(ctx context.Context, op *wsOperation, r wsRun) {
	failed := r.do(ctx, func(response *graphql.Response) bool {
		return c.out.put(ctx, wsItem{op: op, data: wsEnvelope(wsNext, op.id, wsResult(response))})
	})
	if len(failed) > 0 {
		c.fail(ctx, op, op.id, failed)
		return
	}
	c.out.put(ctx, wsItem{op: op, last: true, data: wsEnvelope(wsComplete, op.id, nil)})
}
