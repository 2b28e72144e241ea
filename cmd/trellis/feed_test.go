package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
	"github.com/jmoiron/sqlx"
	_ "modernc.org/sqlite"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/internal/store"
)

const (
	feedWorkers = 16
	feedCuts    = 50
	feedOrders  = 160  // through the servers: each an order, an entry of the sync log and an invitation
	feedCommits = 1600 // beside them, three events in a transaction, some of which commit late
	feedEvents  = 3*feedOrders + 3*feedCommits
)

// told is one message of the feed.
type told struct {
	Cursor string
	Event  struct{ ID, Type string }
}

// subscriber follows the events of a server, and is cut off.
type subscriber struct {
	t       *testing.T
	servers []*server
	seen    []told
	cuts    int
}

// follow reads until enough events were seen and every cut was made.
func (s *subscriber) follow(ctx context.Context, enough func(seen int) bool) error {
	for s.cuts < feedCuts || !enough(len(s.seen)) {
		patient := s.cuts >= feedCuts
		if err := s.connectOnce(ctx, s.servers[s.cuts%len(s.servers)], 20+rand.IntN(2*feedEvents/feedCuts), patient, enough); err != nil {
			return err
		}
		s.cuts++
	}
	return nil
}

// connectOnce reads at most n messages, or if patient all, and then breaks off
// without a word.
func (s *subscriber) connectOnce(ctx context.Context, at *server, n int, patient bool, enough func(int) bool) error {
	socket, _, err := websocket.Dial(ctx, strings.Replace(at.base, "http", "ws", 1)+"/graphql", &websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}})
	if err != nil {
		return err
	}
	defer func() { _ = socket.CloseNow() }()
	socket.SetReadLimit(1 << 20)
	var after any
	if len(s.seen) > 0 {
		after = s.seen[len(s.seen)-1].Cursor
	} else {
		after = "ZmVlZDow" // from the beginning
	}
	messages := []map[string]any{
		{"type": "connection_init", "payload": map[string]any{"authorization": "Bearer " + at.made.AdminToken}},
		{"type": "subscribe", "id": "1", "payload": map[string]any{
			"query": `subscription($after: String) { events(after: $after) { cursor event { id type } } }`, "variables": map[string]any{"after": after},
		}},
	}
	if err := wsjson.Write(ctx, socket, messages[0]); err != nil {
		return err
	}
	for read := 0; patient || read < n; {
		var m struct {
			Type    string
			Payload json.RawMessage
		}
		wait, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
		err := wsjson.Read(wait, socket, &m)
		cancel()
		if err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return nil // nothing new for a while: a cut is due all the same
		}
		switch m.Type {
		case "connection_ack":
			if err := wsjson.Write(ctx, socket, messages[1]); err != nil {
				return err
			}
		case "next":
			var p struct {
				Data struct{ Events told }
			}
			if err := json.Unmarshal(m.Payload, &p); err != nil || p.Data.Events.Cursor == "" {
				return fmt.Errorf("a message of the feed: %s", m.Payload)
			}
			s.seen = append(s.seen, p.Data.Events)
			if read++; patient && enough(len(s.seen)) {
				return nil
			}
		case "error":
			return fmt.Errorf("the feed refused: %s", m.Payload)
		}
	}
	return nil
}

func TestFeedLosesNothing(t *testing.T) {
	t.Parallel()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		s := newServer(t, database{url: func(*testing.T) string { return "" }})
		feedLosesNothing(t, []*server{s}, "", func() {})
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		url := newSchema(t)
		s := newServer(t, database{url: func(*testing.T) string { return url }})
		feedLosesNothing(t, []*server{s}, url, func() {})
	})
	t.Run("two processes, PostgreSQL and a Redis that restarts", func(t *testing.T) {
		t.Parallel()
		url := newSchema(t)
		redis := newRedisServer(t)
		one := newServer(t, database{url: func(*testing.T) string { return url }})
		one.stop()
		one.env = append(one.env, "TRELLIS_REDIS_URL=redis://"+redis.address)
		one.start()
		two := one.replica()
		feedLosesNothing(t, []*server{one, two}, url, redis.restart)
	})
}

// feedLosesNothing places orders from many workers while a client that is cut
// off again and again follows; in the middle, disturb is called.
func feedLosesNothing(t *testing.T, servers []*server, url string, disturb func()) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	test := servers[0].firstTest(servers[0].made.PartnerKey)
	var total struct {
		sync.Mutex
		n int
	}
	enough := func(seen int) bool {
		total.Lock()
		defer total.Unlock()
		return total.n > 0 && seen >= total.n
	}
	client := &subscriber{t: t, servers: servers}
	followed := make(chan error, 1)
	go func() { followed <- client.follow(ctx, enough) }()
	db := servers[0].store(url)
	var wg sync.WaitGroup
	for worker := range feedWorkers {
		wg.Go(func() {
			for n := worker; n < feedCommits; n += feedWorkers {
				if n == feedCommits/2 {
					disturb()
				}
				servers[0].commit(ctx, db, n)
				if n%(feedCommits/feedOrders) == 0 {
					servers[n%len(servers)].insist(test, fmt.Sprintf("https://app.greenhouse.io/tests/%d", n))
				}
			}
		})
	}
	wg.Wait()
	until(t, "the invitations", func() bool { return servers[0].countEvents(url, "assessment.invited") == feedOrders })
	total.Lock()
	total.n = servers[0].countEvents(url, "%")
	total.Unlock()
	if err := <-followed; err != nil {
		t.Fatalf("after %d events and %d cuts: %v", len(client.seen), client.cuts, err)
	}
	client.check(servers[0].eventIDs(url))
}

// store opens the servers' database for transactions of the test's own.
func (s *server) store(url string) *store.DB {
	s.t.Helper()
	if url == "" {
		url = filepath.Join(s.dataDir(), "trellis.db")
	}
	db, err := store.Open(s.t.Context(), store.Options{URL: url})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = db.Close() })
	return db
}

// commit appends three events in one transaction. On PostgreSQL every seventh
// lets others pass it before it commits.
func (s *server) commit(ctx context.Context, db *store.DB, n int) {
	organization := core.ID(s.made.OrganizationID)
	err := db.Atomically(ctx, func(tx core.Tx) error {
		for i := range 3 {
			e := &core.Event{
				ID: core.NewID(core.PrefixEvent), OrganizationID: organization, Type: core.EventTestCreated,
				SubjectID: core.NewID(core.PrefixTest), ActorRole: core.RoleSystem, At: time.Now(), Data: json.RawMessage("{}"),
			}
			if err := tx.AppendEvent(ctx, e); err != nil {
				return err
			}
			if n%7 == 0 && i == 1 && !db.SQLite() { // whose transactions follow each other
				<-time.After(20 * time.Millisecond) // not to wait for anything: to be late
			}
		}
		return nil
	})
	if err != nil {
		s.t.Errorf("transaction %d: %v", n, err)
	}
}

// check holds what was seen against the table.
func (s *subscriber) check(want []string) {
	s.t.Helper()
	if len(want) < 5000 || s.cuts < feedCuts {
		s.t.Errorf("%d events and %d cuts prove little", len(want), s.cuts)
	}
	if len(s.seen) != len(want) {
		s.t.Errorf("%d events were committed, %d were seen", len(want), len(s.seen))
	}
	for i := range min(len(want), len(s.seen)) {
		if s.seen[i].Event.ID != want[i] {
			s.t.Fatalf("event %d is %s, but %s was seen", i, want[i], s.seen[i].Event.ID)
		}
	}
}

func (s *server) open(url string) *sqlx.DB {
	s.t.Helper()
	driver := "postgres"
	if url == "" {
		driver, url = "sqlite", "file:"+s.dataDir()+"/trellis.db?mode=ro&_pragma=busy_timeout(5000)"
	}
	db, err := sqlx.Open(driver, url)
	if err != nil {
		s.t.Fatal(err)
	}
	return db
}

func (s *server) countEvents(url, kind string) int {
	s.t.Helper()
	db := s.open(url)
	defer func() { _ = db.Close() }()
	var n int
	if err := db.Get(&n, `SELECT COUNT(*) FROM events WHERE type LIKE $1`, kind); err != nil {
		s.t.Fatal(err)
	}
	return n
}

func (s *server) eventIDs(url string) []string {
	s.t.Helper()
	db := s.open(url)
	defer func() { _ = db.Close() }()
	var ids []string
	if err := db.Select(&ids, `SELECT id FROM events ORDER BY position`); err != nil {
		s.t.Fatal(err)
	}
	return ids
}

// dataDir is what the server's environment says.
func (s *server) dataDir() string {
	for _, e := range s.env {
		if dir, ok := strings.CutPrefix(e, "TRELLIS_DATA_DIR="); ok {
			return dir
		}
	}
	return ""
}

// replica starts another process on the same database.
func (s *server) replica() *server {
	s.t.Helper()
	listen := freeAddress(s.t)
	r := &server{t: s.t, base: "http://" + listen, program: s.program, made: s.made, test: s.test}
	r.env = append(append([]string(nil), s.env...), "TRELLIS_LISTEN="+listen)
	r.start()
	s.t.Cleanup(r.stop)
	return r
}

// redisServer is a Redis of the test's own, which it may kill.
type redisServer struct {
	t       *testing.T
	address string
	cmd     *exec.Cmd
}

func newRedisServer(t *testing.T) *redisServer {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("install redis-server to run this")
	}
	r := &redisServer{t: t, address: freeAddress(t)}
	r.start()
	t.Cleanup(func() {
		_ = r.cmd.Process.Kill()
		_ = r.cmd.Wait()
	})
	return r
}

func (r *redisServer) start() {
	r.t.Helper()
	_, port, _ := strings.Cut(r.address, ":")
	r.cmd = exec.Command("redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no")
	if err := r.cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
}

// restart kills Redis, leaves it away for a while and starts it again.
func (r *redisServer) restart() {
	_ = r.cmd.Process.Signal(syscall.SIGKILL)
	_ = r.cmd.Wait()
	<-time.After(time.Second)
	r.start()
}
