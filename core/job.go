package core

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/trellis-ats/trellis/core/fault"
)

// Job is a position that an ATS hires for. A hiring manager sees the
// assessments of the jobs that were shared with them, and nothing else.
type Job struct {
	ID             ID
	OrganizationID ID
	ConnectionID   ID     // empty if it was made here
	ExternalID     string // the ATS's id, if known
	Name           string
	CreatedAt      time.Time
}

// Validate checks what a person typed. Errors: fault.Invalid.
func (j Job) Validate() error {
	if err := optionalText("externalId", j.ExternalID, 200); err != nil {
		return err
	}
	return requireText("name", j.Name, 200)
}

// Sight is the part of an organization that an actor sees. The zero value is
// all of it.
type Sight struct {
	Limited bool
	Jobs    []ID // if Limited: assessments of these jobs
}

// sees reports whether an assessment is in sight.
func (s Sight) sees(a *Assessment) bool {
	return !s.Limited || (a.JobID != "" && slices.Contains(s.Jobs, a.JobID))
}

// sightOf returns what the actor, who may read, sees.
func sightOf(ctx context.Context, r JobReader, by Actor) (Sight, error) {
	if by.Role != RoleViewer {
		return Sight{}, nil
	}
	jobs, err := r.SharedJobs(ctx, by.OrganizationID, by.Principal)
	return Sight{Limited: true, Jobs: jobs}, err
}

// JobReader finds jobs.
type JobReader interface {
	// Job returns one of the organization's. Errors: fault.NotFound.
	Job(ctx context.Context, organization, id ID) (*Job, error)
	// JobsByID returns those that exist, in no order; for loaders.
	JobsByID(ctx context.Context, organization ID, ids []ID) ([]Job, error)
	// Jobs returns a page of those in sight, oldest first.
	Jobs(ctx context.Context, organization ID, s Sight, p Page) (*Paged[Job], error)
	// SharedJobs returns the ids of the jobs shared with a principal.
	SharedJobs(ctx context.Context, organization ID, principal string) ([]ID, error)
	// JobShares returns the principals that each of several jobs is shared
	// with, in alphabetical order.
	JobShares(ctx context.Context, organization ID, jobs []ID) (map[ID][]string, error)
}

// JobWriter keeps jobs.
type JobWriter interface {
	InsertJob(ctx context.Context, j *Job) error
	// ShareJob shares a job with a principal; again changes nothing.
	ShareJob(ctx context.Context, organization, job ID, principal string, at time.Time) error
	// UnshareJob ends it; what is not shared stays so.
	UnshareJob(ctx context.Context, organization, job ID, principal string) error
}

// Jobs are the use cases around jobs.
type Jobs struct {
	store Store
	clock Clock
}

// NewJobs returns the use cases.
func NewJobs(s Store, c Clock) *Jobs { return &Jobs{store: s, clock: c} }

// Create adds a job. Errors: fault.Forbidden, fault.Invalid, fault.NotFound for
// an unknown connection, fault.Conflict.
func (js *Jobs) Create(ctx context.Context, by Actor, j Job, k Key) (*Job, error) {
	if err := by.Require(PermitConfigure); err != nil {
		return nil, err
	}
	if err := j.Validate(); err != nil {
		return nil, err
	}
	j.ID, j.OrganizationID, j.CreatedAt = NewID(PrefixJob), by.OrganizationID, js.clock.Now()
	return once(ctx, js.store, by, k.of("createJob", j.CreatedAt), func(tx Tx) (*Job, error) {
		if err := knownConnection(ctx, tx, by, j.ConnectionID); err != nil {
			return nil, err
		}
		if err := tx.InsertJob(ctx, &j); err != nil {
			return nil, takenJob(err)
		}
		return &j, record(ctx, tx, by, change{At: j.CreatedAt, Event: EventJobCreated, Subject: j.ID, After: j})
	})
}

// knownConnection checks that a connection, if one is given, is the organization's.
func knownConnection(ctx context.Context, r ConnectionReader, by Actor, id ID) error {
	if id == "" {
		return nil
	}
	_, err := r.Connection(ctx, by.OrganizationID, id)
	if fault.Is(err, fault.NotFound) {
		e := fault.InvalidField("connectionId", "UNKNOWN", "There is no such connection. Nothing was changed.")
		e.Code = fault.NotFound
		return e
	}
	return err
}

// takenJob names the field of a job that is there already.
func takenJob(err error) error {
	if !fault.Is(err, fault.Conflict) {
		return err
	}
	e := fault.InvalidField("externalId", "EXISTS", "The connection has a job with this external id already. Nothing was changed.")
	e.Code, e.Kind, e.Cause = fault.Conflict, "EXISTS", err
	return e
}

// Share lets a principal, a token's id or an e-mail address, see the job.
// Errors: fault.Forbidden, fault.NotFound, fault.Invalid.
func (js *Jobs) Share(ctx context.Context, by Actor, id ID, principal string) (*Job, error) {
	return js.sharing(ctx, by, id, principal, true)
}

// Unshare ends what Share began. Errors: those of Share.
func (js *Jobs) Unshare(ctx context.Context, by Actor, id ID, principal string) (*Job, error) {
	return js.sharing(ctx, by, id, principal, false)
}

func (js *Jobs) sharing(ctx context.Context, by Actor, id ID, principal string, share bool) (*Job, error) {
	if err := by.Require(PermitConfigure); err != nil {
		return nil, err
	}
	principal = strings.ToLower(principal) // addresses are told apart by people in lower case; ids have no other
	if err := js.checkPrincipal(ctx, by, principal); err != nil {
		return nil, err
	}
	job, err := js.store.Job(ctx, by.OrganizationID, id)
	if err != nil {
		return nil, err
	}
	now := js.clock.Now()
	err = js.store.Atomically(ctx, func(tx Tx) error {
		c := change{At: now, Event: EventJobShared, Subject: job.ID, After: map[string]string{"with": principal}}
		apply := func() error { return tx.ShareJob(ctx, by.OrganizationID, id, principal, now) }
		if !share {
			c.Event, c.Before, c.After = EventJobUnshared, c.After, nil
			apply = func() error { return tx.UnshareJob(ctx, by.OrganizationID, id, principal) }
		}
		if err := apply(); err != nil {
			return err
		}
		return record(ctx, tx, by, c)
	})
	return job, err
}

// checkPrincipal takes a token of the organization, or an e-mail address.
func (js *Jobs) checkPrincipal(ctx context.Context, by Actor, principal string) error {
	id, err := ParseID(PrefixToken, principal)
	if err != nil {
		return ValidateEmail("with", principal)
	}
	_, err = js.store.Token(ctx, by.OrganizationID, id)
	if fault.Is(err, fault.NotFound) {
		return fault.InvalidField("with", "UNKNOWN", "There is no such token.")
	}
	return err
}

// Get returns one job that the actor sees. Errors: fault.Forbidden, fault.NotFound.
func (js *Jobs) Get(ctx context.Context, by Actor, id ID) (*Job, error) {
	found, err := js.ByID(ctx, by, []ID{id})
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, fault.New(fault.NotFound, "There is no job with this id.")
	}
	return &found[0], nil
}

// ByID returns those of several jobs that exist and that the actor sees, in no
// order. Errors: fault.Forbidden.
func (js *Jobs) ByID(ctx context.Context, by Actor, ids []ID) ([]Job, error) {
	if err := by.Require(PermitRead); err != nil {
		return nil, err
	}
	sight, err := sightOf(ctx, js.store, by)
	if err != nil {
		return nil, err
	}
	if sight.Limited {
		ids = slices.DeleteFunc(slices.Clone(ids), func(id ID) bool { return !slices.Contains(sight.Jobs, id) })
	}
	return js.store.JobsByID(ctx, by.OrganizationID, ids)
}

// List returns a page of the jobs that the actor sees, oldest first.
// Errors: fault.Forbidden, fault.Invalid.
func (js *Jobs) List(ctx context.Context, by Actor, p Page) (*Paged[Job], error) {
	if err := by.Require(PermitRead); err != nil {
		return nil, err
	}
	p, err := p.Normalize()
	if err != nil {
		return nil, err
	}
	sight, err := sightOf(ctx, js.store, by)
	if err != nil {
		return nil, err
	}
	return js.store.Jobs(ctx, by.OrganizationID, sight, p)
}

// SharedWith returns the principals that each of several jobs is shared with.
// Errors: fault.Forbidden.
func (js *Jobs) SharedWith(ctx context.Context, by Actor, ids []ID) (map[ID][]string, error) {
	if err := by.Require(PermitConfigure); err != nil {
		return nil, err
	}
	return js.store.JobShares(ctx, by.OrganizationID, ids)
}
