package model

import (
	"github.com/99designs/gqlgen/graphql"

	"github.com/trellis-ats/trellis/core"
)

// PushProfile is a push profile as callers see it.
type PushProfile struct{ *core.PushProfile }

// NewPushProfile is a view of p, or nil of nil.
func NewPushProfile(p *core.PushProfile) *PushProfile {
	if p == nil {
		return nil
	}
	return &PushProfile{p}
}

// Scorecard is what a scorecard shows.
func (p PushProfile) Scorecard() ScorecardMapping { return ScorecardMapping(p) }

// Destinations are where each datum goes.
func (p PushProfile) Destinations() []PushDestination {
	all := make([]PushDestination, len(p.PushProfile.Destinations))
	for i := range all {
		all[i] = PushDestination{&p.PushProfile.Destinations[i]}
	}
	return all
}

// SourceID is nil for none.
func (p PushProfile) SourceID() *string { return optional(p.PushProfile.SourceID) }

// SourceName is nil for none.
func (p PushProfile) SourceName() *string { return optional(p.PushProfile.SourceName) }

// MarshalMatchPolicy writes a policy.
func MarshalMatchPolicy(v core.MatchPolicy) graphql.Marshaler {
	return graphql.MarshalString(string(v))
}

// UnmarshalMatchPolicy reads a policy.
func UnmarshalMatchPolicy(v any) (core.MatchPolicy, error) { return enum[core.MatchPolicy](v) }

// MarshalApplicationPolicy writes a policy.
func MarshalApplicationPolicy(v core.ApplicationPolicy) graphql.Marshaler {
	return graphql.MarshalString(string(v))
}

// UnmarshalApplicationPolicy reads a policy.
func UnmarshalApplicationPolicy(v any) (core.ApplicationPolicy, error) {
	return enum[core.ApplicationPolicy](v)
}

// MarshalJobPolicy writes a policy.
func MarshalJobPolicy(v core.JobPolicy) graphql.Marshaler { return graphql.MarshalString(string(v)) }

// UnmarshalJobPolicy reads a policy.
func UnmarshalJobPolicy(v any) (core.JobPolicy, error) { return enum[core.JobPolicy](v) }
