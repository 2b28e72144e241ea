package httpd

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/trellis-ats/trellis/internal/httpd/requestid"
)

// accessLog writes a line for each request. It names the route's pattern and
// never the path or the query, which carry tokens. An answer that was cut off
// in the middle, whatever its status said, has cut=true.
func accessLog(next http.Handler, log *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begin := time.Now()
		rec := &recorder{ResponseWriter: w}
		cut := true
		defer func() { //nolint:contextcheck // the request carries it
			route := r.Pattern
			if route == "" {
				route = "unmatched"
			}
			status := rec.result()
			log.LogAttrs(r.Context(), level(status), "request",
				slog.String("method", method(r)), slog.String("route", route), slog.Int("status", status),
				slog.Int64("bytes", rec.bytes), slog.Duration("duration", time.Since(begin)),
				slog.Bool("cut", cut), slog.String("requestId", requestid.From(r.Context())))
		}()
		next.ServeHTTP(rec, r)
		cut = false
	})
}

func level(status int) slog.Level {
	if status >= http.StatusInternalServerError {
		return slog.LevelWarn
	}
	return slog.LevelInfo
}

// method is the request's method if it is a known one: it comes from outside
// and may be any word.
func method(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodOptions, http.MethodConnect, http.MethodTrace:
		return r.Method
	default:
		return "OTHER"
	}
}
