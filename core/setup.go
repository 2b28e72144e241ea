package core

import (
	"context"

	"github.com/trellis-ats/trellis/core/fault"
)

// Setup makes an organization that can work at once. It is for the operator of
// Trellis, who has the database at hand; no API reaches it.
type Setup struct {
	store       Store
	clock       Clock
	tokens      *Tokens
	tests       *Tests
	connections *Connections
}

// NewSetup returns the use case.
func NewSetup(s Store, c Clock, tk *Tokens, ts *Tests, cs *Connections) *Setup {
	return &Setup{store: s, clock: c, tokens: tk, tests: ts, connections: cs}
}

// SetupOptions is what the operator says.
type SetupOptions struct {
	Organization string // the name; an organization of this name is added to
	Adapter      string
	Settings     map[string]string
	SampleTests  bool
}

// SetupOutcome is what the operator needs to go on. The secrets are shown this once.
type SetupOutcome struct {
	Organization *Organization
	AdminToken   Secret
	EngineToken  Secret
	Created
}

// Run sets an organization up. Errors: fault.Invalid, fault.Retryable while
// the adapter has not started.
func (s *Setup) Run(ctx context.Context, o SetupOptions) (*SetupOutcome, error) {
	probe := NewConnection{Adapter: o.Adapter, Name: o.Organization, Settings: o.Settings}
	if _, _, err := s.connections.check(probe); err != nil {
		return nil, err // before anything is made
	}
	organization, err := s.organization(ctx, o.Organization)
	if err != nil {
		return nil, err
	}
	by := SystemActor(organization.ID)
	out := &SetupOutcome{Organization: organization}
	admin, err := s.tokens.Create(ctx, by, NewToken{Name: "setup admin", Role: RoleAdmin}, Key{})
	if err != nil {
		return nil, err
	}
	engine, err := s.tokens.Create(ctx, by, NewToken{Name: "setup engine", Role: RoleEngine}, Key{})
	if err != nil {
		return nil, err
	}
	out.AdminToken, out.EngineToken = admin.Secret, engine.Secret
	probe.Name = o.Adapter
	made, err := s.connections.Create(ctx, by, probe, Key{})
	if err != nil {
		return nil, err
	}
	out.Created = *made
	if o.SampleTests {
		return out, s.sampleTests(ctx, by)
	}
	return out, nil
}

func (s *Setup) organization(ctx context.Context, name string) (*Organization, error) {
	o := &Organization{ID: NewID(PrefixOrganization), Name: name, CreatedAt: s.clock.Now()}
	if err := o.Validate(); err != nil {
		return nil, err
	}
	known, err := s.store.OrganizationByName(ctx, name)
	if err == nil || !fault.Is(err, fault.NotFound) {
		return known, err
	}
	err = s.store.Atomically(ctx, func(tx Tx) error {
		if err := tx.InsertOrganization(ctx, o); err != nil {
			return err
		}
		return appendEvent(ctx, tx, SystemActor(o.ID), o.CreatedAt, EventOrganizationCreated, o.ID, nil)
	})
	return o, err
}

// sampleTests adds a chat, a voice and a video scenario.
func (s *Setup) sampleTests(ctx context.Context, by Actor) error {
	traits := []Trait{
		{Key: "objection_handling", Name: "Objection Handling"},
		{Key: "discovery_depth", Name: "Discovery Depth"},
		{Key: "closing_instinct", Name: "Closing Instinct"},
		{Key: "coachability", Name: "Coachability"},
		{Key: "product_knowledge", Name: "Product Knowledge"},
	}
	samples := []Test{
		{Name: "Discovery Chat", Modality: ModalityChat, DurationMinutes: 20, Description: "A chat with a buyer who has a problem but no budget yet."},
		{Name: "Cold Call", Modality: ModalityVoice, DurationMinutes: 15, Description: "A phone call to someone who did not expect it."},
		{Name: "Closing Meeting", Modality: ModalityVideo, DurationMinutes: 30, Description: "A video meeting with two buyers, one of them in doubt."},
	}
	for _, t := range samples {
		t.Traits = traits
		if _, err := s.tests.Create(ctx, by, t, Key{}); err != nil {
			return err
		}
	}
	return nil
}
