package model

import (
	"github.com/99designs/gqlgen/graphql"

	"github.com/trellis-ats/trellis/core"
)

// PushRule is a push rule as callers see it.
type PushRule struct {
	*core.PushRule
	Batch *Batch[core.PushRule]
}

// ViewPushRule is a view of one of a batch.
func ViewPushRule(r *core.PushRule, b *Batch[core.PushRule]) PushRule { return PushRule{r, b} }

// NewPushRule is a view of a single rule, or nil of nil.
func NewPushRule(r *core.PushRule) *PushRule { return single(r, ViewPushRule) }

// Minimum is nil where none counts.
func (r PushRule) Minimum() *core.Score {
	if r.Mode != core.PushOnThreshold {
		return nil
	}
	return &r.PushRule.Minimum
}

// MarshalPushMode writes when results are pushed.
func MarshalPushMode(m core.PushMode) graphql.Marshaler { return graphql.MarshalString(string(m)) }

// UnmarshalPushMode reads when results are pushed.
func UnmarshalPushMode(v any) (core.PushMode, error) { return enum[core.PushMode](v) }
