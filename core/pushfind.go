package core

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// sighting is what was seen in the ATS when.
type sighting struct {
	matches []ats.CandidateMatch
	at      time.Time     // when the look began
	settle  time.Duration // after which what was sent must be visible
}

// find looks for the person and their application, and decides by what it sees
// what is still to be done. It writes nothing and needs no intent.
func (r *pushRun) find(ctx context.Context) error {
	seen, err := r.look(ctx)
	if err != nil {
		return err
	}
	r.found = nil
	return r.commit(ctx, func(tx Tx, p *Push, now time.Time) error {
		one, err := p.choose(seen.matches)
		if err != nil {
			return err
		}
		if r.found, err = p.meet(one, seen, now); err != nil {
			return err
		}
		return r.place(ctx, tx, p, now)
	})
}

// look asks the ATS for the person: by the id that is known, or if there is
// nobody with that any more by the e-mail address.
func (r *pushRun) look(ctx context.Context) (*sighting, error) {
	seen := &sighting{at: r.o.Clock.Now(), settle: r.o.Settle}
	id, certain := r.sought()
	var err error
	if id != "" {
		if seen.matches, err = r.ask(ctx, &ats.CandidateQuery{ExternalID: id}); err != nil || len(seen.matches) > 0 {
			return seen, err
		}
		if certain {
			return nil, r.missed(ctx, id)
		}
	}
	seen.matches, err = r.ask(ctx, &ats.CandidateQuery{Email: r.candidate.Email})
	return seen, err
}

// missed tells that who must be there is not. Whom a person chose is forgotten,
// so that a retry looks by the e-mail address. Errors: *pause, errOvertaken.
func (r *pushRun) missed(ctx context.Context, id string) error {
	advice := "If the candidate was merged, resolve the push with the id of the other one; otherwise cancel it."
	if r.push.Answer.CandidateID != "" {
		advice = "Retry to look for the e-mail address anew; if the candidate was merged, resolve the push with the id of the other one."
		err := r.commit(ctx, func(_ Tx, p *Push, _ time.Time) error {
			p.Answer.CandidateID = ""
			return nil
		})
		if err != nil {
			return err
		}
	}
	f := fault.New(fault.NotFound, "The candidate %s is not in the ATS, or not any more. Nothing more was sent.", id)
	return &pause{state: PushNeedsAttention, fault: f, advice: advice}
}

// sought returns the id by which the person is looked for, and whether it must
// be that one: whom a person chose, or whom this push has made.
func (r *pushRun) sought() (id string, certain bool) {
	p := r.push
	switch {
	case p.Answer.CandidateID != "":
		return p.Answer.CandidateID, true
	case p.step(StepCreate).State == StepDone && p.ExternalCandidateID != "":
		return p.ExternalCandidateID, true
	case p.Answer.CreateNew:
		return "", false
	default:
		return r.known, false
	}
}

func (r *pushRun) ask(ctx context.Context, q *ats.CandidateQuery) ([]ats.CandidateMatch, error) {
	candidates, err := r.candidates()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, r.o.Deadline)
	defer cancel()
	q.Connection, q.JobID = r.call, r.push.Plan.jobID()
	found, err := candidates.Find(ctx, q)
	if found != nil {
		r.trace(&found.Trace)
	}
	if err != nil {
		r.refusal = fault.From(err)
		return nil, &pause{step: StepFind, fault: r.refusal, tried: true}
	}
	return found.Matches, nil
}

func (r *pushRun) candidates() (ats.Candidates, error) {
	able, err := abilityOf[ats.Candidates](r.o.Adapters, r.connection.Adapter, ats.CapabilityCandidates)
	if err != nil {
		return nil, &pause{step: StepFind, fault: fault.From(err), tried: true}
	}
	return able, nil
}

// choose returns the one person that matches, or nil for nobody. Those of whom
// somebody said that none is the candidate do not: whoever else is there may be
// the one that this push made.
// Errors: *pause if there are several and a person must choose.
func (p *Push) choose(matches []ats.CandidateMatch) (*ats.CandidateMatch, error) {
	matches = slices.DeleteFunc(matches, func(m ats.CandidateMatch) bool { return slices.Contains(p.Answer.NotThese, m.CandidateID) })
	switch {
	case len(matches) == 0:
		return nil, nil //nolint:nilnil // "nobody" is an answer, not an error
	case len(matches) == 1:
		return &matches[0], nil
	case p.Plan.Policies.SeveralMatches == MatchesNewest:
		newest := slices.MaxFunc(matches, func(a, b ats.CandidateMatch) int { return compareIDs(a.CandidateID, b.CandidateID) })
		return &newest, nil
	}
	q := PushQuestion{Kind: QuestionSeveralMatches}
	for _, m := range matches {
		q.Choices = append(q.Choices, PushChoice{CandidateID: m.CandidateID, ProfileURL: m.ProfileURL})
	}
	written := "Nothing was written."
	if p.step(StepCreate).State == StepSent {
		written = "The creation was not answered, so one of them may be new."
	}
	f := fault.New(fault.Conflict, "%d people in the ATS have the candidate's e-mail address. %s", len(matches), written)
	f.Kind = string(QuestionSeveralMatches)
	return nil, &pause{state: PushNeedsAttention, fault: f, question: q, advice: "Resolve the push: choose one of them, or have a new candidate made."}
}

// compareIDs orders the ids of an ATS by the time when they were given: a
// longer number is a later one.
func compareIDs(a, b string) int {
	return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
}

// meet notes whom the ATS has and returns their application to the job, if
// there is one that counts. Errors: *pause if it must wait, or a person decide.
func (p *Push) meet(m *ats.CandidateMatch, seen *sighting, now time.Time) (*ats.ApplicationRecord, error) {
	find, create := p.step(StepFind), p.step(StepCreate)
	doubted := create.State == StepSent
	if m == nil {
		for _, s := range []*PushStep{create, p.step(StepApply)} {
			if s.State == StepSent {
				return nil, p.unseen(s, seen)
			}
		}
		find.receive("", false, now)
		if find.Message = "Nobody with this e-mail address is in the ATS."; len(p.Answer.NotThese) > 0 {
			find.Message = "Nobody else with this e-mail address is in the ATS."
		}
		return nil, nil //nolint:nilnil // no application is an answer, not an error
	}
	find.receive(m.CandidateID, true, now)
	p.ExternalCandidateID, p.ProfileURL = m.CandidateID, cmp.Or(m.ProfileURL, p.ProfileURL)
	if !create.over() {
		create.receive(m.CandidateID, !doubted, now)
		if doubted {
			create.Message = "The ATS did not answer the creation; the person was found by looking."
		}
	}
	return p.meetApplication(m, seen, doubted, now)
}

// meetApplication notes the application that there is.
func (p *Push) meetApplication(m *ats.CandidateMatch, seen *sighting, doubted bool, now time.Time) (*ats.ApplicationRecord, error) {
	apply := p.step(StepApply)
	if p.Plan.jobID() == "" {
		apply.skip("Without an application: the ATS's job is closed.", now)
	}
	if apply.over() {
		return nil, nil //nolint:nilnil // no application is an answer, not an error
	}
	active := slices.IndexFunc(m.Applications, func(a ats.ApplicationRecord) bool { return a.State == ats.ApplicationActive })
	if active >= 0 {
		p.adopt(&m.Applications[active], apply.State != StepSent && !doubted, now)
		return &m.Applications[active], nil
	}
	if apply.State == StepSent {
		return nil, p.unseen(apply, seen)
	}
	if sent := p.step(StepCreate).SentAt; doubted && seen.at.Sub(sent) < seen.settle {
		return nil, &pause{state: PushWaiting, wait: seen.settle - seen.at.Sub(sent)} // it may be made just now, with the person
	}
	return p.meetClosed(m, now)
}

func (p *Push) adopt(a *ats.ApplicationRecord, existed bool, now time.Time) {
	p.step(StepApply).receive(a.ID, existed, now)
	p.ExternalApplicationID, p.ProfileURL = a.ID, cmp.Or(a.ProfileURL, p.ProfileURL)
}

// meetClosed decides about an application that has ended.
func (p *Push) meetClosed(m *ats.CandidateMatch, now time.Time) (*ats.ApplicationRecord, error) {
	ended := slices.DeleteFunc(slices.Clone(m.Applications), func(a ats.ApplicationRecord) bool {
		return a.State != ats.ApplicationRejected && a.State != ats.ApplicationHired
	})
	if len(ended) == 0 {
		return nil, nil //nolint:nilnil // no application is an answer, not an error
	}
	last := slices.MaxFunc(ended, func(a, b ats.ApplicationRecord) int {
		return cmp.Or(a.LastActivityAt.Compare(b.LastActivityAt), compareIDs(a.ID, b.ID))
	})
	switch cmp.Or(p.Answer.ClosedApplication, p.Plan.Policies.ClosedApplication) {
	case ApplicationApplyAgain:
		return nil, nil //nolint:nilnil // no application is an answer, not an error
	case ApplicationFeedbackOnly:
		p.adopt(&last, true, now)
		return &last, nil
	default: // ask
	}
	f := fault.New(fault.Conflict, "The candidate's application to the job is %s. Nothing was written.", last.State)
	f.Kind, f.Existing = string(QuestionClosedApplication), last.ID
	q := PushQuestion{Kind: QuestionClosedApplication, Choices: []PushChoice{{CandidateID: m.CandidateID, ApplicationID: last.ID, ProfileURL: last.ProfileURL}}}
	return nil, &pause{state: PushNeedsAttention, fault: f, question: q, advice: "Resolve the push: apply again, or write to the ended application."}
}

// unseen is what becomes of a push whose request was not answered and whose
// deed is not to be seen: it looks again once the request must be settled, and
// then leaves it to a person.
func (p *Push) unseen(s *PushStep, seen *sighting) *pause {
	what, sought := "the creation of the candidate", "nobody with this e-mail address"
	if s.Kind == StepApply {
		what, sought = "the application to the job", "no application of the candidate to it"
	}
	f := fault.New(fault.OutcomeUnknown, "The ATS did not answer %s, sent at %s; %s was found since.",
		what, s.SentAt.UTC().Format(time.DateTime+" UTC"), sought)
	if wait := seen.settle - seen.at.Sub(s.SentAt); wait > 0 {
		return &pause{state: PushWaiting, wait: wait, step: s.Kind, fault: f}
	}
	return &pause{state: PushNeedsAttention, step: s.Kind, fault: f, advice: "Look into the ATS, then retry: the push looks once more and, if there is still nothing, sends it again."}
}
