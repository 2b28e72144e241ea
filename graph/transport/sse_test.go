package transport_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/trellis-ats/trellis/graph/transport"
)

const (
	jsonType   = "application/json"
	streamType = "text/event-stream"
)

// ask is a request to be made.
type ask struct {
	method, query, body string
	header              http.Header
}

func subscribeBody(query string) string { return `{"query":"` + query + `"}` }

// do makes a request; the body must be closed.
func (h *house) do(a ask) *http.Response {
	h.t.Helper()
	return h.doUntil(h.t.Context(), a)
}

func (h *house) doUntil(ctx context.Context, a ask) *http.Response {
	h.t.Helper()
	if a.method == "" {
		a.method = http.MethodPost
	}
	r, err := http.NewRequestWithContext(ctx, a.method, "http://trellis.example/graphql"+a.query, strings.NewReader(a.body))
	if err != nil {
		h.t.Fatal(err)
	}
	for name, values := range a.header {
		r.Header[http.CanonicalHeaderKey(name)] = values
	}
	if a.body != "" && r.Header.Get("Content-Type") == "" {
		r.Header.Set("Content-Type", jsonType)
	}
	response, err := h.client.Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	return response
}

// status makes a request and returns what was answered.
func (h *house) status(a ask) (int, string) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), time.Minute)
	defer cancel()
	response := h.doUntil(ctx, a)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		h.t.Error(err)
	}
	return response.StatusCode, string(body)
}

func accepting(types string) http.Header { return http.Header{"Accept": {types}} }

// stream is a client's end of an event stream.
type stream struct {
	t        *testing.T
	response *http.Response
	mu       sync.Mutex
	text     strings.Builder
	seen     int
	err      error
	done     chan struct{}
}

// stream opens an event stream and reads it, unless it is deaf.
func (h *house) stream(a ask, deaf ...bool) *stream {
	h.t.Helper()
	s := &stream{t: h.t, response: h.do(a), done: make(chan struct{})}
	if s.response.StatusCode != http.StatusOK {
		h.t.Fatalf("status %d", s.response.StatusCode)
	}
	if len(deaf) > 0 {
		close(s.done)
	} else {
		go s.listen()
	}
	quiet()
	return s
}

func (s *stream) listen() {
	defer close(s.done)
	for r := bufio.NewReader(s.response.Body); ; {
		line, err := r.ReadString('\n')
		s.mu.Lock()
		s.text.WriteString(line)
		s.err = err
		s.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// want compares what came since the last call.
func (s *stream) want(text string) {
	s.t.Helper()
	quiet()
	s.mu.Lock()
	defer s.mu.Unlock()
	if got := s.text.String()[s.seen:]; got != text {
		s.t.Errorf("got\n%s\nwant\n%s", got, text)
	}
	s.seen = s.text.Len()
}

// over compares how the stream has ended.
func (s *stream) over(regular bool) {
	s.t.Helper()
	quiet()
	select {
	case <-s.done:
	default:
		s.t.Error("the stream is still open")
		return
	}
	if errors.Is(s.err, io.EOF) != regular {
		s.t.Errorf("ended with %v", s.err)
	}
}

func (s *stream) leave() {
	_ = s.response.Body.Close()
	<-s.done
}

func TestSSEDistinct(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		query string
		get   bool
		want  string
	}{
		"subscription":        {query: "subscription{ticks(n:2)}", want: "event: next\ndata: {\"data\":{\"ticks\":1}}\n\nevent: next\ndata: {\"data\":{\"ticks\":2}}\n\nevent: complete\ndata:\n\n"},
		"subscription by GET": {query: "subscription{ticks(n:1)}", get: true, want: "event: next\ndata: {\"data\":{\"ticks\":1}}\n\nevent: complete\ndata:\n\n"},
		"query":               {query: "{hello}", want: "event: next\ndata: {\"data\":{\"hello\":\"world\"}}\n\nevent: complete\ndata:\n\n"},
		"query by GET":        {query: "{hello}", get: true, want: "event: next\ndata: {\"data\":{\"hello\":\"world\"}}\n\nevent: complete\ndata:\n\n"},
		"mutation":            {query: "mutation{echo(msg:7)}", want: "event: next\ndata: {\"errors\":[{\"message\":\"String cannot represent a non string value: 7\",\"locations\":[{\"line\":1,\"column\":19}],\"extensions\":{\"code\":\"GRAPHQL_VALIDATION_FAILED\"}}]}\n\nevent: complete\ndata:\n\n"},
		"unknown field":       {query: "{nope}", want: "event: next\ndata: {\"errors\":[{\"message\":\"Cannot query field \\\"nope\\\" on type \\\"Query\\\".\",\"locations\":[{\"line\":1,\"column\":2}],\"extensions\":{\"code\":\"GRAPHQL_VALIDATION_FAILED\"}}]}\n\nevent: complete\ndata:\n\n"},
		"cannot be opened":    {query: "subscription{fail}", want: "event: next\ndata: {\"errors\":[{\"message\":\"broken on purpose\"}]}\n\nevent: complete\ndata:\n\n"},
		"breaks":              {query: "subscription{breaks(n:1)}", want: "event: next\ndata: {\"data\":{\"breaks\":1}}\n\nevent: next\ndata: {\"errors\":[{\"message\":\"broken on purpose\"}]}\n\nevent: complete\ndata:\n\n"},
		"faulty":              {query: "subscription{faulty(n:1)}", want: "event: next\ndata: {\"errors\":[{\"message\":\"broken on purpose\"}],\"data\":{\"faulty\":null}}\n\nevent: complete\ndata:\n\n"},
		"panics":              {query: "subscription{panics(n:0)}", want: "event: next\ndata: {\"errors\":[{\"message\":\"internal system error\"}]}\n\nevent: complete\ndata:\n\n"},
		"line breaks":         {query: "subscription{lines}", want: "event: next\ndata: {\"data\":{\"lines\":\"a\"}}\n\nevent: complete\ndata:\n\n"},
	} {
		t.Run(name, func(t *testing.T) {
			inHouse(t, nil, func(t *testing.T, h *house) {
				a := ask{body: subscribeBody(c.query), header: accepting(streamType)}
				if c.get {
					a = ask{method: http.MethodGet, query: "?" + url.Values{"query": {c.query}}.Encode(), header: accepting(streamType)}
				}
				s := h.stream(a)
				s.want(":\n\n" + c.want)
				s.over(true)
				for name, want := range map[string]string{"Content-Type": streamType, "Cache-Control": "no-store", "X-Accel-Buffering": "no"} {
					if got := s.response.Header.Get(name); got != want {
						t.Errorf("%s: %s", name, got)
					}
				}
			})
		})
	}
}

func TestSSERefuses(t *testing.T) {
	t.Parallel()
	stream, mutation := accepting(streamType), "?"+url.Values{"query": {"mutation{echo(msg:\"x\")}"}}.Encode()
	foreign := func(more ...string) http.Header {
		h := http.Header{"Accept": {streamType}, "Origin": {"https://evil.example"}}
		for i := 0; i < len(more); i += 2 {
			h.Set(more[i], more[i+1])
		}
		return h
	}
	query := "?" + url.Values{"query": {"{hello}"}}.Encode()
	for name, c := range map[string]struct {
		ask
		status int
	}{
		"mutation by GET":          {ask{method: "GET", query: mutation, header: stream}, 405},
		"not JSON":                 {ask{body: "{", header: stream}, 400},
		"batch":                    {ask{body: "[]", header: stream}, 400},
		"form":                     {ask{body: "query={hello}", header: http.Header{"Accept": {streamType}, "Content-Type": {"application/x-www-form-urlencoded"}}}, 415},
		"text":                     {ask{body: subscribeBody("{hello}"), header: http.Header{"Accept": {streamType}, "Content-Type": {"text/plain"}}}, 415},
		"too large":                {ask{body: subscribeBody(strings.Repeat(" ", 70_000)), header: stream}, 413},
		"no query":                 {ask{method: "GET", header: stream}, 400},
		"foreign page":             {ask{method: "GET", query: query, header: foreign()}, 403},
		"foreign page, no origin":  {ask{method: "GET", query: query, header: http.Header{"Accept": {streamType}, "Sec-Fetch-Site": {"cross-site"}}}, 403},
		"sister page":              {ask{method: "GET", query: query, header: http.Header{"Accept": {streamType}, "Sec-Fetch-Site": {"same-site"}}}, 403},
		"our page":                 {ask{method: "GET", query: query, header: http.Header{"Accept": {streamType}, "Sec-Fetch-Site": {"same-origin"}, "Origin": {"https://trellis.example"}}}, 200},
		"address bar":              {ask{method: "GET", query: query, header: http.Header{"Accept": {streamType}, "Sec-Fetch-Site": {"none"}}}, 200},
		"foreign page, asked":      {ask{method: "GET", query: query, header: foreign("Authorization", "Bearer x")}, 200},
		"foreign page, asked too":  {ask{method: "GET", query: query, header: foreign("X-Requested-With", "x")}, 200},
		"foreign page, plain type": {ask{method: "GET", query: query, header: foreign("Content-Type", "text/plain")}, 403},
		"foreign page, POST":       {ask{body: subscribeBody("{hello}"), header: foreign()}, 200},
		"foreign page, form":       {ask{body: "a=b", header: foreign("Content-Type", "text/plain")}, 415},
		"open an unknown stream":   {ask{method: "GET", query: "?token=x", header: stream}, 404},
		"operate on an unknown":    {ask{query: "?token=x", body: `{"query":"{hello}","extensions":{"operationId":"1"}}`}, 404},
		"stop of an unknown":       {ask{method: "DELETE", query: "?token=x&operationId=1"}, 404},
		"stop without token":       {ask{method: "DELETE", query: "?operationId=1"}, 404},
		"stale token, query":       {ask{query: "?token=x", body: subscribeBody("{hello}")}, 200},
		"stale token, subscribe":   {ask{query: "?token=x", body: subscribeBody("subscription{wait}")}, 404},
		"stale token, own stream":  {ask{query: "?token=x", body: subscribeBody("{hello}"), header: stream}, 200},
	} {
		t.Run(name, func(t *testing.T) {
			inHouse(t, nil, func(t *testing.T, h *house) {
				if status, body := h.status(c.ask); status != c.status {
					t.Errorf("status %d, want %d: %s", status, c.status, body)
				}
			})
		})
	}
}

func TestSSESupports(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		method, accept, query, body string
		header                      string
		want                        bool
	}{
		"POST":                {accept: streamType, body: "{}", want: true},
		"GET":                 {method: "GET", accept: streamType, want: true},
		"JSON":                {accept: jsonType, body: "{}"},
		"anything":            {accept: "*/*", body: "{}"},
		"nothing":             {body: "{}"},
		"urql's query":        {accept: "application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed", body: "{}"},
		"urql's subscription": {accept: "text/event-stream, multipart/mixed", body: "{}", want: true},
		"stream first":        {accept: "text/event-stream, application/json", body: "{}", want: true},
		"stream liked more":   {accept: "application/json;q=0.5, text/event-stream", body: "{}", want: true},
		"stream liked less":   {accept: "text/event-stream;q=0.5, application/json", body: "{}"},
		"stream not wanted":   {accept: "text/event-stream;q=0", body: "{}"},
		"bad quality":         {accept: "text/event-stream;q=x", body: "{}"},
		"reserve":             {method: "PUT", want: true},
		"PUT of something":    {method: "PUT", body: "{}"},
		"operate":             {query: "?token=x", body: "{}", want: true},
		"operate by header":   {header: "x", body: "{}", want: true},
		"GET with token":      {method: "GET", query: "?token=x"},
		"stop":                {method: "DELETE", query: "?operationId=1", want: true},
		"DELETE":              {method: "DELETE"},
		"HEAD":                {method: "HEAD", accept: streamType},
	} {
		if c.method == "" {
			c.method = http.MethodPost
		}
		r := httptest.NewRequestWithContext(t.Context(), c.method, "/graphql"+c.query, strings.NewReader(c.body))
		r.Header.Set("Accept", c.accept)
		if c.header != "" {
			r.Header.Set("X-GraphQL-Event-Stream-Token", c.header)
		}
		if got := (&transport.SSE{}).Supports(r); got != c.want {
			t.Errorf("%s: %t, want %t", name, got, c.want)
		}
	}
}

// The server's own deadlines, a second here, must not end a stream.
func TestSSELasts(t *testing.T) {
	inHouse(t, nil, func(t *testing.T, h *house) {
		s := h.stream(ask{body: subscribeBody("subscription{ticks(n:2,ms:40000)}"), header: accepting(streamType)})
		s.want(":\n\nevent: next\ndata: {\"data\":{\"ticks\":1}}\n\n")
		pass(39 * time.Second)
		s.want(":\n\n:\n\n") // every 15 s
		pass(time.Second)
		s.want("event: next\ndata: {\"data\":{\"ticks\":2}}\n\nevent: complete\ndata:\n\n")
		s.over(true)
	})
}

// HTTP/2 ends a stream when a deadline passes, even if nothing is written.
func TestSSEOverHTTP2(t *testing.T) {
	inHouse(t, func(h *house) { h.http2 = true }, func(t *testing.T, h *house) {
		s := h.stream(ask{body: subscribeBody("subscription{ticks(n:2,ms:40000)}"), header: accepting(streamType)})
		if s.response.ProtoMajor != 2 {
			t.Fatal(s.response.Proto)
		}
		s.want(":\n\nevent: next\ndata: {\"data\":{\"ticks\":1}}\n\n")
		pass(40 * time.Second)
		s.want(":\n\n:\n\nevent: next\ndata: {\"data\":{\"ticks\":2}}\n\nevent: complete\ndata:\n\n")
		s.over(true)
	})
}

func TestSSEClientVanishes(t *testing.T) {
	inHouse(t, nil, func(t *testing.T, h *house) {
		s := h.stream(ask{body: subscribeBody("subscription{wait}"), header: accepting(streamType)})
		if n := h.schema.Running(); n != 1 {
			t.Errorf("%d sources open", n)
		}
		s.leave()
		quiet()
		if n := h.schema.Running(); n != 0 {
			t.Errorf("%d sources open", n)
		}
	})
}
