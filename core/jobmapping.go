package core

import (
	"context"
	"time"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// JobMapping tells which of an ATS's jobs one of ours is there, and in which
// stage a pushed candidate begins. A connection has at most one for a job.
type JobMapping struct {
	ID                ID
	OrganizationID    ID
	ConnectionID      ID
	JobID             ID     // ours
	ExternalJobID     string // the ATS's
	ExternalJobName   string // as it was when the job was mapped
	ExternalStageID   string // empty: the job's first stage
	ExternalStageName string
	CreatedAt         time.Time
	UpdatedAt         time.Time
}

// JobMappingFilter narrows a list of mappings; empty fields do not.
type JobMappingFilter struct {
	ConnectionID  ID
	JobID         ID
	ExternalJobID string
}

// JobMappingReader finds mappings.
type JobMappingReader interface {
	// JobMapping returns that of a job on a connection. Errors: fault.NotFound.
	JobMapping(ctx context.Context, organization, connection, job ID) (*JobMapping, error)
	// JobMappings returns a page of the organization's, oldest first.
	JobMappings(ctx context.Context, organization ID, f JobMappingFilter, p Page) (*Paged[JobMapping], error)
}

// mappedJob returns our job that is mapped to one of the ATS, or "".
func mappedJob(ctx context.Context, r JobMappingReader, organization, connection ID, external string) (ID, error) {
	if external == "" {
		return "", nil
	}
	f := JobMappingFilter{ConnectionID: connection, ExternalJobID: external}
	mapped, err := r.JobMappings(ctx, organization, f, Page{First: 1})
	if err != nil || len(mapped.Items) == 0 {
		return "", err
	}
	return mapped.Items[0].JobID, nil
}

// JobMappingWriter keeps mappings.
type JobMappingWriter interface {
	// SaveJobMapping keeps m. One of the same connection and job is replaced
	// but for its id and the time when it was made, which m has afterwards.
	SaveJobMapping(ctx context.Context, m *JobMapping) error
	// DeleteJobMapping removes one. Errors: fault.NotFound.
	DeleteJobMapping(ctx context.Context, organization, connection, job ID) error
}

// JobMappings are the use cases around mappings.
type JobMappings struct {
	store   Store
	clock   Clock
	choices Choices
}

// NewJobMappings returns the use cases.
func NewJobMappings(s Store, c Clock, choices Choices) *JobMappings {
	return &JobMappings{store: s, clock: c, choices: choices}
}

// List returns a page of mappings, oldest first. Errors: fault.Forbidden, fault.Invalid.
func (ms *JobMappings) List(ctx context.Context, by Actor, f JobMappingFilter, p Page) (*Paged[JobMapping], error) {
	if err := by.Require(PermitReadSetup); err != nil {
		return nil, err
	}
	p, err := p.Normalize()
	if err != nil {
		return nil, err
	}
	return ms.store.JobMappings(ctx, by.OrganizationID, f, p)
}

// NewMapping is what a person says of a mapping. The ids of the ATS are those
// that its lists have; without a stage, candidates begin in the job's first.
type NewMapping struct {
	ConnectionID    ID
	JobID           ID
	ExternalJobID   string
	ExternalStageID string
}

// Map tells which of the ATS's jobs one of ours is, instead of what was said
// before. The same again changes nothing.
// Errors: fault.Forbidden, fault.NotFound, fault.Invalid for a job of the ATS
// that is closed or not there, or a stage of another job; those of the ATS.
func (ms *JobMappings) Map(ctx context.Context, by Actor, n NewMapping) (*JobMapping, error) {
	if err := by.Require(PermitConfigure); err != nil {
		return nil, err
	}
	if err := requireOwn(ctx, ms.store, by, n.ConnectionID, n.JobID); err != nil {
		return nil, err
	}
	m, err := ms.look(ctx, by, n)
	if err != nil {
		return nil, err
	}
	err = ms.store.Atomically(ctx, func(tx Tx) error { return ms.save(ctx, tx, by, m) })
	return m, err
}

// requireOwn checks that a connection and, if one is given, a job are the
// organization's. Errors: fault.NotFound.
func requireOwn(ctx context.Context, r Reader, by Actor, connection, job ID) error {
	if _, err := r.Connection(ctx, by.OrganizationID, connection); err != nil {
		return unknownField(err, "connectionId", "connection")
	}
	if job == "" {
		return nil
	}
	_, err := r.Job(ctx, by.OrganizationID, job)
	return unknownField(err, "jobId", "job")
}

// unknownField names the field of the input that names nothing.
func unknownField(err error, path, noun string) error {
	if !fault.Is(err, fault.NotFound) {
		return err
	}
	e := fault.InvalidField(path, "UNKNOWN", "There is no such %s. Nothing was changed.", noun)
	e.Code = fault.NotFound
	return e
}

// look finds job and stage in the ATS; no transaction is open.
func (ms *JobMappings) look(ctx context.Context, by Actor, n NewMapping) (*JobMapping, error) {
	job, err := chosen(ctx, ms.choices, by, choice{
		ChoiceQuery: ChoiceQuery{ConnectionID: n.ConnectionID, Kind: ats.ReferenceJobs},
		path:        "externalJobId", noun: "job", id: n.ExternalJobID,
	})
	if err != nil {
		return nil, err
	}
	now := ms.clock.Now()
	m := &JobMapping{
		ID: NewID(PrefixMapping), OrganizationID: by.OrganizationID, ConnectionID: n.ConnectionID, JobID: n.JobID,
		ExternalJobID: job.ID, ExternalJobName: job.Name, CreatedAt: now, UpdatedAt: now,
	}
	if n.ExternalStageID == "" {
		return m, nil
	}
	stage, err := chosen(ctx, ms.choices, by, choice{
		ChoiceQuery: ChoiceQuery{ConnectionID: n.ConnectionID, Kind: ats.ReferenceStages, Parent: job.ID},
		path:        "externalStageId", noun: "stage of the job " + job.Name, id: n.ExternalStageID,
	})
	if err != nil {
		return nil, err
	}
	m.ExternalStageID, m.ExternalStageName = stage.ID, stage.Name
	return m, nil
}

func (ms *JobMappings) save(ctx context.Context, tx Tx, by Actor, m *JobMapping) error {
	if _, err := tx.LockConnection(ctx, by.OrganizationID, m.ConnectionID); err != nil {
		return err
	}
	c := change{At: m.UpdatedAt, Event: EventJobMapped, Subject: m.ConnectionID, After: m}
	before, err := tx.JobMapping(ctx, by.OrganizationID, m.ConnectionID, m.JobID)
	switch {
	case err == nil && before.sameAs(m):
		*m = *before
		return nil
	case err == nil:
		c.Before = before
	case !fault.Is(err, fault.NotFound):
		return err
	}
	if err := tx.SaveJobMapping(ctx, m); err != nil {
		return err
	}
	return record(ctx, tx, by, c)
}

// sameAs compares what was chosen, with its names: they may have changed in the ATS.
func (m *JobMapping) sameAs(other *JobMapping) bool {
	return m.ExternalJobID == other.ExternalJobID && m.ExternalJobName == other.ExternalJobName &&
		m.ExternalStageID == other.ExternalStageID && m.ExternalStageName == other.ExternalStageName
}

// Unmap removes a mapping and returns what it was. Pushes that were planned
// with it keep their plan. Errors: fault.Forbidden, fault.NotFound.
func (ms *JobMappings) Unmap(ctx context.Context, by Actor, connection, job ID) (*JobMapping, error) {
	if err := by.Require(PermitConfigure); err != nil {
		return nil, err
	}
	if err := requireOwn(ctx, ms.store, by, connection, job); err != nil {
		return nil, err
	}
	var removed *JobMapping
	err := ms.store.Atomically(ctx, func(tx Tx) error {
		if _, err := tx.LockConnection(ctx, by.OrganizationID, connection); err != nil {
			return err
		}
		m, err := tx.JobMapping(ctx, by.OrganizationID, connection, job)
		if fault.Is(err, fault.NotFound) {
			return fault.New(fault.NotFound, "The job is not mapped on this connection. Nothing was changed.")
		}
		if err != nil {
			return err
		}
		removed = m
		if err := tx.DeleteJobMapping(ctx, by.OrganizationID, connection, job); err != nil {
			return err
		}
		return record(ctx, tx, by, change{At: ms.clock.Now(), Event: EventJobUnmapped, Subject: connection, Before: m})
	})
	return removed, err
}
