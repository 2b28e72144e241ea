package model

import (
	"github.com/99designs/gqlgen/graphql"

	"github.com/trellis-ats/trellis/core"
)

// RoutingDecision is a routing decision as callers see it.
type RoutingDecision struct {
	*core.RoutingDecision
	Batch *Batch[core.RoutingDecision]
}

// ViewRoutingDecision is a view of one of a batch.
func ViewRoutingDecision(d *core.RoutingDecision, b *Batch[core.RoutingDecision]) RoutingDecision {
	return RoutingDecision{d, b}
}

// NewRoutingDecision is a view of a single decision, or nil of nil.
func NewRoutingDecision(d *core.RoutingDecision) *RoutingDecision {
	return single(d, ViewRoutingDecision)
}

// IsNode marks a node.
func (*RoutingDecision) IsNode() {}

// Advance is from where the rule advanced.
func (d RoutingDecision) Advance() core.Score { return d.Terms.Advance }

// Review is from where the rule had reviewed.
func (d RoutingDecision) Review() core.Score { return d.Terms.Review }

// Score is what was decided.
func (d RoutingDecision) Score() core.Score { return d.Inputs.Score }

// IntegrityFlags are what was suspicious.
func (d RoutingDecision) IntegrityFlags() []string { return notNil(d.Inputs.IntegrityFlags) }

// MissingTraits are what the result lacks.
func (d RoutingDecision) MissingTraits() []string { return notNil(d.Inputs.MissingTraits) }

// Accommodation reports whether the test was adapted.
func (d RoutingDecision) Accommodation() bool { return d.Inputs.Accommodation }

// Action is nil for nothing.
func (d RoutingDecision) Action() *core.RoutingAction { return given(d.RoutingDecision.Action) }

// Hold is nil if it waits for nobody.
func (d RoutingDecision) Hold() *core.Hold { return given(d.RoutingDecision.Hold) }

// Note is nil if there is nothing to say.
func (d RoutingDecision) Note() *string { return optional(d.RoutingDecision.Note) }

// Reason is nil if none was told.
func (d RoutingDecision) Reason() *string { return optional(d.RoutingDecision.Reason) }

// DecidedBy is who decided last.
func (d RoutingDecision) DecidedBy() string { return d.ActorName }

// StageID is nil until it was read.
func (d RoutingDecision) StageID() *string { return optional(d.RoutingDecision.StageID) }

// ToStageID is nil until it was read.
func (d RoutingDecision) ToStageID() *string { return optional(d.RoutingDecision.ToStageID) }

// FaultCode is nil if the ATS refused nothing.
func (d RoutingDecision) FaultCode() *string { return optional(string(d.RoutingDecision.FaultCode)) }

// DecisionStep is a step of the register as callers see it.
type DecisionStep struct{ *core.DecisionStep }

// From is nil for the first.
func (s DecisionStep) From() *core.DecisionState { return given(s.DecisionStep.From) }

// Action is nil for nothing.
func (s DecisionStep) Action() *core.RoutingAction { return given(s.DecisionStep.Action) }

// Hold is nil if it waited for nobody.
func (s DecisionStep) Hold() *core.Hold { return given(s.DecisionStep.Hold) }

// Note is nil if there was nothing to say.
func (s DecisionStep) Note() *string { return optional(s.DecisionStep.Note) }

// Reason is nil if none was told.
func (s DecisionStep) Reason() *string { return optional(s.DecisionStep.Reason) }

// DecisionOutcome is what came of one of several.
type DecisionOutcome struct {
	DecisionID core.ID
	Decision   *RoutingDecision
	UserErrors []UserError
}

// NewDecisionOutcomes shapes what came of several; nil of nil.
func NewDecisionOutcomes(outcomes []core.DecisionOutcome) []DecisionOutcome {
	if outcomes == nil {
		return nil
	}
	all := make([]DecisionOutcome, len(outcomes))
	for i, o := range outcomes {
		all[i] = DecisionOutcome{o.DecisionID, NewRoutingDecision(o.Decision), []UserError{}}
		if o.Refusal != nil {
			all[i].UserErrors = NewUserErrors(o.Refusal, "decisionIds")
		}
	}
	return all
}

type (
	// RoutingDecisionConnection is a page of decisions.
	RoutingDecisionConnection = Connection[RoutingDecision]
	// RoutingDecisionEdge is a decision in a page.
	RoutingDecisionEdge = Edge[RoutingDecision]
)

// NewRoutingDecisions shapes a page of decisions.
func NewRoutingDecisions(p *core.Paged[core.RoutingDecision]) *RoutingDecisionConnection {
	return connection(ListDecisions, p, func(d *core.RoutingDecision) core.ID { return d.ID }, ViewRoutingDecision)
}

// given makes an empty value nil.
func given[T ~string](v T) *T {
	if v == "" {
		return nil
	}
	return &v
}

func notNil(all []string) []string {
	if all == nil {
		return []string{}
	}
	return all
}

// MarshalRoutingAction writes what a score asks for.
func MarshalRoutingAction(v core.RoutingAction) graphql.Marshaler {
	return graphql.MarshalString(string(v))
}

// UnmarshalRoutingAction reads what a score asks for.
func UnmarshalRoutingAction(v any) (core.RoutingAction, error) { return enum[core.RoutingAction](v) }

// MarshalIndicator writes a colour.
func MarshalIndicator(v core.Indicator) graphql.Marshaler {
	return graphql.MarshalString(string(v))
}

// UnmarshalIndicator reads a colour.
func UnmarshalIndicator(v any) (core.Indicator, error) { return enum[core.Indicator](v) }

// MarshalRoutingDecisionState writes a decision's state.
func MarshalRoutingDecisionState(v core.DecisionState) graphql.Marshaler {
	return graphql.MarshalString(string(v))
}

// UnmarshalRoutingDecisionState reads a decision's state.
func UnmarshalRoutingDecisionState(v any) (core.DecisionState, error) {
	return enum[core.DecisionState](v)
}

// MarshalDecisionHold writes why a decision waits.
func MarshalDecisionHold(v core.Hold) graphql.Marshaler {
	return graphql.MarshalString(string(v))
}

// UnmarshalDecisionHold reads why a decision waits.
func UnmarshalDecisionHold(v any) (core.Hold, error) { return enum[core.Hold](v) }

// MarshalReviewAction writes what a person decides.
func MarshalReviewAction(v core.ReviewAction) graphql.Marshaler {
	return graphql.MarshalString(string(v))
}

// UnmarshalReviewAction reads what a person decides.
func UnmarshalReviewAction(v any) (core.ReviewAction, error) { return enum[core.ReviewAction](v) }
