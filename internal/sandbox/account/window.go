package account

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// window counts the calls of one client in a fixed stretch of time
// (facts/greenhouse.md 6).
type window struct {
	limit int
	used  int
	ends  time.Time
}

// window returns the one that is open now for a name.
func (a *Account) window(name string, limit, lengthMS int, now time.Time) *window {
	w, ok := a.windows[name]
	if !ok || !now.Before(w.ends) {
		length := milliseconds(lengthMS)
		w = &window{ends: now.Truncate(length).Add(length)}
		a.windows[name] = w
	}
	w.limit = limit
	return w
}

// take counts a call, writes the headers, and reports whether it is one too many.
func (w *window) take(h http.Header, now time.Time) bool {
	over := w.used >= w.limit
	if !over {
		w.used++
	}
	h.Set("X-RateLimit-Limit", strconv.Itoa(w.limit))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(w.limit-w.used))
	h.Set("X-RateLimit-Reset", strconv.FormatInt(roundUp(w.ends).Unix(), 10))
	if over {
		h.Set("Retry-After", strconv.Itoa(max(1, int((w.ends.Sub(now)+time.Second-1)/time.Second))))
	}
	return over
}

func roundUp(t time.Time) time.Time {
	if whole := t.Truncate(time.Second); whole.Before(t) {
		return whole.Add(time.Second)
	}
	return t
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
