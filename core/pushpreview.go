package core

import (
	"context"
	"fmt"
	"slices"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// PushPreview is what a push would write, value for value.
type PushPreview struct {
	Connection     *Connection
	Plan           PushPlan
	Revision       int
	Recommendation ats.Recommendation // ours; a step tells what the ATS gets
	Problem        *fault.Error       // why it would not be pushed; nil if it would
	Steps          []PreviewStep
}

// PreviewStep is a step and what it would write.
type PreviewStep struct {
	Kind   StepKind
	Off    string // why it would be skipped; empty if it would not
	Writes []PreviewWrite
}

// PreviewWrite is one value.
type PreviewWrite struct {
	Name  string // what it is: a field's key, a file's name
	Value string
}

// Preview tells every write that a push of an assessment's current result would
// make, and why a step would be skipped. It asks the ATS nothing. Of a push that
// there is it tells what is left. Before there is a result, it tells that alone.
// Errors: fault.Forbidden, fault.NotFound, fault.Invalid.
func (ps *Pushes) Preview(ctx context.Context, by Actor, assessment, connection ID) (*PushPreview, error) {
	for _, needed := range []Permission{PermitRead, PermitReadSetup} { // it shows who it is, and where it goes
		if err := by.Require(needed); err != nil {
			return nil, err
		}
	}
	a, err := ps.o.Store.Assessment(ctx, by.OrganizationID, assessment)
	if err != nil {
		return nil, err
	}
	c, err := ps.pushable(ctx, ps.o.Store, by, PushRequest{ConnectionID: connection})
	if err != nil && (c == nil || !fault.Is(err, fault.Invalid)) {
		return nil, err
	}
	v := &PushPreview{Connection: c, Problem: fault.From(err)}
	if _, err := ready(ctx, ps.o.Store, a, c); err != nil && v.Problem == nil {
		v.Problem = fault.From(err)
	}
	if a.Status != StatusScored || !a.ErasedAt.IsZero() {
		return v, nil
	}
	result, err := ps.o.Store.LatestResult(ctx, by.OrganizationID, assessment)
	if err != nil {
		return nil, err
	}
	p, err := ps.standing(ctx, by, a, c, result.Revision)
	if err != nil {
		return nil, err
	}
	if v.Problem == nil {
		v.Problem = fault.From(p.unasked())
	}
	return v, ps.fill(ctx, v, p)
}

// unasked tells why nothing comes of asking for the push again, or nil.
func (p *Push) unasked() error {
	if p.State.stopped() && p.Question.Kind == "" {
		return notAgain("STOPPED", "The push of this result stopped: %s Retry it.", p.Message)
	}
	return p.idle()
}

func (ps *Pushes) fill(ctx context.Context, v *PushPreview, p *Push) error {
	content, err := readPushContent(ctx, ps.o.Store, ps.o.Links, p)
	if err != nil {
		return err
	}
	candidate, err := ps.o.Store.Candidate(ctx, p.OrganizationID, p.CandidateID)
	if err != nil {
		return err
	}
	v.Plan, v.Revision, v.Recommendation = p.Plan, p.Revision, content.sheet.Band
	constraints := effective(ps.o.Adapters, v.Connection)
	for i := range p.Steps {
		s := PreviewStep{Kind: p.Steps[i].Kind}
		switch {
		case p.Steps[i].State == StepSkipped:
			s.Off = p.Steps[i].Message
		case p.past(&p.Steps[i]):
			s.Off = "It is done already."
		default:
			s.Writes = content.writes(&p.Plan, s.Kind, candidate)
		}
		if s.Kind == StepScorecard && s.Off == "" {
			one, _ := capability(constraints, ats.CapabilityScorecards)
			s.Writes = append(s.Writes, sentRecommendation(one, content.sheet.Band)...)
		}
		v.Steps = append(v.Steps, s)
	}
	return nil
}

// sentRecommendation is the ATS's own value, if the adapter tells it.
func sentRecommendation(c ats.Capability, r ats.Recommendation) []PreviewWrite {
	sent, ok := c.Constraints["recommendation_"+string(r)]
	if !ok {
		return nil
	}
	return []PreviewWrite{{"recommendation in the ATS", sent}}
}

// writes lists what a step writes.
func (c *pushContent) writes(plan *PushPlan, k StepKind, who *Candidate) []PreviewWrite {
	switch k {
	case StepCreate:
		return given(
			PreviewWrite{"firstName", who.FirstName}, PreviewWrite{"lastName", who.LastName}, PreviewWrite{"preferredName", who.PreferredName},
			PreviewWrite{"email", who.Email}, PreviewWrite{"phone", who.Phone}, PreviewWrite{"source", plan.SourceID},
		)
	case StepApply:
		return given(
			PreviewWrite{"job", named(plan.ExternalJobName, plan.ExternalJobID)}, PreviewWrite{"stage", named(plan.ExternalStageName, plan.ExternalStageID)},
			PreviewWrite{"source", plan.SourceID},
		)
	case StepFields:
		return fieldWrites(c.fields(plan, true))
	case StepAttach:
		return []PreviewWrite{{"file", c.fileName()}}
	case StepNote:
		return []PreviewWrite{{"note", c.note(plan)}}
	case StepTag:
		var all []PreviewWrite
		for _, d := range plan.destinations(ToTag) {
			all = append(all, PreviewWrite{"tag", d.TagName})
		}
		return all
	case StepScorecard:
		return scorecardWrites(c.scorecard(plan))
	default:
		return nil
	}
}

// given leaves out what is empty, and not sent.
func given(all ...PreviewWrite) []PreviewWrite {
	return slices.DeleteFunc(all, func(w PreviewWrite) bool { return w.Value == "" })
}

func named(name, id string) string {
	if name == "" || id == "" {
		return name + id
	}
	return fmt.Sprintf("%s (%s)", name, id)
}

func fieldWrites(fields []ats.FieldValue) []PreviewWrite {
	all := make([]PreviewWrite, len(fields))
	for i, f := range fields {
		value := f.Text
		if f.IsNumber {
			value = fmt.Sprint(f.Number)
		}
		all[i] = PreviewWrite{string(f.Owner) + "." + f.Key, value}
	}
	return all
}

func scorecardWrites(s *ats.ScorecardRequest) []PreviewWrite {
	all := []PreviewWrite{{"recommendation", string(s.Recommendation)}, {"score", fmt.Sprint(s.Score)}}
	for _, t := range s.Traits {
		all = append(all, PreviewWrite{t.Name, fmt.Sprint(t.Score)})
	}
	if s.Summary != "" {
		all = append(all, PreviewWrite{"summary", s.Summary})
	}
	if s.ReportURL != "" {
		all = append(all, PreviewWrite{"report", s.ReportURL})
	}
	return all
}
