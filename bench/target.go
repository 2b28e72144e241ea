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
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jmoiron/sqlx"
	_ "github.com/lib/pq"
)

// target is a process under load.
type target struct {
	url   string
	key   string
	test  string
	count atomic.Int64
	cmd   *exec.Cmd
	clean func()
}

// order sends one order with a call-back address that was never used.
func (t *target) order(ctx context.Context, c *http.Client) error {
	n := t.count.Add(1)
	person := n % 1000 // people come back, but seldom two orders at a time for one
	body := fmt.Sprintf(`{"partner_test_id":%q,"candidate":{"first_name":"Ada","last_name":"Example","preferred_name":null,
		"email":"ada%d@example.com","greenhouse_profile_url":"https://app.greenhouse.io/people/%d?application_id=26"},
		"url":"https://app.greenhouse.io/take_home_tests/%d"}`, t.test, person, person, n)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, t.url, strings.NewReader(body))
	if err != nil {
		return err
	}
	r.SetBasicAuth(t.key, "")
	answer, err := c.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%d %s", answer.StatusCode, text)
	}
	return err
}

func (t *target) stop() {
	_ = t.cmd.Process.Signal(syscall.SIGTERM)
	_ = t.cmd.Wait()
	t.clean()
}

func build(ctx context.Context) (string, func(), error) {
	dir, err := os.MkdirTemp("", "trellis-bench-")
	if err != nil {
		return "", nil, err
	}
	remove := func() { _ = os.RemoveAll(dir) }
	binary := filepath.Join(dir, "trellis")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", binary, "./cmd/trellis")
	if out, err := cmd.CombinedOutput(); err != nil {
		remove()
		return "", nil, fmt.Errorf("build: %w\n%s", err, out)
	}
	return binary, remove, nil
}

// place is where a target keeps its rows, apart from all others.
func place(database string) (dir, url string, clean func(), err error) {
	dir, err = os.MkdirTemp("", "trellis-bench-")
	if err != nil || database == "" {
		return dir, "", func() { _ = os.RemoveAll(dir) }, err
	}
	schema := fmt.Sprintf("bench_%d", time.Now().UnixNano())
	if err := execute(database, "CREATE SCHEMA "+schema); err != nil {
		return "", "", nil, err
	}
	url, err = withSchema(database, schema)
	return dir, url, func() {
		_ = execute(database, "DROP SCHEMA "+schema+" CASCADE")
		_ = os.RemoveAll(dir)
	}, err
}

func withSchema(database, schema string) (string, error) {
	u, err := url.Parse(database)
	if err != nil {
		return "", err
	}
	q := u.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	return u.String(), nil
}

func execute(database, statement string) error {
	db, err := sqlx.Open("postgres", database)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	_, err = db.Exec(statement)
	return err
}

func freeAddress(ctx context.Context) (string, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

func startFloor(ctx context.Context, database string) (*target, error) {
	dir, url, clean, err := place(database)
	if err != nil {
		return nil, err
	}
	if url == "" {
		url = filepath.Join(dir, "floor.db")
	}
	listen, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	t := &target{url: "http://" + listen, clean: clean, cmd: exec.CommandContext(ctx, self, "-floor", url, "-listen", listen)}
	return t, await(t.cmd)
}

func startTrellis(ctx context.Context, binary, database string) (*target, error) {
	dir, url, clean, err := place(database)
	if err != nil {
		return nil, err
	}
	listen, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	env := append(os.Environ(), "TRELLIS_LISTEN="+listen, "TRELLIS_DATA_DIR="+dir, "TRELLIS_DATABASE_URL="+url,
		"TRELLIS_DEMO=true", "TRELLIS_LOG_LEVEL=info", "TRELLIS_MASTER_KEY=MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")
	setup := exec.CommandContext(ctx, binary, "setup", "--organization", "Bench", "--adapter", "greenhouse", "--sample-tests", "--json")
	setup.Env, setup.Stderr = env, os.Stderr
	made, err := setup.Output()
	if err != nil {
		return nil, fmt.Errorf("setup: %w", err)
	}
	var credentials struct{ PartnerKey string }
	if err := json.Unmarshal(made, &credentials); err != nil {
		return nil, err
	}
	t := &target{url: "http://" + listen + "/api/greenhouse/send-test", key: credentials.PartnerKey, clean: clean}
	t.cmd = exec.CommandContext(ctx, binary, "serve")
	t.cmd.Env = env
	if err := await(t.cmd); err != nil {
		return nil, err
	}
	return t, t.chooseTest(ctx, "http://"+listen)
}

func (t *target) chooseTest(ctx context.Context, base string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/api/greenhouse/list-tests", nil)
	if err != nil {
		return err
	}
	r.SetBasicAuth(t.key, "")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	var tests []struct {
		ID string `json:"partner_test_id"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&tests); err != nil || len(tests) == 0 {
		return fmt.Errorf("list-tests: %w", err)
	}
	t.test = tests[0].ID
	return nil
}

// await starts a process and returns once it says that it listens.
func await(cmd *exec.Cmd) error {
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	var said bytes.Buffer
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		said.WriteString(lines.Text() + "\n")
		if bytes.Contains(lines.Bytes(), []byte("listening")) {
			go func() { _, _ = io.Copy(io.Discard, stderr) }() // ends with the process
			return nil
		}
	}
	return fmt.Errorf("the process ended:\n%s", said.String())
}
