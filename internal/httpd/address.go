package httpd

import (
	"context"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

type addressKey struct{}

// ClientAddress returns the address that the request of ctx came from, as far
// as the trusted proxies can be believed; the zero Addr if it is not known.
func ClientAddress(ctx context.Context) netip.Addr {
	a, _ := ctx.Value(addressKey{}).(netip.Addr)
	return a
}

func clientAddress(next http.Handler, trusted []netip.Prefix) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := context.WithValue(r.Context(), addressKey{}, addressOf(r, trusted))
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// addressOf walks X-Forwarded-For from its end, which the nearest proxy wrote,
// to the first address that is not a trusted proxy's. What stands before it may
// be the client's invention.
func addressOf(r *http.Request, trusted []netip.Prefix) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	address := plain(peer.Addr())
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		if !within(trusted, address) {
			break
		}
		before, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil {
			break
		}
		address = plain(before)
	}
	return address
}

// plain is an address as prefixes are written: not mapped, and without a zone,
// which matches no prefix and may hold any text.
func plain(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }

func within(prefixes []netip.Prefix, a netip.Addr) bool {
	return slices.ContainsFunc(prefixes, func(p netip.Prefix) bool { return p.Contains(a) })
}
