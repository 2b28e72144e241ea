package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestConformance runs suites and clients that others wrote against the built
// program: see graph/conformance.
func TestConformance(t *testing.T) {
	t.Parallel()
	node := os.Getenv("TRELLIS_TEST_NODE")
	if node == "" {
		t.Skip("set TRELLIS_TEST_NODE to a node, and run npm ci in graph/conformance, to run this")
	}
	s := newServer(t, database{url: func(*testing.T) string { return "" }})
	test := s.firstTest(s.made.PartnerKey)
	for n := range 5 { // so that there are events to tell
		s.place(test, fmt.Sprintf("https://app.greenhouse.io/tests/%d", n))
	}
	bearer := "Bearer " + s.made.AdminToken
	http, ws := s.base+"/graphql", strings.Replace(s.base, "http", "ws", 1)+"/graphql"
	init := fmt.Sprintf(`{"authorization":%q}`, bearer)
	all := `subscription S{events(after:"ZmVlZDow"){cursor}}`
	some := `subscription S{events(after:"ZmVlZDow",first:5){cursor}}`
	for name, arguments := range map[string][]string{
		"audit-http.mjs": {http, "--min", "61", "--header", "Authorization: " + bearer},
		"ws-protocol.mjs": {
			ws, "--init", init, "--stream", all, "--short", some, "--failing", `subscription{events(after:"no"){cursor}}`,
			"--init-timeout-ms", "3000",
		},
		"clients.mjs": {
			http, "--sub", some, "--want", "5", "--headers", init, "--query", "query Q{viewer{name}}",
			"--mutation", `mutation M{createTest(input:{name:"Sample",modality:CHAT,traits:[]}){test{id} userErrors{message}}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, node, append([]string{name}, arguments...)...)
			cmd.Dir = "../../graph/conformance"
			out, err := cmd.CombinedOutput()
			if err != nil || strings.Contains(string(out), "FAIL") || strings.Contains(string(out), "skip ") {
				t.Errorf("%v\n%s", err, out)
			}
			t.Logf("%s", out)
		})
	}
}
