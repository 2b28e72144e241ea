package transport_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/graph/transport"
)

func closing(err error) (websocket.CloseError, bool) {
	var e websocket.CloseError
	ok := errors.As(err, &e)
	return e, ok
}

const (
	say    = "> " // the client sends
	hear   = "< " // the server has sent
	shut   = "x " // the server has closed: code and reason
	binary = "b " // the client sends a binary message
	hello  = `> {"type":"connection_init"}`
	ack    = `< {"type":"connection_ack"}`
)

// TestWebsocketRules plays conversations: each sentence of the protocol's
// specification that binds the server.
func TestWebsocketRules(t *testing.T) {
	t.Parallel()
	for name, script := range map[string][]string{
		"acknowledged":                  {hello, ack},
		"payload is an object":          {`> {"type":"connection_init","payload":{"a":1}}`, ack},
		"payload is null":               {`> {"type":"connection_init","payload":null}`, ack},
		"unknown members":               {`> {"type":"connection_init","more":true}`, ack},
		"payload is a list":             {`> {"type":"connection_init","payload":[]}`, `x 4400 Invalid message: payload of connection_init is not an object`},
		"second init":                   {hello, ack, hello, `x 4429 Too many initialisation requests`},
		"subscribe before init":         {`> {"id":"1","type":"subscribe","payload":{"query":"{hello}"}}`, `x 4401 Unauthorized`},
		"ping before init":              {`> {"type":"ping"}`, `< {"type":"pong"}`, hello, ack},
		"ping":                          {hello, ack, `> {"type":"ping"}`, `< {"type":"pong"}`},
		"ping with payload":             {hello, ack, `> {"type":"ping","payload":{"a":[1]}}`, `< {"type":"pong","payload":{"a":[1]}}`},
		"pong":                          {hello, ack, `> {"type":"pong"}`, `> {"type":"pong","payload":{}}`, `> {"type":"ping"}`, `< {"type":"pong"}`},
		"query":                         {hello, ack, `> {"id":"1","type":"subscribe","payload":{"query":"{hello}"}}`, `< {"id":"1","type":"next","payload":{"data":{"hello":"world"}}}`, `< {"id":"1","type":"complete"}`},
		"mutation":                      {hello, ack, `> {"id":"1","type":"subscribe","payload":{"query":"mutation M($m:String!){echo(msg:$m)}","variables":{"m":"x"},"operationName":"M"}}`, `< {"id":"1","type":"next","payload":{"data":{"echo":"x"}}}`, `< {"id":"1","type":"complete"}`},
		"nulls":                         {hello, ack, `> {"id":"1","type":"subscribe","payload":{"query":"{hello}","variables":null,"operationName":null,"extensions":null}}`, `< {"id":"1","type":"next","payload":{"data":{"hello":"world"}}}`, `< {"id":"1","type":"complete"}`},
		"field error":                   {hello, ack, `> {"id":"1","type":"subscribe","payload":{"query":"{broken}"}}`, `< {"id":"1","type":"next","payload":{"errors":[{"message":"broken on purpose"}],"data":{"broken":null}}}`, `< {"id":"1","type":"complete"}`},
		"subscription":                  {hello, ack, `> {"id":"1","type":"subscribe","payload":{"query":"subscription{ticks(n:2)}"}}`, `< {"id":"1","type":"next","payload":{"data":{"ticks":1}}}`, `< {"id":"1","type":"next","payload":{"data":{"ticks":2}}}`, `< {"id":"1","type":"complete"}`},
		"id is quoted":                  {hello, ack, `> {"id":"a\"\\b","type":"subscribe","payload":{"query":"{hello}"}}`, `< {"id":"a\"\\b","type":"next","payload":{"data":{"hello":"world"}}}`, `< {"id":"a\"\\b","type":"complete"}`},
		"syntax error, nothing after":   {hello, ack, `> {"id":"1","type":"subscribe","payload":{"query":"{"}}`, `< {"id":"1","type":"error","payload":[{"message":"Expected Name, found \u003cEOF\u003e","locations":[{"line":1,"column":2}],"extensions":{"code":"GRAPHQL_PARSE_FAILED"}}]}`},
		"unknown field, nothing after":  {hello, ack, `> {"id":"1","type":"subscribe","payload":{"query":"{nope}"}}`, `< {"id":"1","type":"error","payload":[{"message":"Cannot query field \"nope\" on type \"Query\".","locations":[{"line":1,"column":2}],"extensions":{"code":"GRAPHQL_VALIDATION_FAILED"}}]}`},
		"empty query is the executor's": {hello, ack, `> {"id":"1","type":"subscribe","payload":{"query":""}}`, `< {"id":"1","type":"error","payload":[{"message":"no operation provided","extensions":{"code":"GRAPHQL_VALIDATION_FAILED"}}]}`},
		"stream cannot be opened":       {hello, ack, `> {"id":"1","type":"subscribe","payload":{"query":"subscription{fail}"}}`, `< {"id":"1","type":"error","payload":[{"message":"broken on purpose"}]}`},
		"stream ends with an error":     {hello, ack, `> {"id":"1","type":"subscribe","payload":{"query":"subscription{breaks(n:1)}"}}`, `< {"id":"1","type":"next","payload":{"data":{"breaks":1}}}`, `< {"id":"1","type":"error","payload":[{"message":"broken on purpose"}]}`},
		"event with an error":           {hello, ack, `> {"id":"1","type":"subscribe","payload":{"query":"subscription{faulty(n:2)}"}}`, `< {"id":"1","type":"next","payload":{"errors":[{"message":"broken on purpose"}],"data":{"faulty":null}}}`, `< {"id":"1","type":"next","payload":{"errors":[{"message":"broken on purpose"}],"data":{"faulty":null}}}`, `< {"id":"1","type":"complete"}`},
		"panic":                         {hello, ack, `> {"id":"1","type":"subscribe","payload":{"query":"subscription{panics(n:1)}"}}`, `< {"id":"1","type":"next","payload":{"data":{"panics":1}}}`, `< {"id":"1","type":"error","payload":[{"message":"internal system error"}]}`, `> {"type":"ping"}`, `< {"type":"pong"}`},
		"duplicate id":                  {hello, ack, `> {"id":"1","type":"subscribe","payload":{"query":"subscription{wait}"}}`, `> {"id":"1","type":"subscribe","payload":{"query":"{hello}"}}`, `x 4409 Subscriber for 1 already exists`},
		"id again after complete":       {hello, ack, `> {"id":"1","type":"subscribe","payload":{"query":"{hello}"}}`, `< {"id":"1","type":"next","payload":{"data":{"hello":"world"}}}`, `< {"id":"1","type":"complete"}`, `> {"id":"1","type":"subscribe","payload":{"query":"{hello}"}}`, `< {"id":"1","type":"next","payload":{"data":{"hello":"world"}}}`, `< {"id":"1","type":"complete"}`},
		"id again after error":          {hello, ack, `> {"id":"1","type":"subscribe","payload":{"query":"subscription{fail}"}}`, `< {"id":"1","type":"error","payload":[{"message":"broken on purpose"}]}`, `> {"id":"1","type":"subscribe","payload":{"query":"{hello}"}}`, `< {"id":"1","type":"next","payload":{"data":{"hello":"world"}}}`, `< {"id":"1","type":"complete"}`},
		"id again after stop":           {hello, ack, `> {"id":"1","type":"subscribe","payload":{"query":"subscription{wait}"}}`, `> {"id":"1","type":"complete"}`, `> {"id":"1","type":"subscribe","payload":{"query":"{hello}"}}`, `< {"id":"1","type":"next","payload":{"data":{"hello":"world"}}}`, `< {"id":"1","type":"complete"}`},
		"complete of nothing":           {hello, ack, `> {"id":"z","type":"complete"}`, `> {"type":"ping"}`, `< {"type":"pong"}`},
		"several at once":               {hello, ack, `> {"id":"1","type":"subscribe","payload":{"query":"subscription{wait}"}}`, `> {"id":"2","type":"subscribe","payload":{"query":"{hello}"}}`, `< {"id":"2","type":"next","payload":{"data":{"hello":"world"}}}`, `< {"id":"2","type":"complete"}`, `> {"id":"3","type":"subscribe","payload":{"query":"subscription{ticks(n:1)}"}}`, `< {"id":"3","type":"next","payload":{"data":{"ticks":1}}}`, `< {"id":"3","type":"complete"}`},
		"not JSON":                      {hello, ack, `> {nope`, `x 4400 Invalid message: not a JSON object of the protocol`},
		"a list":                        {hello, ack, `> [1]`, `x 4400 Invalid message: not a JSON object of the protocol`},
		"null":                          {hello, ack, `> null`, `x 4400 Invalid message type ""`},
		"two values":                    {hello, ack, `> {"type":"ping"}{"type":"ping"}`, `x 4400 Invalid message: not a JSON object of the protocol`},
		"binary":                        {hello, ack, `b {"type":"ping"}`, `x 4400 Invalid message: not text`},
		"unknown type":                  {hello, ack, `> {"type":"what"}`, `x 4400 Invalid message type "what"`},
		"a server's type":               {hello, ack, `> {"id":"1","type":"next","payload":{}}`, `x 4400 Invalid message type "next"`},
		"long type":                     {hello, ack, `> {"type":"` + strings.Repeat("é", 200) + `"}`, `x 4400 Invalid message type "` + strings.Repeat("é", 50)},
		"no type":                       {hello, ack, `> {}`, `x 4400 Invalid message type ""`},
		"id is a number":                {hello, ack, `> {"id":1,"type":"complete"}`, `x 4400 Invalid message: not a JSON object of the protocol`},
		"complete without id":           {hello, ack, `> {"type":"complete"}`, `x 4400 Invalid message: complete without id`},
		"subscribe without id":          {hello, ack, `> {"type":"subscribe","payload":{"query":"{hello}"}}`, `x 4400 Invalid message: subscribe without id`},
		"subscribe with an empty id":    {hello, ack, `> {"id":"","type":"subscribe","payload":{"query":"{hello}"}}`, `x 4400 Invalid message: subscribe without id`},
		"subscribe without payload":     {hello, ack, `> {"id":"1","type":"subscribe"}`, `x 4400 Invalid message: payload of subscribe needs a query`},
		"subscribe without query":       {hello, ack, `> {"id":"1","type":"subscribe","payload":{}}`, `x 4400 Invalid message: payload of subscribe needs a query`},
		"variables are a list":          {hello, ack, `> {"id":"1","type":"subscribe","payload":{"query":"{hello}","variables":[]}}`, `x 4400 Invalid message: payload of subscribe needs a query`},
	} {
		t.Run(name, func(t *testing.T) {
			inHouse(t, nil, func(t *testing.T, h *house) { play(h.socket(), script) })
		})
	}
}

// play runs a conversation; nothing may be said that is not in the script.
func play(s *socket, script []string) {
	s.t.Helper()
	defer s.leave()
	var heard []string
	for _, line := range append(script, say) {
		kind, text := line[:2], line[2:]
		if kind == hear {
			heard = append(heard, text)
			continue
		}
		s.want(heard...)
		heard = nil
		switch {
		case kind == say && text != "":
			s.send(text)
		case kind == binary:
			_ = s.conn.Write(s.t.Context(), websocket.MessageBinary, []byte(text))
		case kind == shut:
			var code websocket.StatusCode
			_, _ = fmt.Sscanf(text, "%d", &code)
			s.closedWith(code, text[5:])
			return
		}
	}
	s.open()
}

func TestWebsocketInitTimeout(t *testing.T) {
	inHouse(t, nil, func(t *testing.T, h *house) {
		s := h.socket()
		pass(9 * time.Second)
		s.send(`{"type":"ping"}`) // gives no more time
		s.want(`{"type":"pong"}`)
		s.open()
		pass(time.Second)
		s.closedWith(transport.CloseInitTimeout, "Connection initialisation timeout")
	})
}

func TestWebsocketInitTakesTooLong(t *testing.T) {
	inHouse(t, func(h *house) {
		h.ws.InitTimeout = 3 * time.Second
		h.ws.Init = func(ctx context.Context, _ map[string]any) (context.Context, any, error) {
			<-ctx.Done()
			return ctx, nil, ctx.Err()
		}
	}, func(t *testing.T, h *house) {
		s := h.socket()
		s.send(`{"type":"connection_init"}`)
		pass(3 * time.Second)
		s.closedWith(transport.CloseInitTimeout, "Connection initialisation timeout")
	})
}

type name struct{}

func TestWebsocketInit(t *testing.T) {
	var seen any
	inHouse(t, func(h *house) {
		h.ws.Init = func(ctx context.Context, payload map[string]any) (context.Context, any, error) {
			return context.WithValue(ctx, name{}, payload["name"]), map[string]string{"welcome": "yes"}, nil
		}
		h.aroundOperations(func(ctx context.Context) { seen = ctx.Value(name{}) })
	}, func(t *testing.T, h *house) {
		s := h.socket()
		defer s.leave()
		s.send(`{"type":"connection_init","payload":{"name":"Ada"}}`)
		s.want(`{"type":"connection_ack","payload":{"welcome":"yes"}}`)
		pass(time.Second * 15) // longer than Init may take: its context lives on
		s.subscribe("1", "{hello}")
		s.want(`{"id":"1","type":"next","payload":{"data":{"hello":"world"}}}`, `{"id":"1","type":"complete"}`)
		if seen != "Ada" {
			t.Errorf("operations see %v", seen)
		}
	})
}

func TestWebsocketInitRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err    error
		code   websocket.StatusCode
		reason string
	}{
		"unauthenticated": {fault.New(fault.Unauthenticated, "secret"), 4401, "Unauthorized"},
		"forbidden":       {fault.New(fault.Forbidden, "secret"), 4403, "Forbidden"},
		"unknown":         {errors.New("secret"), 4403, "Forbidden"},
		"database away":   {fault.New(fault.Retryable, "secret"), 1013, "Try again later"},
	} {
		t.Run(name, func(t *testing.T) {
			inHouse(t, func(h *house) {
				h.ws.Init = func(context.Context, map[string]any) (context.Context, any, error) { return nil, nil, c.err }
			}, func(t *testing.T, h *house) {
				s := h.socket()
				s.send(`{"type":"connection_init"}`)
				s.want()
				s.closedWith(c.code, c.reason)
			})
		})
	}
}

func TestWebsocketRevoked(t *testing.T) {
	var revoke chan struct{}
	inHouse(t, func(h *house) {
		revoke = make(chan struct{})
		h.ws.Init = func(ctx context.Context, payload map[string]any) (context.Context, any, error) {
			return context.WithValue(ctx, name{}, payload["name"]), nil, nil
		}
		h.ws.Revoked = func(ctx context.Context) <-chan struct{} {
			if ctx.Value(name{}) == "Ada" {
				return revoke
			}
			return nil
		}
	}, func(t *testing.T, h *house) {
		ada, bob := h.socket(), h.socket()
		defer bob.leave()
		ada.send(`{"type":"connection_init","payload":{"name":"Ada"}}`)
		bob.send(`{"type":"connection_init","payload":{"name":"Bob"}}`)
		ada.subscribe("1", "subscription{wait}")
		close(revoke)
		ada.closedWith(transport.CloseForbidden, "Access revoked")
		bob.open()
		if n := h.schema.Running(); n != 0 {
			t.Errorf("%d sources open", n)
		}
	})
}

func TestWebsocketKeepAlive(t *testing.T) {
	inHouse(t, nil, func(t *testing.T, h *house) {
		alive, silent := h.ready(), h.ready()
		defer alive.leave()
		alive.subscribe("1", "subscription{ticks(n:100,ms:3600000)}")
		pass(20 * time.Second)
		alive.want(`{"id":"1","type":"next","payload":{"data":{"ticks":1}}}`, `{"type":"ping"}`)
		silent.want(`{"type":"ping"}`)
		for range 3 * 61 { // three minutes more than an hour
			alive.send(`{"type":"pong"}`)
			pass(20 * time.Second)
		}
		silent.closedWith(transport.ClosePongMissing, "Pong missing")
		if got := strings.Join(alive.new(), ""); !strings.Contains(got, `"ticks":2`) {
			t.Errorf("no event after an hour: %s", got)
		}
		alive.open()
	})
}

func TestWebsocketFramePings(t *testing.T) {
	inHouse(t, nil, func(t *testing.T, h *house) {
		s := h.ready()
		defer s.leave()
		for range 10 { // pings of the websocket protocol count as signs of life
			if err := s.conn.Ping(t.Context()); err != nil {
				t.Fatal(err)
			}
			pass(15 * time.Second) // longer than a write may take
		}
		s.open()
	})
}

func TestWebsocketKeepAliveOff(t *testing.T) {
	inHouse(t, func(h *house) { h.ws.KeepAlive = -1 }, func(t *testing.T, h *house) {
		s := h.ready()
		defer s.leave()
		pass(24 * time.Hour)
		s.want()
		s.open()
	})
}

func TestWebsocketStop(t *testing.T) {
	inHouse(t, nil, func(t *testing.T, h *house) {
		s := h.ready()
		defer s.leave()
		s.subscribe("1", "subscription{ticks(n:100,ms:1000)}")
		s.subscribe("2", "subscription{wait}")
		s.want(`{"id":"1","type":"next","payload":{"data":{"ticks":1}}}`)
		if n := h.schema.Running(); n != 2 {
			t.Errorf("%d sources open, want 2", n)
		}
		s.send(`{"id":"1","type":"complete"}`)
		if n := h.schema.Running(); n != 1 {
			t.Errorf("%d sources open, want 1", n)
		}
		pass(5 * time.Second)
		s.want()
	})
}

func TestWebsocketClientVanishes(t *testing.T) {
	inHouse(t, nil, func(t *testing.T, h *house) {
		s := h.ready()
		s.subscribe("1", "subscription{wait}")
		_ = s.raw.Close()
		quiet()
		if n := h.schema.Running(); n != 0 {
			t.Errorf("%d sources open", n)
		}
		s.leave()
	})
}
