package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
)

// OIDC is the identity provider that people sign in with; without an issuer
// only API tokens sign in.
type OIDC struct {
	Issuer       string   `env:"TRELLIS_OIDC_ISSUER" help:"https://… of the OpenID Connect provider that people sign in with; empty for API tokens only."`
	ClientID     string   `env:"TRELLIS_OIDC_CLIENT_ID" help:"This server's client id there."`
	ClientSecret string   `env:"TRELLIS_OIDC_CLIENT_SECRET" help:"This server's client secret there; empty for a public client." json:"-"`
	Organization string   `env:"TRELLIS_OIDC_ORGANIZATION" help:"The organization (org_…) whose people these are."`
	RoleClaim    string   `env:"TRELLIS_OIDC_ROLE_CLAIM" default:"groups" help:"The claim that tells roles or groups: a name, or a path with dots."`
	Roles        []string `env:"TRELLIS_OIDC_ROLES" help:"What its values mean: trellis-admins=ADMIN,hiring=VIEWER. Of several the highest counts."`
	DefaultRole  string   `env:"TRELLIS_OIDC_DEFAULT_ROLE" help:"The role of people without one; empty: they are refused."`
}

// personRoles are the roles that a person can have.
func personRoles() []string { return []string{"ADMIN", "APPROVER", "RECRUITER", "VIEWER"} }

// Configured reports whether there is a provider.
func (o OIDC) Configured() bool { return o.Issuer != "" }

// RoleMap returns what the values of the claim mean.
func (o OIDC) RoleMap() (map[string]string, error) {
	roles := map[string]string{}
	for _, pair := range o.Roles {
		i := strings.LastIndex(pair, "=") // names may hold one
		if i < 1 || !slices.Contains(personRoles(), strings.TrimSpace(pair[i+1:])) {
			return nil, fmt.Errorf("TRELLIS_OIDC_ROLES is written name=ROLE,name=ROLE with roles of %s", strings.Join(personRoles(), ", "))
		}
		roles[strings.TrimSpace(pair[:i])] = strings.TrimSpace(pair[i+1:])
	}
	return roles, nil
}

func (o OIDC) validate() error {
	if !o.Configured() {
		return nil
	}
	roles, err := o.RoleMap()
	problems := []error{err, checkIssuer(o.Issuer)}
	if o.ClientID == "" {
		problems = append(problems, errors.New("TRELLIS_OIDC_CLIENT_ID is not set"))
	}
	if !strings.HasPrefix(o.Organization, "org_") {
		problems = append(problems, errors.New("TRELLIS_OIDC_ORGANIZATION is not an organization's id; trellis setup prints it, it begins with org_"))
	}
	if o.DefaultRole != "" && !slices.Contains(personRoles(), o.DefaultRole) {
		problems = append(problems, fmt.Errorf("TRELLIS_OIDC_DEFAULT_ROLE is not one of %s", strings.Join(personRoles(), ", ")))
	}
	if err == nil && o.DefaultRole == "" && (len(roles) == 0 || o.RoleClaim == "") {
		problems = append(problems, errors.New("nobody could sign in by OpenID Connect: set TRELLIS_OIDC_ROLES or TRELLIS_OIDC_DEFAULT_ROLE"))
	}
	return errors.Join(problems...)
}

// checkIssuer wants https, but for a provider on this machine.
func checkIssuer(issuer string) error {
	if err := checkURL("TRELLIS_OIDC_ISSUER", issuer, "https", "http"); err != nil {
		return err
	}
	u, err := url.Parse(issuer)
	if err != nil || (u.Scheme != "https" && !net.ParseIP(u.Hostname()).IsLoopback() && u.Hostname() != "localhost") {
		return errors.New("TRELLIS_OIDC_ISSUER is not https: identities could be forged on the way")
	}
	return nil
}
