package rest

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// problem is an error as our own JSON.
type problem struct {
	Code    fault.Code     `json:"code"`
	Message string         `json:"message"`
	Errors  []problemField `json:"errors,omitempty"`
}

type problemField struct {
	Field   string `json:"field"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Shape is the one map from an error to an answer of this edge. It shows only
// what a fault.Error says for others.
func Shape(err error) *ats.HTTPResponse {
	f := fault.From(err)
	p := problem{Code: f.Code, Message: f.Message}
	for _, field := range f.Fields {
		p.Errors = append(p.Errors, problemField{Field: field.Path, Code: field.Code, Message: field.Message})
	}
	body, _ := json.Marshal(p) // strings only: cannot fail
	header := map[string][]string{"Content-Type": {"application/json; charset=utf-8"}}
	status := statusOf(f.Code)
	if status == http.StatusUnauthorized {
		header["Www-Authenticate"] = []string{`Basic realm="Trellis", charset="UTF-8"`}
	}
	if f.RetryAfter > 0 {
		seconds := int64((f.RetryAfter + time.Second - 1) / time.Second)
		header["Retry-After"] = []string{strconv.FormatInt(seconds, 10)}
	}
	return &ats.HTTPResponse{Status: status, Header: header, Body: body}
}

func statusOf(code fault.Code) int {
	switch code {
	case fault.Invalid:
		return http.StatusUnprocessableEntity
	case fault.NotFound:
		return http.StatusNotFound
	case fault.Conflict:
		return http.StatusConflict
	case fault.Unauthenticated:
		return http.StatusUnauthorized
	case fault.Forbidden:
		return http.StatusForbidden
	case fault.TooLarge:
		return http.StatusRequestEntityTooLarge
	case fault.RateLimited:
		return http.StatusTooManyRequests
	case fault.Retryable:
		return http.StatusServiceUnavailable
	case fault.Unsupported:
		return http.StatusNotImplemented
	default:
		return http.StatusInternalServerError
	}
}
