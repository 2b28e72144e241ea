package httpd_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/internal/httpd"
)

// journal keeps what is logged. It is safe for concurrent use.
type journal struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.String()
}

func (j *journal) logger() *slog.Logger { return slog.New(slog.NewJSONHandler(j, nil)) }

// lines returns the records with a message.
func (j *journal) lines(t *testing.T, message string) []map[string]any {
	t.Helper()
	var out []map[string]any
	for line := range strings.Lines(j.String()) {
		var record map[string]any
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Fatal(err)
		}
		if record["msg"] == message {
			out = append(out, record)
		}
	}
	return out
}

func wrap(t testing.TB, o httpd.MiddlewareOptions) http.Handler {
	t.Helper()
	h, err := httpd.Middleware(o)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// route mounts one handler on a pattern behind all of the middleware.
func route(t testing.TB, j *journal, pattern string, f http.HandlerFunc) http.Handler {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc(pattern, f)
	return wrap(t, httpd.MiddlewareOptions{Handler: mux, Log: j.logger(), PublicURL: "https://trellis.example.com"})
}

func ask(h http.Handler, method, path string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	for n := 0; n+1 < len(headers); n += 2 {
		r.Header.Add(headers[n], headers[n+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestRequestID(t *testing.T) {
	t.Parallel()
	var inside string
	h := route(t, &journal{}, "GET /x", func(_ http.ResponseWriter, r *http.Request) { inside = httpd.RequestID(r.Context()) })
	for _, sane := range []string{"12345678", "a.b-c_D9", strings.Repeat("x", 64)} {
		if w := ask(h, "GET", "/x", "X-Request-Id", sane); inside != sane || w.Header().Get("X-Request-Id") != sane {
			t.Errorf("%q became %q inside and %q outside", sane, inside, w.Header().Get("X-Request-Id"))
		}
	}
	seen := map[string]bool{}
	for _, bad := range []string{"", "1234567", strings.Repeat("x", 65), "abc\ndefgh", "abc defgh", "<script>alert", "ünïcödé-id", `a"b"c"d"e`} {
		w := ask(h, "GET", "/x", "X-Request-Id", bad)
		if inside == bad || inside != w.Header().Get("X-Request-Id") || len(inside) < 16 || seen[inside] {
			t.Errorf("%q became %q", bad, inside)
		}
		seen[inside] = true
	}
	if got := httpd.RequestID(t.Context()); got != "" {
		t.Errorf("outside of a request the id is %q", got)
	}
}

func TestAccessLogHoldsNoSecrets(t *testing.T) {
	t.Parallel()
	j := &journal{}
	h := route(t, j, "GET /r/{token}", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.WriteString(w, "12345")
	})
	ask(h, "GET", "/r/TOKEN?q=TOKEN", "X-Request-Id", "request-1", "Cookie", "c=TOKEN", "Authorization", "Bearer TOKEN", "Referer", "https://example.com/TOKEN")
	ask(h, "GET", "/other/TOKEN")
	ask(h, "TOKEN", "/r/TOKEN")
	ask(h, "POST", "/r/TOKEN", "Sec-Fetch-Site", "cross-site")
	if strings.Contains(j.String(), "TOKEN") {
		t.Errorf("the log holds the token: %s", j)
	}
	lines := j.lines(t, "request")
	if len(lines) != 4 {
		t.Fatalf("%d lines", len(lines))
	}
	first := lines[0]
	for _, name := range []string{"time", "duration"} {
		if first[name] == nil {
			t.Errorf("no %s", name)
		}
		delete(first, name)
	}
	want := map[string]any{
		"level": "INFO", "msg": "request", "method": "GET", "route": "GET /r/{token}", "status": 418.0, "bytes": 5.0,
		"requestId": "request-1", "cut": false,
	}
	if d := cmp.Diff(want, first); d != "" {
		t.Error(d)
	}
	var rest []any
	for _, l := range lines[1:] {
		rest = append(rest, l["method"], l["route"], l["status"])
	}
	if d := cmp.Diff([]any{"GET", "unmatched", 404.0, "OTHER", "unmatched", 405.0, "POST", "unmatched", 403.0}, rest); d != "" {
		t.Error(d)
	}
}

func TestAPanicIsAnAnswer(t *testing.T) {
	t.Parallel()
	for _, accept := range []string{"application/json", "text/html"} {
		j := &journal{}
		h := route(t, j, "GET /x/{token}", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "3")
			w.Header().Set("Content-Encoding", "gzip")
			w.Header().Set("Set-Cookie", "a=b")
			panic(errors.New("DETAIL"))
		})
		w := ask(h, "GET", "/x/TOKEN", "Accept", accept, "X-Request-Id", "request-1")
		if w.Code != http.StatusInternalServerError || !strings.HasPrefix(w.Header().Get("Content-Type"), accept) {
			t.Errorf("%d as %s", w.Code, w.Header().Get("Content-Type"))
		}
		if body := w.Body.String(); strings.Contains(body, "DETAIL") || strings.Contains(body, "goroutine") || !strings.Contains(body, "request-1") {
			t.Errorf("the answer is %s", body)
		}
		for _, name := range []string{"Content-Length", "Content-Encoding", "Set-Cookie"} {
			if got := w.Header().Get(name); got != "" {
				t.Errorf("%s: %s is left from the handler", name, got)
			}
		}
		panics := j.lines(t, "panic")
		if len(panics) != 1 || panics[0]["panic"] != "DETAIL" || panics[0]["requestId"] != "request-1" || !strings.Contains(panics[0]["stack"].(string), "middleware_test.go") {
			t.Errorf("the log: %s", j)
		}
		if l := j.lines(t, "request"); len(l) != 1 || l[0]["status"] != 500.0 || l[0]["level"] != "WARN" {
			t.Errorf("the log: %s", j)
		}
	}
	w := ask(route(t, &journal{}, "GET /x", func(http.ResponseWriter, *http.Request) { panic("DETAIL") }), "GET", "/x", "X-Request-Id", "request-1")
	var body map[string]map[string]string
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		t.Fatal(err)
	}
	if e := body["error"]; e["code"] != "INTERNAL" || e["message"] == "" || e["requestId"] != "request-1" {
		t.Errorf("the answer is %v", body)
	}
}

// A half answer must not look whole.
func TestAPanicAfterTheAnswerBeganCutsIt(t *testing.T) {
	t.Parallel()
	for name, cause := range map[string]any{"panic": "DETAIL", "abort": http.ErrAbortHandler} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j := &journal{}
			s := httptest.NewServer(route(t, j, "GET /x", func(w http.ResponseWriter, _ *http.Request) {
				_, _ = io.WriteString(w, "half")
				w.(http.Flusher).Flush()
				panic(cause)
			}))
			defer s.Close()
			response, err := s.Client().Get(s.URL + "/x")
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			body, err := io.ReadAll(response.Body)
			if err == nil || string(body) != "half" {
				t.Errorf("%q, %v", body, err)
			}
			if got := len(j.lines(t, "panic")) == 1; got != (name == "panic") {
				t.Errorf("logged as a panic: %v", got)
			}
			if l := j.lines(t, "request"); len(l) != 1 || l[0]["cut"] != true {
				t.Errorf("the log: %s", j)
			}
		})
	}
}

func TestSecurityHeaders(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Content-Security-Policy": "frame-ancestors 'none'",
		"Referrer-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin",
	}
	for public, hsts := range map[string]string{"https://trellis.example.com": "max-age=31536000", "http://localhost:8080": "", "": ""} {
		h := wrap(t, httpd.MiddlewareOptions{Handler: http.NotFoundHandler(), PublicURL: public})
		got := ask(h, "GET", "/").Header()
		for name, value := range want {
			if got.Get(name) != value {
				t.Errorf("%s: %q", name, got.Get(name))
			}
		}
		if got.Get("Strict-Transport-Security") != hsts {
			t.Errorf("%s: %q", public, got.Get("Strict-Transport-Security"))
		}
	}
}

func TestCrossOrigin(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, public, method string
		headers              []string
		want                 int
	}{
		{"machine", "https://trellis.example.com", "POST", nil, 204},
		{"another site", "https://trellis.example.com", "POST", []string{"Origin", "https://evil.example.net", "Sec-Fetch-Site", "cross-site"}, 403},
		{"another site, old browser", "https://trellis.example.com", "POST", []string{"Origin", "https://evil.example.net"}, 403},
		{"hidden origin", "https://trellis.example.com", "POST", []string{"Origin", "null"}, 403},
		{"neighbour", "https://trellis.example.com", "DELETE", []string{"Origin", "https://www.example.com", "Sec-Fetch-Site", "same-site"}, 403},
		{"another port", "https://trellis.example.com", "POST", []string{"Origin", "https://trellis.example.com:8443"}, 403},
		{"another scheme", "https://trellis.example.com", "POST", []string{"Origin", "http://trellis.example.com"}, 403},
		{"public", "https://trellis.example.com", "POST", []string{"Origin", "https://trellis.example.com"}, 204},
		{"public, capitals", "https://Trellis.Example.com/base/", "POST", []string{"Origin", "https://trellis.example.com"}, 204},
		{"public, named port", "https://trellis.example.com:443", "POST", []string{"Origin", "https://trellis.example.com"}, 204},
		{"public, named port, http", "http://trellis.example.com:80", "POST", []string{"Origin", "http://trellis.example.com"}, 204},
		{"public, own port", "http://trellis.example.com:8080", "POST", []string{"Origin", "http://trellis.example.com:8080"}, 204},
		{"own host", "", "POST", []string{"Origin", "http://internal:8080"}, 204},
		{"reading", "https://trellis.example.com", "GET", []string{"Origin", "https://evil.example.net", "Sec-Fetch-Site", "cross-site"}, 204},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			h := wrap(t, httpd.MiddlewareOptions{PublicURL: test.public, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusNoContent)
			})})
			w := ask(h, test.method, "http://internal:8080/x", test.headers...)
			if w.Code != test.want {
				t.Errorf("answers %d", w.Code)
			}
			if test.want == 403 && !strings.Contains(w.Body.String(), `"FORBIDDEN"`) {
				t.Errorf("says %s", w.Body)
			}
		})
	}
	h := wrap(t, httpd.MiddlewareOptions{Handler: http.NotFoundHandler()})
	if w := ask(h, "POST", "/x", "Origin", "null", "Accept", "text/html"); w.Code != 403 || !strings.Contains(w.Body.String(), "This request was refused") {
		t.Errorf("%d: %s", w.Code, w.Body)
	}
}

func TestBadPublicURL(t *testing.T) {
	t.Parallel()
	for _, public := range []string{"trellis.example.com", "ftp://trellis.example.com", "https://", "https://u:p@trellis.example.com", "https://%zz", "//x"} {
		if _, err := httpd.Middleware(httpd.MiddlewareOptions{Handler: http.NotFoundHandler(), PublicURL: public}); !fault.Is(err, fault.Config) {
			t.Errorf("%q: %v", public, err)
		}
		if _, err := httpd.New(httpd.Options{Handler: http.NotFoundHandler(), PublicURL: public}); !fault.Is(err, fault.Config) {
			t.Errorf("%q: %v", public, err)
		}
	}
}

func TestClientAddress(t *testing.T) {
	t.Parallel()
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	tests := []struct {
		name, peer string
		forwarded  []string
		want       string
	}{
		{"direct", "203.0.113.9:4000", nil, "203.0.113.9"},
		{"direct, invented", "203.0.113.9:4000", []string{"198.51.100.1"}, "203.0.113.9"},
		{"proxy", "10.0.0.1:4000", []string{"198.51.100.1"}, "198.51.100.1"},
		{"proxy, invented before", "10.0.0.1:4000", []string{"1.1.1.1, 198.51.100.1"}, "198.51.100.1"},
		{"proxy, invented in a line before", "10.0.0.1:4000", []string{"10.9.9.9", "198.51.100.1"}, "198.51.100.1"},
		{"two proxies", "10.0.0.1:4000", []string{"198.51.100.1, 10.0.0.2"}, "198.51.100.1"},
		{"only proxies", "10.0.0.1:4000", []string{"10.0.0.3,10.0.0.2"}, "10.0.0.3"},
		{"proxy without the header", "10.0.0.1:4000", nil, "10.0.0.1"},
		{"proxy with nonsense", "10.0.0.1:4000", []string{"198.51.100.1, unknown"}, "10.0.0.1"},
		{"mapped", "[::ffff:10.0.0.1]:4000", []string{"::ffff:198.51.100.1"}, "198.51.100.1"},
		{"IPv6", "[fd00::1]:4000", []string{"2001:db8::7"}, "2001:db8::7"},
		{"zone", "[fd00::1%eth0]:4000", []string{"2001:db8::7%<b>"}, "2001:db8::7"},
		{"no address", "@", []string{"198.51.100.1"}, "invalid IP"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var got netip.Addr
			h := wrap(t, httpd.MiddlewareOptions{TrustedProxies: trusted, Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				got = httpd.ClientAddress(r.Context())
			})})
			r := httptest.NewRequest("GET", "/", nil)
			r.RemoteAddr = test.peer
			for _, f := range test.forwarded {
				r.Header.Add("X-Forwarded-For", f)
			}
			h.ServeHTTP(httptest.NewRecorder(), r)
			if got.String() != test.want {
				t.Errorf("got %s", got)
			}
		})
	}
	if httpd.ClientAddress(t.Context()).IsValid() {
		t.Error("there is an address outside of a request")
	}
}
