package transport_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql/handler"

	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/graph/transport"
	"github.com/trellis-ats/trellis/graph/transport/transporttest"
)

func TestSSESlowConsumer(t *testing.T) {
	for name, late := range map[string]time.Duration{"never reads": 10 * time.Second, "reads again": 7 * time.Second} {
		t.Run(name, func(t *testing.T) {
			inHouse(t, func(h *house) { h.sse.Queue = 8 }, func(t *testing.T, h *house) {
				slow := h.stream(ask{body: subscribeBody("subscription{flood(n:1000,size:1000)}"), header: accepting(streamType)}, true)
				fast := h.stream(ask{body: subscribeBody("subscription{ticks(n:2,ms:10000)}"), header: accepting(streamType)})
				pass(late)
				if _, err := io.Copy(io.Discard, slow.response.Body); err == nil {
					t.Error("the end of the slow stream looks regular")
				}
				if n := h.schema.Running(); n > 1 {
					t.Errorf("%d sources open", n)
				}
				pass(10*time.Second - late)
				fast.want(":\n\nevent: next\ndata: {\"data\":{\"ticks\":1}}\n\nevent: next\ndata: {\"data\":{\"ticks\":2}}\n\nevent: complete\ndata:\n\n")
				_ = slow.response.Body.Close()
			})
		})
	}
}

func TestSSEClose(t *testing.T) {
	inHouse(t, nil, func(t *testing.T, h *house) {
		s := h.stream(ask{body: subscribeBody("subscription{wait}"), header: accepting(streamType)})
		h.reserve(nil)
		start := time.Now()
		if err := h.sse.Close(t.Context()); err != nil || time.Since(start) > 0 {
			t.Fatalf("Close took %v: %v", time.Since(start), err)
		}
		s.want(":\n\n") // and no complete
		s.over(true)
		for _, a := range []ask{{method: "PUT"}, {body: subscribeBody("{hello}"), header: accepting(streamType)}} {
			if status, _ := h.status(a); status != http.StatusServiceUnavailable {
				t.Errorf("%s after Close: %d", a.method, status)
			}
		}
	})
}

func TestSSECloseInTime(t *testing.T) {
	inHouse(t, nil, func(t *testing.T, h *house) {
		s := h.stream(ask{body: subscribeBody("subscription{flood(n:1000,size:100000)}"), header: accepting(streamType)}, true)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := h.sse.Close(ctx); !errors.Is(err, context.DeadlineExceeded) { // a write is under way
			t.Errorf("Close: %v", err)
		}
		_ = s.response.Body.Close()
	})
}

func TestSSERevoked(t *testing.T) {
	var revoke chan struct{}
	inHouse(t, func(h *house) {
		revoke = make(chan struct{})
		h.sse.Revoked = func(context.Context) <-chan struct{} { return revoke }
	}, func(t *testing.T, h *house) {
		s := h.stream(ask{body: subscribeBody("subscription{wait}"), header: accepting(streamType)})
		close(revoke)
		s.want(":\n\n")
		s.over(true)
		if n := h.schema.Running(); n != 0 {
			t.Errorf("%d sources open", n)
		}
	})
}

func TestSSEGate(t *testing.T) {
	inHouse(t, func(h *house) {
		h.handler.SetErrorPresenter(presentFault)
		h.sse.Gate = func(ctx context.Context, authorization string) (context.Context, error) {
			if authorization == "" {
				return nil, fault.New(fault.Unauthenticated, "Sign in first.")
			}
			return ctx, nil
		}
	}, func(t *testing.T, h *house) {
		for _, a := range []ask{{method: "PUT"}, {body: subscribeBody("{hello}"), header: accepting(streamType)}} {
			if status, body := h.status(a); status != http.StatusUnauthorized {
				t.Errorf("%d: %s", status, body)
			}
			a.header = http.Header{"Accept": {streamType}, "Authorization": {"x"}}
			if status, body := h.status(a); status/100 != 2 {
				t.Errorf("%d: %s", status, body)
			}
		}
	})
}

// A response that cannot have deadlines carries no stream.
func TestSSENeedsDeadlines(t *testing.T) {
	t.Parallel()
	s, sse := handler.New(transporttest.New()), &transport.SSE{}
	s.AddTransport(sse)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/graphql", strings.NewReader(subscribeBody("{hello}")))
	r.Header = http.Header{"Accept": {streamType}, "Content-Type": {jsonType}}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	if w.Code != http.StatusInternalServerError {
		t.Errorf("status %d", w.Code)
	}
}

func TestSSEMaxConnections(t *testing.T) {
	inHouse(t, func(h *house) { h.sse.MaxConnections = 2 }, func(t *testing.T, h *house) {
		a := ask{body: subscribeBody("subscription{wait}"), header: accepting(streamType)}
		first := h.stream(a)
		h.reserve(nil)
		if status, _ := h.status(a); status != http.StatusServiceUnavailable {
			t.Errorf("third stream: %d", status)
		}
		first.leave()
		quiet()
		h.stream(a).leave()
	})
}

func TestSSEMany(t *testing.T) {
	inHouse(t, nil, func(t *testing.T, h *house) {
		var streams []*stream
		for i := range 100 {
			streams = append(streams, h.stream(ask{body: subscribeBody(fmt.Sprintf("subscription{ticks(n:%d)}", i%3)), header: accepting(streamType)}))
		}
		for i, s := range streams {
			s.over(true)
			if got := strings.Count(s.text.String(), "event: next"); got != i%3 {
				t.Errorf("stream %d: %d events", i, got)
			}
		}
	})
}
