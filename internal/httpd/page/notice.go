package page

import (
	"net/http"
	"strconv"

	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/internal/httpd/requestid"
)

// Notice is a page that says one thing, and what to do about it.
type Notice struct {
	Title        string
	Text         string
	Advice       string
	Organization string
	RequestID    string // shown if not empty
}

// Notice answers with a notice.
func (f *Frame) Notice(w http.ResponseWriter, r *http.Request, status int, n Notice) {
	f.Write(w, r, status, "notice", View{Title: n.Title, Organization: n.Organization, Data: n})
}

// Fault answers with what err may say to people. An error of ours is logged,
// and its page names the request id only: what the message of a wrong setting
// says is for those who run the server, not for a candidate.
func (f *Frame) Fault(w http.ResponseWriter, r *http.Request, err error) {
	e := fault.From(err)
	status := Status(e.Code)
	n := Notice{Title: title(e.Code), Text: e.Message}
	if status == http.StatusInternalServerError {
		n.Text = "Try again in a few minutes. If it goes wrong again, tell the people who sent you the link."
	}
	if status >= http.StatusInternalServerError {
		n.RequestID = requestid.From(r.Context())
		f.log.ErrorContext(r.Context(), "page failed", "route", r.Pattern, "code", e.Code, "error", err, "requestId", n.RequestID)
	}
	if e.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(e.RetryAfter.Seconds()+1)))
	}
	f.Notice(w, r, status, n)
}

// Status is the HTTP status that tells a browser of a fault.
func Status(c fault.Code) int {
	switch c {
	case fault.NotFound:
		return http.StatusNotFound
	case fault.Forbidden, fault.Permission:
		return http.StatusForbidden
	case fault.Unauthenticated:
		return http.StatusUnauthorized
	case fault.Conflict:
		return http.StatusConflict
	case fault.Invalid:
		return http.StatusUnprocessableEntity
	case fault.TooLarge:
		return http.StatusRequestEntityTooLarge
	case fault.RateLimited:
		return http.StatusTooManyRequests
	case fault.Retryable:
		return http.StatusServiceUnavailable
	default:
		return http.StatusInternalServerError
	}
}

func title(c fault.Code) string {
	switch c {
	case fault.NotFound:
		return "This link leads nowhere"
	case fault.Forbidden, fault.Permission, fault.Unauthenticated:
		return "This link can no longer be used"
	case fault.Conflict:
		return "That is not possible any more"
	case fault.Invalid, fault.TooLarge:
		return "Something is missing or not right"
	case fault.RateLimited, fault.Retryable:
		return "Please try again in a moment"
	default:
		return "Something went wrong on our side"
	}
}
