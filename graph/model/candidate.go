package model

import "github.com/trellis-ats/trellis/core"

// Candidate is a candidate as callers see it.
type Candidate struct{ *core.Candidate }

// NewCandidate is a view of c, or nil of nil.
func NewCandidate(c *core.Candidate) *Candidate {
	if c == nil {
		return nil
	}
	return &Candidate{c}
}

// IsNode marks a node.
func (*Candidate) IsNode() {}

// PreferredName is nil if not told.
func (c Candidate) PreferredName() *string { return optional(c.Candidate.PreferredName) }

// Phone is nil if not told.
func (c Candidate) Phone() *string { return optional(c.Candidate.Phone) }

// ExternalID is nil if not known.
func (c Candidate) ExternalID() *string { return optional(c.Candidate.ExternalID) }
