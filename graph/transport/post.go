package transport

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/trellis-ats/trellis/core/fault"
)

// POST takes an operation as a JSON body.
type POST struct{ Options }

var _ graphql.Transport = POST{}

// Supports tells whether the request is for this transport.
func (POST) Supports(r *http.Request) bool {
	return r.Method == http.MethodPost && r.Header.Get("Upgrade") == ""
}

// Do answers the request.
func (t POST) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	t.serve(w, r, exec, readBody, func(o *ast.OperationDefinition) *httpError {
		if o.Operation == ast.Subscription {
			return bad("A subscription is not answered to a plain POST.")
		}
		return nil
	})
}

func bad(format string, args ...any) *httpError {
	e := fault.New(fault.Invalid, format, args...)
	e.Source = fault.Caller
	return &httpError{http.StatusBadRequest, e}
}

// request is the body of a POST. Null is the same as absent.
type request struct {
	Query         *string        `json:"query"`
	OperationName *string        `json:"operationName"`
	Variables     map[string]any `json:"variables"`
	Extensions    map[string]any `json:"extensions"`
}

func readBody(x exchange) (*graphql.RawParams, *httpError) {
	name, params, err := mime.ParseMediaType(x.r.Header.Get("Content-Type"))
	charset, named := params["charset"]
	if err != nil || name != string(asJSON) || (named && !strings.EqualFold(charset, "utf-8")) {
		return nil, &httpError{http.StatusUnsupportedMediaType, fault.New(fault.Invalid, "Send the operation as Content-Type: application/json, in UTF-8.")}
	}
	start := graphql.Now()
	control := http.NewResponseController(x.w)
	_ = control.SetReadDeadline(time.Now().Add(bodyTimeout)) // a recorder has no deadline, and needs none
	raw, err := io.ReadAll(http.MaxBytesReader(x.w, x.r.Body, x.MaxBody))
	if err == nil { // what is left of a body is still read, by net/http, and must not take for ever
		_ = control.SetReadDeadline(time.Time{})
	}
	if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
		return nil, &httpError{http.StatusRequestEntityTooLarge, fault.New(fault.TooLarge, "The request is larger than %d bytes. Nothing was done.", tooLarge.Limit)}
	}
	if err != nil {
		return nil, bad("The request could not be read to its end. Nothing was done.")
	}
	if values(raw) > maxValues {
		return nil, &httpError{http.StatusRequestEntityTooLarge, fault.New(fault.TooLarge, "The request holds more than %d JSON values. Nothing was done.", maxValues)}
	}
	var q request
	if err := decode(raw, &q); err != nil {
		return nil, bad("The body is not a JSON object with query, operationName, variables and extensions of the right types. Operations are not taken in batches.")
	}
	return q.params(graphql.TraceTiming{Start: start, End: graphql.Now()})
}

func (q request) params(t graphql.TraceTiming) (*graphql.RawParams, *httpError) {
	p := &graphql.RawParams{Variables: q.Variables, Extensions: q.Extensions, ReadTime: t}
	if q.OperationName != nil {
		p.OperationName = *q.OperationName
	}
	if q.Query != nil {
		p.Query = *q.Query
	}
	if p.Query == "" && len(p.Extensions) == 0 {
		return nil, bad("The request has no query.")
	}
	return p, nil
}

// maxValues bounds the JSON values of a request: a value takes up to some
// hundred times its text once it is read.
const maxValues = 50_000

// values counts the JSON values of a text, or more if it is not JSON.
func values(raw []byte) int {
	n, text := 1, false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case text && c == '\\':
			i++
		case c == '"':
			text = !text
		case !text && (c == ',' || c == '[' || c == '{'):
			n++
		}
	}
	return n
}

// decode reads one JSON value and nothing after it; numbers keep their digits.
func decode(raw []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the JSON value")
	}
	return nil
}
