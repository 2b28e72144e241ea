package transport

import (
	"net/http"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/trellis-ats/trellis/core/fault"
)

// Other answers requests that no other transport takes. It comes last.
type Other struct{}

var _ graphql.Transport = Other{}

// Supports takes everything.
func (Other) Supports(*http.Request) bool { return true }

// Do says what can be asked for.
func (Other) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	w.Header().Set("Allow", "GET, POST, OPTIONS")
	if r.Method == http.MethodOptions {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	x := exchange{w: w, r: r, exec: exec, accept: asJSON}
	e := fault.New(fault.Invalid, "GraphQL is answered to GET and POST.")
	x.write(http.StatusMethodNotAllowed, exec.DispatchError(r.Context(), gqlerror.List{gqlerror.Wrap(e)}))
}
