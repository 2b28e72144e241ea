package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
)

const (
	addressSpace = 2 << 30   // bytes that the server may map
	residentMost = 512 << 10 // KiB that it may hold at its peak
	refusedIn    = 2 * time.Second
	// marker is in hostile requests, and in no answer.
	marker = "zqxmarker"
)

// fortress is a server with little memory that is attacked, and somebody who
// goes on asking meanwhile.
type fortress struct {
	*server
	token string // of the attacker: an admin's, who is let in everywhere
}

func TestHostileRequests(t *testing.T) {
	t.Parallel()
	limit, err := exec.LookPath("prlimit")
	if err != nil {
		t.Skip("install prlimit (util-linux) to run this")
	}
	s := prepare(t, database{url: func(*testing.T) string { return "" }})
	s.env = append(s.env, "TRELLIS_DEMO=false", "TRELLIS_GRAPHQL_INTROSPECTION=off", "TRELLIS_RATE_LIMIT=100000", "TRELLIS_RATE_BURST=100000")
	s.made = s.setup("Acme")
	s.run("msg=listening", limit, fmt.Sprintf("--as=%d", addressSpace), "--", plain, "serve") // the race detector needs more address space
	f := &fortress{server: s}
	f.fill()
	t.Cleanup(f.checkMemory)

	bystander := f.watch()
	var slow sync.WaitGroup // parallel subtests would wait for other tests, and the bystander with them
	for name, attack := range map[string]func(*testing.T){
		"slow headers": f.slowHeaders, "slow bodies": f.slowBodies, "clients that stop reading": f.deaf,
	} {
		slow.Go(func() { t.Run(name, attack) })
	}
	for name, attack := range map[string]func(*testing.T){
		"documents": f.documents, "requests": f.requests, "foreign origins": f.foreignOrigins, "subscriptions": f.subscriptions,
	} {
		t.Run(name, attack)
	}
	slow.Wait()
	bystander()
}

// fill makes a page of tests, and a token for the attacker.
func (f *fortress) fill() {
	for i := range 100 {
		f.graphql(f.made.AdminToken, `mutation($i: CreateTestInput!) { createTest(input: $i) { userErrors { message } } }`,
			map[string]any{"i": map[string]any{"name": fmt.Sprint("Test ", i), "description": strings.Repeat("text ", 200), "modality": "CHAT"}}, &struct{}{})
	}
	var made struct {
		CreateAPIToken struct{ Secret string } `json:"createApiToken"`
	}
	f.graphql(f.made.AdminToken, `mutation { createApiToken(input: {name: "attacker", role: ADMIN}) { secret } }`, nil, &made)
	f.token = made.CreateAPIToken.Secret
}

// watch asks all the time until the returned function is called, which fails
// the test if an answer was missing or late.
func (f *fortress) watch() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	var slowest time.Duration
	answers, failures := 0, []string{}
	go func() {
		defer close(done)
		for tick := time.NewTicker(25 * time.Millisecond); ctx.Err() == nil; <-tick.C {
			began := time.Now()
			a, err := send(f.request(http.MethodPost, "", f.made.AdminToken, strings.NewReader(`{"query":"{ tests(first: 5) { nodes { name } } }"}`)))
			slowest = max(slowest, time.Since(began))
			if err != nil || !strings.Contains(a.body, `"nodes"`) {
				failures = append(failures, fmt.Sprint(a.status, a.body, err))
			}
			answers++
		}
	}()
	return func() {
		cancel()
		<-done
		f.t.Logf("%d answers to a bystander, the slowest after %v", answers, slowest)
		if slowest > 3*time.Second || len(failures) > 0 {
			f.t.Errorf("of %d answers the slowest took %v, and %d failed: %.2000q", answers, slowest, len(failures), failures)
		}
	}
}

func (f *fortress) checkMemory() {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", f.cmd.Process.Pid))
	if err != nil {
		f.t.Error(err)
		return
	}
	_, after, _ := strings.Cut(string(raw), "VmHWM:")
	var peak int
	if _, err := fmt.Sscan(after, &peak); err != nil {
		f.t.Error(err)
	}
	f.t.Logf("the server held %d MiB at its peak", peak>>10)
	if peak > residentMost {
		f.t.Errorf("the server held %d KiB, which is more than %d", peak, residentMost)
	}
}

// request is a request to the API with a token and a body of JSON.
func (f *fortress) request(method, query, token string, body io.Reader) *http.Request {
	r, err := http.NewRequest(method, f.base+"/graphql"+query, body)
	if err != nil {
		panic(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	return r
}

// refused sends an attack and checks that it was refused at once, in few and
// own words.
func (f *fortress) refused(t *testing.T, name string, r *http.Request, want string) {
	t.Helper()
	began := time.Now()
	a, err := send(r)
	took := time.Since(began)
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	if !strings.Contains(a.body, `"errors"`) || !strings.Contains(a.body, want) || a.status >= 500 {
		t.Errorf("%s: %d %.300s, want %s", name, a.status, a.body, want)
	}
	if took > refusedIn || len(a.body) > 8<<10 {
		t.Errorf("%s: an answer of %d bytes after %v", name, len(a.body), took)
	}
	if strings.Contains(a.body, marker) || strings.Contains(a.body, "Did you mean") {
		t.Errorf("%s: the answer repeats the request or suggests names: %.300s", name, a.body)
	}
}

func times(n int, text string) string { return strings.Repeat(text, n) }

func each(n int, format string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

func (f *fortress) documents(t *testing.T) {
	for name, c := range map[string]struct{ query, want string }{
		"cyclic field, 30 deep":    {"{ syncLog { nodes { " + times(30, "assessment { syncLog { nodes { ") + "id" + times(93, " }"), "TOO_LARGE"},
		"cyclic field, as allowed": {"{ syncLog(first: 100) { nodes { " + times(3, "assessment { syncLog(first: 100) { nodes { ") + "id" + times(12, " }"), "COMPLEXITY_LIMIT_EXCEEDED"},
		"10,000 repetitions":       {"{ viewer { " + times(10_000, "name ") + "} }", "code"},
		"2,000 repetitions":        {"{ viewer { " + times(2_000, "name ") + "} }", "TOO_LARGE"},
		"500 aliases":              {"{ " + each(500, marker+"%d: viewer { role } ") + "}", "TOO_LARGE"},
		"500 unknown directives":   {"{ viewer { role " + each(500, "@"+marker+"%d ") + "} }", "TOO_LARGE"},
		"40 unknown directives":    {"{ viewer { role " + each(40, "@"+marker+"%d ") + "} }", "GRAPHQL_VALIDATION_FAILED"},
		"500 unknown arguments":    {"{ viewer { role(" + each(500, marker+"%d: 1 ") + ") } }", "GRAPHQL_VALIDATION_FAILED"},
		"a million":                {"{ tests(first: 1000000) { nodes { id " + each(40, "n%d: name ") + "traits { key name } } } }", "code"},
		"a million, cheaply":       {"{ tests(first: 1000000) { nodes { id } } }", "INVALID"},
		"a name nearly right":      {"{ viewer { nam } }", "GRAPHQL_VALIDATION_FAILED"},
		"a name of 500 KB":         {"{ viewer { " + times(60_000, marker) + " } }", "GRAPHQL_VALIDATION_FAILED"},
		"not GraphQL":              {"{ viewer { " + marker + " ( } }", "GRAPHQL_PARSE_FAILED"},
		"an unknown type":          {"query($x: " + marker + ") { viewer { role } }", "GRAPHQL_VALIDATION_FAILED"},
		"the schema":               {"{ __schema { types { name } } }", "FORBIDDEN"},
	} {
		body, err := json.Marshal(map[string]string{"query": c.query})
		if err != nil {
			t.Fatal(err)
		}
		f.refused(t, name, f.request(http.MethodPost, "", f.token, bytes.NewReader(body)), c.want)
	}
}

func (f *fortress) requests(t *testing.T) {
	const viewer = `{"query":"{ viewer { role } }"}`
	post := func(body string) *http.Request {
		return f.request(http.MethodPost, "", f.token, strings.NewReader(body))
	}
	f.refused(t, "a batch of 100", post("["+viewer+times(99, ","+viewer)+"]"), "INVALID")
	f.refused(t, "an unknown variable", post(`{"query":"query($i: CreateTestInput!) { node(id: \"x\") { id } createTest(input: $i) }","variables":{"i":{"`+marker+`":1}}}`), "GRAPHQL_VALIDATION_FAILED")
	f.refused(t, "a wrong variable", post(`{"query":"mutation($i: CreateTestInput!) { createTest(input: $i) { test { id } } }","variables":{"i":{"name":"x","modality":"`+marker+`"}}}`), "GRAPHQL_VALIDATION_FAILED")
	f.refused(t, "a field too many", post(`{"query":"mutation($i: CreateTestInput!) { createTest(input: $i) { test { id } } }","variables":{"i":{"name":"x","modality":"CHAT","`+marker+`":1}}}`), "GRAPHQL_VALIDATION_FAILED")
	f.refused(t, "an operation that is not there", post(`{"query":"query A { viewer { role } }","operationName":"`+marker+`"}`), "GRAPHQL_VALIDATION_FAILED")
	f.refused(t, "400,000 values", post(`{"query":"{ viewer { role } }","variables":{"x":[`+times(400_000, "1,")+`1]}}`), "TOO_LARGE")
	f.refused(t, "nesting", post(`{"query":"{ viewer { role } }","variables":{"x":`+times(40_000, "[")+times(40_000, "]")+`}}`), "INVALID")
	mutation := url.QueryEscape(`mutation { createTest(input: {name: "` + marker + `", modality: CHAT}) { test { id } } }`)
	f.refused(t, "a mutation by GET", f.request(http.MethodGet, "?query="+mutation, f.token, nil), "INVALID")

	multipart := post("--x\r\nContent-Disposition: form-data; name=\"operations\"\r\n\r\n" + viewer + "\r\n--x--\r\n")
	multipart.Header.Set("Content-Type", "multipart/form-data; boundary=x")
	f.refused(t, "multipart", multipart, "INVALID")

	began := time.Now()
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			a, err := send(post(`{"query":"` + times(8<<20, "x") + `"}`))
			// The server may close before all was sent, which is an answer too.
			if err == nil && (a.status != http.StatusRequestEntityTooLarge || strings.Contains(a.body, "xxx")) {
				t.Errorf("8 MiB: %d %.300s", a.status, a.body)
			}
		})
	}
	wg.Wait()
	if took := time.Since(began); took > 2*refusedIn {
		t.Errorf("ten bodies of 8 MiB took %v", took)
	}
}

// slow opens 50 connections that send a part and then a byte at a time, and
// checks that the server ends them all within a time.
func (f *fortress) slow(t *testing.T, begin, piece string, within time.Duration) {
	t.Helper()
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			c, err := net.Dial("tcp", strings.TrimPrefix(f.base, "http://"))
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = c.Close() }()
			if _, err := io.WriteString(c, begin); err != nil {
				t.Error(err)
			}
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				_ = c.SetReadDeadline(time.Now().Add(within))
				if _, err := io.Copy(io.Discard, c); errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("a slow connection is open after %v", within)
				}
			}()
			for tick := time.NewTicker(500 * time.Millisecond); ; {
				select {
				case <-ended:
					return
				case <-tick.C:
					_, _ = io.WriteString(c, piece) // the server may have closed
				}
			}
		})
	}
	wg.Wait()
}

func (f *fortress) slowHeaders(t *testing.T) {
	f.slow(t, "POST /graphql HTTP/1.1\r\nHost: x\r\n", "X-A: b\r\n", 8*time.Second)
}

func (f *fortress) slowBodies(t *testing.T) {
	f.slow(t, "POST /graphql HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "+f.token+"\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n{", " ", 15*time.Second)
}

// dial opens a websocket; with a token it waits for the acknowledgement.
func (f *fortress) dial(token string, header http.Header, client *http.Client) (*websocket.Conn, error) {
	ws, _, err := websocket.Dial(f.t.Context(), f.base+"/graphql", &websocket.DialOptions{
		Subprotocols: []string{"graphql-transport-ws"}, HTTPHeader: header, HTTPClient: client,
	})
	if err != nil || token == "" {
		return ws, err
	}
	if err := wsjson.Write(f.t.Context(), ws, map[string]any{"type": "connection_init", "payload": map[string]any{"authorization": "Bearer " + token}}); err != nil {
		return ws, err
	}
	var ack any
	return ws, wsjson.Read(f.t.Context(), ws, &ack)
}

func (f *fortress) foreignOrigins(t *testing.T) {
	for _, origin := range []string{"https://evil.example.org", "null", "http://evil.example.org", f.base + ".evil.example.org", "https" + strings.TrimPrefix(f.base, "http")} {
		ws, err := f.dial("", http.Header{"Origin": {origin}}, nil)
		if err == nil {
			_ = ws.CloseNow()
		}
		if err == nil || !strings.Contains(err.Error(), "403") {
			t.Errorf("%s: %v, want 403", origin, err)
		}
	}
	ws, err := f.dial(f.token, http.Header{"Origin": {f.base}}, nil)
	if err != nil {
		t.Fatalf("our own: %v", err)
	}
	_ = ws.CloseNow()
}

func (f *fortress) subscriptions(t *testing.T) {
	ws, err := f.dial(f.token, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ws.CloseNow() }()
	began := time.Now()
	go func() {
		for i := range 500 {
			_ = wsjson.Write(t.Context(), ws, map[string]any{"type": "subscribe", "id": fmt.Sprint(i), "payload": map[string]any{"query": `subscription { events { cursor } }`}})
		}
		_ = wsjson.Write(t.Context(), ws, map[string]any{"type": "ping"})
	}()
	refused := 0
	for {
		var m struct {
			Type    string
			Payload json.RawMessage
		}
		if err := wsjson.Read(t.Context(), ws, &m); err != nil {
			t.Fatalf("after %d refusals: %v", refused, err)
		}
		if m.Type == "error" && bytes.Contains(m.Payload, []byte("RATE_LIMITED")) {
			refused++
		}
		if m.Type == "pong" {
			break
		}
	}
	if refused != 450 || time.Since(began) > refusedIn {
		t.Errorf("%d of 500 subscriptions were refused, after %v", refused, time.Since(began))
	}
}

// deaf opens sockets that ask for much and read nothing; the server drops them
// after at most 20 s: its patience, the deadline of a write and that of closing.
func (f *fortress) deaf(t *testing.T) {
	narrow := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, network, address)
		if tcp, ok := c.(*net.TCPConn); ok {
			err = errors.Join(err, tcp.SetReadBuffer(4096))
		}
		return c, err
	}}}
	began := time.Now()
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			ws, err := f.dial(f.token, nil, narrow)
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = ws.CloseNow() }()
			ws.SetReadLimit(-1)
			asked := make(chan struct{})
			go func() {
				defer close(asked)
				query := map[string]any{"query": `{ tests(first: 100) { nodes { id name description traits { key name } } } }`}
				for i := 0; wsjson.Write(t.Context(), ws, map[string]any{"type": "subscribe", "id": fmt.Sprint(i), "payload": query}) == nil; i++ {
				}
			}()
			until(t, "slow clients to be noticed", func() bool { return strings.Count(f.logged(), "reads too slowly") >= 5 })
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			for err = nil; err == nil; { // what is on its way is still there
				_, _, err = ws.Read(ctx)
			}
			if ctx.Err() != nil {
				t.Errorf("a client that read nothing is still there after %v", time.Since(began))
			}
			_ = ws.CloseNow()
			<-asked
		})
	}
	wg.Wait()
	t.Logf("clients that read nothing were dropped after %v", time.Since(began))
}
