package graph

import (
	"mime"
	"net/http"
	"net/url"
	"strings"
)

// origins tells our own pages' requests from those of other sites.
type origins struct{ public *url.URL } // nil: not configured

func newOrigins(publicURL string) origins {
	u, err := url.Parse(publicURL)
	if err != nil || u.Host == "" {
		return origins{}
	}
	return origins{u}
}

// allowed reports whether a request comes from a page of ours, or from no page
// at all: programs send no Origin. It decides about websockets.
func (o origins) allowed(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	return origin == "" || o.own(origin, r.Host)
}

// own reports whether an Origin is the public address's or, for whoever reaches
// the server by another name, that of the request's own host.
func (o origins) own(origin, host string) bool {
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" {
		return false
	}
	if o.public != nil && strings.EqualFold(u.Host, o.public.Host) {
		return u.Scheme == o.public.Scheme
	}
	return strings.EqualFold(u.Host, host)
}

// willed reports whether a request that comes with a cookie was meant by our
// own page: the browser says that it is of our origin, or it is one that no
// page may send to another site without being asked about first.
func (o origins) willed(r *http.Request) bool {
	if !o.allowed(r) {
		return false
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "same-origin":
		return true
	case "cross-site", "same-site":
		return false
	}
	return r.Header.Get("Origin") != "" || asksFirst(r.Header)
}

// asksFirst reports whether a request has what makes a browser ask (by a CORS
// preflight, which this server never grants) before a page may send it elsewhere.
func asksFirst(h http.Header) bool {
	for _, name := range []string{"X-Trellis-Request", "GraphQL-Require-Preflight", "Apollo-Require-Preflight", "X-Requested-With"} {
		if h.Get(name) != "" {
			return true
		}
	}
	kind, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	return err == nil && kind == "application/json"
}
