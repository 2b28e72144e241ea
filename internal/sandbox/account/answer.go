package account

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// answer is what a call is answered with. A nil body is none.
type answer struct {
	status int
	body   any
	next   string // cursor of the next page
}

// problem is one entry of an error's list: about a field, or in words alone.
type problem struct{ field, text string }

func (p problem) MarshalJSON() ([]byte, error) {
	if p.field == "" {
		return json.Marshal(p.text)
	}
	return json.Marshal(map[string]string{p.field: p.text})
}

// failure is the body of errors (facts/greenhouse.md 4.3).
type failure struct {
	Message string    `json:"message"`
	Errors  []problem `json:"errors,omitempty"`
}

func created(body any) answer { return answer{status: http.StatusCreated, body: body} }
func done(body any) answer    { return answer{status: http.StatusOK, body: body} }
func nothing() answer         { return answer{status: http.StatusNoContent} }

func unprocessable(problems ...problem) answer {
	return answer{status: http.StatusUnprocessableEntity, body: failure{"Unprocessable Content", problems}}
}

// wrong is a 422 about one field.
func wrong(field, format string, args ...any) answer {
	return unprocessable(problem{field, fmt.Sprintf(format, args...)})
}

func forbidden(text string) answer {
	return answer{status: http.StatusForbidden, body: failure{"Forbidden", []problem{{"", text}}}}
}

// missing is a 404 of a record; that of a route has no list.
func missing(what string, id int64) answer {
	return answer{status: http.StatusNotFound, body: failure{"Resource not found", []problem{{"", fmt.Sprintf("%s %d was not found", what, id)}}}}
}

func unauthorized() answer {
	return answer{status: http.StatusUnauthorized, body: failure{"Unauthorized", []problem{
		{"", "Token could not be decoded. Please ensure your token is from a trusted source."},
	}}}
}

func (a answer) write(w http.ResponseWriter) {
	if a.body == nil {
		w.WriteHeader(a.status)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(a.status)
	_ = json.NewEncoder(w).Encode(a.body) // the caller may be gone; there is nobody to tell
}
