package httpd

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/trellis-ats/trellis/core/fault"
)

// sameOrigin refuses requests that change something and come from another
// site's page. Machines, which send neither Origin nor Sec-Fetch-Site, pass:
// they carry a credential that no browser adds by itself. The public URL is
// trusted because a proxy may have changed the host.
func sameOrigin(next http.Handler, public *url.URL, answer *answers) (http.Handler, error) {
	protection := http.NewCrossOriginProtection()
	if public != nil {
		if err := protection.AddTrustedOrigin(originOf(public)); err != nil {
			return nil, fmt.Errorf("httpd: %w", err)
		}
	}
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer.fault(w, r, fault.New(fault.Forbidden, "The request came from a page of another site and was refused; nothing was changed. Open the page here and try again."))
	}))
	return protection.Handler(next), nil
}

// originOf is how a browser spells the origin of u: in small letters and
// without the scheme's own port.
func originOf(u *url.URL) string {
	host := strings.ToLower(u.Host)
	switch u.Scheme {
	case "https":
		host = strings.TrimSuffix(host, ":443")
	case "http":
		host = strings.TrimSuffix(host, ":80")
	}
	return u.Scheme + "://" + host
}
