package session

import (
	"slices"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/internal/httpd/page"
)

// claims are what a provider says of a person.
type claims map[string]any

func (c claims) text(name string) string {
	s, _ := c[name].(string)
	return s
}

// verified tells whether the provider knows the e-mail address to be the
// person's. Some providers write the text "true".
func (c claims) verified() bool {
	return c["email_verified"] == true || c["email_verified"] == "true"
}

// values returns the texts of a claim: of that name or, failing that, along a
// path with dots, for providers that nest ("realm_access.roles").
func (c claims) values(name string) []string {
	found, ok := c[name]
	if !ok {
		found = map[string]any(c)
		for part := range strings.SplitSeq(name, ".") {
			inner, _ := found.(map[string]any)
			found = inner[part]
		}
	}
	switch v := found.(type) {
	case string:
		return []string{v}
	case []any:
		var texts []string
		for _, item := range v {
			if s, ok := item.(string); ok {
				texts = append(texts, s)
			}
		}
		return texts
	default:
		return nil
	}
}

// person makes a person of ours of what the provider says.
// Errors: fault.Unauthenticated, fault.Forbidden.
func (p *provider) person(token *oidc.IDToken, c claims) (*core.Person, error) {
	if len(token.Audience) > 1 && c.text("azp") != p.o.ClientID {
		return nil, fault.New(fault.Unauthenticated, "What your identity provider answered was meant for another program.")
	}
	email := strings.ToLower(strings.TrimSpace(c.text("email")))
	if email == "" || !c.verified() {
		return nil, fault.New(fault.Forbidden, "Your identity provider does not confirm your e-mail address. Ask an administrator to have it verified.")
	}
	role := p.role(c)
	if role == "" {
		return nil, fault.New(fault.Forbidden, "Your account has no role here. Ask an administrator for one.")
	}
	return &core.Person{OrganizationID: p.o.OrganizationID, Email: email, Name: nameOf(c, email), Role: role}, nil
}

// role is the highest that the claim maps to; TokenRoles begin with it.
func (p *provider) role(c claims) core.Role {
	var has []core.Role
	for _, value := range c.values(p.o.RoleClaim) {
		if role, ok := p.o.Roles[value]; ok {
			has = append(has, role)
		}
	}
	for _, role := range core.TokenRoles() {
		if slices.Contains(has, role) {
			return role
		}
	}
	return p.o.DefaultRole
}

func nameOf(c claims, email string) string {
	name := page.Line(c.text("name"))
	if name == "" || len(name) > 200 {
		return email
	}
	return name
}
