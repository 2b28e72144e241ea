package core

import (
	"context"
	"iter"
	"time"

	"github.com/trellis-ats/trellis/core/fault"
)

const (
	// exportPage is how many rows of an export are in memory at a time.
	exportPage = 200
	// candidateRows bounds what a candidate's file tells of one assessment. An
	// ATS that asks for the status every hour for eight weeks makes 1,344 entries
	// (for example Greenhouse: facts/greenhouse.md 1.7).
	candidateRows = 50_000
)

// Span is a range of time.
type Span struct {
	From  time.Time // the first moment; zero: from the beginning
	Until time.Time // the first moment after; zero: to the end
}

// Decided is a decision with its steps in the register, the oldest first.
type Decided struct {
	RoutingDecision
	Steps []DecisionStep
}

// Scored is an assessment with its current result.
type Scored struct {
	Assessment
	Result *Result // without its report; nil for none
}

// CandidateFile is what is kept of a person, for whom they ask.
type CandidateFile struct {
	Candidate   Candidate
	Assessments []AssessmentFile
}

// AssessmentFile is what is kept of one of a candidate's assessments.
type AssessmentFile struct {
	Assessment   Assessment
	Result       *Result  // the current one; nil for none
	Earlier      []Result // those before it, the newest first
	Applications []Application
	Pushes       []Push
	Decisions    []Decided
	Events       []Event
	SyncLog      []SyncEntry
}

// Exports give whole ranges of what is kept, to an ADMIN. Each export is an
// entry in the audit log. They are safe for concurrent use.
type Exports struct {
	store Store
	clock Clock
}

// NewExports returns the use cases.
func NewExports(s Store, c Clock) *Exports { return &Exports{store: s, clock: c} }

// begin lets the actor in, and notes who takes what.
// Errors: fault.Forbidden, fault.Invalid.
func (es *Exports) begin(ctx context.Context, by Actor, kind string, subject ID, s Span) error {
	for _, p := range []Permission{PermitConfigure, PermitAudit} {
		if err := by.Require(p); err != nil {
			return err
		}
	}
	if !s.Until.IsZero() && !s.From.Before(s.Until) {
		return fault.InvalidField("to", "OUT_OF_RANGE", "to is after from.")
	}
	told := map[string]any{"kind": kind}
	if !s.From.IsZero() {
		told["from"] = s.From
	}
	if !s.Until.IsZero() {
		told["to"] = s.Until
	}
	return es.store.Atomically(ctx, func(tx Tx) error {
		return record(ctx, tx, by, change{At: es.clock.Now(), Event: EventExported, Subject: subject, After: told})
	})
}

// AuditLog gives the entries of a time, newest first, page by page. The pages
// are read while the sequence is. Errors: fault.Forbidden, fault.Invalid.
func (es *Exports) AuditLog(ctx context.Context, by Actor, s Span) (iter.Seq2[[]AuditEntry, error], error) {
	return pages(func(p Page) (*Paged[AuditEntry], error) {
		return es.store.AuditLog(ctx, by.OrganizationID, AuditFilter{From: s.From, Until: s.Until}, p)
	}, func(e AuditEntry) ID { return e.ID }), es.begin(ctx, by, "audit-log", by.OrganizationID, s)
}

// SyncLog is AuditLog for the entries of the sync log that began in a time.
func (es *Exports) SyncLog(ctx context.Context, by Actor, s Span) (iter.Seq2[[]SyncEntry, error], error) {
	return pages(func(p Page) (*Paged[SyncEntry], error) {
		return es.store.SyncLog(ctx, by.OrganizationID, SyncFilter{From: s.From, Until: s.Until}, p)
	}, func(e SyncEntry) ID { return e.ID }), es.begin(ctx, by, "sync-log", by.OrganizationID, s)
}

// Assessments is AuditLog for those that were ordered in a time.
func (es *Exports) Assessments(ctx context.Context, by Actor, s Span) (iter.Seq2[[]Scored, error], error) {
	return pages(func(p Page) (*Paged[Scored], error) {
		f := AssessmentFilter{OrderedFrom: s.From, OrderedUntil: s.Until}
		found, err := es.store.Assessments(ctx, by.OrganizationID, f, AssessmentSort{By: AssessmentsByID}, p)
		if err != nil {
			return nil, err
		}
		all, err := es.withResults(ctx, by, found.Items)
		return &Paged[Scored]{Items: all, HasNext: found.HasNext}, err
	}, func(a Scored) ID { return a.ID }), es.begin(ctx, by, "assessments", by.OrganizationID, s)
}

func (es *Exports) withResults(ctx context.Context, by Actor, assessments []Assessment) ([]Scored, error) {
	ids, all, of := make([]ID, len(assessments)), make([]Scored, len(assessments)), map[ID]*Result{}
	for i, a := range assessments {
		ids[i] = a.ID
	}
	results, err := es.store.LatestResults(ctx, by.OrganizationID, Sight{}, ids, false)
	for i := range results {
		of[results[i].AssessmentID] = &results[i]
	}
	for i, a := range assessments {
		all[i] = Scored{a, of[a.ID]}
	}
	return all, err
}

// Decisions is AuditLog for the register of decisions, by when they were made.
func (es *Exports) Decisions(ctx context.Context, by Actor, s Span) (iter.Seq2[[]Decided, error], error) {
	return pages(func(p Page) (*Paged[Decided], error) {
		found, err := es.store.RoutingDecisions(ctx, by.OrganizationID, DecisionFilter{From: s.From, Until: s.Until}, p)
		if err != nil {
			return nil, err
		}
		all, err := es.withSteps(ctx, by, found.Items)
		return &Paged[Decided]{Items: all, HasNext: found.HasNext}, err
	}, func(d Decided) ID { return d.ID }), es.begin(ctx, by, "decisions", by.OrganizationID, s)
}

func (es *Exports) withSteps(ctx context.Context, by Actor, decisions []RoutingDecision) ([]Decided, error) {
	ids, of := make([]ID, len(decisions)), map[ID][]DecisionStep{}
	for i, d := range decisions {
		ids[i] = d.ID
	}
	steps, err := es.store.DecisionSteps(ctx, by.OrganizationID, ids)
	for _, s := range steps {
		of[s.DecisionID] = append(of[s.DecisionID], s)
	}
	all := make([]Decided, len(decisions))
	for i, d := range decisions {
		all[i] = Decided{d, of[d.ID]}
	}
	return all, err
}

// pages reads a list to its end. An error is the last that it gives.
func pages[T any](list func(p Page) (*Paged[T], error), id func(T) ID) iter.Seq2[[]T, error] {
	return func(yield func([]T, error) bool) {
		for p := (Page{First: exportPage}); ; {
			found, err := list(p)
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(found.Items, nil) || !found.HasNext {
				return
			}
			p.After = id(found.Items[len(found.Items)-1])
		}
	}
}

// Candidate gives all that is kept of one.
// Errors: fault.Forbidden, fault.NotFound.
func (es *Exports) Candidate(ctx context.Context, by Actor, id ID) (*CandidateFile, error) {
	if err := by.Require(PermitConfigure); err != nil {
		return nil, err
	}
	c, err := es.store.Candidate(ctx, by.OrganizationID, id)
	if err != nil {
		return nil, err
	}
	if err := es.begin(ctx, by, "candidates", id, Span{}); err != nil {
		return nil, err
	}
	file := &CandidateFile{Candidate: *c, Assessments: []AssessmentFile{}}
	taken := pages(func(p Page) (*Paged[Assessment], error) {
		return es.store.Assessments(ctx, by.OrganizationID, AssessmentFilter{CandidateID: id}, AssessmentSort{By: AssessmentsByID}, p)
	}, func(a Assessment) ID { return a.ID })
	for page, err := range taken {
		if err != nil {
			return nil, err
		}
		for _, a := range page {
			one, err := es.assessment(ctx, by, a)
			if err != nil {
				return nil, err
			}
			file.Assessments = append(file.Assessments, *one)
		}
	}
	return file, nil
}

func (es *Exports) assessment(ctx context.Context, by Actor, a Assessment) (*AssessmentFile, error) {
	file, org, ids := &AssessmentFile{Assessment: a}, by.OrganizationID, []ID{a.ID}
	results, err := es.store.LatestResults(ctx, org, Sight{}, ids, true)
	if err != nil {
		return nil, err
	}
	if len(results) > 0 {
		file.Result = &results[0]
		for revision := file.Result.Revision - 1; revision > 0; revision-- {
			earlier, err := es.store.Result(ctx, org, a.ID, revision)
			if err != nil {
				return nil, err
			}
			file.Earlier = append(file.Earlier, *earlier)
		}
	}
	if file.Applications, err = es.store.ApplicationsOf(ctx, org, ids); err != nil {
		return nil, err
	}
	if file.Pushes, err = es.store.PushesOf(ctx, org, Sight{}, ids, candidateRows); err != nil {
		return nil, err
	}
	decisions, err := es.store.RoutingDecisionsOf(ctx, org, Sight{}, ids)
	if err != nil {
		return nil, err
	}
	if file.Decisions, err = es.withSteps(ctx, by, decisions); err != nil {
		return nil, err
	}
	if file.Events, err = es.store.EventsOfSubjects(ctx, org, ids, candidateRows); err != nil {
		return nil, err
	}
	file.SyncLog, err = es.store.SyncEntriesOf(ctx, org, ids, candidateRows)
	return file, err
}
