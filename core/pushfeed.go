package core

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// writing makes one call of Feedback.
type writing func(context.Context, ats.Feedback) (*ats.FeedbackReceipt, error)

// feed carries out a step that writes the result. All of them are safe to
// repeat, but not while an unanswered request may still be under way.
func (r *pushRun) feed(ctx context.Context, k StepKind) error {
	s := r.push.step(k)
	if wait := s.SentAt.Add(r.o.Settle).Sub(r.o.Clock.Now()); s.State == StepSent && wait > 0 {
		return &pause{state: PushWaiting, wait: wait}
	}
	if err := r.behind(ctx, k); err != nil {
		return err
	}
	write, err := r.writing(ctx, k)
	if err != nil && ctx.Err() == nil {
		return &pause{step: k, fault: fault.From(err), tried: true}
	}
	if err != nil {
		return err
	}
	if write == nil {
		return r.skip(ctx, k, "The result has nothing that is to go there.")
	}
	able, err := abilityOf[ats.Feedback](r.o.Adapters, r.connection.Adapter, k.capability())
	if fault.Is(err, fault.Unsupported) {
		return r.skip(ctx, k, "Off: "+fault.From(err).Message)
	}
	if err != nil {
		return &pause{step: k, fault: fault.From(err), tried: true}
	}
	err = r.feedOnce(ctx, k, able, write)
	if f := fault.From(err); f != nil && f.Kind == "OUTDATED" {
		return r.skip(ctx, k, f.Message)
	}
	return r.unsupported(ctx, k, err)
}

// behind waits while an older result's fields may still be on their way: they
// would be written over these. Errors: *pause.
func (r *pushRun) behind(ctx context.Context, k StepKind) error {
	if k != StepFields {
		return nil
	}
	p := r.push
	for revision := p.Revision - 1; revision > 0; revision-- {
		older, err := r.o.Store.PushOf(ctx, p.OrganizationID, p.ConnectionID, p.AssessmentID, revision)
		if fault.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return err
		}
		s := older.step(StepFields)
		unanswered := s.State == StepSent || s.State == StepSkipped // skipped later, as outdated
		if wait := s.SentAt.Add(r.o.Settle).Sub(r.o.Clock.Now()); unanswered && !s.SentAt.IsZero() && wait > 0 {
			return &pause{state: PushWaiting, wait: wait, note: "Waits until an older result's fields are settled."}
		}
	}
	return nil
}

func (r *pushRun) feedOnce(ctx context.Context, k StepKind, able ats.Feedback, write writing) error {
	var receipt *ats.FeedbackReceipt
	return r.step(ctx, k, func(ctx context.Context) (*ats.Trace, error) {
		var err error
		receipt, err = write(ctx, able)
		if receipt == nil {
			receipt = &ats.FeedbackReceipt{}
		}
		return &receipt.Trace, err
	}, func(_ *Push, s *PushStep, now time.Time) { s.receive(receipt.Reference, receipt.Existed, now) })
}

// unsupported skips a step that this ATS turns out not to take, or not without
// an application.
func (r *pushRun) unsupported(ctx context.Context, k StepKind, err error) error {
	b, ok := err.(*pause) //nolint:errorlint // it comes from step as it is
	if !ok || b.fault == nil {
		return err
	}
	if b.fault.Code == fault.Unsupported || (r.push.ExternalApplicationID == "" && lacksApplication(b.fault)) {
		r.refusal = nil
		return r.skip(ctx, k, "Off: "+b.fault.Message)
	}
	return err
}

// lacksApplication reports whether it is only the application that is missing.
func lacksApplication(f *fault.Error) bool {
	other := func(field fault.Field) bool { return field.Path != "applicationId" }
	return f.Code == fault.Invalid && len(f.Fields) > 0 && !slices.ContainsFunc(f.Fields, other)
}

func (r *pushRun) skip(ctx context.Context, k StepKind, why string) error {
	return r.commit(ctx, func(_ Tx, p *Push, now time.Time) error {
		p.step(k).skip(strings.TrimSpace(why), now)
		return nil
	})
}

// writing puts together what a step writes; nil for nothing. It makes no call.
func (r *pushRun) writing(ctx context.Context, k StepKind) (writing, error) {
	if r.content == nil {
		c, err := readPushContent(ctx, r.o.Store, r.o.Links, r.push)
		if err != nil {
			return nil, err
		}
		r.content = c
	}
	to := ats.Target{Connection: r.call, CandidateID: r.push.ExternalCandidateID, ApplicationID: r.push.ExternalApplicationID}
	switch k {
	case StepFields:
		return writeFields(r.content, &r.push.Plan, to), nil
	case StepAttach:
		return r.writeReport(ctx, to)
	case StepNote:
		q := &ats.NoteRequest{Target: to, Body: r.content.note(&r.push.Plan), Marker: r.content.marker()}
		return func(ctx context.Context, f ats.Feedback) (*ats.FeedbackReceipt, error) { return f.AddNote(ctx, q) }, nil
	case StepTag:
		return writeTag(&r.push.Plan, to), nil
	default:
		q := r.content.scorecard(&r.push.Plan)
		q.Target = to
		return func(ctx context.Context, f ats.Feedback) (*ats.FeedbackReceipt, error) { return f.Scorecard(ctx, q) }, nil
	}
}

func writeFields(c *pushContent, plan *PushPlan, to ats.Target) writing {
	q := &ats.FieldsRequest{Target: to, Fields: c.fields(plan, to.ApplicationID != "")}
	if len(q.Fields) == 0 {
		return nil
	}
	return func(ctx context.Context, f ats.Feedback) (*ats.FeedbackReceipt, error) { return f.SetFields(ctx, q) }
}

// writeReport prints the report.
func (r *pushRun) writeReport(ctx context.Context, to ats.Target) (writing, error) {
	pdf, err := r.o.Printer.PDF(ctx, r.content.sheet)
	if err != nil {
		return nil, err
	}
	q := &ats.AttachRequest{Target: to, FileName: r.content.fileName(), MediaType: "application/pdf", Content: pdf}
	return func(ctx context.Context, f ats.Feedback) (*ats.FeedbackReceipt, error) { return f.Attach(ctx, q) }, nil
}

// writeTag adds all tags of the plan; the receipt is that of the last.
func writeTag(plan *PushPlan, to ats.Target) writing {
	return func(ctx context.Context, f ats.Feedback) (*ats.FeedbackReceipt, error) {
		all := &ats.FeedbackReceipt{Existed: true}
		for _, d := range plan.destinations(ToTag) {
			receipt, err := f.AddTag(ctx, &ats.TagRequest{Target: to, Name: d.TagName})
			if receipt != nil {
				all.Exchanges = append(all.Exchanges, receipt.Exchanges...)
				all.Degraded = append(all.Degraded, receipt.Degraded...)
				all.Budget, all.Reference, all.Existed = receipt.Budget, receipt.Reference, all.Existed && receipt.Existed
			}
			if err != nil {
				return all, err
			}
		}
		return all, nil
	}
}
