package graph_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/trellis-ats/trellis/graph"
)

func hashOf(document string) string {
	sum := sha256.Sum256([]byte(document))
	return hex.EncodeToString(sum[:])
}

// named posts a document by its hash, with its text if there is one.
func (w *world) named(t *testing.T, role, query, hash string) map[string]any {
	t.Helper()
	encoded, err := json.Marshal(map[string]any{
		"query": query, "extensions": map[string]any{"persistedQuery": map[string]any{"version": 1, "sha256Hash": hash}},
	})
	check(t, err)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/graphql", strings.NewReader(string(encoded)))
	r.Header.Set("Content-Type", jsonType)
	return decoded(t, w.serve(r, role))
}

func codeOf(body map[string]any) string {
	errs, _ := body["errors"].([]any)
	if len(errs) == 0 {
		return ""
	}
	code, _ := errs[0].(map[string]any)["extensions"].(map[string]any)["code"].(string)
	return code
}

func TestAutomaticallyPersistedDocuments(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const query = `query Who { viewer { role } }`
	if code := codeOf(w.named(t, "ADMIN", "", hashOf(query))); code != "PERSISTED_QUERY_NOT_FOUND" {
		t.Errorf("before it was sent: %q", code)
	}
	if code := codeOf(w.named(t, "nobody", query, hashOf(query))); code != "UNAUTHENTICATED" {
		t.Errorf("a stranger's: %q", code)
	}
	if code := codeOf(w.named(t, "ADMIN", "", hashOf(query))); code != "PERSISTED_QUERY_NOT_FOUND" {
		t.Errorf("a stranger's was kept: %q", code)
	}
	if body := w.named(t, "ADMIN", query, hashOf("other")); body["data"] != nil {
		t.Errorf("a wrong hash: %v", body)
	}
	for _, sent := range []string{query, "", ""} {
		if body := w.named(t, "ADMIN", sent, hashOf(query)); body["errors"] != nil {
			t.Errorf("%q: %v", sent, body)
		}
	}
	large := query + "#" + strings.Repeat("x", 300_000)
	w.named(t, "ADMIN", large, hashOf(large))
	if code := codeOf(w.named(t, "ADMIN", "", hashOf(large))); code != "PERSISTED_QUERY_NOT_FOUND" {
		t.Errorf("a document that is too large to keep: %q", code)
	}
}

func TestPersistedDocumentsDoNotGrowForEver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := `{ viewer { role } }`
	w.named(t, "ADMIN", first, hashOf(first))
	for i := range 40 {
		document := first + "#" + strings.Repeat(string(rune('a'+i)), 200_000)
		w.named(t, "ADMIN", document, hashOf(document))
	}
	if code := codeOf(w.named(t, "ADMIN", "", hashOf(first))); code != "PERSISTED_QUERY_NOT_FOUND" {
		t.Errorf("8 MB of documents are kept: %q", code)
	}
}

func TestAllowList(t *testing.T) {
	t.Parallel()
	const query, other = `query Who { viewer { role } }`, `{ viewer { name } }`
	for name, list := range map[string]any{
		"by hash": map[string]string{hashOf(query): query}, "plain": []string{query},
	} {
		raw, err := json.Marshal(list)
		check(t, err)
		w := newWorld(t)
		w.core.AllowList, err = graph.ParseAllowList(raw)
		check(t, err)
		w.handler = graph.NewServer(w.core)
		if body := w.ask(t, "ADMIN", query, nil); body["errors"] != nil {
			t.Errorf("%s: %v", name, body)
		}
		if body := w.named(t, "ADMIN", "", hashOf(query)); body["errors"] != nil {
			t.Errorf("%s: by its hash: %v", name, body)
		}
		for what, body := range map[string]map[string]any{
			"other": w.ask(t, "ADMIN", other, nil), "other hash": w.named(t, "ADMIN", "", hashOf(other)),
			"a listed hash on another text": w.named(t, "ADMIN", other, hashOf(query)), "spaced": w.ask(t, "ADMIN", query+" ", nil),
		} {
			if code := codeOf(body); code != "PERSISTED_QUERY_REQUIRED" {
				t.Errorf("%s, %s: %v", name, what, body)
			}
		}
	}
	for _, raw := range []string{``, `7`, `{}`, `[]`, `{"` + hashOf(other) + `":"` + query + `"}`, `["{"]`} {
		if _, err := graph.ParseAllowList([]byte(raw)); err == nil {
			t.Errorf("%s: no error", raw)
		}
	}
}
