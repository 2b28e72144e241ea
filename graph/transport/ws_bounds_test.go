package transport_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/trellis-ats/trellis/graph/transport"
)

func TestWebsocketMaxOperations(t *testing.T) {
	inHouse(t, func(h *house) { h.ws.MaxOperations = 2 }, func(t *testing.T, h *house) {
		s := h.ready()
		defer s.leave()
		s.subscribe("1", "subscription{wait}")
		s.subscribe("2", "subscription{wait}")
		s.subscribe("3", "subscription{wait}")
		if got := s.new(); len(got) != 1 || !strings.HasPrefix(got[0], `{"id":"3","type":"error","payload":[{"message":"RATE_LIMITED: Too many operations`) {
			t.Errorf("got %q", got)
		}
		s.send(`{"id":"1","type":"complete"}`)
		s.subscribe("3", "{hello}")
		s.want(`{"id":"3","type":"next","payload":{"data":{"hello":"world"}}}`, `{"id":"3","type":"complete"}`)
	})
}

func TestWebsocketManySubscriptions(t *testing.T) {
	const n = 500
	inHouse(t, func(h *house) { h.ws.MaxOperations = n }, func(t *testing.T, h *house) {
		s := h.ready()
		defer s.leave()
		for i := range n {
			s.subscribe(fmt.Sprint(i), "subscription{ticks(n:3,ms:1000)}")
		}
		pass(2 * time.Second)
		counts := map[string]int{}
		for _, message := range s.new() {
			counts[message[strings.Index(message, `"type"`):]]++
		}
		for message, count := range counts {
			if count != n {
				t.Errorf("%d of %s", count, message)
			}
		}
		if len(counts) != 4 {
			t.Errorf("kinds of messages: %v", counts)
		}
	})
}

func TestWebsocketBurst(t *testing.T) {
	inHouse(t, func(h *house) { h.ws.Queue = 4 }, func(t *testing.T, h *house) {
		s := h.ready()
		defer s.leave()
		for _, id := range []string{"1", "2", "3"} {
			s.subscribe(id, "subscription{ticks(n:1000)}")
		}
		if got := len(s.new()); got != 3*1001 {
			t.Errorf("%d messages", got)
		}
	})
}

func TestWebsocketSlowConsumer(t *testing.T) {
	for name, late := range map[string]time.Duration{"never reads": 0, "reads again": 7 * time.Second} {
		t.Run(name, func(t *testing.T) {
			inHouse(t, func(h *house) { h.ws.Queue = 8 }, func(t *testing.T, h *house) {
				slow, fast := h.socket(handshake{protocols: []string{"graphql-transport-ws"}, deaf: true}), h.ready()
				defer fast.leave()
				slow.send(`{"type":"connection_init"}`)
				if _, _, err := slow.conn.Read(t.Context()); err != nil {
					t.Fatal(err)
				}
				slow.subscribe("1", "subscription{flood(n:100,size:100)}")
				fast.subscribe("1", "subscription{ticks(n:10,ms:1000)}")
				if late == 0 {
					pass(10 * time.Second) // WriteTimeout
					if _, _, err := slow.conn.Read(t.Context()); err == nil {
						t.Error("the connection still stands")
					}
				} else {
					pass(late) // longer than Patience
					drain(t, slow, transport.CloseSlowConsumer)
				}
				if n := h.schema.Running(); n > 1 {
					t.Errorf("%d sources open, want at most that of the other", n)
				}
				pass(10 * time.Second)
				if got := strings.Join(fast.new(), ""); strings.Count(got, "next") != 10 || strings.Count(got, "complete") != 1 {
					t.Errorf("the other socket got %s", got)
				}
				_ = slow.conn.CloseNow()
			})
		})
	}
}

// drain reads to the end, which must be a close frame of this code.
func drain(t *testing.T, s *socket, code websocket.StatusCode) {
	t.Helper()
	for {
		if _, _, err := s.conn.Read(t.Context()); err != nil {
			if got := websocket.CloseStatus(err); got != code {
				t.Errorf("closed with %d, want %d: %v", got, code, err)
			}
			return
		}
	}
}

// A client that takes a message now and then is slow and alive.
func TestWebsocketTrickle(t *testing.T) {
	inHouse(t, func(h *house) { h.ws.Queue, h.ws.KeepAlive = 2, -1 }, func(t *testing.T, h *house) {
		s := h.socket(handshake{protocols: []string{"graphql-transport-ws"}, deaf: true})
		s.send(`{"type":"connection_init"}`)
		s.subscribe("1", "subscription{flood(n:10,size:10)}")
		s.subscribe("2", "subscription{flood(n:10,size:10)}") // each waits for longer than Patience
		for range 23 {                                        // and the acknowledgement, and complete twice
			if _, _, err := s.conn.Read(t.Context()); err != nil {
				t.Fatal(err)
			}
			pass(4 * time.Second)
		}
		_ = s.conn.CloseNow()
	})
}

func TestWebsocketQueueBytes(t *testing.T) {
	inHouse(t, func(h *house) { h.ws.QueueBytes = 1000 }, func(t *testing.T, h *house) {
		s := h.ready()
		defer s.leave()
		s.subscribe("1", "subscription{flood(n:5,size:5000)}") // each larger than all the room
		if got := len(s.new()); got != 6 {
			t.Errorf("%d messages", got)
		}
	})
}

func TestWebsocketReadLimit(t *testing.T) {
	inHouse(t, func(h *house) { h.ws.ReadLimit = 1000 }, func(t *testing.T, h *house) {
		s := h.ready()
		go func() { _ = s.conn.Write(t.Context(), websocket.MessageText, make([]byte, 100_000)) }()
		pass(6 * time.Second)
		quiet()
		if got, _ := closing(s.err); got.Code != websocket.StatusMessageTooBig {
			t.Errorf("closed: %v", s.err)
		}
	})
}

// What waits of an operation that the client has stopped is not sent.
func TestWebsocketStopDiscards(t *testing.T) {
	inHouse(t, nil, func(t *testing.T, h *house) {
		s := h.socket(handshake{protocols: []string{"graphql-transport-ws"}, deaf: true})
		s.send(`{"type":"connection_init"}`) // the acknowledgement is being written
		s.subscribe("1", "subscription{flood(n:100,size:10)}")
		s.send(`{"id":"1","type":"complete"}`)
		s.send(`{"type":"ping"}`)
		for _, want := range []string{`{"type":"connection_ack"}`, `{"type":"pong"}`} {
			if _, got, err := s.conn.Read(t.Context()); err != nil || string(got) != want {
				t.Errorf("got %s %v, want %s", got, err, want)
			}
		}
		_ = s.conn.CloseNow()
	})
}

// A client may not hold up the end of its socket by a frame that never ends.
func TestWebsocketEndlessFrame(t *testing.T) {
	inHouse(t, func(h *house) { h.ws.KeepAlive, h.ws.ReadLimit = -1, 1000 }, func(t *testing.T, h *house) {
		s := h.socket(handshake{protocols: []string{"graphql-transport-ws"}, deaf: true})
		go func() { _, _ = io.Copy(io.Discard, s.raw) }() // answers no close frame
		// The head of a masked text frame of 1 MiB, and more of it than is read.
		head := []byte{0x81, 0xff, 0, 0, 0, 0, 0, 0x10, 0, 0, 1, 2, 3, 4}
		go func() { _, _ = s.raw.Write(append(head, make([]byte, 4096)...)) }()
		pass(6 * time.Second)
		start := time.Now()
		if err := h.ws.Close(t.Context()); err != nil || time.Since(start) > 0 {
			t.Errorf("the socket was there for %v: %v", time.Since(start), err)
		}
		_ = s.conn.CloseNow()
	})
}

func TestWebsocketHandshake(t *testing.T) {
	t.Parallel()
	ours := []string{"graphql-transport-ws"}
	for name, c := range map[string]struct {
		how    handshake
		check  func(*http.Request) bool
		status int
		code   websocket.StatusCode
	}{
		"no origin":           {how: handshake{protocols: ours}},
		"our origin":          {how: handshake{protocols: ours, header: http.Header{"Origin": {"https://Trellis.example"}}}},
		"foreign origin":      {how: handshake{protocols: ours, header: http.Header{"Origin": {"https://evil.example"}}}, status: 403},
		"null origin":         {how: handshake{protocols: ours, header: http.Header{"Origin": {"null"}}}, status: 403},
		"foreign, and wanted": {how: handshake{protocols: ours, header: http.Header{"Origin": {"https://evil.example"}}}, check: func(*http.Request) bool { return true }},
		"ours, not wanted":    {how: handshake{protocols: ours}, check: func(*http.Request) bool { return false }, status: 403},
		"second choice":       {how: handshake{protocols: []string{"graphql-ws", "graphql-transport-ws"}}},
		"no subprotocol":      {how: handshake{}, code: 4406},
		"other subprotocol":   {how: handshake{protocols: []string{"graphql-ws"}}, code: 4406},
	} {
		t.Run(name, func(t *testing.T) {
			inHouse(t, func(h *house) { h.ws.CheckOrigin = c.check }, func(t *testing.T, h *house) {
				s := h.socket(c.how)
				defer s.leave()
				var status *refused
				switch {
				case c.status != 0:
					if !errors.As(s.err, &status) || status.status != c.status {
						t.Errorf("answered %v, want %d", s.err, c.status)
					}
				case c.code != 0:
					s.closedWith(c.code, "Subprotocol not acceptable")
				default:
					play(s, []string{hello, ack})
				}
			})
		})
	}
}

func TestWebsocketClose(t *testing.T) {
	inHouse(t, nil, func(t *testing.T, h *house) {
		fresh, busy := h.socket(), h.ready()
		busy.subscribe("1", "subscription{wait}")
		if err := h.ws.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, s := range []*socket{fresh, busy, h.socket()} {
			s.closedWith(websocket.StatusGoingAway, map[bool]string{true: "Going away"}[s == fresh || s == busy])
		}
		if n := h.schema.Running(); n != 0 {
			t.Errorf("%d sources open", n)
		}
		if err := h.ws.Close(t.Context()); err != nil {
			t.Errorf("second Close: %v", err)
		}
	})
}

func TestWebsocketCloseOfAnUnresponsiveClient(t *testing.T) {
	inHouse(t, nil, func(t *testing.T, h *house) {
		s := h.socket(handshake{protocols: []string{"graphql-transport-ws"}, deaf: true})
		s.send(`{"type":"connection_init"}`) // the acknowledgement is never read
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := h.ws.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Close: %v", err)
		}
		pass(0)
		if err := h.ws.Close(t.Context()); err != nil { // it was cut
			t.Errorf("second Close: %v", err)
		}
		_ = s.conn.CloseNow()
	})
}

func TestWebsocketServerContextEnds(t *testing.T) {
	inHouse(t, nil, func(t *testing.T, h *house) {
		s := h.ready()
		s.subscribe("1", "subscription{wait}")
		h.cancel()
		s.closedWith(websocket.StatusGoingAway, "Going away")
	})
}

func TestWebsocketMaxConnections(t *testing.T) {
	inHouse(t, func(h *house) { h.ws.MaxConnections = 1 }, func(t *testing.T, h *house) {
		first := h.ready()
		h.socket().closedWith(websocket.StatusTryAgainLater, "")
		first.leave()
		quiet()
		h.ready().leave()
	})
}

func TestWebsocketQueryTimeout(t *testing.T) {
	inHouse(t, func(h *house) { h.ws.Timeout = 2 * time.Second }, func(t *testing.T, h *house) {
		s := h.ready()
		defer s.leave()
		s.subscribe("1", "{hang}")
		s.want()
		pass(2 * time.Second)
		if got := s.new(); len(got) != 1 || !strings.Contains(got[0], `"type":"error"`) || !strings.Contains(got[0], "took too long") {
			t.Errorf("got %q", got)
		}
	})
}

func TestFailStreamElsewhere(t *testing.T) {
	t.Parallel()
	if transport.FailStream(t.Context(), errors.New("x")) {
		t.Error("a context of no operation was taken")
	}
}
