package httpd

import (
	"context"
	"crypto/rand"
	"net/http"
	"strings"

	"github.com/trellis-ats/trellis/internal/httpd/requestid"
)

const requestIDHeader = "X-Request-Id"

// RequestID returns the id of the request that ctx belongs to, or "".
func RequestID(ctx context.Context) string { return requestid.From(ctx) }

// requestID gives each request an id: the caller's if it is a sane one, so that
// a proxy's log and ours can be joined, else a new one.
func requestID(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get(requestIDHeader)
		if !saneID(id) {
			id = rand.Text()
		}
		w.Header().Set(requestIDHeader, id)
		next.ServeHTTP(w, r.WithContext(requestid.With(r.Context(), id)))
	})
}

// saneID reports whether an id from outside may be logged and shown: 8 to 64
// letters, digits, dots, dashes and underscores.
func saneID(id string) bool {
	const allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"
	return len(id) >= 8 && len(id) <= 64 && strings.Trim(id, allowed) == ""
}
