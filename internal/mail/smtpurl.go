package mail

import (
	"net/url"
	"strconv"

	gomail "github.com/wneessen/go-mail"

	"github.com/trellis-ats/trellis/core/fault"
)

// server is what an SMTP address says.
type server struct {
	host           string
	port           int
	implicitTLS    bool
	policy         gomail.TLSPolicy
	user, password string
}

// parseURL reads smtp://user:pass@host:port?tls=none|starttls|mandatory or
// smtps://…. Without tls, STARTTLS is mandatory; "starttls" uses it if offered.
// The messages never repeat the address, which may hold a password.
// Errors: fault.Config.
func parseURL(text string) (*server, error) {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || (u.Path != "" && u.Path != "/") {
		return nil, fault.New(fault.Config, "The mail server's address must look like smtp://user:password@mail.example.com:587 or smtps://….")
	}
	s := &server{host: u.Hostname(), user: u.User.Username()}
	s.password, _ = u.User.Password()
	switch u.Scheme {
	case "smtp":
		s.port = 587
	case "smtps":
		s.port, s.implicitTLS = 465, true
	default:
		return nil, fault.New(fault.Config, "The mail server's address begins with smtp:// or smtps://.")
	}
	if p := u.Port(); p != "" {
		if s.port, err = strconv.Atoi(p); err != nil || s.port < 1 || s.port > 65535 {
			return nil, fault.New(fault.Config, "The mail server's port is a number from 1 to 65535.")
		}
	}
	s.policy, err = tlsPolicy(u.Query().Get("tls"), s.implicitTLS)
	return s, err
}

func tlsPolicy(word string, implicit bool) (gomail.TLSPolicy, error) {
	switch {
	case implicit && word != "" && word != "mandatory":
		return 0, fault.New(fault.Config, "smtps:// is always encrypted: leave tls out, or use smtp://.")
	case word == "", word == "mandatory":
		return gomail.TLSMandatory, nil
	case word == "starttls":
		return gomail.TLSOpportunistic, nil
	case word == "none":
		return gomail.NoTLS, nil
	default:
		return 0, fault.New(fault.Config, "tls in the mail server's address is none, starttls or mandatory.")
	}
}
