package graph_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestListsCostAConstantNumberOfStatements(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.order(t, 60)
	clear(w.store.reads)
	body := w.ask(t, "ADMIN", `{ assessments(first: 100) {
		nodes { test { name } candidate { name } connection { name } result { score } delivery { state } }
		edges { node { test { id } candidate { id } connection { id } result { id } } }
	} }`, nil)
	if body["errors"] != nil {
		t.Fatal(body["errors"])
	}
	nodes := body["data"].(map[string]any)["assessments"].(map[string]any)["nodes"].([]any)
	if len(nodes) != 61 {
		t.Errorf("%d assessments", len(nodes))
	}
	for _, n := range nodes {
		if n := n.(map[string]any); n["test"] == nil || n["candidate"] == nil {
			t.Errorf("parts are missing: %v", n)
		}
	}
	want := map[string]int{"tests": 1, "candidates": 1, "connections": 1, "results": 1}
	if diff := cmp.Diff(want, w.store.reads); diff != "" {
		t.Errorf("reads (-want +got):\n%s", diff)
	}
}

func TestLoadersAreNotShared(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 2 {
		w.ask(t, "ADMIN", manyAssessments, nil)
	}
	if n := w.store.reads["candidates"]; n != 2 {
		t.Errorf("%d reads for two requests", n)
	}
}
