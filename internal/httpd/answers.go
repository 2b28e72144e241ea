package httpd

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/internal/httpd/page"
	"github.com/trellis-ats/trellis/internal/httpd/requestid"
)

// answers says what went wrong before or around a handler: as a page to those
// who ask for one, else as JSON.
type answers struct{ pages *page.Frame }

type problem struct {
	Error problemBody `json:"error"`
}

type problemBody struct {
	Code      fault.Code `json:"code"`
	Message   string     `json:"message"`
	RequestID string     `json:"requestId"`
}

func (a *answers) fault(w http.ResponseWriter, r *http.Request, e *fault.Error) {
	// What the handler had prepared belongs to the answer that it did not give.
	for _, name := range []string{"Content-Encoding", "Content-Length", "ETag", "Last-Modified", "Set-Cookie"} {
		w.Header().Del(name)
	}
	if strings.Contains(r.Header.Get("Accept"), "text/html") {
		n := page.Notice{Title: "This page could not be shown", Text: e.Message, RequestID: requestid.From(r.Context())}
		if e.Code == fault.Forbidden {
			n.Title = "This request was refused"
		}
		a.pages.Notice(w, r, page.Status(e.Code), n)
		return
	}
	writeJSON(w, page.Status(e.Code), problem{problemBody{e.Code, e.Message, requestid.From(r.Context())}})
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the caller may be gone; there is nobody to tell
}
