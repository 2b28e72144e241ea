package model

import "github.com/trellis-ats/trellis/core"

// JobMapping is a mapping as callers see it.
type JobMapping struct {
	*core.JobMapping
	Batch *Batch[core.JobMapping]
}

// ViewJobMapping is a view of one of a batch.
func ViewJobMapping(m *core.JobMapping, b *Batch[core.JobMapping]) JobMapping {
	return JobMapping{m, b}
}

// NewJobMapping is a view of a single mapping, or nil of nil.
func NewJobMapping(m *core.JobMapping) *JobMapping { return single(m, ViewJobMapping) }

// ExternalStageID is nil for the job's first stage.
func (m JobMapping) ExternalStageID() *string { return optional(m.JobMapping.ExternalStageID) }

// ExternalStageName is nil for the job's first stage.
func (m JobMapping) ExternalStageName() *string { return optional(m.JobMapping.ExternalStageName) }

type (
	// JobMappingConnection is a page of mappings.
	JobMappingConnection = Connection[JobMapping]
	// JobMappingEdge is a mapping in a page.
	JobMappingEdge = Edge[JobMapping]
)

// NewJobMappings shapes a page of mappings.
func NewJobMappings(p *core.Paged[core.JobMapping]) *JobMappingConnection {
	return connection(ListJobMappings, p, func(m *core.JobMapping) core.ID { return m.ID }, ViewJobMapping)
}
