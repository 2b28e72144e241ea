package coretest

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// Person is a candidate in the ATS.
type Person struct {
	ID      string
	Record  ats.CandidateRecord
	Private bool
	Tags    []string
}

// Find implements ats.Candidates.
func (a *ATS) Find(ctx context.Context, q *ats.CandidateQuery) (*ats.CandidateMatches, error) {
	return perform(ctx, a, OpFind, &q.Connection, func(m *ats.CandidateMatches) error {
		for _, p := range a.people {
			if sought(p, q) {
				m.Matches = append(m.Matches, a.match(p, q.JobID))
			}
		}
		return nil
	})
}

func sought(p *Person, q *ats.CandidateQuery) bool {
	if q.ExternalID != "" {
		return p.ID == q.ExternalID
	}
	return q.Email != "" && strings.EqualFold(p.Record.Email, q.Email)
}

func (a *ATS) match(p *Person, job string) ats.CandidateMatch {
	m := ats.CandidateMatch{
		CandidateID: p.ID, ProfileURL: profile(p.ID), Email: p.Record.Email, Private: p.Private,
		FirstName: p.Record.FirstName, LastName: p.Record.LastName,
	}
	for _, one := range a.applications {
		if job != "" && one.CandidateID == p.ID && one.JobID == job {
			m.Applications = append(m.Applications, one.ApplicationRecord)
		}
	}
	return m
}

// Create implements ats.Candidates.
func (a *ATS) Create(ctx context.Context, n *ats.NewCandidate) (*ats.CandidateReceipt, error) {
	return perform(ctx, a, OpCreate, &n.Connection, func(r *ats.CandidateReceipt) error {
		nested := n.JobID != "" && !a.Separately
		if nested {
			if _, err := a.entry(n.JobID, n.StageID); err != nil {
				return err
			}
		}
		p := &Person{ID: a.id(), Record: n.Person}
		a.people = append(a.people, p)
		r.CandidateID, r.ProfileURL = p.ID, profile(p.ID)
		if !nested {
			return nil
		}
		made, err := a.apply(p.ID, n.JobID, n.StageID)
		if err == nil {
			r.ApplicationID, r.ProfileURL = made.ID, made.ProfileURL
		}
		return err
	})
}

// Apply implements ats.Candidates.
func (a *ATS) Apply(ctx context.Context, n *ats.NewApplication) (*ats.ApplicationReceipt, error) {
	return perform(ctx, a, OpApply, &n.Connection, func(r *ats.ApplicationReceipt) error {
		made, err := a.apply(n.CandidateID, n.JobID, n.StageID)
		if err != nil {
			return err
		}
		r.ApplicationID, r.ProfileURL = made.ID, made.ProfileURL
		return nil
	})
}

// apply makes an application. A second active one to the same job is refused.
func (a *ATS) apply(person, job, stage string) (*Application, error) {
	if a.person(person) == nil {
		return nil, refuse(fault.NotFound, "The ATS has no candidate %q.", person)
	}
	in, err := a.entry(job, stage)
	if err != nil {
		return nil, err
	}
	for _, one := range a.applications {
		if one.CandidateID == person && one.JobID == job && one.State == ats.ApplicationActive {
			return nil, conflict("EXISTS", one.ID, "The candidate has an active application to this job.")
		}
	}
	made := &Application{ApplicationRecord: ats.ApplicationRecord{
		ID: a.id(), CandidateID: person, JobID: job, State: ats.ApplicationActive, StageID: in.id, StageName: in.name,
		EnteredAt: a.clock.Now(), LastActivityAt: a.clock.Now(),
	}}
	made.ProfileURL = profile(person) + "?application_id=" + made.ID
	a.applications = append(a.applications, made)
	return made, nil
}

// AddPerson puts a person into the ATS and returns the id.
func (a *ATS) AddPerson(p Person) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	p.ID = a.id()
	a.people = append(a.people, &p)
	return p.ID
}

// RemovePerson takes a person out, with all that belongs to them.
func (a *ATS) RemovePerson(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.people = slices.DeleteFunc(a.people, func(p *Person) bool { return p.ID == id })
	maps.DeleteFunc(a.fields, func(k fieldKey, _ ats.FieldValue) bool { return a.belongs(k.id, id) })
	a.applications = slices.DeleteFunc(a.applications, func(one *Application) bool { return one.CandidateID == id })
	a.notes = slices.DeleteFunc(a.notes, func(n ats.NoteRequest) bool { return n.CandidateID == id })
	a.attachments = slices.DeleteFunc(a.attachments, func(f ats.AttachRequest) bool { return f.CandidateID == id })
	a.scorecards = slices.DeleteFunc(a.scorecards, func(s ats.ScorecardRequest) bool { return s.CandidateID == id })
}

// belongs reports whether an id is the person's, or that of one of their applications.
func (a *ATS) belongs(id, person string) bool {
	one := a.application(id)
	return id == person || one != nil && one.CandidateID == person
}

// People returns copies of all people, the oldest first.
func (a *ATS) People() []Person {
	a.mu.Lock()
	defer a.mu.Unlock()
	all := make([]Person, 0, len(a.people))
	for _, p := range a.people {
		one := *p
		one.Tags = slices.Clone(p.Tags)
		all = append(all, one)
	}
	return all
}

func (a *ATS) person(id string) *Person {
	for _, p := range a.people {
		if p.ID == id {
			return p
		}
	}
	return nil
}

func profile(person string) string { return "https://ats.example.com/people/" + person }
