package model

import "github.com/trellis-ats/trellis/core"

// StageTrigger is a stage trigger as callers see it.
type StageTrigger struct {
	*core.StageTrigger
	Batch *Batch[core.StageTrigger]
}

// ViewStageTrigger is a view of one of a batch.
func ViewStageTrigger(t *core.StageTrigger, b *Batch[core.StageTrigger]) StageTrigger {
	return StageTrigger{t, b}
}

// NewStageTrigger is a view of a single trigger, or nil of nil.
func NewStageTrigger(t *core.StageTrigger) *StageTrigger { return single(t, ViewStageTrigger) }
