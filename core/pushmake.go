package core

import (
	"cmp"
	"context"
	"time"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// create makes the person, in the mapped job if the ATS can do both at once.
func (r *pushRun) create(ctx context.Context) error {
	candidates, err := r.candidates()
	if err != nil {
		return err
	}
	var made *ats.CandidateReceipt
	plan := r.push.Plan
	err = r.step(ctx, StepCreate, func(ctx context.Context) (*ats.Trace, error) {
		var err error
		made, err = candidates.Create(ctx, &ats.NewCandidate{
			Connection: r.call, Person: recordOf(r.candidate), JobID: plan.jobID(), StageID: plan.stageID(), SourceID: plan.SourceID,
		})
		if made == nil {
			return nil, err
		}
		return &made.Trace, whole(err, made.CandidateID)
	}, func(p *Push, s *PushStep, now time.Time) {
		s.receive(made.CandidateID, false, now)
		p.ExternalCandidateID, p.ProfileURL = made.CandidateID, made.ProfileURL
		p.enter(made.ApplicationID, now)
	})
	return r.closed(ctx, StepCreate, err)
}

// recordOf is what the ATS is told of the person.
func recordOf(c *Candidate) ats.CandidateRecord {
	return ats.CandidateRecord{
		FirstName: c.FirstName, LastName: c.LastName, PreferredName: c.PreferredName, Email: c.Email, Phone: c.Phone,
	}
}

// whole refuses a receipt that names nothing: whatever happened, it is not known.
func whole(err error, id string) error {
	if err == nil && id == "" {
		return fault.New(fault.OutcomeUnknown, "The ATS's answer does not tell what was made.")
	}
	return err
}

// enter notes the application that was made together with the person.
func (p *Push) enter(application string, now time.Time) {
	apply := p.step(StepApply)
	switch {
	case p.Plan.jobID() == "":
		apply.skip("Without an application: the ATS's job is closed.", now)
	case application != "":
		apply.receive(application, false, now)
		p.ExternalApplicationID = application
	}
}

// apply puts a person who is known into the mapped job.
func (r *pushRun) apply(ctx context.Context) error {
	candidates, err := r.candidates()
	if err != nil {
		return err
	}
	var made *ats.ApplicationReceipt
	plan := r.push.Plan
	err = r.step(ctx, StepApply, func(ctx context.Context) (*ats.Trace, error) {
		var err error
		made, err = candidates.Apply(ctx, &ats.NewApplication{
			Connection: r.call, CandidateID: r.push.ExternalCandidateID, JobID: plan.jobID(), StageID: plan.stageID(), SourceID: plan.SourceID,
		})
		if made == nil {
			return nil, err
		}
		return &made.Trace, whole(err, made.ApplicationID)
	}, func(p *Push, s *PushStep, now time.Time) {
		s.receive(made.ApplicationID, false, now)
		p.ExternalApplicationID, p.ProfileURL = made.ApplicationID, cmp.Or(made.ProfileURL, p.ProfileURL)
	})
	return r.closed(ctx, StepApply, err)
}

// stageID is the ATS's stage of the application, or empty for the job's first.
func (pl *PushPlan) stageID() string {
	if pl.WithoutApplication {
		return ""
	}
	return pl.ExternalStageID
}

// closed decides about a job of the ATS that is closed, and about an
// application that is there after all: the walk goes on from there.
func (r *pushRun) closed(ctx context.Context, k StepKind, err error) error {
	b, ok := err.(*pause) //nolint:errorlint // it comes from step as it is
	if !ok || b.fault.Code != fault.Conflict {
		return err
	}
	switch b.fault.Kind {
	case "JOB_CLOSED":
		return r.closedJob(ctx, k, b)
	case "EXISTS":
		return r.lookAgain(ctx, k, b)
	default:
		return err
	}
}

func (r *pushRun) closedJob(ctx context.Context, k StepKind, b *pause) error {
	if !r.push.Answer.WithoutApplication && r.push.Plan.Policies.ClosedJob != JobWithoutApplication {
		b.state, b.question = PushNeedsAttention, PushQuestion{Kind: QuestionClosedJob}
		b.advice = "Open the job in the ATS, or map another one, then retry; or resolve the push: write to the candidate alone."
		return b
	}
	return r.commit(ctx, func(tx Tx, p *Push, now time.Time) error {
		p.Plan.WithoutApplication = true
		p.step(k).again()
		if k == StepApply {
			p.enter("", now)
		}
		return r.place(ctx, tx, p, now)
	})
}

// lookAgain looks for an application that the ATS says is there; once.
func (r *pushRun) lookAgain(ctx context.Context, k StepKind, b *pause) error {
	if r.push.step(k).Attempts > 1 {
		return b
	}
	return r.commit(ctx, func(_ Tx, p *Push, _ time.Time) error {
		p.step(k).again()
		p.step(StepFind).again()
		return nil
	})
}
