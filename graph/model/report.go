package model

import "github.com/trellis-ats/trellis/core"

// Report is a report as callers see it.
type Report struct{ *core.Report }

// Summary is nil if there is none.
func (r Report) Summary() *string { return optional(r.Report.Summary) }

// Analysis is nil if there is none.
func (r Report) Analysis() *string { return optional(r.Report.Analysis) }

// Moments are the places that moved the score.
func (r Report) Moments() []ReportMoment {
	moments := make([]ReportMoment, len(r.Report.Moments))
	for i := range r.Report.Moments {
		moments[i] = ReportMoment{&r.Report.Moments[i]}
	}
	return moments
}

// ReportMoment is a place in the conversation.
type ReportMoment struct{ *core.Moment }

// Trait is nil if it moved none.
func (m ReportMoment) Trait() *string { return optional(m.Moment.Trait) }

// Impact is nil if not told.
func (m ReportMoment) Impact() *string { return optional(m.Moment.Impact) }

// Quote is nil if nothing was quoted.
func (m ReportMoment) Quote() *string { return optional(m.Moment.Quote) }

// Comment is nil if the engine says nothing about it.
func (m ReportMoment) Comment() *string { return optional(m.Moment.Comment) }
