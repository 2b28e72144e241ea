package httpd

import (
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"

	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/internal/httpd/page"
)

// MiddlewareOptions are what the middleware around a handler is made of.
type MiddlewareOptions struct {
	Handler        http.Handler
	Log            *slog.Logger
	PublicURL      string
	TrustedProxies []netip.Prefix
}

// Middleware puts all middleware around a handler, for servers that are not ours
// (tests). Errors: fault.Config for a public URL that is not one.
func Middleware(o MiddlewareOptions) (http.Handler, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	public, err := publicURL(o.PublicURL)
	if err != nil {
		return nil, err
	}
	answer := &answers{pages: page.New(page.Options{Log: o.Log})}
	h, err := sameOrigin(o.Handler, public, answer)
	if err != nil {
		return nil, err
	}
	// From the inside out. What is inside the access log must hand on the same
	// request, because the mux writes the pattern into it.
	h = recovery(h, o.Log, answer)
	h = securityHeaders(h, public != nil && public.Scheme == "https")
	h = accessLog(h, o.Log)
	h = clientAddress(h, o.TrustedProxies)
	return requestID(h), nil
}

// publicURL parses the server's own address; nil if it is not configured.
func publicURL(text string) (*url.URL, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // not configured is an answer
	}
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil {
		return nil, fault.New(fault.Config, "The public URL must look like https://trellis.example.com.")
	}
	return u, nil
}
