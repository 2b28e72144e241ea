package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
)

// sandboxState is what these tests look at in the sandbox's state.
type sandboxState struct {
	Version    int
	Mode       string
	Candidates []struct{ ID int }
	Tests      []struct {
		ID   string `json:"partner_test_id"`
		Name string `json:"partner_test_name"`
	}
	Orders   []sandboxOrder
	Assessed []assessedOrder
	Jobs     []struct{ ID string }
	Reported []string
}

type sandboxOrder struct {
	Number        int
	TestID, State string
	Status        string
	Score         *float64
	ProfileURL    string
	Metadata      []struct {
		Name  string
		Value any
	}
	Reported []string
	Timeline []struct{ Who, Method, Path string }
}

// startDemo runs "trellis demo" and returns the sandbox's address.
func startDemo(t *testing.T, d database, args ...string) (*server, string) {
	t.Helper()
	s := prepare(t, d)
	return s, launchDemo(t, s, freeAddress(t), args...)
}

// launchDemo is startDemo for a server that is prepared.
func launchDemo(t *testing.T, s *server, listen string, args ...string) string {
	t.Helper()
	s.env = append(s.env, "TRELLIS_ENGINE_URL=") // the sandbox's own
	s.launch("Stop with Ctrl-C", append([]string{"demo", "--sandbox-listen", listen, "--pace", "100ms"}, args...)...)
	box := "http://" + listen
	until(t, "the sandbox", func() bool {
		a, err := s.tryGet(box + "/")
		return err == nil && a.status == http.StatusOK
	})
	return box
}

func TestDemo(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, d database) {
		for _, mode := range []string{"patch", "poll"} {
			t.Run(mode, func(t *testing.T) {
				t.Parallel()
				s, box := startDemo(t, d, "--mode", mode)
				playAll(t, s, box, mode)
			})
		}
	})
}

// TestDemoOnAnotherDatabase keeps the data directory and changes the database,
// as one variable does; a demo needs no master key to be set.
func TestDemoOnAnotherDatabase(t *testing.T) {
	t.Parallel()
	s := prepare(t, database{url: newSchema})
	listen := freeAddress(t)
	s.env = append(s.env, "TRELLIS_ENGINE_URL=", "TRELLIS_MASTER_KEY=")
	postgres := s.env
	run := func(env []string) {
		s.env = env
		s.launch("Stop with Ctrl-C", "demo", "--sandbox-listen", listen, "--pace", "100ms")
		until(t, "the tests", func() bool {
			_, _ = s.tryGet("http://" + listen + "/")
			a, err := s.tryGet("http://" + listen + "/sandbox/state")
			return err == nil && strings.Contains(a.body, "partner_test_id")
		})
		s.stop()
	}
	run(append(postgres, "TRELLIS_DATABASE_URL="))
	run(postgres)
	run(postgres)
}

// TestSandboxBesideAServer runs the two as processes of their own.
func TestSandboxBesideAServer(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, d database) {
		listen := freeAddress(t)
		s := prepare(t, d)
		s.env = append(s.env, "TRELLIS_ENGINE_URL=http://"+listen+"/engine?assessment={assessment}&token={token}")
		s.made = s.setup("Acme", "callback_hosts="+listen)
		s.start()
		box := &server{t: t, program: binary, env: append(s.env, "TRELLIS_PUBLIC_URL="+s.base, "TRELLIS_SANDBOX_LISTEN="+listen,
			"TRELLIS_SANDBOX_PARTNER_KEY="+s.made.PartnerKey, "TRELLIS_SANDBOX_ENGINE_TOKEN="+s.made.EngineToken)}
		box.launch("sandbox listens", "sandbox", "--pace", "100ms")
		playAll(t, s, "http://"+listen, "patch")
	})
}

// playAll sends each test to a candidate and follows the state until all
// scorecards are there.
func playAll(t *testing.T, s *server, box, mode string) {
	t.Helper()
	s.get(box + "/")
	st := follow(t, box, -1)
	if len(st.Tests) != 3 || len(st.Candidates) < 3 || st.Mode != mode {
		t.Fatalf("the sandbox knows %+v", st)
	}
	for i, test := range st.Tests {
		form := url.Values{"test": {test.ID}, "candidate": {strconv.Itoa(st.Candidates[i].ID)}}
		if a := post(t, box+"/sandbox/send", form); a.status != http.StatusOK {
			t.Fatalf("send: %d %s", a.status, a.body)
		}
	}
	// Each further state comes when something changed; a test that does not
	// finish fails by the test's own deadline.
	for !finished(st, 3) {
		st = follow(t, box, st.Version)
	}
	if len(st.Reported) != 0 {
		t.Errorf("told with response-error: %v", st.Reported)
	}
	for _, o := range st.Orders {
		s.checkOrder(t, o, mode)
	}
}

func follow(t *testing.T, box string, after int) sandboxState {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, box+"/sandbox/state?after="+strconv.Itoa(after), nil)
	if err != nil {
		t.Fatal(err)
	}
	a, err := send(r)
	if err != nil {
		t.Fatal(err)
	}
	var st sandboxState
	a.into(t, &st)
	if st.Version == after {
		t.Fatalf("nothing happened for 20 s: %s", a.body)
	}
	return st
}

func finished(st sandboxState, orders int) bool {
	for _, o := range st.Orders {
		if o.State != "complete" || o.ProfileURL == "" {
			return false
		}
	}
	return len(st.Orders) == orders
}

func post(t *testing.T, address string, form url.Values) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	a, err := send(r)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// checkOrder holds one scorecard against what a recruiter should see.
func (s *server) checkOrder(t *testing.T, o sandboxOrder, mode string) {
	t.Helper()
	traits := 0
	for _, m := range o.Metadata {
		if _, ok := m.Value.(float64); ok && m.Name != "Revision" {
			traits++
		}
	}
	patches := 0
	for _, c := range o.Timeline {
		if c.Method == http.MethodPatch {
			patches++
		}
	}
	if o.Status != "complete" || o.Score == nil || traits < 3 || len(o.Reported) != 0 || patches != 1 {
		t.Errorf("in %s mode: %d traits, %d PATCHes, %+v", mode, traits, patches, o)
	}
	moved := s.get(o.ProfileURL)
	if moved.status != http.StatusFound {
		t.Fatalf("%s: %d %s", o.ProfileURL, moved.status, moved.body)
	}
	page := s.get(moved.header.Get("Location"))
	score, _ := json.Marshal(o.Score)
	if page.status != http.StatusOK || !strings.Contains(page.body, string(score)) || !strings.Contains(page.body, "Objection Handling") || strings.Contains(page.body, "objection_handling") {
		t.Errorf("the report: %d\n%s", page.status, page.body)
	}
}
