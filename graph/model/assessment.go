package model

import (
	"time"

	"github.com/trellis-ats/trellis/core"
)

// Assessment is an assessment as callers see it.
type Assessment struct {
	*core.Assessment
	Batch *Batch[core.Assessment]
}

// ViewAssessment is a view of one of a batch.
func ViewAssessment(a *core.Assessment, b *Batch[core.Assessment]) Assessment {
	return Assessment{a, b}
}

// NewAssessment is a view of a single assessment, or nil of nil.
func NewAssessment(a *core.Assessment) *Assessment { return single(a, ViewAssessment) }

// IsNode marks a node.
func (*Assessment) IsNode() {}

// OrderedBy is nil if not told.
func (a Assessment) OrderedBy() *string { return optional(a.Assessment.OrderedBy) }

// Delivery is the way of the result back to the ATS.
func (a Assessment) Delivery() Delivery { return Delivery{a.Assessment} }

// Delivery shows what an assessment knows of its delivery.
type Delivery struct{ of *core.Assessment }

// State is how far it is.
func (d Delivery) State() core.DeliveryState { return d.of.Delivery }

// Note is nil if there is nothing to say.
func (d Delivery) Note() *string { return optional(d.of.DeliveryNote) }

// DeliveredRevision is nil for none.
func (d Delivery) DeliveredRevision() *int {
	if d.of.DeliveredRev == 0 {
		return nil
	}
	return &d.of.DeliveredRev
}

// DeliveredAt is zero if not yet.
func (d Delivery) DeliveredAt() time.Time { return d.of.DeliveredAt }

type (
	// AssessmentConnection is a page of assessments.
	AssessmentConnection = Connection[Assessment]
	// AssessmentEdge is an assessment in a page.
	AssessmentEdge = Edge[Assessment]
)

// NewAssessments shapes a page of the list l of assessments.
func NewAssessments(l List, p *core.Paged[core.Assessment]) *AssessmentConnection {
	return connection(l, p, func(a *core.Assessment) core.ID { return a.ID }, ViewAssessment)
}
