package coretest

import (
	"context"
	"slices"
	"strings"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// fieldKey is where a custom field's value is: id is a candidate's or an
// application's.
type fieldKey struct{ id, key string }

// SetFields implements ats.Feedback.
func (a *ATS) SetFields(ctx context.Context, r *ats.FieldsRequest) (*ats.FeedbackReceipt, error) {
	return a.feed(ctx, OpSetFields, &r.Target, func(*ats.FeedbackReceipt) error {
		for _, f := range r.Fields {
			if !slices.ContainsFunc(fields(), func(i ats.ReferenceItem) bool { return i.ID == f.Key && i.Details["owner"] == string(f.Owner) }) {
				return fault.InvalidField("fields."+f.Key, "UNKNOWN", "The ATS has no custom field %q of a %s.", f.Key, f.Owner)
			}
		}
		for _, f := range r.Fields {
			id := r.CandidateID
			if f.Owner == ats.OwnerApplication {
				id = r.ApplicationID
			}
			a.fields[fieldKey{id, f.Key}] = f
		}
		return nil
	})
}

// Attach implements ats.Feedback.
func (a *ATS) Attach(ctx context.Context, r *ats.AttachRequest) (*ats.FeedbackReceipt, error) {
	return a.feed(ctx, OpAttach, &r.Target, func(receipt *ats.FeedbackReceipt) error {
		receipt.Existed = slices.ContainsFunc(a.attachments, func(f ats.AttachRequest) bool {
			return f.CandidateID == r.CandidateID && f.FileName == r.FileName
		})
		if !receipt.Existed {
			a.attachments = append(a.attachments, *r)
		}
		return nil
	})
}

// AddNote implements ats.Feedback.
func (a *ATS) AddNote(ctx context.Context, r *ats.NoteRequest) (*ats.FeedbackReceipt, error) {
	return a.feed(ctx, OpAddNote, &r.Target, func(receipt *ats.FeedbackReceipt) error {
		receipt.Existed = slices.ContainsFunc(a.notes, func(n ats.NoteRequest) bool {
			return n.CandidateID == r.CandidateID && strings.Contains(n.Body, r.Marker)
		})
		if !receipt.Existed {
			a.notes = append(a.notes, *r)
		}
		return nil
	})
}

// AddTag implements ats.Feedback.
func (a *ATS) AddTag(ctx context.Context, r *ats.TagRequest) (*ats.FeedbackReceipt, error) {
	return a.feed(ctx, OpAddTag, &r.Target, func(receipt *ats.FeedbackReceipt) error {
		p := a.person(r.CandidateID)
		receipt.Existed = slices.Contains(p.Tags, r.Name)
		if !receipt.Existed {
			p.Tags = append(p.Tags, r.Name)
		}
		return nil
	})
}

// Scorecard implements ats.Feedback.
func (a *ATS) Scorecard(ctx context.Context, r *ats.ScorecardRequest) (*ats.FeedbackReceipt, error) {
	return a.feed(ctx, OpScorecard, &r.Target, func(receipt *ats.FeedbackReceipt) error {
		if !a.Scorecards {
			return refuse(fault.Unsupported, "This ATS takes no scorecards.")
		}
		receipt.Existed = slices.ContainsFunc(a.scorecards, func(s ats.ScorecardRequest) bool {
			return s.ApplicationID == r.ApplicationID && s.Marker == r.Marker
		})
		if !receipt.Existed {
			a.scorecards = append(a.scorecards, *r)
		}
		return nil
	})
}

// feed is what all feedback has in common: there is whom it is about.
func (a *ATS) feed(ctx context.Context, op Operation, t *ats.Target, do func(*ats.FeedbackReceipt) error) (*ats.FeedbackReceipt, error) {
	return perform(ctx, a, op, &t.Connection, func(r *ats.FeedbackReceipt) error {
		if a.person(t.CandidateID) == nil {
			return refuse(fault.NotFound, "The ATS has no candidate %q.", t.CandidateID)
		}
		if t.ApplicationID != "" && a.application(t.ApplicationID) == nil {
			return refuse(fault.NotFound, "The ATS has no application %q.", t.ApplicationID)
		}
		if err := do(r); err != nil {
			return err
		}
		if !r.Existed {
			r.Reference = a.id()
		}
		return nil
	})
}

// Tally counts what is there. It is comparable, to assert "exactly one of each".
type Tally struct{ People, Applications, Fields, Notes, Attachments, Tags, Scorecards int }

// Tally counts everything in the ATS.
func (a *ATS) Tally() Tally {
	a.mu.Lock()
	defer a.mu.Unlock()
	t := Tally{
		People: len(a.people), Applications: len(a.applications), Fields: len(a.fields), Notes: len(a.notes),
		Attachments: len(a.attachments), Scorecards: len(a.scorecards),
	}
	for _, p := range a.people {
		t.Tags += len(p.Tags)
	}
	return t
}

// Notes returns the notes on a candidate, the oldest first.
func (a *ATS) Notes(candidate string) []ats.NoteRequest {
	return of(a, candidate, &a.notes, func(n ats.NoteRequest) string { return n.CandidateID })
}

// Attachments returns the files of a candidate, the oldest first.
func (a *ATS) Attachments(candidate string) []ats.AttachRequest {
	return of(a, candidate, &a.attachments, func(f ats.AttachRequest) string { return f.CandidateID })
}

// Field returns a custom field of a candidate or an application.
func (a *ATS) Field(id, key string) (ats.FieldValue, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	v, ok := a.fields[fieldKey{id, key}]
	return v, ok
}

func of[T any](a *ATS, id string, list *[]T, owner func(T) string) []T {
	a.mu.Lock()
	defer a.mu.Unlock()
	var found []T
	for _, one := range *list {
		if owner(one) == id {
			found = append(found, one)
		}
	}
	return found
}
