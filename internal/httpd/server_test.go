package httpd_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/internal/httpd"
)

// start runs a server on a free port until the test ends.
func start(t *testing.T, o httpd.Options) *httpd.Server {
	t.Helper()
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	s, err := httpd.New(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // what still runs is cut off
		_ = s.Shutdown(ctx)
	})
	return s
}

// browser is a client that leaves no connection behind.
func browser(t *testing.T) *http.Client {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func TestShutdownLetsARequestFinish(t *testing.T) {
	t.Parallel()
	entered, release := make(chan struct{}), make(chan struct{})
	s := start(t, httpd.Options{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(entered)
		<-release
		_, _ = fmt.Fprint(w, "done ", r.Context().Err())
	})})
	address := "http://" + s.Addr().String()
	answer := make(chan string, 1)
	client := browser(t)
	go func() {
		response, err := client.Get(address)
		if err != nil {
			answer <- err.Error()
			return
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		answer <- fmt.Sprint(string(body), err)
	}()
	<-entered
	ended := make(chan error, 1)
	go func() { ended <- s.Shutdown(context.Background()) }()
	select {
	case <-s.Done(): // it accepts no more, and the open request goes on
	case <-time.After(10 * time.Second):
		t.Fatal("it still accepts")
	}
	if c, err := net.Dial("tcp", s.Addr().String()); err == nil {
		_ = c.Close()
		t.Error("a connection was accepted")
	}
	select {
	case err := <-ended:
		t.Errorf("Shutdown did not wait: %v", err)
	default:
	}
	close(release)
	if got := <-answer; got != "done <nil><nil>" {
		t.Errorf("the request got %q", got)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err := s.Err(); err != nil {
		t.Error(err)
	}
}

func TestShutdownCutsWhatDoesNotEnd(t *testing.T) {
	t.Parallel()
	entered, gone := make(chan struct{}), make(chan struct{})
	s := start(t, httpd.Options{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(entered)
		<-r.Context().Done()
		close(gone)
	})})
	client := browser(t)
	address := "http://" + s.Addr().String()
	failed := make(chan error, 1)
	go func() {
		response, err := client.Get(address)
		if err == nil {
			_ = response.Body.Close()
		}
		failed <- err
	}()
	<-entered
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if err := s.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "cut off") {
		t.Error(err)
	}
	<-gone
	if err := <-failed; err == nil {
		t.Error("the client got an answer")
	}
}

func TestShutdownEndsWebsockets(t *testing.T) {
	t.Parallel()
	gone := make(chan struct{})
	j := &journal{}
	s := start(t, httpd.Options{Log: j.logger(), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(gone)
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer c.CloseNow()
		kind, data, err := c.Read(r.Context())
		if err == nil {
			err = c.Write(r.Context(), kind, append(data, '!'))
		}
		if err != nil {
			t.Error(err)
		}
		<-r.Context().Done()
	})})
	c, response, err := websocket.Dial(t.Context(), "ws://"+s.Addr().String(), &websocket.DialOptions{HTTPClient: browser(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	if response.Header.Get("X-Request-Id") == "" {
		t.Error("no request id")
	}
	if err := c.Write(t.Context(), websocket.MessageText, []byte("hi")); err != nil {
		t.Fatal(err)
	}
	if _, data, err := c.Read(t.Context()); err != nil || string(data) != "hi!" {
		t.Fatalf("%q, %v", data, err)
	}
	if err := s.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	<-gone
}

func TestHijackPasses(t *testing.T) {
	t.Parallel()
	j := &journal{}
	logged := make(chan struct{})
	inner := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		c, rw, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		_, _ = rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\nraw\n")
		_ = rw.Flush()
	})
	h := wrap(t, httpd.MiddlewareOptions{Log: j.logger(), Handler: inner})
	s := start(t, httpd.Options{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(logged)
		h.ServeHTTP(w, r)
	})})
	c := dial(t, s)
	_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	all, err := io.ReadAll(c)
	if err != nil || !strings.HasSuffix(string(all), "\r\n\r\nraw\n") {
		t.Errorf("%q, %v", all, err)
	}
	<-logged
	if l := j.lines(t, "request"); len(l) != 1 || l[0]["status"] != 101.0 {
		t.Errorf("the log: %s", j)
	}
}

// Streams go out piece by piece, and lift the server's time-out for themselves.
func TestStreamsPass(t *testing.T) {
	t.Parallel()
	next := make(chan struct{})
	s := start(t, httpd.Options{WriteTimeout: time.Nanosecond, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := http.NewResponseController(w)
		if err := errors.Join(c.SetWriteDeadline(time.Time{}), c.SetReadDeadline(time.Time{})); err != nil {
			t.Error(err)
		}
		for n := range 3 {
			_, _ = fmt.Fprintf(w, "%d\n", n)
			if n == 0 {
				w.(http.Flusher).Flush()
			} else if err := c.Flush(); err != nil {
				t.Error(err)
			}
			select {
			case <-next:
			case <-r.Context().Done():
			}
		}
	})})
	response, err := browser(t).Get("http://" + s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	r := bufio.NewReader(response.Body)
	for n := range 3 {
		if line, err := r.ReadString('\n'); err != nil || line != fmt.Sprintf("%d\n", n) {
			t.Fatalf("%q, %v", line, err)
		}
		next <- struct{}{}
	}
}

func TestTheServersWriteTimeoutHolds(t *testing.T) {
	t.Parallel()
	s := start(t, httpd.Options{WriteTimeout: time.Nanosecond, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, strings.Repeat("x", 1<<20))
	})})
	response, err := browser(t).Get("http://" + s.Addr().String())
	if err == nil {
		defer response.Body.Close()
		_, err = io.ReadAll(response.Body)
	}
	if err == nil {
		t.Error("the late answer arrived whole")
	}
}

func TestEarlyHintsAreNotTheStatus(t *testing.T) {
	t.Parallel()
	j := &journal{}
	h := route(t, j, "GET /x", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusAccepted)
	})
	ask(h, "GET", "/x")
	if l := j.lines(t, "request"); len(l) != 1 || l[0]["status"] != 202.0 {
		t.Errorf("the log: %s", j)
	}
}

func TestListenFaults(t *testing.T) {
	t.Parallel()
	first := start(t, httpd.Options{Handler: http.NotFoundHandler()})
	taken := first.Addr().String()
	for _, address := range []string{taken, "256.0.0.1:1", "nonsense", "127.0.0.1:99999"} {
		s, err := httpd.New(httpd.Options{Listen: address, Handler: http.NotFoundHandler()})
		if err != nil {
			t.Fatal(err)
		}
		err = s.Start(t.Context())
		if !fault.Is(err, fault.Config) || !strings.Contains(fault.From(err).Message, address) {
			t.Errorf("%s: %v", address, err)
		}
		if s.Addr() != nil {
			t.Errorf("%s: it says that it listens", address)
		}
		if err := s.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if err := first.Start(t.Context()); err == nil {
		t.Error("started twice")
	}
}

func TestShutdownRightAfterStart(t *testing.T) {
	t.Parallel()
	for range 50 {
		s := start(t, httpd.Options{Handler: http.NotFoundHandler()})
		if err := errors.Join(s.Shutdown(t.Context()), s.Shutdown(t.Context()), s.Err()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTheStartersContextIsInherited(t *testing.T) {
	t.Parallel()
	type key struct{}
	s, err := httpd.New(httpd.Options{Listen: "127.0.0.1:0", Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprint(w, r.Context().Value(key{}), " ", r.Context().Err())
	})})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "value"))
	if err := s.Start(ctx); err != nil {
		t.Fatal(err)
	}
	cancel()
	defer func() { _ = s.Shutdown(context.Background()) }()
	response, err := browser(t).Get("http://" + s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, _ := io.ReadAll(response.Body); string(body) != "value <nil>" {
		t.Errorf("%q", body)
	}
}

func dial(t *testing.T, s *httpd.Server) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	return c
}

func TestSlowClientsAreCut(t *testing.T) {
	t.Parallel()
	read := make(chan error, 1)
	s := start(t, httpd.Options{
		ReadHeaderTimeout: 50 * time.Millisecond, ReadTimeout: 100 * time.Millisecond, IdleTimeout: 50 * time.Millisecond,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, err := io.ReadAll(r.Body)
			if r.Method == http.MethodPost {
				read <- err
			}
		}),
	})
	for name, begin := range map[string]string{
		"nothing": "", "half a header": "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ", "idle": "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"half a body": "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf",
	} {
		c := dial(t, s)
		_, _ = io.WriteString(c, begin)
		if _, err := io.ReadAll(c); err != nil && !strings.Contains(err.Error(), "reset") {
			t.Errorf("%s: the server did not hang up: %v", name, err)
		}
	}
	if err := <-read; err == nil {
		t.Error("half a body was taken for a whole one")
	}
}

func TestHeaderSize(t *testing.T) {
	t.Parallel()
	s := start(t, httpd.Options{MaxHeaderBytes: 4 << 10, Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})})
	client := browser(t)
	for size, want := range map[int]int{1 << 10: 200, 16 << 10: 431} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.Addr().String(), nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Big", strings.Repeat("x", size))
		response, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("%d bytes: %d", size, response.StatusCode)
		}
	}
}
