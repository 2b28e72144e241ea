package model

import "github.com/trellis-ats/trellis/core"

// Erasure is the record of an erasure as callers see it.
type Erasure struct{ *core.Erasure }

type (
	// ErasureConnection is a page of erasures.
	ErasureConnection = Connection[Erasure]
	// ErasureEdge is an erasure in a page.
	ErasureEdge = Edge[Erasure]
)

// NewErasures shapes a page of erasures.
func NewErasures(p *core.Paged[core.Erasure]) *ErasureConnection {
	return connection(ListErasures, p, func(e *core.Erasure) core.ID { return e.ID },
		func(e *core.Erasure, _ *Batch[core.Erasure]) Erasure { return Erasure{e} })
}
