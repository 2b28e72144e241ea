package transport

import (
	"net/http"
	"net/url"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/trellis-ats/trellis/core/fault"
)

// GET takes a query, never a mutation, as parameters of the address.
type GET struct{ Options }

var _ graphql.Transport = GET{}

// Supports tells whether the request is for this transport.
func (GET) Supports(r *http.Request) bool {
	return r.Method == http.MethodGet && r.Header.Get("Upgrade") == ""
}

// Do answers the request.
func (t GET) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	t.serve(w, r, exec, readParameters, func(o *ast.OperationDefinition) *httpError {
		if o.Operation == ast.Query {
			return nil
		}
		w.Header().Set("Allow", http.MethodPost)
		return &httpError{http.StatusMethodNotAllowed, fault.New(fault.Invalid, "GET runs queries only: send a %s by POST. Nothing was done.", o.Operation)}
	})
}

func readParameters(x exchange) (*graphql.RawParams, *httpError) {
	start := graphql.Now()
	values, err := url.ParseQuery(x.r.URL.RawQuery)
	if err != nil {
		return nil, bad("The parameters of the address could not be read.")
	}
	var q request
	for name, field := range map[string]**string{"query": &q.Query, "operationName": &q.OperationName} {
		if values.Has(name) {
			text := values.Get(name)
			*field = &text
		}
	}
	for name, field := range map[string]*map[string]any{"variables": &q.Variables, "extensions": &q.Extensions} {
		if text := values.Get(name); text != "" && decode([]byte(text), field) != nil {
			return nil, bad("%s is not a JSON object.", name)
		}
	}
	return q.params(graphql.TraceTiming{Start: start, End: graphql.Now()})
}
