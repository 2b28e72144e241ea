package greenhouse

import (
	"math"
	"net/http"
	"strconv"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// refusal is the body of an answer that is not a success. Greenhouse documents
// none; it shows an error to its user.
type refusal struct {
	Message string         `json:"message"`
	Errors  []refusalEntry `json:"errors"`
}

type refusalEntry struct {
	Field   string `json:"field"`
	Message string `json:"message"`
}

func encodeRefused(f *fault.Error) (*ats.HTTPResponse, error) {
	if f == nil {
		f = fault.New(fault.Internal, "")
	}
	body := refusal{Message: f.Message, Errors: []refusalEntry{}}
	if f.Code == fault.Internal { // its text never leaves
		body.Message = "Something went wrong on our side. Nothing was changed; try again."
	}
	for _, field := range f.Fields {
		body.Errors = append(body.Errors, refusalEntry{Field: greenhouseName(field.Path), Message: field.Message})
	}
	response, err := answer(refusalStatus(f), body)
	if err != nil {
		return nil, err
	}
	if f.RetryAfter > 0 {
		seconds := int(math.Ceil(f.RetryAfter.Seconds()))
		response.Header["Retry-After"] = []string{strconv.Itoa(seconds)}
	}
	if response.Status == http.StatusUnauthorized {
		response.Header["Www-Authenticate"] = []string{`Basic realm="Trellis", charset="UTF-8"`}
	}
	return response, nil
}

// greenhouseName turns the contract's name of a field into Greenhouse's.
func greenhouseName(path string) string {
	switch path {
	case "testId":
		return "partner_test_id"
	case "candidate.firstName":
		return "candidate.first_name"
	case "candidate.lastName":
		return "candidate.last_name"
	case "candidate.preferredName":
		return "candidate.preferred_name"
	case "candidate.phone":
		return "candidate.phone_number"
	case "candidate.profileUrl":
		return "candidate.greenhouse_profile_url"
	default:
		return path
	}
}

// refusalStatus follows facts/greenhouse.md 1.2 for 401 and 404; the others are
// HTTP's own meaning.
func refusalStatus(f *fault.Error) int {
	switch f.Code {
	case fault.Invalid:
		return invalidStatus(f)
	case fault.NotFound:
		return http.StatusNotFound
	case fault.Unauthenticated:
		return http.StatusUnauthorized
	case fault.Forbidden:
		return http.StatusForbidden
	case fault.Conflict:
		return http.StatusConflict
	case fault.TooLarge:
		return http.StatusRequestEntityTooLarge
	case fault.RateLimited:
		return http.StatusTooManyRequests
	case fault.Retryable, fault.OutcomeUnknown, fault.Upstream:
		return http.StatusServiceUnavailable
	default:
		return http.StatusInternalServerError
	}
}

// invalidStatus tells a body that cannot be read (400) from one that says something wrong (422).
func invalidStatus(f *fault.Error) int {
	for _, field := range f.Fields {
		if field.Path == pathBody {
			return http.StatusBadRequest
		}
	}
	return http.StatusUnprocessableEntity
}
