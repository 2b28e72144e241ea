package ats

import (
	"time"

	"github.com/trellis-ats/trellis/core/fault"
)

// Command is what the ATS asked for: a pointer to one of the types below.
type Command interface{ command() }

// ListTests asks which tests can be sent.
type ListTests struct{}

// PlaceOrder asks that a candidate takes one or more tests.
type PlaceOrder struct {
	Items     []OrderItem // at least one
	Candidate CandidateRecord
	OrderedBy string // e-mail of the ATS's user, if it says
	Order     Order
}

// OrderItem is one test of an order.
type OrderItem struct {
	Key    string // what makes a repeat recognisable within the connection
	TestID string // as ListTests told it
}

// Order is what the adapter needs to come back to this order; the host keeps
// it with each assessment and hands it to Deliver.
type Order struct {
	ExternalID  string            // the ATS's own id of the order, if it has one
	CallbackURL string            // where to tell of news; empty: the ATS must ask
	Reference   map[string]string // anything else, by the adapter's own names
	Warnings    []string          // what was odd about the order, for people
}

// CandidateRecord is a person as the ATS describes them.
type CandidateRecord struct {
	ExternalID    string // the ATS's id of the person, if known
	ApplicationID string // the ATS's id of the application, if known
	ProfileURL    string
	FirstName     string
	LastName      string
	PreferredName string
	Email         string
	Phone         string
	ResumeURL     string
}

// ReadStatus asks how far an assessment is.
type ReadStatus struct {
	AssessmentID string // the id that Trellis gave, or
	Key          string // the key of the order item
}

// RecordError tells that the ATS did not like one of our answers.
type RecordError struct {
	Operation    string // which of our answers
	Errors       []string
	AssessmentID string
	TestID       string
}

// ReadReport asks for a link to the report.
type ReadReport struct{ AssessmentID string }

func (*ListTests) command()   {}
func (*PlaceOrder) command()  {}
func (*ReadStatus) command()  {}
func (*RecordError) command() {}
func (*ReadReport) command()  {}

// Outcome is what came of a command: a pointer to one of the types below.
type Outcome interface{ outcome() }

// TestList answers ListTests.
type TestList struct{ Tests []TestRecord }

// TestRecord is a test that can be ordered.
type TestRecord struct {
	ID       string
	Name     string
	Modality string // CHAT, VOICE or VIDEO
}

// OrderPlaced answers PlaceOrder, an assessment for each item, in their order.
type OrderPlaced struct {
	AssessmentIDs []string
	Repeated      bool // the order was known already
}

// Status answers ReadStatus.
type Status struct{ Progress Progress }

// Progress is how far an assessment is, and its result once there is one.
type Progress struct {
	AssessmentID string
	State        State
	OrderedAt    time.Time
	StartedAt    time.Time // zero if not yet
	CompletedAt  time.Time // zero if not yet
	Result       *ResultRecord
}

// State is an assessment's state as an ATS may know it.
type State string

// The states.
const (
	StateOrdered   State = "ORDERED"
	StateInvited   State = "INVITED"
	StateStarted   State = "STARTED"
	StateCompleted State = "COMPLETED" // taken, not yet scored
	StateScored    State = "SCORED"
	StateExpired   State = "EXPIRED"
	StateCancelled State = "CANCELLED"
	StateFailed    State = "FAILED"
)

// ResultRecord is a result as it is told to an ATS.
type ResultRecord struct {
	Score     float64 // 0–100, at most two decimals
	Revision  int     // from 1; a corrected result has the next one
	Traits    []TraitRecord
	Benchmark string // a sentence for people
	Summary   string
	ReportURL string // permalink
	Indicator string // "GREEN", "YELLOW" or "RED"; empty if no rule routes it
	// Recommendation is for people, "Strong yes"; empty if no rule routes it.
	Recommendation string
}

// TraitRecord is one trait's score.
type TraitRecord struct {
	Key   string
	Name  string
	Score float64 // 0–100
}

// ErrorRecorded answers RecordError.
type ErrorRecorded struct{}

// ReportLink answers ReadReport.
type ReportLink struct {
	URL       string
	ExpiresAt time.Time
}

// Refused stands for any command that was not done.
type Refused struct{ Fault *fault.Error }

func (*TestList) outcome()      {}
func (*OrderPlaced) outcome()   {}
func (*Status) outcome()        {}
func (*ErrorRecorded) outcome() {}
func (*ReportLink) outcome()    {}
func (*Refused) outcome()       {}

// Delivery is a request to tell the ATS about an assessment.
type Delivery struct {
	Connection Connection
	Order      Order
	Key        string // of the order item
	Progress   Progress
}

// DeliveryReceipt is what came of a delivery.
type DeliveryReceipt struct {
	Reference string   // the ATS's id of what was written, if any
	Degraded  []string // what was shortened, translated or dropped, for people
	// AwaitsPoll is set if nothing could be sent and the ATS must come and ask.
	AwaitsPoll bool
	Exchanges  []Exchange
}
