package core

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/trellis-ats/trellis/core/fault"
)

// Result is what the engine made of an assessment. A correction is a new
// revision; the old ones are kept.
type Result struct {
	ID             ID
	OrganizationID ID
	AssessmentID   ID
	TestID         ID
	Revision       int // from 1
	Score          Score
	RawScore       float64 // as the engine gave it, on 0 to RawMaximum
	RawMaximum     float64
	Traits         []TraitScore
	Report         Report
	IntegrityFlags []string // what the engine found suspicious; a person must look before anybody is rejected
	Accommodation  bool     // the candidate was granted an adaptation of the test
	Digest         string   // of what the engine sent; recognises a repeat
	CreatedAt      time.Time
}

// TraitScore is one trait of a result.
type TraitScore struct {
	Key   string `json:"key"`
	Name  string `json:"name"`
	Score Score  `json:"score"` // hundredths of 0–100
}

// Report is what the report page shows beside the scores. Its texts come from
// the engine and are never trusted as HTML.
type Report struct {
	Summary       string   `json:"summary,omitempty"`
	Analysis      string   `json:"analysis,omitempty"`
	Transcript    []Turn   `json:"transcript,omitempty"`
	CoachingNotes []string `json:"coachingNotes,omitempty"`
	Moments       []Moment `json:"moments,omitempty"`
}

// Turn is one utterance.
type Turn struct {
	Speaker string `json:"speaker"`
	Text    string `json:"text"`
	At      int    `json:"at"` // seconds from the start
}

// Moment is a place in the conversation that moved the score.
type Moment struct {
	At      int    `json:"at"` // seconds from the start
	Trait   string `json:"trait,omitempty"`
	Impact  string `json:"impact,omitempty"` // POSITIVE or NEGATIVE
	Quote   string `json:"quote,omitempty"`
	Comment string `json:"comment,omitempty"`
}

// maxReport bounds a report as it is stored, in bytes.
const maxReport = 1 << 20

// Standing is where a score stands among the organization's scored
// assessments of the same test, itself included.
type Standing struct {
	Count int // scored assessments
	Below int // those with a lower score
}

// enoughForBenchmark is how many scored assessments make a percentile honest.
const enoughForBenchmark = 20

// Sentence tells the standing to a hiring manager.
func (s Standing) Sentence(score Score) string {
	if s.Count < enoughForBenchmark {
		return fmt.Sprintf("%s/100, not enough data yet for a benchmark (%d of %d assessments)", score, s.Count, enoughForBenchmark)
	}
	return fmt.Sprintf("%s/100, above your team's %s percentile (%d assessments)", score, ordinal(s.Percentile()), s.Count)
}

// Ranked is a score of a test, to be compared with the others.
type Ranked struct {
	TestID ID
	Score  Score
}

// Percentile is the share of lower scores, in whole per cents rounded down.
func (s Standing) Percentile() int {
	if s.Count == 0 {
		return 0
	}
	return 100 * s.Below / s.Count
}

func ordinal(n int) string {
	suffix := "th"
	if n%100 < 11 || n%100 > 13 {
		switch n % 10 {
		case 1:
			suffix = "st"
		case 2:
			suffix = "nd"
		case 3:
			suffix = "rd"
		}
	}
	return fmt.Sprintf("%d%s", n, suffix)
}

// ResultReader finds results.
type ResultReader interface {
	// LatestResult returns an assessment's current revision. Errors: fault.NotFound.
	LatestResult(ctx context.Context, organization, assessment ID) (*Result, error)
	// Result returns one revision, current or not. Errors: fault.NotFound.
	Result(ctx context.Context, organization, assessment ID, revision int) (*Result, error)
	// LatestResults returns the current revisions of several assessments in
	// sight, in no order; for loaders. Reports, which are large, come only if asked for.
	LatestResults(ctx context.Context, organization ID, s Sight, assessments []ID, withReports bool) ([]Result, error)
	// Standing counts the current revisions of a test's results.
	Standing(ctx context.Context, organization, test ID, score Score) (Standing, error)
	// Standings is Standing for several, in the order of asked.
	Standings(ctx context.Context, organization ID, asked []Ranked) ([]Standing, error)
}

// ResultWriter keeps results.
type ResultWriter interface {
	InsertResult(ctx context.Context, r *Result) error
}

// Completion is what the engine reports. Without a Score the assessment is
// taken but not scored yet.
type Completion struct {
	AssessmentID ID
	Score        *float64
	MaxScore     float64 // the scale's end; 0 means 100
	Traits       []TraitCompletion
	Report       Report
	// IntegrityFlags name what was suspicious, in the engine's words.
	IntegrityFlags []string
	Accommodation  bool // whether the test was adapted for the candidate
}

// TraitCompletion is one trait as the engine reports it, on the same scale.
type TraitCompletion struct {
	Key   string
	Name  string // empty: the test's name for the trait
	Score float64
}

// Complete takes the engine's word. The result, its events and the delivery
// task commit together. The same report again changes nothing; another one is
// the next revision and is delivered again.
// Errors: fault.Forbidden, fault.NotFound, fault.Invalid, fault.Conflict.
func (as *Assessments) Complete(ctx context.Context, by Actor, c Completion) (*Assessment, error) {
	if err := by.Require(PermitReport); err != nil {
		return nil, err
	}
	result, err := c.result()
	if err != nil {
		return nil, err
	}
	var changed *Assessment
	for range completeAttempts {
		changed, err = as.change(ctx, by, c.AssessmentID, func(tx Tx, a *Assessment, now time.Time) error {
			return as.complete(ctx, tx, by, a, result, now)
		})
		if !fault.Is(err, fault.Retryable) || ctx.Err() != nil {
			break
		}
	}
	return changed, err
}

// completeAttempts is how often a report is taken in anew if the database let
// another transaction go first, a push's for instance: no engine should have to
// know of those.
const completeAttempts = 3

func (as *Assessments) complete(ctx context.Context, tx Tx, by Actor, a *Assessment, r *Result, now time.Time) error {
	if err := a.refuseErased(); err != nil {
		return err
	}
	if a.Status == StatusScored && r != nil {
		return as.revise(ctx, tx, by, a, r, now)
	}
	if a.Status != StatusCompleted {
		if err := a.complete(now); err != nil {
			return err
		}
		if err := appendEvent(ctx, tx, by, now, EventAssessmentCompleted, a.ID, nil); err != nil {
			return err
		}
	}
	if r == nil {
		return nil
	}
	if err := a.score(now); err != nil {
		return err
	}
	r.Revision = 1
	return keepResult(ctx, tx, by, a, r, now, EventAssessmentScored)
}

func (as *Assessments) revise(ctx context.Context, tx Tx, by Actor, a *Assessment, r *Result, now time.Time) error {
	current, err := tx.LatestResult(ctx, a.OrganizationID, a.ID)
	if err != nil {
		return err
	}
	if current.Digest == r.Digest {
		return nil
	}
	r.Revision = current.Revision + 1
	return keepResult(ctx, tx, by, a, r, now, EventAssessmentRevised)
}

// keepResult keeps a revision, its event, the pushes that rules want of it, what
// routing makes of it and, if an ATS ordered the test, the task that delivers it.
func keepResult(ctx context.Context, tx Tx, by Actor, a *Assessment, r *Result, now time.Time, event EventType) error {
	r.ID, r.OrganizationID, r.AssessmentID, r.TestID = NewID(PrefixResult), a.OrganizationID, a.ID, a.TestID
	r.CreatedAt = now
	if err := nameTraits(ctx, tx, r); err != nil {
		return err
	}
	if err := tx.InsertResult(ctx, r); err != nil {
		return err
	}
	data := map[string]any{"revision": r.Revision, "score": r.Score.Float()}
	if err := appendEvent(ctx, tx, by, now, event, a.ID, data); err != nil {
		return err
	}
	if err := pushByRule(ctx, tx, a, r); err != nil {
		return err
	}
	if err := routeByRule(ctx, tx, a, r); err != nil {
		return err
	}
	if a.ConnectionID == "" {
		return nil
	}
	a.Delivery, a.DeliveryNote = DeliveryPending, ""
	return tx.Enqueue(ctx, Task{
		Kind: TaskDeliverResult, OrganizationID: a.OrganizationID, AssessmentID: a.ID, Revision: r.Revision,
	})
}

// nameTraits gives traits that came without a name the test's name for them.
func nameTraits(ctx context.Context, r TestReader, result *Result) error {
	test, err := r.Test(ctx, result.OrganizationID, result.TestID)
	if err != nil {
		return err
	}
	names := map[string]string{}
	for _, t := range test.Traits {
		names[t.Key] = t.Name
	}
	for i := range result.Traits {
		t := &result.Traits[i]
		if t.Name == "" {
			t.Name = names[t.Key]
		}
		if t.Name == "" {
			t.Name = t.Key
		}
	}
	return nil
}

// result checks a completion and turns it into a result, or nil without a score.
func (c Completion) result() (*Result, error) {
	if c.Score == nil {
		if len(c.Traits) > 0 {
			return nil, fault.InvalidField("score", "REQUIRED", "Traits were sent without an overall score.")
		}
		return nil, nil //nolint:nilnil // "not scored yet" is an answer, not an error
	}
	maximum := c.MaxScore
	if maximum == 0 {
		maximum = MaxScore.Float()
	}
	score, err := NormalizeScore("score", *c.Score, maximum)
	if err != nil {
		return nil, err
	}
	traits, err := c.traitScores(maximum)
	if err != nil {
		return nil, err
	}
	if err := checkFlags(c.IntegrityFlags); err != nil {
		return nil, err
	}
	r := &Result{
		Score: score, RawScore: *c.Score, RawMaximum: maximum, Traits: traits, Report: c.Report,
		IntegrityFlags: c.IntegrityFlags, Accommodation: c.Accommodation,
	}
	return r, r.seal()
}

func checkFlags(flags []string) error {
	if len(flags) > 20 {
		return fault.InvalidField("integrityFlags", "TOO_MANY", "A result has at most 20 integrity flags.")
	}
	for i, f := range flags {
		if err := requireText(fmt.Sprintf("integrityFlags.%d", i), f, 200); err != nil {
			return err
		}
	}
	return nil
}

func (c Completion) traitScores(maximum float64) ([]TraitScore, error) {
	if len(c.Traits) > 50 {
		return nil, fault.InvalidField("traits", "TOO_MANY", "A result has at most 50 traits.")
	}
	seen := map[string]bool{}
	scores := make([]TraitScore, 0, len(c.Traits))
	for i, t := range c.Traits {
		path := fmt.Sprintf("traits.%d.", i)
		if err := requireText(path+"key", t.Key, 100); err != nil {
			return nil, err
		}
		if err := optionalText(path+"name", t.Name, 200); err != nil {
			return nil, err
		}
		if seen[t.Key] {
			return nil, fault.InvalidField(path+"key", "DUPLICATE", "The trait %q is there twice.", t.Key)
		}
		seen[t.Key] = true
		s, err := NormalizeScore(path+"score", t.Score, maximum)
		if err != nil {
			return nil, err
		}
		scores = append(scores, TraitScore{Key: t.Key, Name: t.Name, Score: s})
	}
	return scores, nil
}

// seal checks the report and computes the digest of what the engine sent.
func (r *Result) seal() error {
	if err := r.Report.validate(); err != nil {
		return err
	}
	sent := []any{math.Float64bits(r.RawScore), math.Float64bits(r.RawMaximum), r.Traits, r.Report}
	if len(r.IntegrityFlags) > 0 || r.Accommodation {
		sent = append(sent, r.IntegrityFlags, r.Accommodation)
	}
	encoded, err := json.Marshal(sent)
	if err != nil {
		return fmt.Errorf("result: %w", err)
	}
	if len(encoded) > maxReport {
		return fault.InvalidField("report", "TOO_LONG", "The report is larger than %d bytes.", maxReport)
	}
	sum := sha256.Sum256(encoded)
	r.Digest = hex.EncodeToString(sum[:])
	return nil
}

func (r Report) validate() error {
	if len(r.Transcript) > 5000 || len(r.Moments) > 500 || len(r.CoachingNotes) > 200 {
		return fault.InvalidField("report", "TOO_MANY", "A report has at most 5000 turns, 500 moments and 200 notes.")
	}
	for i, t := range r.Transcript {
		if t.At < 0 {
			return fault.InvalidField(fmt.Sprintf("report.transcript.%d.at", i), "OUT_OF_RANGE", "at is in seconds from the start, not below 0.")
		}
	}
	for i, m := range r.Moments {
		if m.At < 0 {
			return fault.InvalidField(fmt.Sprintf("report.moments.%d.at", i), "OUT_OF_RANGE", "at is in seconds from the start, not below 0.")
		}
	}
	return nil
}
