package model

import "github.com/trellis-ats/trellis/core"

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

// TokenID is the id of the API token that came with the request.
func (v Viewer) TokenID() core.ID { return v.ID }
