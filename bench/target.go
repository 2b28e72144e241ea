package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jmoiron/sqlx"
	_ "github.com/lib/pq"
)

// target is a process under load.
type target struct {
	orders string
	hooks  string
	key    string
	test   string
	secret string // signs web hooks
	count  atomic.Int64
	cmd    *exec.Cmd
	clean  func()
}

// order sends one order with a call-back address that was never used.
func (t *target) order(ctx context.Context, c *http.Client) error {
	n := t.count.Add(1)
	person := n % 1000 // people come back, but seldom two orders at a time for one
	body := fmt.Sprintf(`{"partner_test_id":%q,"candidate":{"first_name":"Ada","last_name":"Example","preferred_name":null,
		"email":"ada%d@example.com","greenhouse_profile_url":"https://app.greenhouse.io/people/%d?application_id=%d"},
		"url":"https://app.greenhouse.io/take_home_tests/%d"}`, t.test, person, person, n, n)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, t.orders, strings.NewReader(body))
	if err != nil {
		return err
	}
	r.SetBasicAuth(t.key, "")
	return send(c, r)
}

// hook sends one web hook that was never sent, of an application that is not
// known, as most of a customer's are.
func (t *target) hook(ctx context.Context, c *http.Client) error {
	n := t.count.Add(1)
	body := fmt.Appendf(nil, `{"action":"candidate_stage_change","payload":{"application":{"id":%d,"status":"active",
		"last_activity_at":"2026-11-01T10:00:00.000Z","candidate":{"id":%d,"first_name":"Ada","last_name":"Example","email_addresses":[
		{"value":"ada@example.com","type":"personal"}]},"current_stage":{"id":7,"name":"Assessment"},"jobs":[{"id":3,"name":"Sales"}]}}}`, n, n)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, t.hooks, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Signature", signature(t.secret, body))
	r.Header.Set("Greenhouse-Event-ID", strconv.FormatInt(n, 10))
	return send(c, r)
}

// signature is that of facts/greenhouse.md 2.2.
func signature(secret string, body []byte) string {
	sum := hmac.New(sha256.New, []byte(secret))
	sum.Write(body)
	return "sha256 " + hex.EncodeToString(sum.Sum(nil))
}

func send(c *http.Client, r *http.Request) error {
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
	base := "http://" + listen
	t := &target{
		orders: base + "/order", hooks: base + "/hook", secret: floorSecret, clean: clean,
		cmd: exec.CommandContext(ctx, self, "-floor", url, "-listen", listen),
	}
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
	var given credentials
	if err := json.Unmarshal(made, &given); err != nil {
		return nil, err
	}
	base := "http://" + listen
	t := &target{
		orders: base + "/api/greenhouse/send-test", hooks: base + "/api/webhooks/greenhouse?connection=" + given.ConnectionID,
		key: given.PartnerKey, secret: given.WebhookSecret, clean: clean,
	}
	t.cmd = exec.CommandContext(ctx, binary, "serve")
	t.cmd.Env = env
	if err := await(t.cmd); err != nil {
		return nil, err
	}
	return t, errors.Join(t.chooseTest(ctx, base), given.takeHooks(ctx, base))
}

// credentials are what setup gives.
type credentials struct {
	PartnerKey, WebhookSecret, ConnectionID, AdminToken string
}

// takeHooks switches the connection's web hooks on.
func (c *credentials) takeHooks(ctx context.Context, base string) error {
	body := fmt.Sprintf(`{"query":"mutation{setWebhookSync(input:{connectionId:\"%s\",enabled:true}){userErrors{message}}}"}`, c.ConnectionID)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/graphql", strings.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+c.AdminToken)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err == nil && !bytes.Contains(text, []byte(`"userErrors":[]`)) {
		err = fmt.Errorf("setWebhookSync: %s", text)
	}
	return err
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
