package mail

// ServerURL is what an SMTP address says, for tests.
type ServerURL struct {
	Host           string
	Port           int
	ImplicitTLS    bool
	Policy         string
	User, Password string
}

// ParseURL reads an SMTP address.
func ParseURL(text string) (ServerURL, error) {
	s, err := parseURL(text)
	if err != nil {
		return ServerURL{}, err
	}
	return ServerURL{s.host, s.port, s.implicitTLS, s.policy.String(), s.user, s.password}, nil
}
