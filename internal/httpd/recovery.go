package httpd

import (
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"

	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/internal/httpd/requestid"
)

// recovery turns a panic into a 500 that names the request id, or, once an
// answer has begun, into a cut connection, so that no half answer looks whole.
func recovery(next http.Handler, log *slog.Logger, answer *answers) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := &recorder{ResponseWriter: w}
		defer func() { //nolint:contextcheck // the request carries it
			cause := recover()
			if cause == nil {
				return
			}
			if cause == http.ErrAbortHandler { //nolint:errorlint // the documented way to compare it
				panic(cause)
			}
			log.ErrorContext(r.Context(), "panic", "panic", fmt.Sprint(cause), "route", r.Pattern,
				"requestId", requestid.From(r.Context()), "stack", string(debug.Stack()))
			if rec.begun() {
				panic(http.ErrAbortHandler)
			}
			answer.fault(rec, r, fault.New(fault.Internal, "Something went wrong on our side. Try again, and quote the request id if it persists."))
		}()
		next.ServeHTTP(rec, r)
	})
}
