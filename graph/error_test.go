package graph_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/fault"
)

const manyAssessments = `{ assessments(first: 100) { nodes { candidate { id } } } }`

func TestUnknownErrorsStayInside(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(string) error{
		"error": func(string) error { return errors.New("dial tcp 10.0.0.1: hidden") },
		"panic": func(string) error { panic("hidden") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.order(t, 20)
			w.store.fail = fail
			for query, places := range map[string]int{`{ viewer { name } }`: 1, manyAssessments: 21} {
				w.log.Reset()
				body := w.ask(t, "ADMIN", query, nil)
				errs, _ := body["errors"].([]any)
				if len(errs) != places {
					t.Errorf("%d errors, want %d: %v", len(errs), places, body)
				}
				if text := fmt.Sprint(body); strings.Contains(text, "hidden") || !strings.Contains(text, "INTERNAL") || !strings.Contains(text, "req-1") {
					t.Errorf("answer: %s", text)
				}
				if n := strings.Count(w.log.String(), "level=ERROR"); n != 1 || !strings.Contains(w.log.String(), "hidden") {
					t.Errorf("%d lines were logged, want 1 with the cause: %s", n, w.log)
				}
			}
		})
	}
}

func TestFaultsAreErrors(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.store.fail = func(what string) error {
		return &fault.Error{Code: fault.RateLimited, Message: "Too many.", RetryAfter: 3e9}
	}
	got := w.ask(t, "ADMIN", `{ viewer { name } }`, nil)
	want := map[string]any{"data": nil, "errors": []any{map[string]any{
		"message": "Too many.", "path": []any{"viewer"},
		"extensions": map[string]any{"code": "RATE_LIMITED", "retryAfterSeconds": 3.0, "requestId": "req-1"},
	}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestCallersAreKnownByTheirToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, authorization := range []string{"", "Bearer", "Bearer ", "Bearer trl_wrong", "Basic dHJsOg==", w.tokens["ADMIN"].Reveal()} {
		for accept, status := range map[string]int{
			"application/json": http.StatusOK, "application/graphql-response+json": http.StatusUnauthorized,
		} {
			r := w.send(t, "nobody", `{ __typename }`, nil, "Authorization", authorization, "Accept", accept)
			body := decoded(t, r)
			code := body["errors"].([]any)[0].(map[string]any)["extensions"].(map[string]any)["code"]
			_, executed := body["data"]
			if r.StatusCode != status || code != "UNAUTHENTICATED" || executed || r.Header.Get("WWW-Authenticate") == "" {
				t.Errorf("%q, %s: status %d, body %v", authorization, accept, r.StatusCode, body)
			}
		}
	}
	if body := w.ask(t, "nobody", `{ viewer { name } }`, nil); body["data"] != nil {
		t.Errorf("body %v", body)
	}
	r := w.send(t, "nobody", `{ viewer { name } }`, nil, "Authorization", "bearer "+w.tokens["ADMIN"].Reveal())
	if body := decoded(t, r); body["errors"] != nil {
		t.Errorf("a lower-case scheme: %v", body)
	}
}

func TestSecretsAreNotInLogsOrLists(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	text := fmt.Sprint(w.ask(t, "ADMIN", `{ connections { settings { name value } } }`, nil), w.log.String())
	if strings.Contains(text, "hidden-key") {
		t.Error(text)
	}
}

// order adds n assessments that the connection ordered, each of its own candidate.
func (w *world) order(t *testing.T, n int) {
	t.Helper()
	by := core.Actor{OrganizationID: core.ID(w.names["organization"]), Role: core.RoleRecruiter, Name: "test"}
	for i := range n {
		_, err := w.core.Assessments.Create(t.Context(), by, core.NewOrder{
			TestID: core.ID(w.names["test"]), Candidate: core.Candidate{FirstName: "C", Email: fmt.Sprintf("c%d@example.com", i)},
		}, core.Key{})
		check(t, err)
	}
}
