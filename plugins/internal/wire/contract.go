package wire

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// Bounds of what an adapter may report of its exchanges.
const (
	maxExchanges = 200
	maxBodyText  = 16 << 10 // bytes
)

// breach says that the adapter's answer is out of contract; what tells how.
func breach(format string, args ...any) *fault.Error {
	return atAdapter(nil, fault.Internal, "The adapter broke its contract: %s. The answer was not used; update the adapter.", fmt.Sprintf(format, args...))
}

// checkManifest makes sure that the host can mount the routes and hold the
// adapter to what it says.
func checkManifest(m *ats.Manifest, offer Offer) error {
	switch {
	case m == nil:
		return breach("no manifest")
	case !regexp.MustCompile(`^[a-z][a-z0-9-]{0,62}$`).MatchString(m.Name):
		return breach("the name %.80q is not lower-case letters, digits and hyphens", m.Name)
	case m.Version == "":
		return breach("no version")
	}
	if err := checkOffer(m, offer); err != nil {
		return err
	}
	return checkRoutes(m)
}

func checkRoutes(m *ats.Manifest) error {
	mux, seen := http.NewServeMux(), make(map[string]bool)
	for _, r := range m.Routes {
		switch {
		case r.Name == "" || seen[r.Name]:
			return breach("the route %.80q has no name or one that is taken", r.Path)
		case r.Method == "" || r.Path == "" || strings.HasPrefix(r.Path, "/"):
			return breach("the route %.80q has no method or no relative path", r.Name)
		case r.Credential != ats.CredentialBasicUser && r.Credential != ats.CredentialBearer:
			return breach("the route %.80q has the unknown credential %.80q", r.Name, r.Credential)
		case !mountable(mux, r.Method+" /api/"+m.Name+"/"+r.Path):
			return breach("the route %.80q has a path that cannot be served, or that is taken", r.Name)
		}
		seen[r.Name] = true
	}
	return nil
}

// mountable asks net/http itself, which answers with a panic.
func mountable(mux *http.ServeMux, pattern string) (ok bool) {
	defer func() { ok = recover() == nil }()
	mux.Handle(pattern, http.NotFoundHandler())
	return true
}

func checkCommand(c ats.Command) error {
	switch c := c.(type) {
	case nil:
		return breach("no command, or one that this version does not know")
	case *ats.PlaceOrder:
		return checkItems(c.Items)
	default:
		return nil
	}
}

func checkItems(items []ats.OrderItem) error {
	if len(items) == 0 {
		return breach("an order without a test")
	}
	seen := make(map[string]bool, len(items))
	for _, i := range items {
		if i.Key == "" || i.TestID == "" || seen[i.Key] {
			return breach("an order with an item that has no key, no test or another's key")
		}
		seen[i.Key] = true
	}
	return nil
}

// checkResponse makes sure that the answer can be sent as it is. A header with
// a line break would be another header.
func checkResponse(r *ats.HTTPResponse) error {
	if r == nil {
		return breach("no HTTP answer")
	}
	if r.Status < 200 || r.Status > 599 {
		return breach("the HTTP status %d", r.Status)
	}
	for name, values := range r.Header {
		if name == "" || strings.ContainsFunc(name, notToken) || strings.ContainsAny(strings.Join(values, ""), "\r\n\x00") {
			return breach("the HTTP header %.80q", name)
		}
	}
	return nil
}

// notToken tells what may not be in a header's name (RFC 9110, 5.6.2).
func notToken(r rune) bool {
	letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
	return !letter && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
}

// bounded cuts what is longer than the contract allows, and keeps the last
// exchanges of too many.
func bounded(list []ats.Exchange) []ats.Exchange {
	list = list[max(0, len(list)-maxExchanges):]
	for i := range list {
		list[i].RequestBody = cut(list[i].RequestBody)
		list[i].ResponseBody = cut(list[i].ResponseBody)
	}
	return list
}

func cut(s string) string {
	if len(s) <= maxBodyText {
		return s
	}
	n := maxBodyText
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
