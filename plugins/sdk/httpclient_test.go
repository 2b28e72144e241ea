package sdk_test

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/plugins/sdk"
)

type httpBundle struct {
	client *sdk.HTTPClient
	server *httptest.Server
	host   string
}

func newHTTPBundle(t *testing.T, o sdk.HTTPOptions, h http.HandlerFunc) httpBundle {
	t.Helper()
	server := httptest.NewServer(h)
	client := sdk.NewHTTPClient(o)
	t.Cleanup(func() {
		client.CloseIdle()
		server.CloseClientConnections()
		server.Close()
	})
	return httpBundle{client: client, server: server, host: strings.TrimPrefix(server.URL, "http://")}
}

func request(t *testing.T, method, target, body string) *http.Request {
	t.Helper()
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, target, r)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

func only(t *testing.T, s *sdk.Session) ats.Exchange {
	t.Helper()
	all := s.Exchanges()
	if len(all) != 1 {
		t.Fatalf("got %d exchanges, want 1", len(all))
	}
	return all[0]
}

func TestDoReturnsTheAnswerAndRecordsIt(t *testing.T) {
	t.Parallel()
	b := newHTTPBundle(t, sdk.HTTPOptions{}, func(w http.ResponseWriter, r *http.Request) {
		got, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Budget", "7")
		w.WriteHeader(http.StatusTeapot)
		_, _ = w.Write(append([]byte("got "), got...))
	})
	s := b.client.Session(sdk.SessionOptions{AllowHosts: []string{b.host}})
	reply, err := s.Do(request(t, http.MethodPost, b.server.URL+"/x?a=1", "hello"))
	if err != nil || reply.Status != http.StatusTeapot || string(reply.Body) != "got hello" || reply.Header.Get("X-Budget") != "7" {
		t.Fatalf("got %+v, %v", reply, err)
	}
	x := only(t, s)
	if x.Method != "POST" || x.URL != b.server.URL+"/x?a=1" || x.RequestBody != "hello" || x.Status != 418 ||
		x.ResponseBody != "got hello" || x.ResponseHeader["X-Budget"] != "7" || x.Error != "" || x.StartedAt.IsZero() || x.Duration <= 0 {
		t.Errorf("recorded %+v", x)
	}
}

func TestRedirectIsAnAnswer(t *testing.T) {
	t.Parallel()
	b := newHTTPBundle(t, sdk.HTTPOptions{}, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://169.254.169.254/", http.StatusFound)
	})
	s := b.client.Session(sdk.SessionOptions{AllowHosts: []string{b.host}})
	reply, err := s.Do(request(t, http.MethodGet, b.server.URL, ""))
	if err != nil || reply.Status != http.StatusFound {
		t.Fatalf("got %+v, %v", reply, err)
	}
	only(t, s)
}

func TestGuard(t *testing.T) {
	t.Parallel()
	b := newHTTPBundle(t, sdk.HTTPOptions{}, func(w http.ResponseWriter, _ *http.Request) {})
	_, port, _ := net.SplitHostPort(b.host)
	tests := map[string]struct {
		target string
		allow  []string
		want   fault.Code // "": no error
	}{
		"listed host and port":         {b.server.URL, []string{b.host}, ""},
		"listed host, any port":        {b.server.URL, []string{"127.0.0.1"}, ""},
		"listed by name":               {"http://LOCALHOST:" + port, []string{"localhost"}, ""},
		"other port listed":            {b.server.URL, []string{"127.0.0.1:1"}, fault.Config},
		"not listed, plain":            {b.server.URL, nil, fault.Config},
		"loopback by address":          {"https://" + b.host, nil, fault.Config},
		"loopback by name":             {"https://localhost:" + port, nil, fault.Config},
		"loopback, mapped":             {"https://[::ffff:127.0.0.1]:" + port, nil, fault.Config},
		"loopback, v6":                 {"https://[::1]:" + port, nil, fault.Config},
		"private":                      {"https://10.1.2.3", nil, fault.Config},
		"carrier-grade NAT":            {"https://100.64.0.1", nil, fault.Config},
		"metadata":                     {"https://169.254.169.254", nil, fault.Config},
		"link-local v6":                {"https://[fe80::1]", nil, fault.Config},
		"unique local v6":              {"https://[fd00::1]", nil, fault.Config},
		"NAT64 of a private address":   {"https://[64:ff9b::a00:1]", nil, fault.Config},
		"multicast, though listed":     {"https://224.0.0.1", []string{"224.0.0.1"}, fault.Config},
		"unspecified, though listed":   {"https://0.0.0.0", []string{"0.0.0.0"}, fault.Config},
		"plain and private and listed": {"http://10.1.2.3", []string{"10.1.2.3"}, fault.Config},
		"other scheme":                 {"ftp://" + b.host, []string{b.host}, fault.Config},
		"no host":                      {"https:///x", nil, fault.Config},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := b.client.Session(sdk.SessionOptions{AllowHosts: tt.allow})
			_, err := s.Do(request(t, http.MethodGet, tt.target, ""))
			if fault.CodeOf(err) != tt.want {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			only(t, s)
		})
	}
}

// A connection that one session may have must not be handed to one that may not.
func TestGuardIsNotBypassedByThePool(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	client := sdk.NewHTTPClient(sdk.HTTPOptions{})
	t.Cleanup(func() { client.CloseIdle(); server.Close() })
	host := strings.TrimPrefix(server.URL, "https://")
	_, err := client.Session(sdk.SessionOptions{AllowHosts: []string{host}}).Do(request(t, http.MethodGet, server.URL, ""))
	if !fault.Is(err, fault.Retryable) { // reached; its certificate is not trusted
		t.Fatalf("listed: %v", err)
	}
	_, err = client.Session(sdk.SessionOptions{}).Do(request(t, http.MethodGet, server.URL, ""))
	if !fault.Is(err, fault.Config) {
		t.Fatalf("not listed: %v", err)
	}
}

func TestNoAnswer(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		method string
		want   fault.Code
	}{
		"a POST may have happened":  {http.MethodPost, fault.OutcomeUnknown},
		"a PATCH can be repeated":   {http.MethodPatch, fault.Retryable},
		"a GET can be repeated":     {http.MethodGet, fault.Retryable},
		"a DELETE can be repeated ": {http.MethodDelete, fault.Retryable},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newHTTPBundle(t, sdk.HTTPOptions{Timeout: 50 * time.Millisecond}, func(_ http.ResponseWriter, r *http.Request) {
				<-r.Context().Done()
			})
			s := b.client.Session(sdk.SessionOptions{AllowHosts: []string{b.host}})
			_, err := s.Do(request(t, tt.method, b.server.URL, ""))
			var call *sdk.CallError
			if !fault.Is(err, tt.want) || !errors.As(err, &call) || !call.Sent || !call.Timeout {
				t.Fatalf("got %v (%+v), want %s", err, call, tt.want)
			}
			if x := only(t, s); x.Status != 0 || x.Error == "" {
				t.Errorf("recorded %+v", x)
			}
		})
	}
}

func TestConnectionCutAfterSending(t *testing.T) {
	t.Parallel()
	b := newHTTPBundle(t, sdk.HTTPOptions{}, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	s := b.client.Session(sdk.SessionOptions{AllowHosts: []string{b.host}})
	_, err := s.Do(request(t, http.MethodPost, b.server.URL, "{}"))
	if !fault.Is(err, fault.OutcomeUnknown) {
		t.Fatalf("got %v", err)
	}
}

func TestUnreachableSendsNothing(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	client := sdk.NewHTTPClient(sdk.HTTPOptions{})
	t.Cleanup(client.CloseIdle)
	s := client.Session(sdk.SessionOptions{AllowHosts: []string{"127.0.0.1"}})
	_, err = s.Do(request(t, http.MethodPost, "http://"+address, "{}"))
	var call *sdk.CallError
	if !fault.Is(err, fault.Retryable) || !errors.As(err, &call) || call.Sent {
		t.Fatalf("got %v (%+v)", err, call)
	}
}

func TestCallerGivesUp(t *testing.T) {
	t.Parallel()
	arrived := make(chan struct{})
	b := newHTTPBundle(t, sdk.HTTPOptions{}, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // else the server does not see the client leave
		close(arrived)
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-arrived; cancel() }()
	s := b.client.Session(sdk.SessionOptions{AllowHosts: []string{b.host}})
	_, err := s.Do(request(t, http.MethodPost, b.server.URL, "{}").WithContext(ctx))
	if !fault.Is(err, fault.OutcomeUnknown) {
		t.Fatalf("got %v", err)
	}
}

func TestResponseOverTheCap(t *testing.T) {
	t.Parallel()
	b := newHTTPBundle(t, sdk.HTTPOptions{MaxResponse: 10}, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.URL.Query().Get("body"))
	})
	for body, want := range map[string]fault.Code{"0123456789": "", "01234567890": fault.Upstream} {
		s := b.client.Session(sdk.SessionOptions{AllowHosts: []string{b.host}})
		_, err := s.Do(request(t, http.MethodGet, b.server.URL+"/?body="+body, ""))
		if fault.CodeOf(err) != want {
			t.Errorf("%d bytes: got %v, want %q", len(body), err, want)
		}
		if x := only(t, s); x.Status != 200 || x.ResponseBody != "0123456789" {
			t.Errorf("recorded %+v", x)
		}
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestRecordIsRedacted(t *testing.T) {
	t.Parallel()
	const secret = `s3cr3t/"ä`
	quoted := strings.ReplaceAll(secret, `"`, `\"`)
	client := sdk.NewHTTPClient(sdk.HTTPOptions{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		user, _, _ := r.BasicAuth()
		if user != secret {
			t.Errorf("the credential was not sent: %q", user)
		}
		body := `{"echo":"` + quoted + `","Email":"a@example.com","nested":{"email" : {"deep":[1,"x"]}},"kept":"\"email\": kept","basic":"` +
			base64.StdEncoding.EncodeToString([]byte(secret+":")) + `"}`
		return &http.Response{
			StatusCode: 200, Body: io.NopCloser(strings.NewReader(body)),
			Header: http.Header{"Set-Cookie": {"session=1"}, "X-Echo": {"a " + secret}},
		}, nil
	})})
	s := client.Session(sdk.SessionOptions{Secrets: []string{secret, ""}, Sensitive: []string{"email", ""}})
	req := request(t, http.MethodPost, "https://user:pass@ats.example.com/p?email=a@example.com&key="+url.QueryEscape(secret)+"&n=1#frag", "email=b%40example.com&x=1")
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(secret, "")
	if _, err := s.Do(req); err != nil {
		t.Fatal(err)
	}
	x := only(t, s)
	want := ats.Exchange{
		Method: "POST", URL: "https://ats.example.com/p?email=%5Bmasked%5D&key=[masked]&n=1", RequestBody: "email=[masked]&x=1", Status: 200,
		ResponseBody:   `{"echo":"[masked]","Email":"[masked]","nested":{"email" : "[masked]"},"kept":"\"email\": kept","basic":"[masked]"}`,
		ResponseHeader: map[string]string{"Set-Cookie": "[masked]", "X-Echo": "a [masked]"},
	}
	if x.URL != want.URL || x.RequestBody != want.RequestBody || x.ResponseBody != want.ResponseBody ||
		x.ResponseHeader["Set-Cookie"] != want.ResponseHeader["Set-Cookie"] || x.ResponseHeader["X-Echo"] != want.ResponseHeader["X-Echo"] {
		t.Errorf("recorded\n%+v, want\n%+v", x, want)
	}
}

func TestRecordedBodies(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ä", 9000)
	tests := map[string]struct{ body, contentType, want string }{
		"empty":                     {"", "", ""},
		"cut at 16 KiB, whole rune": {"x" + long, "text/plain", "x" + long[:16<<10-2]},
		"binary":                    {"%PDF\xff\xfe", "application/pdf", "[6 bytes of application/pdf]"},
		"broken JSON after secret":  {`{"email":"a@exam`, "application/json", `{"email":"[masked]"`},
		"secret at the cut":         {strings.Repeat("x", 16<<10-3) + "topsecret", "text/plain", strings.Repeat("x", 16<<10-3) + "[ma"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newHTTPBundle(t, sdk.HTTPOptions{}, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", tt.contentType)
				_, _ = io.WriteString(w, tt.body)
			})
			s := b.client.Session(sdk.SessionOptions{AllowHosts: []string{b.host}, Secrets: []string{"topsecret"}, Sensitive: []string{"email"}})
			if _, err := s.Do(request(t, http.MethodGet, b.server.URL, "")); err != nil {
				t.Fatal(err)
			}
			if x := only(t, s); x.ResponseBody != tt.want {
				t.Errorf("recorded %d bytes %.60q, want %d bytes %.60q", len(x.ResponseBody), x.ResponseBody, len(tt.want), tt.want)
			}
		})
	}
}

func TestExchangesAreBounded(t *testing.T) {
	t.Parallel()
	client := sdk.NewHTTPClient(sdk.HTTPOptions{Transport: roundTripper(func(*http.Request) (*http.Response, error) {
		return nil, errors.New("no")
	})})
	s := client.Session(sdk.SessionOptions{})
	for range 210 {
		_, _ = s.Do(request(t, http.MethodGet, "https://ats.example.com/", ""))
	}
	if n := len(s.Exchanges()); n != 200 {
		t.Errorf("kept %d", n)
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)
	tests := map[string]time.Duration{
		"":                              0,
		"7":                             7 * time.Second,
		"1.5":                           1500 * time.Millisecond,
		"-3":                            0,
		"NaN":                           0,
		"soon":                          0,
		"999999999999999999999":         24 * time.Hour,
		"Sat, 21 Nov 2026 10:01:00 GMT": time.Minute,
		"Sat, 21 Nov 2026 09:00:00 GMT": 0,
		"Sun, 21 Nov 2027 09:00:00 GMT": 24 * time.Hour,
	}
	for value, want := range tests {
		if got := sdk.RetryAfter(http.Header{"Retry-After": {value}}, now); got != want {
			t.Errorf("%q: got %v, want %v", value, got, want)
		}
	}
}
