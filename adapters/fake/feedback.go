package fake

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// SetFields implements ats.Feedback.
func (a *adapter) SetFields(ctx context.Context, r *ats.FieldsRequest) (*ats.FeedbackReceipt, error) {
	return feed(ctx, callFields, &r.Target, func(s *state, _ *ats.FeedbackReceipt) error {
		for _, f := range r.Fields {
			if err := known(f); err != nil {
				return err
			}
			s.set(r.Target, f)
		}
		return nil
	})
}

func known(f ats.FieldValue) error {
	for _, i := range fields() {
		if i.ID == f.Key && i.Details["owner"] == string(f.Owner) {
			return nil
		}
	}
	return fault.InvalidField("fields."+f.Key, "UNKNOWN", "There is no field %q of a %s.", f.Key, f.Owner)
}

func (s *state) set(t ats.Target, f ats.FieldValue) {
	whose, text := t.CandidateID, f.Text
	if f.Owner == ats.OwnerApplication {
		whose = t.ApplicationID
	}
	if f.IsNumber {
		text = strconv.FormatFloat(f.Number, 'f', -1, 64)
	}
	if s.Fields == nil {
		s.Fields = make(map[string]map[string]string)
	}
	if s.Fields[whose] == nil {
		s.Fields[whose] = make(map[string]string)
	}
	s.Fields[whose][f.Key] = text
}

// Attach implements ats.Feedback.
func (a *adapter) Attach(ctx context.Context, r *ats.AttachRequest) (*ats.FeedbackReceipt, error) {
	return feed(ctx, callAttach, &r.Target, func(s *state, receipt *ats.FeedbackReceipt) error {
		for _, f := range s.Attachments {
			if f.Candidate == r.CandidateID && f.Name == r.FileName {
				receipt.Reference, receipt.Existed = f.ID, true
				return nil
			}
		}
		receipt.Reference = s.id()
		s.Attachments = append(s.Attachments, attachment{ID: receipt.Reference, Candidate: r.CandidateID, Name: r.FileName, Content: r.Content})
		return nil
	})
}

// AddNote implements ats.Feedback.
func (a *adapter) AddNote(ctx context.Context, r *ats.NoteRequest) (*ats.FeedbackReceipt, error) {
	return feed(ctx, callNote, &r.Target, func(s *state, receipt *ats.FeedbackReceipt) error {
		for _, n := range s.Notes {
			if n.Candidate == r.CandidateID && strings.Contains(n.Body, r.Marker) {
				receipt.Reference, receipt.Existed = n.ID, true
				return nil
			}
		}
		receipt.Reference = s.id()
		s.Notes = append(s.Notes, note{ID: receipt.Reference, Candidate: r.CandidateID, Body: r.Body})
		return nil
	})
}

// AddTag implements ats.Feedback.
func (a *adapter) AddTag(ctx context.Context, r *ats.TagRequest) (*ats.FeedbackReceipt, error) {
	return feed(ctx, callTag, &r.Target, func(s *state, receipt *ats.FeedbackReceipt) error {
		p := s.person(r.CandidateID)
		receipt.Existed = slices.Contains(p.Tags, r.Name)
		if !receipt.Existed {
			p.Tags = append(p.Tags, r.Name)
		}
		return nil
	})
}

// Scorecard implements ats.Feedback: this ATS takes none.
func (a *adapter) Scorecard(ctx context.Context, r *ats.ScorecardRequest) (*ats.FeedbackReceipt, error) {
	return feed(ctx, callScorecard, &r.Target, func(*state, *ats.FeedbackReceipt) error {
		return declined(fault.Unsupported, "This ATS takes no scorecards.")
	})
}

// feed is what all feedback has in common: there is whom it is about.
func feed(ctx context.Context, call string, t *ats.Target, do func(*state, *ats.FeedbackReceipt) error) (*ats.FeedbackReceipt, error) {
	return perform(ctx, call, &t.Connection, func(s *state, r *ats.FeedbackReceipt) error {
		if s.person(t.CandidateID) == nil || t.ApplicationID != "" && s.application(t.ApplicationID) == nil {
			return declined(fault.NotFound, "There is no such candidate or application.")
		}
		return do(s, r)
	})
}
