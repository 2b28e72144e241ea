package transport_test

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/coder/websocket"
	"go.uber.org/goleak"

	"github.com/trellis-ats/trellis/graph/transport"
	"github.com/trellis-ats/trellis/graph/transport/transporttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// house is a server in memory, under a clock that moves when nothing else does.
type house struct {
	t       *testing.T
	schema  *transporttest.Schema
	handler *handler.Server
	ws      *transport.Websocket
	sse     *transport.SSE
	server  *http.Server
	client  *http.Client
	http2   bool
	dialed  chan net.Conn
	ended   chan struct{}
	cancel  context.CancelFunc // of the contexts of requests
}

// Accept, Close and Addr make the house a listener.
func (h *house) Accept() (net.Conn, error) {
	select {
	case c := <-h.dialed:
		return c, nil
	case <-h.ended:
		return nil, net.ErrClosed
	}
}

func (h *house) Close() error   { return nil }
func (h *house) Addr() net.Addr { return &net.UnixAddr{Name: "memory", Net: "memory"} }

func (h *house) dial(context.Context, string, string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case h.dialed <- there:
		return here, nil
	case <-h.ended:
		return nil, net.ErrClosed
	}
}

// inHouse runs a test with transports as prepared. Afterwards everything must
// end by itself, or the bubble complains.
func inHouse(t *testing.T, prepare func(*house), test func(*testing.T, *house)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := &house{
			t: t, schema: transporttest.New(), ws: &transport.Websocket{}, sse: &transport.SSE{},
			dialed: make(chan net.Conn), ended: make(chan struct{}),
		}
		h.handler = handler.New(h.schema)
		h.handler.SetRecoverFunc(func(context.Context, any) error { return errors.New("internal system error") })
		if prepare != nil {
			prepare(h)
		}
		h.handler.AddTransport(h.ws)
		h.handler.AddTransport(h.sse)
		h.handler.AddTransport(transport.POST{Options: transport.Options{
			Gate: func(ctx context.Context, _ string) (context.Context, error) { return ctx, nil }, MaxBody: 1 << 20, Timeout: time.Minute,
		}})
		base, cancel := context.WithCancel(t.Context())
		h.cancel = cancel
		h.server = &http.Server{
			Handler: h.handler, ReadTimeout: time.Second, WriteTimeout: time.Second, ErrorLog: log.New(io.Discard, "", 0),
			BaseContext: func(net.Listener) context.Context { return base },
		}
		protocols := &http.Protocols{}
		protocols.SetHTTP1(!h.http2)
		protocols.SetUnencryptedHTTP2(h.http2)
		h.server.Protocols = protocols
		h.client = &http.Client{Transport: &http.Transport{DialContext: h.dial, Protocols: protocols}}
		var serving sync.WaitGroup
		serving.Go(func() { _ = h.server.Serve(h) })
		test(t, h)
		cancel()
		h.client.CloseIdleConnections()
		h.close(h.ws.Close)
		h.close(h.sse.Close)
		close(h.ended)
		_ = h.server.Close()
		serving.Wait()
		pass(time.Second) // the server lingers over what it could not read
		if n := h.schema.Running(); n != 0 {
			t.Errorf("%d sources are still open", n)
		}
	})
}

// close ends a transport, which must not take longer than its deadlines allow.
func (h *house) close(transport func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := transport(ctx); err != nil {
		h.t.Errorf("Close: %v", err)
	}
}

// quiet lets everything happen that needs no time.
func quiet() { synctest.Wait() }

// pass lets time pass.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// socket is a client's end. Its messages are read unless it is deaf.
type socket struct {
	t    *testing.T
	conn *websocket.Conn
	raw  net.Conn
	mu   sync.Mutex
	got  []string
	at   int // messages before it were seen
	err  error
	done chan struct{}
}

type handshake struct {
	protocols []string
	header    http.Header
	deaf      bool
}

func (h *house) socket(how ...handshake) *socket {
	h.t.Helper()
	o := handshake{protocols: []string{"graphql-transport-ws"}}
	if len(how) > 0 {
		o = how[0]
	}
	s := &socket{t: h.t, done: make(chan struct{})}
	conn, response, err := websocket.Dial(h.t.Context(), "ws://trellis.example/graphql", &websocket.DialOptions{
		Subprotocols: o.protocols, HTTPHeader: o.header,
		HTTPClient: &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, n, a string) (net.Conn, error) {
			var err error
			s.raw, err = h.dial(ctx, n, a)
			return s.raw, err
		}}},
	})
	if err != nil {
		if response != nil {
			s.err = &refused{response.StatusCode}
		} else {
			s.err = err
		}
		close(s.done)
		return s
	}
	conn.SetReadLimit(-1)
	s.conn = conn
	if o.deaf {
		close(s.done)
	} else {
		go s.listen()
	}
	return s
}

type refused struct{ status int }

func (r *refused) Error() string { return http.StatusText(r.status) }

func (s *socket) listen() {
	defer close(s.done)
	for {
		_, data, err := s.conn.Read(context.Background())
		s.mu.Lock()
		if err != nil {
			s.err = err
			s.mu.Unlock()
			_ = s.conn.CloseNow()
			return
		}
		s.got = append(s.got, string(data))
		s.mu.Unlock()
	}
}

func (s *socket) send(text string) {
	s.t.Helper()
	if err := s.conn.Write(s.t.Context(), websocket.MessageText, []byte(text)); err != nil {
		s.t.Errorf("send %s: %v", text, err)
	}
	quiet()
}

// ready is a socket that was acknowledged.
func (h *house) ready() *socket {
	h.t.Helper()
	s := h.socket()
	s.send(`{"type":"connection_init"}`)
	s.want(`{"type":"connection_ack"}`)
	return s
}

// new returns the messages that were not seen before.
func (s *socket) new() []string {
	quiet()
	s.mu.Lock()
	defer s.mu.Unlock()
	fresh := s.got[s.at:]
	s.at = len(s.got)
	return fresh
}

// want compares all messages that were not seen before.
func (s *socket) want(messages ...string) {
	s.t.Helper()
	if got, want := strings.Join(s.new(), "\n"), strings.Join(messages, "\n"); got != want {
		s.t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// closedWith compares how the server has closed.
func (s *socket) closedWith(code websocket.StatusCode, reason string) {
	s.t.Helper()
	quiet()
	select {
	case <-s.done:
	default:
		s.t.Errorf("not closed, want %d", code)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	got, _ := closing(s.err)
	if want := (websocket.CloseError{Code: code, Reason: reason}); got != want {
		s.t.Errorf("closed with %d %q, want %d %q (%v)", got.Code, got.Reason, code, reason, s.err)
	}
}

// open fails the test if the server has closed.
func (s *socket) open() {
	s.t.Helper()
	quiet()
	select {
	case <-s.done:
		s.t.Errorf("closed: %v", s.err)
	default:
	}
}

// subscribe starts an operation.
func (s *socket) subscribe(id, query string) {
	s.t.Helper()
	s.send(`{"id":"` + id + `","type":"subscribe","payload":{"query":"` + query + `"}}`)
}

// leave ends the client's side.
func (s *socket) leave() {
	if s.conn != nil {
		_ = s.conn.CloseNow()
	}
	<-s.done
}

// aroundOperations adds an interceptor.
func (h *house) aroundOperations(f func(context.Context)) {
	h.handler.AroundOperations(func(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
		f(ctx)
		return next(ctx)
	})
}
