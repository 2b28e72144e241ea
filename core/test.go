package core

import (
	"context"
	"time"

	"github.com/trellis-ats/trellis/core/fault"
)

// Modality is how a candidate takes a test.
type Modality string

// The modalities.
const (
	ModalityChat  Modality = "CHAT"
	ModalityVoice Modality = "VOICE"
	ModalityVideo Modality = "VIDEO"
)

// Trait is something that a test scores. Traits are data: Trellis knows none by name.
type Trait struct {
	Key  string `json:"key"`
	Name string `json:"name"`
}

// Test is what can be sent: a scenario with a modality and its traits.
type Test struct {
	ID              ID
	OrganizationID  ID
	Name            string
	Description     string
	Modality        Modality
	DurationMinutes int // for the invitation; 0 if not told
	Traits          []Trait
	Archived        bool // kept for old assessments, no longer offered
	CreatedAt       time.Time
}

// Validate checks what a person typed. Errors: fault.Invalid.
func (t Test) Validate() error {
	if err := requireText("name", t.Name, 200); err != nil {
		return err
	}
	if len(t.Description) > 4000 {
		return fault.InvalidField("description", "TOO_LONG", "description is longer than 4000 bytes.")
	}
	switch t.Modality {
	case ModalityChat, ModalityVoice, ModalityVideo:
	default:
		return fault.InvalidField("modality", "UNKNOWN", "modality is CHAT, VOICE or VIDEO.")
	}
	if t.DurationMinutes < 0 || t.DurationMinutes > 24*60 {
		return fault.InvalidField("durationMinutes", "OUT_OF_RANGE", "durationMinutes is from 0 to 1440.")
	}
	return validateTraits(t.Traits)
}

func validateTraits(traits []Trait) error {
	if len(traits) > 50 {
		return fault.InvalidField("traits", "TOO_MANY", "A test has at most 50 traits.")
	}
	seen := map[string]bool{}
	for _, t := range traits {
		if err := requireText("traits.key", t.Key, 100); err != nil {
			return err
		}
		if err := requireText("traits.name", t.Name, 200); err != nil {
			return err
		}
		if seen[t.Key] {
			return fault.InvalidField("traits.key", "DUPLICATE", "The trait %q is there twice.", t.Key)
		}
		seen[t.Key] = true
	}
	return nil
}

// TestReader finds tests.
type TestReader interface {
	// Test returns one of the organization's. Errors: fault.NotFound.
	Test(ctx context.Context, organization, id ID) (*Test, error)
	// Tests returns a page of the organization's tests, oldest first.
	Tests(ctx context.Context, organization ID, f TestFilter, p Page) (*Paged[Test], error)
	// TestsByID returns those that exist, in no order; for loaders.
	TestsByID(ctx context.Context, organization ID, ids []ID) ([]Test, error)
}

// TestFilter narrows a list of tests.
type TestFilter struct{ WithArchived bool }

// TestWriter keeps tests.
type TestWriter interface {
	InsertTest(ctx context.Context, t *Test) error
}

// Tests are the use cases around tests.
type Tests struct {
	store Store
	clock Clock
}

// NewTests returns the use cases.
func NewTests(s Store, c Clock) *Tests { return &Tests{store: s, clock: c} }

// Create adds a test. Errors: fault.Forbidden, fault.Invalid.
func (ts *Tests) Create(ctx context.Context, by Actor, t Test, k Key) (*Test, error) {
	if err := by.Require(PermitConfigure); err != nil {
		return nil, err
	}
	if err := t.Validate(); err != nil {
		return nil, err
	}
	t.ID, t.OrganizationID, t.CreatedAt = NewID(PrefixTest), by.OrganizationID, ts.clock.Now()
	return once(ctx, ts.store, by, k.of("createTest", t.CreatedAt), func(tx Tx) (*Test, error) {
		if err := tx.InsertTest(ctx, &t); err != nil {
			return nil, err
		}
		return &t, record(ctx, tx, by, change{At: t.CreatedAt, Event: EventTestCreated, Subject: t.ID, After: t})
	})
}

// Get returns one test. Errors: fault.Forbidden, fault.NotFound.
func (ts *Tests) Get(ctx context.Context, by Actor, id ID) (*Test, error) {
	if err := by.Require(PermitReadTests); err != nil {
		return nil, err
	}
	return ts.store.Test(ctx, by.OrganizationID, id)
}

// List returns a page of tests, oldest first. Errors: fault.Forbidden, fault.Invalid.
func (ts *Tests) List(ctx context.Context, by Actor, f TestFilter, p Page) (*Paged[Test], error) {
	if err := by.Require(PermitReadTests); err != nil {
		return nil, err
	}
	p, err := p.Normalize()
	if err != nil {
		return nil, err
	}
	return ts.store.Tests(ctx, by.OrganizationID, f, p)
}

// Several returns those of several tests that exist, in no order.
// Errors: fault.Forbidden.
func (ts *Tests) Several(ctx context.Context, by Actor, ids []ID) ([]Test, error) {
	if err := by.Require(PermitReadTests); err != nil {
		return nil, err
	}
	return ts.store.TestsByID(ctx, by.OrganizationID, ids)
}

// ByID returns those of several tests that exist, in no order; for what is
// reached from an assessment that the actor sees. Errors: fault.Forbidden.
func (ts *Tests) ByID(ctx context.Context, by Actor, ids []ID) ([]Test, error) {
	if err := by.Require(PermitRead); err != nil {
		return nil, err
	}
	return ts.store.TestsByID(ctx, by.OrganizationID, ids)
}
