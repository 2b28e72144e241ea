package sdk

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// transports holds one transport a policy. Each keeps its own idle
// connections, so that a connection dialled under a loose policy is never
// reused under a strict one.
type transports struct {
	public http.RoundTripper // https, public addresses
	listed http.RoundTripper // https, listed hosts, any unicast address
	plain  http.RoundTripper // http, listed hosts, loopback addresses
	test   bool              // they were replaced, and may not trace what was sent
}

func newTransports(replacement http.RoundTripper) transports {
	if replacement != nil {
		return transports{public: replacement, listed: replacement, plain: replacement, test: true}
	}
	return transports{
		public: newTransport(refuseInternal),
		listed: newTransport(refuseMulticast),
		plain:  newTransport(refuseAllButLoopback),
	}
}

// newTransport returns a transport that dials only what guard lets pass. No
// proxy is used: it would resolve names behind the guard's back.
func newTransport(guard func(netip.Addr) error) *http.Transport {
	dialer := &net.Dialer{
		Timeout: 5 * time.Second,
		ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
			return checkAddress(address, guard)
		},
	}
	return &http.Transport{
		DialContext:            dialer.DialContext,
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           100,
		MaxIdleConnsPerHost:    8,
		IdleConnTimeout:        60 * time.Second,
		TLSHandshakeTimeout:    5 * time.Second,
		MaxResponseHeaderBytes: maxResponseHeaderBytes,
	}
}

func (t transports) closeIdle() {
	for _, rt := range []http.RoundTripper{t.public, t.listed, t.plain} {
		if c, ok := rt.(interface{ CloseIdleConnections() }); ok {
			c.CloseIdleConnections()
		}
	}
}

// choose returns the transport for u, or a *refusedError.
func (t transports) choose(u *url.URL, allow []string) (http.RoundTripper, error) {
	listed := HostListed(u, allow)
	switch {
	case u.Hostname() == "":
		return nil, refuse("the URL has no host")
	case u.Scheme == "https" && listed:
		return t.listed, nil
	case u.Scheme == "https":
		return t.public, nil
	case u.Scheme == "http" && listed:
		return t.plain, nil
	default:
		return nil, refuse("only https is allowed")
	}
}

// HostListed reports whether u's host is in list, whose entries are a host
// (any port) or host:port. Upper and lower case are the same, as is a final dot.
func HostListed(u *url.URL, list []string) bool {
	host := canonicalHost(u.Hostname())
	for _, entry := range list {
		h, p := splitEntry(strings.TrimSpace(entry))
		if h != "" && h == host && (p == "" || p == portOf(u)) {
			return true
		}
	}
	return false
}

// splitEntry parts "host:port", "host", "[::1]:80" and "::1".
func splitEntry(entry string) (host, port string) {
	if h, p, err := net.SplitHostPort(entry); err == nil {
		return canonicalHost(h), p
	}
	return canonicalHost(strings.Trim(entry, "[]")), ""
}

func canonicalHost(h string) string { return strings.ToLower(strings.TrimSuffix(h, ".")) }

func portOf(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	if u.Scheme == "http" {
		return "80"
	}
	return "443"
}

// refusedError tells why an address is not called.
type refusedError struct{ reason string }

func (e *refusedError) Error() string { return "refused: " + e.reason }

func refuse(reason string) error { return &refusedError{reason: reason} }

// checkAddress applies guard to the resolved address, at dial time, so that a
// name which resolves differently the second time gains nothing.
func checkAddress(address string, guard func(netip.Addr) error) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return refuse("its address cannot be read")
	}
	return guard(ap.Addr().WithZone("").Unmap())
}

func refuseAllButLoopback(a netip.Addr) error {
	if !a.IsLoopback() {
		return refuse("plain http is for loopback addresses only")
	}
	return nil
}

func refuseMulticast(a netip.Addr) error {
	if a.IsMulticast() || a.IsUnspecified() {
		return refuse("it resolves to an address that is no single host")
	}
	return nil
}

func refuseInternal(a netip.Addr) error {
	for _, p := range internalNetworks() {
		if netip.MustParsePrefix(p).Contains(a) {
			return refuse("it resolves to an internal address")
		}
	}
	return nil
}

// internalNetworks lists what is not the public internet, from the IANA
// special-purpose registries; translated (NAT64, 6to4, Teredo) addresses are
// in it because an internal one can hide in them.
func internalNetworks() []string {
	return []string{
		"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
		"172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16",
		"198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
		"::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32",
		"2002::/16", "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
	}
}
