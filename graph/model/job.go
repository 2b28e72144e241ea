package model

import "github.com/trellis-ats/trellis/core"

// Job is a job as callers see it.
type Job struct {
	*core.Job
	Batch *Batch[core.Job]
}

// ViewJob is a view of one of a batch.
func ViewJob(j *core.Job, b *Batch[core.Job]) Job { return Job{j, b} }

// NewJob is a view of a single job, or nil of nil.
func NewJob(j *core.Job) *Job { return single(j, ViewJob) }

// IsNode marks a node.
func (*Job) IsNode() {}

// ExternalID is nil if not known.
func (j Job) ExternalID() *string { return optional(j.Job.ExternalID) }

type (
	// JobConnection is a page of jobs.
	JobConnection = Connection[Job]
	// JobEdge is a job in a page.
	JobEdge = Edge[Job]
)

// NewJobs shapes a page of jobs.
func NewJobs(p *core.Paged[core.Job]) *JobConnection {
	return connection(ListJobs, p, func(j *core.Job) core.ID { return j.ID }, ViewJob)
}
