package fake

import (
	"context"
	"strings"
	"time"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// Find implements ats.Candidates.
func (a *adapter) Find(ctx context.Context, q *ats.CandidateQuery) (*ats.CandidateMatches, error) {
	return perform(ctx, callFind, &q.Connection, func(s *state, m *ats.CandidateMatches) error {
		for _, p := range s.People {
			if p.ID == q.ExternalID || q.ExternalID == "" && strings.EqualFold(p.Record.Email, q.Email) {
				m.Matches = append(m.Matches, s.match(p, q.JobID))
			}
		}
		return nil
	})
}

func (s *state) match(p person, job string) ats.CandidateMatch {
	m := ats.CandidateMatch{
		CandidateID: p.ID, ProfileURL: profile(p.ID), FirstName: p.Record.FirstName, LastName: p.Record.LastName, Email: p.Record.Email,
	}
	for _, one := range s.Applications {
		if job != "" && one.CandidateID == p.ID && one.JobID == job {
			m.Applications = append(m.Applications, one.ApplicationRecord)
		}
	}
	return m
}

// Create implements ats.Candidates. The application is not made with it: this
// ATS takes it apart.
func (a *adapter) Create(ctx context.Context, n *ats.NewCandidate) (*ats.CandidateReceipt, error) {
	return perform(ctx, callCreate, &n.Connection, func(s *state, r *ats.CandidateReceipt) error {
		r.CandidateID = s.id()
		r.ProfileURL = profile(r.CandidateID)
		s.People = append(s.People, person{ID: r.CandidateID, Record: n.Person})
		return nil
	})
}

// Apply implements ats.Candidates.
func (a *adapter) Apply(ctx context.Context, n *ats.NewApplication) (*ats.ApplicationReceipt, error) {
	return perform(ctx, callApply, &n.Connection, func(s *state, r *ats.ApplicationReceipt) error {
		if s.person(n.CandidateID) == nil {
			return declined(fault.NotFound, "There is no candidate %q.", n.CandidateID)
		}
		stage, err := stageOf(n.JobID, n.StageID)
		if err != nil {
			return err
		}
		for _, one := range s.Applications {
			if one.CandidateID == n.CandidateID && one.JobID == n.JobID && one.State == ats.ApplicationActive {
				return conflict("EXISTS", one.ID, "There is an active application to this job.")
			}
		}
		r.ApplicationID = s.id()
		r.ProfileURL = profile(n.CandidateID) + "/" + r.ApplicationID
		s.Applications = append(s.Applications, application{ApplicationRecord: ats.ApplicationRecord{
			ID: r.ApplicationID, CandidateID: n.CandidateID, JobID: n.JobID, State: ats.ApplicationActive,
			StageID: stage.ID, StageName: stage.Name, ProfileURL: r.ProfileURL, LastActivityAt: time.Now().UTC(),
		}})
		return nil
	})
}

func profile(id string) string { return "https://ats.example.com/people/" + id }
