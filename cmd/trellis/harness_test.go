package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	_ "github.com/lib/pq"
)

// These tests run the built program as a user does: real processes, real
// sockets. patience bounds every wait.
const patience = 90 * time.Second

// The program, built once for all tests: as the tests are built, and plain, as
// it is released, for those that measure time and memory.
var binary, plain string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "trellis-e2e-")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	binary, plain = build(dir, "trellis", os.Environ(), raceFlag()...), build(dir, "trellis-plain", append(os.Environ(), "CGO_ENABLED=0"))
	return m.Run()
}

func build(dir, name string, env []string, flags ...string) string {
	path := filepath.Join(dir, name)
	c := exec.Command("go", append(append([]string{"build"}, flags...), "-o", path, ".")...)
	c.Env = env
	if out, err := c.CombinedOutput(); err != nil {
		panic(fmt.Sprintf("build: %v\n%s", err, out))
	}
	return path
}

// database is one of the two that everything runs on.
type database struct {
	name string
	url  func(t *testing.T) string
}

// onEach runs a test on SQLite, and on PostgreSQL when there is one.
func onEach(t *testing.T, test func(t *testing.T, d database)) {
	t.Helper()
	for _, d := range []database{
		{name: "SQLite", url: func(*testing.T) string { return "" }},
		{name: "PostgreSQL", url: newSchema},
	} {
		t.Run(d.name, func(t *testing.T) { t.Parallel(); test(t, d) })
	}
}

func newSchema(t *testing.T) string {
	t.Helper()
	base := os.Getenv("TRELLIS_TEST_DATABASE_URL")
	if base == "" {
		t.Skip("set TRELLIS_TEST_DATABASE_URL to run this on PostgreSQL")
	}
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	schema := fmt.Sprintf("e2e_%d_%d", os.Getpid(), time.Now().UnixNano())
	exec := func(statement string) {
		db, err := sqlx.Open("postgres", base)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = db.Close() }()
		if _, err := db.Exec(statement); err != nil {
			t.Error(err)
		}
	}
	exec("CREATE SCHEMA " + schema)
	t.Cleanup(func() { exec("DROP SCHEMA " + schema + " CASCADE") })
	q := u.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	return u.String()
}

// server is a running "trellis serve".
type server struct {
	t       *testing.T
	base    string
	env     []string
	program string
	made    credentials

	cmd    *exec.Cmd
	exited chan struct{} // closed when the process is gone
	ended  error         // how; to be read after exited
	ending bool          // whether it was told to end
	mu     sync.Mutex
	log    bytes.Buffer
	test   string // one that can be taken
}

// newServer sets an organization up and starts the server.
func newServer(t *testing.T, d database, settings ...string) *server {
	t.Helper()
	s := prepare(t, d)
	s.made = s.setup("Acme", settings...)
	s.start()
	return s
}

// prepare gives a server its place and environment, and starts nothing.
func prepare(t *testing.T, d database) *server {
	t.Helper()
	listen := freeAddress(t)
	s := &server{t: t, base: "http://" + listen, program: binary}
	s.env = append(os.Environ(), "GORACE=atexit_sleep_ms=0",
		"TRELLIS_LISTEN="+listen, "TRELLIS_DATA_DIR="+t.TempDir(), "TRELLIS_DATABASE_URL="+d.url(t),
		"TRELLIS_MASTER_KEY=MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", "TRELLIS_LOG_LEVEL=info",
		"TRELLIS_ENGINE_URL=https://engine.example.com/run?a={assessment}&t={token}", "TRELLIS_DEMO=true",
		"TRELLIS_RATE_LIMIT=0", // tests ask again and again
	)
	return s
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// setup runs "trellis setup" beside the server or before it.
func (s *server) setup(organization string, settings ...string) credentials {
	s.t.Helper()
	args := []string{"setup", "--organization", organization, "--adapter", "greenhouse", "--sample-tests", "--json"}
	for _, set := range settings {
		args = append(args, "--set", set)
	}
	out, told, err := s.command(args...)
	if err != nil {
		s.t.Fatalf("setup: %v\n%s", err, told)
	}
	var made credentials
	if err := json.Unmarshal([]byte(out), &made); err != nil {
		s.t.Fatalf("setup printed %s: %v", out, err)
	}
	return made
}

// command runs one of the binary's commands beside the server and returns what
// it wrote to its two outputs.
func (s *server) command(args ...string) (out, told string, err error) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, s.program, args...)
	cmd.Env = s.env
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err = cmd.Run()
	return stdout.String(), stderr.String(), err
}

// start starts the server and returns once it listens.
func (s *server) start() {
	s.t.Helper()
	s.launch("msg=listening", "serve")
}

// launch starts one of the binary's commands and returns once it wrote sign.
func (s *server) launch(sign string, args ...string) {
	s.t.Helper()
	s.run(sign, s.program, args...)
}

// run is launch for another program that becomes the server.
func (s *server) run(sign, program string, args ...string) {
	s.t.Helper()
	s.ending = false
	s.cmd = exec.Command(program, args...)
	s.cmd.Env = s.env
	stderr, err := s.cmd.StderrPipe()
	s.cmd.Stdout = s.cmd.Stderr
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(s.stop)
	listening := make(chan struct{})
	s.exited = make(chan struct{})
	go s.follow(stderr, sign, listening)
	select {
	case <-listening:
	case <-s.exited:
		s.t.Fatalf("the server ended:\n%s", s.logged())
	case <-time.After(patience):
		s.t.Fatalf("the server does not listen:\n%s", s.logged())
	}
}

// follow keeps the log until the process ends.
func (s *server) follow(stderr io.Reader, sign string, listening chan struct{}) {
	defer close(s.exited)
	lines := bufio.NewScanner(stderr)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		s.mu.Lock()
		s.log.WriteString(lines.Text() + "\n")
		s.mu.Unlock()
		if strings.Contains(lines.Text(), sign) {
			close(listening)
		}
	}
	s.ended = s.cmd.Wait()
}

func (s *server) logged() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.String()
}

// kill is kill -9.
func (s *server) kill() {
	s.t.Helper()
	s.ending = true
	if err := s.cmd.Process.Kill(); err != nil {
		s.t.Fatal(err)
	}
	<-s.exited
}

// stop ends the server as an operator does; it must end by itself, and not before.
func (s *server) stop() {
	select {
	case <-s.exited:
		if !s.ending {
			s.t.Errorf("the server ended before it was told to: %v", s.ended)
		}
	default:
		s.terminate()
	}
	if strings.Contains(s.logged(), "DATA RACE") || strings.Contains(s.logged(), "panic:") {
		s.t.Errorf("the log tells of a race or panic:\n%s", s.logged())
	}
	if s.t.Failed() {
		s.t.Logf("the server's log:\n%s", s.logged())
	}
}

func (s *server) terminate() {
	s.ending = true
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.exited:
	case <-time.After(patience):
		_ = s.cmd.Process.Kill()
		s.t.Errorf("the server does not stop:\n%s", s.logged())
	}
}

// adapterPID finds the adapter's process.
func (s *server) adapterPID() int {
	s.t.Helper()
	out, err := exec.Command("pgrep", "-P", fmt.Sprint(s.cmd.Process.Pid)).Output()
	if err != nil {
		s.t.Fatalf("the server has no child: %v", err)
	}
	var pid int
	if _, err := fmt.Sscan(string(out), &pid); err != nil {
		s.t.Fatal(err)
	}
	return pid
}

// answer is an HTTP answer, read whole.
type answer struct {
	status int
	header http.Header
	body   string
}

func (a answer) into(t *testing.T, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.body), v); err != nil {
		t.Fatalf("%d %s: %v", a.status, a.body, err)
	}
}

func client() *http.Client {
	return &http.Client{Timeout: patience, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// ats calls one of the REST shims with a partner key.
func (s *server) ats(method, path, key, body string) answer {
	s.t.Helper()
	a, err := s.tryATS(method, path, key, body)
	if err != nil {
		s.t.Fatal(err)
	}
	return a
}

func (s *server) tryATS(method, path, key, body string) (answer, error) {
	r, err := http.NewRequestWithContext(context.Background(), method, s.base+"/api/greenhouse/"+path, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	if key != "" {
		r.SetBasicAuth(key, "")
	}
	return send(r)
}

func send(r *http.Request) (answer, error) {
	response, err := client().Do(r)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header, string(body)}, err
}

func (s *server) get(address string, header ...string) answer {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, address, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	a, err := send(r)
	if err != nil {
		s.t.Fatal(err)
	}
	return a
}

func (s *server) tryGet(address string) (answer, error) {
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, address, nil)
	if err != nil {
		return answer{}, err
	}
	return send(r)
}

// graphql runs an operation and decodes its data.
func (s *server) graphql(token, query string, variables map[string]any, data any) {
	s.t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		s.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.base+"/graphql", bytes.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	a, err := send(r)
	if err != nil {
		s.t.Fatal(err)
	}
	var reply struct {
		Data   json.RawMessage
		Errors []json.RawMessage
	}
	a.into(s.t, &reply)
	if len(reply.Errors) > 0 {
		s.t.Fatalf("%s\n%s", query, a.body)
	}
	if err := json.Unmarshal(reply.Data, data); err != nil {
		s.t.Fatalf("%s: %v", reply.Data, err)
	}
}

// until asks again until ok, for at most patience.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	within(t, patience, 20*time.Millisecond, what, ok)
}

// within is until with a patience of its own, asking every so often.
func within(t *testing.T, most, every time.Duration, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(every)
	defer tick.Stop()
	end := time.After(most)
	for !ok() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("in vain waited for %s", what)
		}
	}
}
