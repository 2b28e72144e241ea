package transport

import (
	"context"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/trellis-ats/trellis/core/fault"
)

const sseTokenHeader = "X-GraphQL-Event-Stream-Token"

// sseToken returns the token of a single connection, or "".
func sseToken(r *http.Request) string {
	if token := r.Header.Get(sseTokenHeader); token != "" {
		return token
	}
	return r.URL.Query().Get("token")
}

// ssePreferred tells whether the caller likes an event stream better than any
// JSON. Of two that are liked the same, the one named first counts: some
// clients name both with every request and mean JSON.
func ssePreferred(accept []string) bool {
	stream, other := 0.0, 0.0
	for part := range strings.SplitSeq(strings.Join(accept, ","), ",") {
		name, params, err := mime.ParseMediaType(part)
		if err != nil {
			continue
		}
		quality := 1.0
		if text, ok := params["q"]; ok {
			if quality, err = strconv.ParseFloat(text, 64); err != nil {
				continue
			}
		}
		switch name {
		case "text/event-stream":
			if quality > other {
				stream = max(stream, quality)
			}
		case string(asJSON), string(asResponse), "application/graphql+json":
			other = max(other, quality)
		}
	}
	return stream > 0 && stream >= other
}

// sseTrusted tells whether no foreign page can have caused the request with
// the cookies of its reader. Other methods than GET cannot be sent to another
// origin without its permission, nor can POST with a body of JSON, which is all that is read.
func sseTrusted(r *http.Request) bool {
	if r.Method != http.MethodGet || sseGuarded(r.Header) {
		return true
	}
	if r.Header.Get("Origin") != "" {
		return wsSameHost(r)
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "none", "same-origin":
		return true
	default:
		return false
	}
}

// sseGuarded tells whether a request has a header that a page may send to
// another origin only after asking it.
func sseGuarded(h http.Header) bool {
	for _, name := range []string{"Authorization", sseTokenHeader, "X-Requested-With", "GraphQL-Require-Preflight", "Apollo-Require-Preflight"} {
		if h.Get(name) != "" {
			return true
		}
	}
	kind, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	return err == nil && kind == string(asJSON)
}

// sseAllowed refuses mutations by GET.
func sseAllowed(ctx context.Context, x exchange, operation *graphql.OperationContext) bool {
	if x.r.Method != http.MethodGet || operation.Operation.Operation != ast.Mutation {
		return true
	}
	x.w.Header().Set("Allow", http.MethodPost)
	x.fail(ctx, &httpError{http.StatusMethodNotAllowed, fault.New(fault.Invalid, "GET runs no mutations: send it by POST. Nothing was done.")})
	return false
}
