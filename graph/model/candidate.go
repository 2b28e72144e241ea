package model

import "github.com/trellis-ats/trellis/core"

// Candidate is a candidate as callers see it.
type Candidate struct {
	*core.Candidate
	Batch *Batch[core.Candidate]
}

// ViewCandidate is a view of one of a batch.
func ViewCandidate(c *core.Candidate, b *Batch[core.Candidate]) Candidate { return Candidate{c, b} }

// NewCandidate is a view of a single candidate, or nil of nil.
func NewCandidate(c *core.Candidate) *Candidate { return single(c, ViewCandidate) }

// IsNode marks a node.
func (*Candidate) IsNode() {}

// PreferredName is nil if not told.
func (c Candidate) PreferredName() *string { return optional(c.Candidate.PreferredName) }

// Phone is nil if not told.
func (c Candidate) Phone() *string { return optional(c.Candidate.Phone) }

// ExternalID is nil if not known.
func (c Candidate) ExternalID() *string { return optional(c.Candidate.ExternalID) }

type (
	// CandidateConnection is a page of candidates.
	CandidateConnection = Connection[Candidate]
	// CandidateEdge is a candidate in a page.
	CandidateEdge = Edge[Candidate]
)

// NewCandidates shapes a page of candidates.
func NewCandidates(p *core.Paged[core.Candidate]) *CandidateConnection {
	return connection(ListCandidates, p, func(c *core.Candidate) core.ID { return c.ID }, ViewCandidate)
}
