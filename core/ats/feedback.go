package ats

import "context"

// Feedback is implemented by adapters that can write an assessment's outcome
// onto a candidate or an application. Every method is safe to ask for twice:
// the adapter looks before it appends. Each answer comes with an error too,
// with its Trace.
type Feedback interface {
	// SetFields writes custom fields and leaves all others as they are.
	// Errors: fault.Invalid names the field that does not exist or does not
	// take the value.
	SetFields(ctx context.Context, r *FieldsRequest) (*FeedbackReceipt, error)
	// Attach adds a file. One of the same name counts as this one.
	Attach(ctx context.Context, r *AttachRequest) (*FeedbackReceipt, error)
	// AddNote adds a note. One that holds the same marker counts as this one.
	AddNote(ctx context.Context, r *NoteRequest) (*FeedbackReceipt, error)
	// AddTag tags the candidate; the tag is made if there is none.
	AddTag(ctx context.Context, r *TagRequest) (*FeedbackReceipt, error)
	// Scorecard writes a scorecard. Errors: fault.Unsupported where the ATS
	// does not grant it.
	Scorecard(ctx context.Context, r *ScorecardRequest) (*FeedbackReceipt, error)
}

// Target is where feedback goes.
type Target struct {
	Connection    Connection
	CandidateID   string
	ApplicationID string // empty if there is none
}

// FieldsRequest asks for custom fields.
type FieldsRequest struct {
	Target
	Fields []FieldValue
}

// FieldValue is one custom field and what to write into it.
type FieldValue struct {
	Owner FieldOwner
	Key   string // as Reference lists it
	Text  string
	// Number is written instead of Text if IsNumber is set.
	Number   float64
	IsNumber bool
}

// FieldOwner is what a custom field belongs to.
type FieldOwner string

// The owners.
const (
	OwnerCandidate   FieldOwner = "CANDIDATE"
	OwnerApplication FieldOwner = "APPLICATION"
)

// AttachRequest asks for an attachment.
type AttachRequest struct {
	Target
	FileName  string // unique to what it holds; its extension tells the type
	MediaType string
	Content   []byte // at most 4 MiB
}

// NoteRequest asks for a note.
type NoteRequest struct {
	Target
	Body   string // plain text; holds Marker
	Marker string // text by which a repeat is recognised
}

// TagRequest asks for a tag.
type TagRequest struct {
	Target
	Name string
}

// ScorecardRequest asks for a scorecard.
type ScorecardRequest struct {
	Target
	Recommendation Recommendation
	Score          float64 // 0–100
	Traits         []TraitRecord
	Summary        string
	ReportURL      string
	Marker         string // text by which a repeat is recognised
}

// Recommendation is one of Trellis' five; an adapter translates it.
type Recommendation string

// The recommendations, best first.
const (
	RecommendStrongYes     Recommendation = "STRONG_YES"
	RecommendYes           Recommendation = "YES"
	RecommendMixed         Recommendation = "MIXED"
	RecommendNo            Recommendation = "NO"
	RecommendDefinitelyNot Recommendation = "DEFINITELY_NOT"
)

// FeedbackReceipt tells what was written.
type FeedbackReceipt struct {
	Reference string // the ATS's id of it, if it has one
	Existed   bool   // it was there before; nothing was written now
	Trace
}
