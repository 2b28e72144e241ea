package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// callback stands where Greenhouse takes the PATCH.
type callback struct {
	*httptest.Server
	mu    sync.Mutex
	calls []patch
	modes []string // for the next calls: "500", "429", "404", "hang"; then 204
}

// patch is one call-back that arrived.
type patch struct {
	method, path, user, password, body string
	at                                 time.Time
}

func newCallback(t *testing.T, modes ...string) *callback {
	t.Helper()
	c := &callback{modes: modes}
	c.Server = httptest.NewServer(http.HandlerFunc(c.serve))
	t.Cleanup(c.Close)
	return c
}

func (c *callback) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	user, password, _ := r.BasicAuth()
	c.mu.Lock()
	c.calls = append(c.calls, patch{r.Method, r.URL.Path, user, password, string(body), time.Now()})
	mode := ""
	if len(c.modes) > 0 {
		mode, c.modes = c.modes[0], c.modes[1:]
	}
	c.mu.Unlock()
	switch mode {
	case "500":
		w.WriteHeader(http.StatusInternalServerError)
	case "429":
		w.Header().Set("Retry-After", "3")
		w.WriteHeader(http.StatusTooManyRequests)
	case "404":
		w.WriteHeader(http.StatusNotFound)
	case "hang":
		<-r.Context().Done()
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}

func (c *callback) got() []patch {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]patch(nil), c.calls...)
}

// setting allows the call-back's host.
func (c *callback) setting() string { return "callback_hosts=" + strings.TrimPrefix(c.URL, "http://") }
