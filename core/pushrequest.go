package core

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// maxPushes is how many assessments one call pushes.
const maxPushes = 200

// PushRequest asks for a push.
type PushRequest struct {
	AssessmentID ID
	ConnectionID ID // may be empty if only one connection can push
	// Adapter narrows the connections to those through it; empty does not.
	Adapter string
	// retry lets a push that stopped go on.
	retry bool
}

// Push brings an assessment's current result into an ATS. There is one push for
// a connection, an assessment and a revision: asked again, it returns that one.
// Errors: fault.Forbidden, fault.NotFound, fault.Invalid; fault.Conflict with
// Kind "STATUS" before there is a result, "ERASED" once the candidate was
// erased, and "JOB_NOT_MAPPED" if the assessment's job is not mapped.
func (ps *Pushes) Push(ctx context.Context, by Actor, q PushRequest, k Key) (*Push, error) {
	if err := by.Require(PermitOrder); err != nil {
		return nil, err
	}
	now := ps.o.Clock.Now()
	return once(ctx, ps.o.Store, by, k.of("pushAssessment", now), func(tx Tx) (*Push, error) {
		return ps.request(ctx, tx, by, q, now)
	})
}

func (ps *Pushes) request(ctx context.Context, tx Tx, by Actor, q PushRequest, now time.Time) (*Push, error) {
	c, err := ps.pushable(ctx, tx, by, q)
	if err != nil {
		return nil, err
	}
	a, err := tx.LockAssessment(ctx, by.OrganizationID, q.AssessmentID)
	if err != nil {
		return nil, err
	}
	result, err := ready(ctx, tx, a, c)
	if err != nil {
		return nil, err
	}
	return requestPush(ctx, tx, by, pushOrder{
		Assessment: a, Revision: result.Revision, Connection: c, Trigger: PushManual, Retry: q.retry, At: now,
		Capabilities: effective(ps.o.Adapters, c),
	})
}

// ready returns the result to push. Errors: fault.Conflict, as Push says.
func ready(ctx context.Context, r Reader, a *Assessment, c *Connection) (*Result, error) {
	if err := a.refuseErased(); err != nil {
		return nil, err
	}
	if a.Status != StatusScored {
		return nil, fault.ConflictField("assessmentId", "NO_RESULT", "STATUS", "The assessment is %s and has no result yet. Nothing was sent.", a.Status)
	}
	plan, err := newPushPlan(ctx, r, a.OrganizationID, c.ID, a.JobID)
	if err != nil {
		return nil, err
	}
	if plan.ExternalJobID == "" {
		b := (&Push{JobID: a.JobID}).unmapped()
		e := fault.InvalidField("assessmentId", "JOB_NOT_MAPPED", "%s %s", b.fault.Message, b.advice)
		e.Code = fault.Conflict
		e.Kind = "JOB_NOT_MAPPED"
		return nil, e
	}
	return r.LatestResult(ctx, a.OrganizationID, a.ID)
}

// pushable returns the connection to push over: the one that is named, or the
// only one that can. Errors: fault.NotFound, fault.Invalid.
func (ps *Pushes) pushable(ctx context.Context, r Reader, by Actor, q PushRequest) (*Connection, error) {
	if q.ConnectionID != "" {
		return ps.named(ctx, r, by, q)
	}
	all, err := r.Connections(ctx, by.OrganizationID)
	if err != nil {
		return nil, err
	}
	var found *Connection
	for i := range all {
		if ps.able(&all[i]) != nil || !q.through(&all[i]) {
			continue
		}
		if found != nil {
			return nil, fault.InvalidField("connectionId", "AMBIGUOUS", "Several connections can push; name one. Nothing was sent.")
		}
		found = &all[i]
	}
	if found == nil {
		return nil, fault.InvalidField("connectionId", "NONE", "No connection can push candidates into its ATS. Nothing was sent; connect one first.")
	}
	return found, nil
}

// named returns the connection that a request names.
func (ps *Pushes) named(ctx context.Context, r Reader, by Actor, q PushRequest) (*Connection, error) {
	if err := knownConnection(ctx, r, by, q.ConnectionID); err != nil {
		return nil, err
	}
	c, err := r.Connection(ctx, by.OrganizationID, q.ConnectionID)
	if err != nil {
		return nil, err
	}
	if !q.through(c) {
		return nil, fault.InvalidField("connectionId", "OTHER_ADAPTER", "The connection is through %s, not %s. Nothing was sent.", c.Adapter, q.Adapter)
	}
	return c, ps.able(c)
}

func (q PushRequest) through(c *Connection) bool { return q.Adapter == "" || q.Adapter == c.Adapter }

// able tells why a connection cannot push, or nil.
func (ps *Pushes) able(c *Connection) error {
	if c.Disabled {
		return fault.InvalidField("connectionId", "DISABLED", "The connection is switched off. Nothing was sent.")
	}
	one, _ := capability(effective(ps.o.Adapters, c), ats.CapabilityCandidates)
	if one.Available {
		return nil
	}
	why := "the adapter does not offer it"
	if len(one.Reasons) > 0 {
		why = one.Reasons[0]
	}
	return fault.InvalidField("connectionId", "CANNOT_PUSH", "The connection cannot push candidates: %s. Nothing was sent.", strings.TrimSuffix(why, "."))
}

// PushEstimate tells what pushing several assessments would take.
type PushEstimate struct {
	Connection *Connection
	Pushable   []ID
	Refused    []PushRefusal
	Requests   int           // to the ATS, at most
	Duration   time.Duration // about, by the ATS's window of requests
}

// PushRefusal tells why an assessment would not be pushed.
type PushRefusal struct {
	AssessmentID ID
	Err          *fault.Error
}

// Estimate tells what pushing several assessments would take. It changes
// nothing. Errors: fault.Forbidden, fault.NotFound, fault.Invalid,
// fault.Retryable before the adapter's first answer.
func (ps *Pushes) Estimate(ctx context.Context, by Actor, ids []ID, connection ID) (*PushEstimate, error) {
	if err := several(by, ids); err != nil {
		return nil, err
	}
	c, err := ps.pushable(ctx, ps.o.Store, by, PushRequest{ConnectionID: connection})
	if err != nil {
		return nil, err
	}
	e := &PushEstimate{Connection: c}
	for i, id := range ids {
		if slices.Contains(ids[:i], id) {
			continue // it is one push
		}
		p, err := ps.foresee(ctx, by, id, c)
		if err == nil {
			e.Pushable = append(e.Pushable, id)
			e.Requests += p.requests(effective(ps.o.Adapters, c))
			continue
		}
		f := fault.From(err)
		if f.Code == fault.Internal || f.Code == fault.Retryable {
			return nil, err
		}
		e.Refused = append(e.Refused, PushRefusal{id, f})
	}
	limit, window, err := ps.o.Calls.Pace(ctx, c)
	if err != nil {
		return nil, err
	}
	e.Duration = window * time.Duration(e.Requests) / time.Duration(limit)
	return e, nil
}

func several(by Actor, ids []ID) error {
	if err := by.Require(PermitOrder); err != nil {
		return err
	}
	if len(ids) == 0 || len(ids) > maxPushes {
		return fault.InvalidField("assessmentIds", "OUT_OF_RANGE", "Name 1 to %d assessments. Nothing was sent.", maxPushes)
	}
	return nil
}

// foresee returns the push that there would be, or is, if it would go on.
func (ps *Pushes) foresee(ctx context.Context, by Actor, id ID, c *Connection) (*Push, error) {
	a, err := ps.o.Store.Assessment(ctx, by.OrganizationID, id)
	if err != nil {
		return nil, err
	}
	result, err := ready(ctx, ps.o.Store, a, c)
	if err != nil {
		return nil, err
	}
	p, err := ps.standing(ctx, by, a, c, result.Revision)
	if err != nil {
		return nil, err
	}
	return p, p.idle()
}

// standing returns the push of a result that there is, or else one that is not
// kept. One that was cancelled would begin anew, and one that stopped go on by
// the plan of now.
func (ps *Pushes) standing(ctx context.Context, by Actor, a *Assessment, c *Connection, revision int) (*Push, error) {
	planned, err := ps.planned(ctx, by, a, c, revision)
	if err != nil {
		return nil, err
	}
	is, err := ps.o.Store.PushOf(ctx, by.OrganizationID, c.ID, a.ID, revision)
	switch {
	case fault.Is(err, fault.NotFound) || err == nil && is.State == PushCancelled:
		return planned, nil
	case err == nil && is.State.stopped():
		is.replan(planned.Plan, effective(ps.o.Adapters, c), planned.RequestedAt)
	}
	return is, err
}

// idle tells why nothing comes of pushing the result, also if what stopped is
// retried, or nil.
func (p *Push) idle() error {
	switch {
	case p.State == PushDone:
		return notAgain("DONE", "This result is in the ATS already.")
	case p.State.stopped() && p.Question.Kind != "":
		return notAgain("ASKS", "The push of this result waits for an answer: %s Resolve it.", p.Message)
	default:
		return nil
	}
}

func notAgain(kind, format string, args ...any) error {
	return fault.ConflictField("assessmentId", kind, kind, format, args...)
}

// planned returns a push that is not kept.
func (ps *Pushes) planned(ctx context.Context, by Actor, a *Assessment, c *Connection, revision int) (*Push, error) {
	now := ps.o.Clock.Now()
	p := newPush(by, pushOrder{Assessment: a, Revision: revision, Connection: c, Trigger: PushManual, At: now})
	plan, err := newPushPlan(ctx, ps.o.Store, a.OrganizationID, c.ID, a.JobID)
	if err != nil {
		return nil, err
	}
	p.Plan = *plan
	p.lay(effective(ps.o.Adapters, c), now)
	return p, nil
}

// requests is how many requests the rest of a push takes at most. Adapters
// announce it for each capability as the constraint "requests".
func (p *Push) requests(capabilities []ats.Capability) int {
	n := 0
	for i := range p.Steps {
		s := &p.Steps[i]
		if p.past(s) {
			continue
		}
		c, _ := capability(capabilities, s.Kind.capability())
		n += constraint(c, "requests", 2)
	}
	return max(n, 1)
}

// past reports whether a step will not be taken any more. One that has no place
// yet looks anew in each run.
func (p *Push) past(s *PushStep) bool { return s.over() && (s.Kind != StepFind || p.placed()) }

func constraint(c ats.Capability, name string, otherwise int) int {
	if n, err := strconv.Atoi(c.Constraints[name]); err == nil && n > 0 {
		return n
	}
	return otherwise
}

// PushOutcome is what came of one of several.
type PushOutcome struct {
	AssessmentID ID
	Push         *Push        // nil if it was refused
	Refusal      *fault.Error // nil if it was not
}

// PushMany is Push for several, each by itself: what is refused does not keep
// the others, and what stopped goes on where it did. Errors: fault.Forbidden, fault.NotFound, fault.Invalid.
func (ps *Pushes) PushMany(ctx context.Context, by Actor, ids []ID, connection ID) ([]PushOutcome, error) {
	if err := several(by, ids); err != nil {
		return nil, err
	}
	c, err := ps.pushable(ctx, ps.o.Store, by, PushRequest{ConnectionID: connection})
	if err != nil {
		return nil, err
	}
	outcomes := make([]PushOutcome, 0, len(ids))
	for _, id := range ids {
		p, err := ps.Push(ctx, by, PushRequest{AssessmentID: id, ConnectionID: c.ID, retry: true}, Key{})
		f := fault.From(err)
		if f != nil && (f.Code == fault.Internal || f.Code == fault.Retryable) {
			return outcomes, err
		}
		outcomes = append(outcomes, PushOutcome{AssessmentID: id, Push: p, Refusal: f})
	}
	return outcomes, nil
}
