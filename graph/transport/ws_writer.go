package transport

import (
	"cmp"
	"context"
	"time"

	"github.com/coder/websocket"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// write sends what waits, pings, and in the end closes the socket. It alone
// writes messages; each has a deadline.
func (c *wsConn) write(ctx context.Context, closing <-chan struct{}) {
	defer c.sayGoodbye()
	pings, stop := wsTicker(cmp.Or(c.t.KeepAlive, defaultKeepAlive))
	defer stop()
	var revoked <-chan struct{}
	unending := context.WithoutCancel(ctx) // the end of a write's context drops the connection
	for {
		select {
		case <-c.ended:
			return
		case <-closing:
			c.end(websocket.StatusGoingAway, "Going away")
		case <-ctx.Done():
			c.end(websocket.StatusGoingAway, "Going away")
		case revoked = <-c.granted:
		case <-revoked:
			c.end(CloseForbidden, "Access revoked")
		case <-c.out.ready:
			c.writeNext(unending)
		case <-pings:
			c.send(unending, []byte(`{"type":"ping"}`))
		}
	}
}

// writeNext sends one message, so that nothing else waits for more than that.
func (c *wsConn) writeNext(ctx context.Context) {
	item, ok := c.out.take()
	if !ok || c.isEnded() {
		return
	}
	if item.last {
		c.ops.forget(item.op) // before the client can know that the id is free
	}
	c.send(ctx, item.data)
}

func (c *wsConn) isEnded() bool {
	select {
	case <-c.ended:
		return true
	default:
		return false
	}
}

func (c *wsConn) send(ctx context.Context, data []byte) {
	_ = c.raw.SetWriteDeadline(time.Now().Add(cmp.Or(c.t.WriteTimeout, defaultWriteTimeout)))
	err := c.ws.Write(ctx, websocket.MessageText, data)
	// Pongs to the client's pings are written by the library, with its own deadline.
	_ = c.raw.SetWriteDeadline(time.Time{})
	if err != nil {
		c.log.Debug("websocket write failed", "error", err)
		c.end(0, "")
	}
}

// sayGoodbye closes the socket as end has decided. The deadline also bounds a
// client that answers the close frame with endless data.
func (c *wsConn) sayGoodbye() {
	if c.code == 0 {
		_ = c.ws.CloseNow()
		return
	}
	_ = c.raw.SetDeadline(time.Now().Add(cmp.Or(c.t.CloseTimeout, defaultCloseTimeout)))
	if err := c.ws.Close(c.code, c.reason); err != nil {
		c.log.Debug("websocket not closed cleanly", "error", err)
	}
	_ = c.raw.Close()
}

// fail ends an operation with an error message; op is nil if it never started.
func (c *wsConn) fail(ctx context.Context, op *wsOperation, id string, errs gqlerror.List) bool {
	payload, err := wsPayload(errs)
	if err != nil {
		c.log.ErrorContext(ctx, "graphql errors cannot be encoded", "error", err)
		payload = []byte(`[{"message":"Something went wrong on our side."}]`)
	}
	return c.out.put(ctx, wsItem{op: op, last: op != nil, data: wsEnvelope(wsError, id, payload)})
}

// wsTicker ticks every d; never if d is not positive.
func wsTicker(d time.Duration) (<-chan time.Time, func()) {
	if d <= 0 {
		return nil, func() {}
	}
	t := time.NewTicker(d)
	return t.C, t.Stop
}
