package model

import (
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/trellis-ats/trellis/core"
)

// Push is a push as callers see it.
type Push struct {
	*core.Push
	Batch *Batch[core.Push]
}

// ViewPush is a view of one of a batch.
func ViewPush(p *core.Push, b *Batch[core.Push]) Push { return Push{p, b} }

// NewPush is a view of a single push, or nil of nil.
func NewPush(p *core.Push) *Push { return single(p, ViewPush) }

// IsNode marks a node.
func (*Push) IsNode() {}

// RequestedBy is nil if nobody is named.
func (p Push) RequestedBy() *string { return optional(p.Push.RequestedBy) }

// FaultCode is nil if nothing went wrong.
func (p Push) FaultCode() *string { return optional(string(p.Push.FaultCode)) }

// Message is nil if there is nothing to say.
func (p Push) Message() *string { return optional(p.Push.Message) }

// Advice is nil if there is nothing to do.
func (p Push) Advice() *string { return optional(p.Push.Advice) }

// Question is nil for none.
func (p Push) Question() *PushQuestion {
	if p.Push.Question.Kind == "" {
		return nil
	}
	return &PushQuestion{&p.Push.Question}
}

// Steps are in their order.
func (p Push) Steps() []PushStep { return pushSteps(p.Push.Steps) }

// CandidateExternalID is nil until it is known.
func (p Push) CandidateExternalID() *string { return optional(p.ExternalCandidateID) }

// ApplicationExternalID is nil until it is known.
func (p Push) ApplicationExternalID() *string { return optional(p.ExternalApplicationID) }

// DueAt is zero if the push does not go on by itself.
func (p Push) DueAt() time.Time { return p.Due() }

// PushStep is a step of a push as callers see it.
type PushStep struct{ *core.PushStep }

func pushSteps(steps []core.PushStep) []PushStep {
	all := make([]PushStep, len(steps))
	for i := range steps {
		all[i] = PushStep{&steps[i]}
	}
	return all
}

// Reference is nil if there is no receipt.
func (s PushStep) Reference() *string { return optional(s.PushStep.Reference) }

// FaultCode is nil if nothing went wrong.
func (s PushStep) FaultCode() *string { return optional(string(s.PushStep.FaultCode)) }

// Message is nil if there is nothing to say.
func (s PushStep) Message() *string { return optional(s.PushStep.Message) }

// PushQuestion is what a push asks.
type PushQuestion struct{ *core.PushQuestion }

// NewPushChoices shapes whom or what a question is about.
func NewPushChoices(choices []core.PushChoice) []PushChoice {
	all := make([]PushChoice, len(choices))
	for i := range all {
		all[i] = PushChoice{&choices[i]}
	}
	return all
}

// PushChoice is what a question is about.
type PushChoice struct{ *core.PushChoice }

// CandidateExternalID is nil for none.
func (c PushChoice) CandidateExternalID() *string { return optional(c.CandidateID) }

// ApplicationExternalID is nil for none.
func (c PushChoice) ApplicationExternalID() *string { return optional(c.ApplicationID) }

type (
	// PushConnection is a page of pushes.
	PushConnection = Connection[Push]
	// PushEdge is a push in a page.
	PushEdge = Edge[Push]
)

// NewPushes shapes a page of pushes.
func NewPushes(p *core.Paged[core.Push]) *PushConnection {
	return connection(ListPushes, p, func(p *core.Push) core.ID { return p.ID }, ViewPush)
}

// SharedPushes shapes a page of pushes that were read together with others.
func SharedPushes(p *core.Paged[core.Push], b *Batch[core.Push]) *PushConnection {
	return connection(ListPushes, p, func(p *core.Push) core.ID { return p.ID },
		func(p *core.Push, _ *Batch[core.Push]) Push { return Push{p, b} })
}

// MarshalPushState writes a push's state.
func MarshalPushState(v core.PushState) graphql.Marshaler { return graphql.MarshalString(string(v)) }

// UnmarshalPushState reads a push's state.
func UnmarshalPushState(v any) (core.PushState, error) { return enum[core.PushState](v) }

// MarshalStepKind writes what a step does.
func MarshalStepKind(v core.StepKind) graphql.Marshaler { return graphql.MarshalString(string(v)) }

// UnmarshalStepKind reads what a step does.
func UnmarshalStepKind(v any) (core.StepKind, error) { return enum[core.StepKind](v) }

// MarshalStepState writes a step's state.
func MarshalStepState(v core.StepState) graphql.Marshaler { return graphql.MarshalString(string(v)) }

// UnmarshalStepState reads a step's state.
func UnmarshalStepState(v any) (core.StepState, error) { return enum[core.StepState](v) }

// MarshalPushQuestionKind writes what a push asks.
func MarshalPushQuestionKind(v core.QuestionKind) graphql.Marshaler {
	return graphql.MarshalString(string(v))
}

// UnmarshalPushQuestionKind reads what a push asks.
func UnmarshalPushQuestionKind(v any) (core.QuestionKind, error) { return enum[core.QuestionKind](v) }
