package model

import (
	"slices"

	"github.com/trellis-ats/trellis/core"
)

// Node is what can be fetched by its id.
type Node interface{ IsNode() }

// Organization is the tenant.
type Organization struct{ *core.Organization }

// NewOrganization is a view of c, or nil of nil.
func NewOrganization(c *core.Organization) *Organization {
	if c == nil {
		return nil
	}
	return &Organization{c}
}

// IsNode marks a node.
func (*Organization) IsNode() {}

// Viewer is who is asking.
type Viewer struct {
	Organization Organization
	core.Actor
}

// TokenID is empty for someone who signed in to the dashboard.
func (v Viewer) TokenID() core.ID {
	if v.ID.Prefix() != core.PrefixToken {
		return ""
	}
	return v.ID
}

// Permissions are what the caller may do.
func (v Viewer) Permissions() []core.Permission {
	return slices.DeleteFunc(core.Permissions(), func(p core.Permission) bool { return !v.May(p) })
}
