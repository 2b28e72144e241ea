package transport_test

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/trellis-ats/trellis/core/fault"
)

// presentFault shows the class of errors, as the API's presenter does.
func presentFault(ctx context.Context, err error) *gqlerror.Error {
	shown := graphql.DefaultErrorPresenter(ctx, err)
	if known := new(fault.Error); errors.As(err, &known) {
		shown.Extensions = map[string]any{"code": known.Code}
	}
	return shown
}

// reserve returns the token of a new stream.
func (h *house) reserve(header http.Header) string {
	h.t.Helper()
	response := h.do(ask{method: http.MethodPut, header: header})
	defer response.Body.Close()
	token := make([]byte, 100)
	n, _ := response.Body.Read(token)
	if response.StatusCode != http.StatusCreated || !strings.HasPrefix(response.Header.Get("Content-Type"), "text/plain") {
		h.t.Fatalf("reserve: %d %s", response.StatusCode, token[:n])
	}
	return string(token[:n])
}

// with returns the header that names a stream.
func with(token string, more ...string) http.Header {
	h := http.Header{"X-Graphql-Event-Stream-Token": {token}}
	for i := 0; i < len(more); i += 2 {
		h.Set(more[i], more[i+1])
	}
	return h
}

func operation(id, query string) string {
	return `{"query":"` + query + `","extensions":{"operationId":"` + id + `"}}`
}

// operate runs an operation on a stream.
func (h *house) operate(token, id, query string, want int) {
	h.t.Helper()
	if status, body := h.status(ask{body: operation(id, query), header: with(token)}); status != want {
		h.t.Errorf("operation %s: %d, want %d: %s", id, status, want, body)
	}
	quiet()
}

func TestSSESingle(t *testing.T) {
	inHouse(t, nil, func(t *testing.T, h *house) {
		token := h.reserve(nil)
		if raw, err := base64.RawURLEncoding.DecodeString(token); err != nil || len(raw) != 32 {
			t.Errorf("token %q", token)
		}
		h.operate(token, "early", "{hello}", 202) // before the stream is open
		s := h.stream(ask{method: "GET", header: with(token, "Accept", streamType)})
		defer s.leave()
		s.want(":\n\nevent: next\ndata: {\"id\":\"early\",\"payload\":{\"data\":{\"hello\":\"world\"}}}\n\nevent: complete\ndata: {\"id\":\"early\"}\n\n")
		pass(12 * time.Second) // the reservation's time does not matter any more

		h.operate(token, "a", "subscription{wait}", 202)
		h.operate(token, "b", "subscription{ticks(n:2)}", 202)
		s.want("event: next\ndata: {\"id\":\"b\",\"payload\":{\"data\":{\"ticks\":1}}}\n\nevent: next\ndata: {\"id\":\"b\",\"payload\":{\"data\":{\"ticks\":2}}}\n\nevent: complete\ndata: {\"id\":\"b\"}\n\n")
		h.operate(token, "c", "subscription{breaks(n:0)}", 202)
		s.want("event: next\ndata: {\"id\":\"c\",\"payload\":{\"errors\":[{\"message\":\"broken on purpose\"}]}}\n\nevent: complete\ndata: {\"id\":\"c\"}\n\n")
		h.operate(token, "a", "{hello}", 409)
		h.operate(token, "bad", "{nope}", 400)
		h.operate(token, "bad", "{", 400)
		h.operate(token, "", "{hello}", 400)
		h.operate(token, "bad", "mutation{echo(msg:\\\"x\\\")}", 202) // the id is free
		s.want("event: next\ndata: {\"id\":\"bad\",\"payload\":{\"data\":{\"echo\":\"x\"}}}\n\nevent: complete\ndata: {\"id\":\"bad\"}\n\n")

		stop := ask{method: "DELETE", query: "?operationId=a", header: with(token)}
		for range 2 { // again is no error
			if status, body := h.status(stop); status != 200 {
				t.Errorf("stop: %d %s", status, body)
			}
		}
		if status, _ := h.status(ask{method: "DELETE", header: with(token)}); status != 400 {
			t.Errorf("stop of nothing: %d", status)
		}
		quiet()
		if n := h.schema.Running(); n != 0 {
			t.Errorf("%d sources open", n)
		}
		if status, _ := h.status(ask{method: "GET", query: "?token=" + token, header: accepting(streamType)}); status != 409 {
			t.Errorf("second opening: %d", status)
		}
		s.want("")
	})
}

func TestSSESingleByParameter(t *testing.T) {
	inHouse(t, nil, func(t *testing.T, h *house) {
		token := "?token=" + h.reserve(nil)
		s := h.stream(ask{method: "GET", query: token, header: accepting(streamType)})
		defer s.leave()
		if status, _ := h.status(ask{query: token, body: operation("1", "subscription{wait}")}); status != 202 {
			t.Errorf("operate: %d", status)
		}
		if status, _ := h.status(ask{method: "DELETE", query: token + "&operationId=1"}); status != 200 {
			t.Errorf("stop: %d", status)
		}
	})
}

func TestSSESingleEnds(t *testing.T) {
	inHouse(t, nil, func(t *testing.T, h *house) {
		token := h.reserve(nil)
		s := h.stream(ask{method: "GET", header: with(token, "Accept", streamType)})
		h.operate(token, "1", "subscription{wait}", 202)
		s.leave()
		quiet()
		if n := h.schema.Running(); n != 0 {
			t.Errorf("%d sources open", n)
		}
		h.operate(token, "1", "subscription{wait}", 404)
		if status, _ := h.status(ask{method: "GET", header: with(token, "Accept", streamType)}); status != 404 {
			t.Errorf("opened again: %d", status)
		}
	})
}

func TestSSEReservationExpires(t *testing.T) {
	inHouse(t, nil, func(t *testing.T, h *house) {
		token := h.reserve(nil)
		h.operate(token, "1", "subscription{wait}", 202)
		pass(9 * time.Second)
		if n := h.schema.Running(); n != 1 {
			t.Errorf("%d sources open", n)
		}
		pass(time.Second)
		if n := h.schema.Running(); n != 0 {
			t.Errorf("%d sources open", n)
		}
		if status, _ := h.status(ask{method: "GET", header: with(token, "Accept", streamType)}); status != 404 {
			t.Errorf("opened after its time: %d", status)
		}
	})
}

type callerKey struct{}

func TestSSECaller(t *testing.T) {
	inHouse(t, func(h *house) {
		h.sse.Gate = func(ctx context.Context, authorization string) (context.Context, error) {
			return context.WithValue(ctx, callerKey{}, authorization), nil
		}
		h.sse.Caller = func(ctx context.Context) string { return ctx.Value(callerKey{}).(string) }
	}, func(t *testing.T, h *house) {
		token := h.reserve(http.Header{"Authorization": {"ada"}})
		s := h.stream(ask{method: "GET", header: with(token, "Accept", streamType, "Authorization", "ada")})
		defer s.leave()
		other := h.reserve(http.Header{"Authorization": {"ada"}})
		for name, a := range map[string]ask{
			"open":    {method: "GET", header: with(other, "Accept", streamType, "Authorization", "bob")},
			"operate": {body: operation("1", "{hello}"), header: with(token, "Authorization", "bob")},
			"stop":    {method: "DELETE", query: "?operationId=1", header: with(token, "Authorization", "bob")},
		} {
			if status, _ := h.status(a); status != 404 {
				t.Errorf("%s by another: %d", name, status)
			}
		}
		if status, _ := h.status(ask{body: operation("1", "{hello}"), header: with(token, "Authorization", "ada")}); status != 202 {
			t.Errorf("operate: %d", status)
		}
	})
}

func TestSSEBounds(t *testing.T) {
	inHouse(t, func(h *house) { h.sse.MaxReserved, h.sse.MaxOperations = 2, 1 }, func(t *testing.T, h *house) {
		token := h.reserve(nil)
		h.reserve(nil)
		if status, _ := h.status(ask{method: "PUT"}); status != http.StatusTooManyRequests {
			t.Errorf("third reservation: %d", status)
		}
		s := h.stream(ask{method: "GET", header: with(token, "Accept", streamType)})
		defer s.leave()
		h.reserve(nil) // the place is free
		h.operate(token, "1", "subscription{wait}", 202)
		h.operate(token, "2", "subscription{wait}", 429)
	})
}

// An extension that panics while an operation is prepared leaves nothing behind.
func TestSSEOperationPanics(t *testing.T) {
	inHouse(t, func(h *house) { h.handler.Use(explosive{}) }, func(t *testing.T, h *house) {
		token := h.reserve(nil)
		s := h.stream(ask{method: "GET", header: with(token, "Accept", streamType)})
		defer s.leave()
		h.operate(token, "1", "mutation{echo(msg:\\\"boom\\\")}", 500)
		h.operate(token, "1", "{hello}", 202)
	})
}

type explosive struct{}

func (explosive) ExtensionName() string                   { return "Explosive" }
func (explosive) Validate(graphql.ExecutableSchema) error { return nil }
func (explosive) MutateOperationParameters(_ context.Context, p *graphql.RawParams) *gqlerror.Error {
	if strings.Contains(p.Query, "boom") {
		panic("on purpose")
	}
	return nil
}
