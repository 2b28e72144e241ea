package transport

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/trellis-ats/trellis/core/fault"
)

// sseStream is one event stream, open or reserved.
type sseStream struct {
	out *wsOutbox
	ops wsOperations

	ending sync.Once
	ended  chan struct{}

	// Of single connections only.
	key     [32]byte
	caller  string
	seat    *wsSeat
	timer   *time.Timer // of the reservation
	claimed bool        // open, or given up; guarded by SSE.mu
}

// end makes the stream end; its operations are cancelled.
func (s *sseStream) end() {
	s.ending.Do(func() {
		close(s.ended)
		s.ops.shut()
	})
}

// run carries one operation out; its results go to the stream.
func (s *sseStream) run(ctx context.Context, op *wsOperation, r wsRun, operation *graphql.OperationContext) {
	s.finish(ctx, op, r.dispatch(ctx, operation, func(response *graphql.Response) bool {
		return s.out.put(ctx, wsItem{op: op, data: sseEvent(wsNext, op.id, wsResult(response))})
	}))
}

// finish completes an operation, with its last errors if there are any.
func (s *sseStream) finish(ctx context.Context, op *wsOperation, failed gqlerror.List) {
	if len(failed) > 0 && !s.out.put(ctx, wsItem{op: op, data: sseEvent(wsNext, op.id, wsFailure(failed))}) {
		return
	}
	s.out.put(ctx, wsItem{op: op, last: true, data: sseEvent(wsComplete, op.id, nil)})
}

// sseEvent writes one event. With an id it is an event of a single connection.
func sseEvent(kind, id string, payload []byte) []byte {
	if bytes.ContainsAny(payload, "\r\n") { // a custom scalar may have written some
		var compact bytes.Buffer
		if json.Compact(&compact, payload) == nil {
			payload = compact.Bytes()
		}
	}
	b := make([]byte, 0, len(payload)+len(id)+len(kind)+48)
	b = append(append(append(b, "event: "...), kind...), "\ndata:"...)
	switch {
	case id != "":
		quoted, _ := json.Marshal(id) // a string always can be
		b = append(append(b, ` {"id":`...), quoted...)
		if len(payload) > 0 {
			b = append(append(b, `,"payload":`...), payload...)
		}
		b = append(b, '}')
	case len(payload) > 0:
		b = append(append(b, ' '), payload...)
	}
	return append(b, "\n\n"...)
}

// serve writes the stream until it ends.
func (t *SSE) serve(ctx context.Context, x exchange, s *sseStream) {
	w := sseWriter{w: x.w, control: http.NewResponseController(x.w), timeout: cmp.Or(t.WriteTimeout, defaultWriteTimeout)}
	defer s.end()
	if err := w.lift(); err != nil {
		wsLogger(t.Log).ErrorContext(ctx, "event stream not opened: the response cannot have deadlines", "error", err)
		x.fail(ctx, &httpError{http.StatusInternalServerError, fault.Wrap(err, fault.Internal, "Event streams are not possible here.")})
		return
	}
	err := w.open()
	if err == nil {
		err = t.pump(ctx, s, w)
	}
	w.close(err)
	if err != nil {
		wsLogger(t.Log).DebugContext(ctx, "event stream broken off", "error", err)
	}
}

// pump sends what waits. It returns an error if the client is to notice a
// broken connection.
func (t *SSE) pump(ctx context.Context, s *sseStream, w sseWriter) error {
	beats, stop := wsTicker(cmp.Or(t.KeepAlive, defaultSSEKeepAlive))
	defer stop()
	var revoked <-chan struct{}
	if t.Revoked != nil {
		revoked = t.Revoked(ctx)
	}
	closing := t.gate.closing()
	for {
		select {
		case <-s.ended:
			return errWSEnded
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-closing:
			return nil
		case <-revoked:
			return nil
		case <-beats:
			if err := w.write([]byte(":\n\n")); err != nil {
				return err
			}
		case <-s.out.ready:
			if over, err := s.writeNext(w); over || err != nil {
				return err
			}
		}
	}
}

// writeNext sends one event, and tells whether it was the last of the stream.
func (s *sseStream) writeNext(w sseWriter) (bool, error) {
	item, ok := s.out.take()
	if !ok {
		return false, nil
	}
	if item.last {
		s.ops.forget(item.op)
	}
	return item.last && item.op.id == "", w.write(item.data)
}

// sseWriter writes with a deadline for each event and none between them: the
// server's own would end the stream.
type sseWriter struct {
	w       http.ResponseWriter
	control *http.ResponseController
	timeout time.Duration
}

// lift takes the server's deadline away, and shows whether one can be set. That
// for reading ends by itself when the request has been read.
func (w sseWriter) lift() error {
	return w.control.SetWriteDeadline(time.Time{})
}

func (w sseWriter) open() error {
	h := w.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no")
	w.w.WriteHeader(http.StatusOK)
	return w.write([]byte(":\n\n")) // some browsers wait for a first byte
}

func (w sseWriter) write(data []byte) error {
	if err := w.control.SetWriteDeadline(time.Now().Add(w.timeout)); err != nil {
		return err
	}
	if _, err := w.w.Write(data); err != nil {
		return err
	}
	if err := w.control.Flush(); err != nil {
		return err
	}
	return w.control.SetWriteDeadline(time.Time{})
}

// close bounds what the server still writes after the handler has returned;
// after an error it writes nothing, so that the end does not look regular.
func (w sseWriter) close(err error) {
	deadline := time.Now().Add(w.timeout)
	if err != nil {
		deadline = time.Unix(1, 0)
	}
	_ = w.control.SetWriteDeadline(deadline)
}
