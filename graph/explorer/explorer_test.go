package explorer_test

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/trellis-ats/trellis/graph/explorer"
)

func get(t *testing.T, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	explorer.Explorer().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	return w
}

func TestThePageAndAllThatItNames(t *testing.T) {
	t.Parallel()
	page := get(t, "/graphiql")
	if page.Code != http.StatusOK || !strings.HasPrefix(page.Header().Get("Content-Type"), "text/html") {
		t.Fatalf("status %d, type %s", page.Code, page.Header().Get("Content-Type"))
	}
	named := regexp.MustCompile(`(?:src|href)="([^"]+)"`).FindAllStringSubmatch(page.Body.String(), -1)
	if len(named) < 7 {
		t.Errorf("the page names %d files", len(named))
	}
	for _, n := range named {
		if strings.HasPrefix(n[1], "data:") {
			continue
		}
		if !strings.HasPrefix(n[1], "/graphiql/") {
			t.Errorf("%s is from elsewhere", n[1])
		}
		if w := get(t, n[1]); w.Code != http.StatusOK || w.Body.Len() == 0 {
			t.Errorf("%s: status %d, %d bytes", n[1], w.Code, w.Body.Len())
		}
	}
}

func TestNothingFromElsewhereIsLetIn(t *testing.T) {
	t.Parallel()
	policy := get(t, "/graphiql").Header().Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "script-src 'self';", "connect-src 'self'", "frame-ancestors 'none'"} {
		if !strings.Contains(policy, want) {
			t.Errorf("%s is missing in %s", want, policy)
		}
	}
	if strings.Contains(policy, "http") || strings.Contains(policy, "unsafe-eval") {
		t.Error(policy)
	}
	if w := get(t, "/graphiql/assets/../explorer.go"); w.Code == http.StatusOK {
		t.Error("a file of the source is served")
	}
}

// TestAssetsAreWhatWasFetched fails if a file was changed by hand.
func TestAssetsAreWhatWasFetched(t *testing.T) {
	t.Parallel()
	sums, err := os.ReadFile("checksums.txt")
	if err != nil {
		t.Fatal(err)
	}
	pinned := map[string]string{}
	for line := range strings.Lines(string(sums)) {
		sum, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
		pinned[filepath.Base(name)] = sum
	}
	present, err := filepath.Glob("assets/*")
	if err != nil || len(present) != len(pinned) {
		t.Errorf("%d files, %d checksums, %v", len(present), len(pinned), err)
	}
	size := 0
	for _, path := range present {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		size += len(content)
		if sum := sha256.Sum256(content); hex.EncodeToString(sum[:]) != pinned[filepath.Base(path)] {
			t.Errorf("%s is not what was fetched", path)
		}
	}
	if size > 3<<20 {
		t.Errorf("%d bytes", size)
	}
}
