package core

import (
	"context"
	"strings"
	"time"

	"github.com/trellis-ats/trellis/core/fault"
)

// Organization is a hiring company, the tenant: every other row belongs to one.
type Organization struct {
	ID        ID
	Name      string
	CreatedAt time.Time
}

// Validate checks what a person typed. Errors: fault.Invalid.
func (o Organization) Validate() error {
	return requireText("name", o.Name, 200)
}

// OrganizationReader finds organizations.
type OrganizationReader interface {
	// Organization returns one. Errors: fault.NotFound.
	Organization(ctx context.Context, id ID) (*Organization, error)
	// OrganizationByName returns one by its exact name. Errors: fault.NotFound.
	OrganizationByName(ctx context.Context, name string) (*Organization, error)
}

// OrganizationWriter keeps organizations.
type OrganizationWriter interface {
	InsertOrganization(ctx context.Context, o *Organization) error
}

// requireText checks a text that a person must give: not blank, no control
// characters, at most limit bytes.
func requireText(path, text string, limit int) error {
	if strings.TrimSpace(text) == "" {
		return fault.InvalidField(path, "REQUIRED", "%s is required.", path)
	}
	return optionalText(path, text, limit)
}

func optionalText(path, text string, limit int) error {
	if len(text) > limit {
		return fault.InvalidField(path, "TOO_LONG", "%s is longer than %d bytes.", path, limit)
	}
	if strings.ContainsFunc(text, isControl) {
		return fault.InvalidField(path, "CONTROL_CHARACTER", "%s holds a control character or line break.", path)
	}
	return nil
}

func isControl(r rune) bool { return r < 0x20 || r == 0x7f || r == 0x2028 || r == 0x2029 }

// Organizations are the use cases around organizations.
type Organizations struct{ store Store }

// NewOrganizations returns the use cases.
func NewOrganizations(s Store) *Organizations { return &Organizations{store: s} }

// Own returns the actor's organization, whatever the role.
// Errors: fault.Unauthenticated without an actor.
func (os *Organizations) Own(ctx context.Context, by Actor) (*Organization, error) {
	if by.OrganizationID == "" || by.Role == "" {
		return nil, by.Require(PermitRead)
	}
	return os.store.Organization(ctx, by.OrganizationID)
}
