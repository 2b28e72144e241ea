package model

import (
	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// PushPreview is what a push would write, as callers see it.
type PushPreview struct{ of *core.PushPreview }

// NewPushPreview is a view of p, or nil of nil.
func NewPushPreview(p *core.PushPreview) *PushPreview {
	if p == nil {
		return nil
	}
	return &PushPreview{p}
}

// Problems are why it would not be pushed.
func (p PushPreview) Problems() []UserError { return refused(p.of.Problem) }

// Connection is the one that it would go over.
func (p PushPreview) Connection() *ATSConnection { return NewATSConnection(p.of.Connection) }

// Revision is nil before there is a result.
func (p PushPreview) Revision() *int {
	if p.of.Revision == 0 {
		return nil
	}
	return &p.of.Revision
}

// Recommendation is nil before there is a result.
func (p PushPreview) Recommendation() *ats.Recommendation {
	if p.of.Recommendation == "" {
		return nil
	}
	return &p.of.Recommendation
}

// Steps are in their order.
func (p PushPreview) Steps() []PushPreviewStep {
	all := make([]PushPreviewStep, len(p.of.Steps))
	for i := range all {
		all[i] = PushPreviewStep{&p.of.Steps[i]}
	}
	return all
}

// PushPreviewStep is a step and what it would write.
type PushPreviewStep struct{ *core.PreviewStep }

// Off is nil if it would not be skipped.
func (s PushPreviewStep) Off() *string { return optional(s.PreviewStep.Off) }

// PushEstimate is what pushing several assessments would take.
type PushEstimate struct{ *core.PushEstimate }

// NewPushEstimate is a view of e, or nil of nil.
func NewPushEstimate(e *core.PushEstimate) *PushEstimate {
	if e == nil {
		return nil
	}
	return &PushEstimate{e}
}

// Connection is the one that they would go over.
func (e PushEstimate) Connection() *ATSConnection { return NewATSConnection(e.PushEstimate.Connection) }

// Refused are those that would not be pushed.
func (e PushEstimate) Refused() []PushRefusal {
	all := make([]PushRefusal, len(e.PushEstimate.Refused))
	for i, r := range e.PushEstimate.Refused {
		all[i] = PushRefusal{r.AssessmentID, refused(r.Err)}
	}
	return all
}

// DurationSeconds is rounded up.
func (e PushEstimate) DurationSeconds() int { return int((e.Duration + 999_999_999).Seconds()) }

// PushRefusal tells why an assessment would not be pushed.
type PushRefusal struct {
	AssessmentID core.ID
	UserErrors   []UserError
}

// PushOutcome is what came of one of several.
type PushOutcome struct {
	AssessmentID core.ID
	Push         *Push
	UserErrors   []UserError
}

// NewPushOutcomes shapes what came of several.
func NewPushOutcomes(outcomes []core.PushOutcome) []PushOutcome {
	all := make([]PushOutcome, len(outcomes))
	for i, o := range outcomes {
		all[i] = PushOutcome{o.AssessmentID, NewPush(o.Push), refused(o.Refusal)}
	}
	return all
}

// refused shapes the refusal of an assessment; none if it was not refused.
func refused(e *fault.Error) []UserError {
	if e == nil {
		return []UserError{}
	}
	return NewUserErrors(e, "assessmentId")
}
