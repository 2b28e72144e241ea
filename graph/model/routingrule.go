package model

import (
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/trellis-ats/trellis/core"
)

// RoutingRule is a routing rule as callers see it.
type RoutingRule struct {
	*core.RoutingRule
	Batch *Batch[core.RoutingRule]
}

// ViewRoutingRule is a view of one of a batch.
func ViewRoutingRule(r *core.RoutingRule, b *Batch[core.RoutingRule]) RoutingRule {
	return RoutingRule{r, b}
}

// NewRoutingRule is a view of a single rule, or nil of nil.
func NewRoutingRule(r *core.RoutingRule) *RoutingRule { return single(r, ViewRoutingRule) }

// Advance is from where scores advance.
func (r RoutingRule) Advance() core.Score { return r.Terms.Advance }

// Review is from where scores are reviewed.
func (r RoutingRule) Review() core.Score { return r.Terms.Review }

// Pilot reports whether it only suggests.
func (r RoutingRule) Pilot() bool { return r.Terms.Pilot }

// AdvanceToStageID is nil for the next stage.
func (r RoutingRule) AdvanceToStageID() *string { return optional(r.Terms.AdvanceTo) }

// Rejection is how it rejects.
func (r RoutingRule) Rejection() RoutingRejection { return RoutingRejection{&r.Terms.Rejection} }

// ProposedBy is who proposed it.
func (r RoutingRule) ProposedBy() string { return r.Proposed.Name }

// ProposedAt is when it was proposed.
func (r RoutingRule) ProposedAt() time.Time { return r.Proposed.At }

// ApprovedBy is nil if nobody approved it.
func (r RoutingRule) ApprovedBy() *string { return optional(r.Approved.Name) }

// ApprovedAt is zero if nobody approved it.
func (r RoutingRule) ApprovedAt() time.Time { return r.Approved.At }

// ChangedBy is nil if nobody paused, resumed or retired it.
func (r RoutingRule) ChangedBy() *string { return optional(r.Changed.Name) }

// ChangedAt is zero if nobody paused, resumed or retired it.
func (r RoutingRule) ChangedAt() time.Time { return r.Changed.At }

// Note is nil if nothing was told.
func (r RoutingRule) Note() *string { return optional(r.RoutingRule.Note) }

// RoutingRejection is how a rule rejects.
type RoutingRejection struct{ *core.RejectionTerms }

// ReasonID is nil if the rule rejects nobody.
func (r RoutingRejection) ReasonID() *string { return optional(r.RejectionTerms.ReasonID) }

// EmailTemplateID is nil if the rule rejects nobody.
func (r RoutingRejection) EmailTemplateID() *string {
	return optional(r.RejectionTerms.EmailTemplateID)
}

// RoutingSwitch is a routing switch as callers see it.
type RoutingSwitch struct{ *core.RoutingSwitch }

// NewRoutingSwitch is a view of s, or nil of nil.
func NewRoutingSwitch(s *core.RoutingSwitch) *RoutingSwitch {
	if s == nil {
		return nil
	}
	return &RoutingSwitch{s}
}

// NewRoutingSwitches are views of several.
func NewRoutingSwitches(all []core.RoutingSwitch) []RoutingSwitch {
	views := make([]RoutingSwitch, len(all))
	for i := range all {
		views[i] = RoutingSwitch{&all[i]}
	}
	return views
}

// Note is nil if nothing was told.
func (s RoutingSwitch) Note() *string { return optional(s.RoutingSwitch.Note) }

// MarshalRoutingRuleState writes a rule's state.
func MarshalRoutingRuleState(v core.RuleState) graphql.Marshaler {
	return graphql.MarshalString(string(v))
}

// UnmarshalRoutingRuleState reads a rule's state.
func UnmarshalRoutingRuleState(v any) (core.RuleState, error) { return enum[core.RuleState](v) }
