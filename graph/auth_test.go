package graph_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/graph"
	"github.com/trellis-ats/trellis/internal/ratelimit"
)

const ownOrigin = "https://trellis.example.com"

// withSessions opens the API to sessions and returns the cookie of one.
func (w *world) withSessions(t *testing.T, adjust func(*graph.Options)) *http.Cookie {
	t.Helper()
	w.core.Sessions = core.NewSessions(w.store, w.clock, w.core.Tokens)
	w.core.SessionCookie, w.core.PublicURL = "trellis_session", ownOrigin
	if adjust != nil {
		adjust(&w.core)
	}
	w.handler = graph.NewServer(w.core)
	_, secret, err := w.core.Sessions.SignIn(t.Context(), w.tokens["RECRUITER"])
	check(t, err)
	return &http.Cookie{Name: "trellis_session", Value: secret.Reveal()}
}

func (w *world) role(t *testing.T, r *http.Request) (role, code string) {
	t.Helper()
	body := decoded(t, w.serve(r, "nobody"))
	if data, ok := body["data"].(map[string]any); ok {
		return data["viewer"].(map[string]any)["role"].(string), ""
	}
	return "", body["errors"].([]any)[0].(map[string]any)["extensions"].(map[string]any)["code"].(string)
}

func TestCookiesCountForOurOwnPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cookie := w.withSessions(t, nil)
	const query = `{ viewer { role } }`
	for name, c := range map[string]struct {
		method string
		header []string
		code   string // "" if let in
	}{
		"json":                    {header: nil},
		"json of ours":            {header: []string{"Origin", ownOrigin}},
		"json of a foreign page":  {header: []string{"Origin", "https://evil.example.org"}, code: "FORBIDDEN"},
		"json of nobody's page":   {header: []string{"Origin", "null"}, code: "FORBIDDEN"},
		"json, cross-site":        {header: []string{"Sec-Fetch-Site", "cross-site"}, code: "FORBIDDEN"},
		"json, same-site":         {header: []string{"Sec-Fetch-Site", "same-site"}, code: "FORBIDDEN"},
		"of ours without TLS":     {header: []string{"Origin", "http://trellis.example.com"}, code: "FORBIDDEN"},
		"plain get":               {method: "GET", code: "FORBIDDEN"},
		"get, same-origin":        {method: "GET", header: []string{"Sec-Fetch-Site", "same-origin"}},
		"get, ours":               {method: "GET", header: []string{"X-Trellis-Request", "1"}},
		"get, Apollo":             {method: "GET", header: []string{"Apollo-Require-Preflight", "1"}},
		"get, typed":              {method: "GET", header: []string{"Sec-Fetch-Site", "none"}, code: "FORBIDDEN"},
		"get, cross-site, header": {method: "GET", header: []string{"Sec-Fetch-Site", "cross-site", "X-Trellis-Request", "1"}, code: "FORBIDDEN"},
		"form":                    {header: []string{"Content-Type", "text/plain"}, code: "FORBIDDEN"},
		"bad token beside it":     {header: []string{"Authorization", "Bearer trl_wrong"}, code: "UNAUTHENTICATED"},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/graphql", strings.NewReader(`{"query":"`+query+`"}`))
		r.Header.Set("Content-Type", jsonType)
		if c.method == "GET" {
			r = httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/graphql?query="+url.QueryEscape(query), nil)
		}
		r.AddCookie(cookie)
		for i := 0; i < len(c.header); i += 2 {
			r.Header.Set(c.header[i], c.header[i+1])
		}
		role, code := w.role(t, r)
		if code != c.code || (code == "" && role != "RECRUITER") {
			t.Errorf("%s: role %q, code %q, want %q", name, role, code, c.code)
		}
	}
}

func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cookie := w.withSessions(t, nil)
	asks := func() string {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/graphql", strings.NewReader(`{"query":"{ viewer { role } }"}`))
		r.Header.Set("Content-Type", jsonType)
		r.AddCookie(cookie)
		_, code := w.role(t, r)
		return code
	}
	if code := asks(); code != "" {
		t.Fatal(code)
	}
	w.clock.Turn(13 * time.Hour)
	if code := asks(); code != "UNAUTHENTICATED" {
		t.Errorf("after its time: %q", code)
	}
	cookie.Value = "trs_wrong"
	if code := asks(); code != "UNAUTHENTICATED" {
		t.Errorf("a wrong one: %q", code)
	}
}

func TestMultipartIsNotTaken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	body := "--x\r\nContent-Disposition: form-data; name=\"operations\"\r\n\r\n{\"query\":\"{__typename}\"}\r\n--x--\r\n"
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/graphql", strings.NewReader(body))
	got := w.serve(r, "ADMIN", "Content-Type", "multipart/form-data; boundary=x")
	if got.StatusCode != http.StatusUnsupportedMediaType {
		t.Errorf("status %d", got.StatusCode)
	}
}

func TestCallersAreLimited(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cookie := w.withSessions(t, func(o *graph.Options) {
		o.Callers = ratelimit.New(ratelimit.Options{PerMinute: 3, Burst: 3})
	})
	for _, accept := range []string{jsonType, jsonType, responseType} {
		if r := w.send(t, "RECRUITER", `{ viewer { role } }`, nil, "Accept", accept); r.StatusCode != http.StatusOK || r.Header.Get("RateLimit-Limit") != "3" {
			t.Fatalf("status %d, %v", r.StatusCode, r.Header)
		}
	}
	for _, accept := range []string{jsonType, responseType} {
		r := w.send(t, "RECRUITER", `{ viewer { role } }`, nil, "Accept", accept)
		code := decoded(t, r)["errors"].([]any)[0].(map[string]any)["extensions"].(map[string]any)["code"]
		if r.StatusCode != http.StatusTooManyRequests || code != "RATE_LIMITED" || r.Header.Get("Retry-After") == "" ||
			r.Header.Get("RateLimit-Remaining") != "0" || r.Header.Get("RateLimit-Reset") != "60" {
			t.Errorf("status %d, code %v, %v", r.StatusCode, code, r.Header)
		}
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/graphql", strings.NewReader(`{"query":"{ viewer { role } }"}`))
	r.Header.Set("Content-Type", jsonType)
	r.AddCookie(cookie)
	if _, code := w.role(t, r); code != "RATE_LIMITED" {
		t.Errorf("the token's own session has another budget: %q", code)
	}
	if r := w.send(t, "ADMIN", `{ viewer { role } }`, nil); r.StatusCode != http.StatusOK {
		t.Errorf("another caller: status %d", r.StatusCode)
	}
}

func TestComplexOperationsCountAsSeveral(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.core.Callers = ratelimit.New(ratelimit.Options{PerMinute: 5, Burst: 5})
	w.handler = graph.NewServer(w.core)
	const costly = `{ assessments(first: 100) { nodes { id syncLog(first: 1) { nodes { id } } } } }`
	if r := w.send(t, "ADMIN", costly, nil); r.StatusCode != http.StatusOK {
		t.Fatalf("status %d: %v", r.StatusCode, decoded(t, r))
	}
	left := 0
	for w.send(t, "ADMIN", `{ viewer { role } }`, nil).StatusCode == http.StatusOK {
		left++
	}
	if left != 3 {
		t.Errorf("after a costly operation there was room for %d more, want 3", left)
	}
}

func TestStrangersAreLimitedByAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	type key struct{}
	w.core.Strangers = ratelimit.New(ratelimit.Options{PerMinute: 2, Burst: 2})
	w.core.ClientAddress = func(ctx context.Context) netip.Addr { a, _ := ctx.Value(key{}).(netip.Addr); return a }
	w.handler = graph.NewServer(w.core)
	from := func(address, role string) int {
		r := httptest.NewRequestWithContext(context.WithValue(t.Context(), key{}, netip.MustParseAddr(address)),
			http.MethodPost, "/graphql", strings.NewReader(`{"query":"{ viewer { role } }"}`))
		r.Header.Set("Content-Type", jsonType)
		return w.serve(r, role, "Accept", responseType).StatusCode
	}
	for i, want := range []int{401, 401, 429, 429} {
		if got := from("192.0.2.1", "nobody"); got != want {
			t.Errorf("stranger's request %d: %d, want %d", i, got, want)
		}
	}
	if got := from("192.0.2.2", "nobody"); got != 401 {
		t.Errorf("another address: %d", got)
	}
	if got := from("192.0.2.1", "ADMIN"); got != 200 {
		t.Errorf("who is known at the same address: %d", got)
	}
}

// socket opens a websocket and says connection_init.
func socket(t *testing.T, server *httptest.Server, payload string, header http.Header) (*websocket.Conn, error) {
	t.Helper()
	ws, _, err := websocket.Dial(t.Context(), server.URL, &websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}, HTTPHeader: header})
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { _ = ws.CloseNow() })
	if payload != "" {
		payload = `,"payload":` + payload
	}
	check(t, ws.Write(t.Context(), websocket.MessageText, []byte(`{"type":"connection_init"`+payload+`}`)))
	_, data, err := ws.Read(t.Context())
	if err == nil && !bytes.Contains(data, []byte("connection_ack")) {
		t.Errorf("answered %s", data)
	}
	return ws, err
}

// served serves the world over a real listener.
func (w *world) served(t *testing.T) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(w.handler)
	t.Cleanup(func() {
		check(t, w.handler.(*graph.Server).Close(context.Background()))
		server.Close()
	})
	return server
}

func TestSocketsAreForThoseLetIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cookie := w.withSessions(t, nil)
	server := w.served(t)
	bearer := "Bearer " + w.tokens["ADMIN"].Reveal()
	for name, c := range map[string]struct {
		payload string
		header  http.Header
		code    websocket.StatusCode // -1: let in; 0: no socket at all
	}{
		"payload":                {payload: `{"authorization":"` + bearer + `"}`, code: -1},
		"payload, upper case":    {payload: `{"Authorization":"` + bearer + `"}`, code: -1},
		"header":                 {header: http.Header{"Authorization": {bearer}}, code: -1},
		"cookie":                 {header: http.Header{"Cookie": {cookie.String()}, "Origin": {ownOrigin}}, code: -1},
		"cookie, foreign":        {header: http.Header{"Cookie": {cookie.String()}, "Origin": {"https://evil.example.org"}}},
		"token, foreign":         {payload: `{"authorization":"` + bearer + `"}`, header: http.Header{"Origin": {"https://evil.example.org"}}},
		"cookie without origin":  {header: http.Header{"Cookie": {cookie.String()}}, code: 4403},
		"nothing":                {code: 4401},
		"wrong token":            {payload: `{"authorization":"Bearer trl_wrong"}`, code: 4401},
		"wrong beside a cookie":  {payload: `{"authorization":"Bearer trl_wrong"}`, header: http.Header{"Cookie": {cookie.String()}, "Origin": {ownOrigin}}, code: 4401},
		"number in the payload":  {payload: `{"authorization":7}`, code: 4401},
		"authorization, no type": {payload: `{"authorization":"` + w.tokens["ADMIN"].Reveal() + `"}`, code: 4401},
	} {
		_, err := socket(t, server, c.payload, c.header)
		got := websocket.CloseStatus(err)
		if c.code == 0 && (err == nil || !strings.Contains(err.Error(), "403")) {
			t.Errorf("%s: %v, want 403", name, err)
		}
		if c.code != 0 && got != c.code {
			t.Errorf("%s: close code %d, want %d: %v", name, got, c.code, err)
		}
	}
}

func TestSocketsOfOneCallerAreCounted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.core.Limits.Streams = 3
	w.handler = graph.NewServer(w.core)
	server := w.served(t)
	header := http.Header{"Authorization": {"Bearer " + w.tokens["ADMIN"].Reveal()}}
	open := []*websocket.Conn{}
	for range 3 {
		ws, err := socket(t, server, "", header)
		check(t, err)
		open = append(open, ws)
	}
	if _, err := socket(t, server, "", header); websocket.CloseStatus(err) != websocket.StatusTryAgainLater {
		t.Errorf("the fourth: %v", err)
	}
	if _, err := socket(t, server, "", http.Header{"Authorization": {"Bearer " + w.tokens["VIEWER"].Reveal()}}); err != nil {
		t.Errorf("another caller: %v", err)
	}
	check(t, open[0].Close(websocket.StatusNormalClosure, ""))
	for { // the server notes the end a moment later
		if _, err := socket(t, server, "", header); err == nil {
			return
		} else if websocket.CloseStatus(err) != websocket.StatusTryAgainLater {
			t.Fatal(err)
		}
	}
}

func TestOperationsOverSocketsAreLimited(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.core.Callers = ratelimit.New(ratelimit.Options{PerMinute: 4, Burst: 4})
	w.handler = graph.NewServer(w.core)
	server := w.served(t)
	ws, err := socket(t, server, "", http.Header{"Authorization": {"Bearer " + w.tokens["ADMIN"].Reveal()}})
	check(t, err)
	for i, want := range []string{"next", "next", "next", "error"} { // the handshake was one
		id := string(rune('a' + i))
		check(t, ws.Write(t.Context(), websocket.MessageText, []byte(`{"type":"subscribe","id":"`+id+`","payload":{"query":"{ viewer { role } }"}}`)))
		for done := false; !done; {
			_, data, err := ws.Read(t.Context())
			check(t, err)
			var m struct{ Type string }
			check(t, json.Unmarshal(data, &m))
			if m.Type != "complete" && m.Type != want {
				t.Errorf("operation %d: %s", i, data)
			}
			if m.Type == "error" && !bytes.Contains(data, []byte("RATE_LIMITED")) {
				t.Errorf("operation %d: %s", i, data)
			}
			done = m.Type != "next"
		}
	}
}
