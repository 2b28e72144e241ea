package core

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// PushProfile tells what a push writes over a connection, and where.
type PushProfile struct {
	OrganizationID   ID
	ConnectionID     ID
	Bands            Bands
	ReportOnlyTraits []string // keys of traits that only the report shows
	Destinations     []Destination
	Policies         Policies
	SourceID         string // the ATS's source of a pushed candidate; empty for none
	SourceName       string
	Version          int       // from 1; 0: none was saved, and these are the defaults
	UpdatedAt        time.Time // zero for the defaults
}

// DefaultPushProfile is what counts until one is saved: everything that people
// read goes into the report's PDF and a note, nothing into custom fields.
func DefaultPushProfile(organization, connection ID) *PushProfile {
	return &PushProfile{
		OrganizationID: organization, ConnectionID: connection,
		Bands: DefaultBands(), ReportOnlyTraits: []string{}, Destinations: DefaultDestinations(),
		Policies: Policies{SeveralMatches: MatchesAsk, ClosedApplication: ApplicationAsk, ClosedJob: JobAsk},
	}
}

// Told returns the traits that leave the report: those that the profile does
// not keep to it.
func (p *PushProfile) Told(traits []TraitScore) []TraitScore {
	return slices.DeleteFunc(slices.Clone(traits), func(t TraitScore) bool {
		return slices.Contains(p.ReportOnlyTraits, t.Key)
	})
}

// Policies tell what a push does where it could harm. ASK stops it, as
// NEEDS_ATTENTION, until a person decides.
type Policies struct {
	SeveralMatches    MatchPolicy       `json:"severalMatches"`
	ClosedApplication ApplicationPolicy `json:"closedApplication"`
	ClosedJob         JobPolicy         `json:"closedJob"`
}

// MatchPolicy tells what to do if several people in the ATS match.
type MatchPolicy string

// The policies for several matches.
const (
	MatchesAsk    MatchPolicy = "ASK"
	MatchesNewest MatchPolicy = "NEWEST" // take the one who was made last
)

// ApplicationPolicy tells what to do if the candidate's application to the job
// was rejected, or they were hired.
type ApplicationPolicy string

// The policies for such an application.
const (
	ApplicationAsk          ApplicationPolicy = "ASK"
	ApplicationApplyAgain   ApplicationPolicy = "APPLY_AGAIN"
	ApplicationFeedbackOnly ApplicationPolicy = "FEEDBACK_ONLY" // write to the one there is
)

// JobPolicy tells what to do if the ATS's job is closed.
type JobPolicy string

// The policies for a closed job.
const (
	JobAsk                JobPolicy = "ASK"
	JobWithoutApplication JobPolicy = "WITHOUT_APPLICATION" // write to the candidate alone
)

// PushProfileReader finds profiles.
type PushProfileReader interface {
	// PushProfile returns a connection's, or the defaults if none was saved.
	PushProfile(ctx context.Context, organization, connection ID) (*PushProfile, error)
}

// PushProfileWriter keeps profiles.
type PushProfileWriter interface {
	// SavePushProfile keeps p instead of the connection's profile.
	SavePushProfile(ctx context.Context, p *PushProfile) error
}

// check checks what a person chose. Errors: fault.Invalid.
func (p Policies) check() error {
	switch p.SeveralMatches {
	case MatchesAsk, MatchesNewest:
	default:
		return fault.InvalidField("severalMatches", "UNKNOWN", "severalMatches is ASK or NEWEST.")
	}
	switch p.ClosedApplication {
	case ApplicationAsk, ApplicationApplyAgain, ApplicationFeedbackOnly:
	default:
		return fault.InvalidField("closedApplication", "UNKNOWN", "closedApplication is ASK, APPLY_AGAIN or FEEDBACK_ONLY.")
	}
	switch p.ClosedJob {
	case JobAsk, JobWithoutApplication:
		return nil
	default:
		return fault.InvalidField("closedJob", "UNKNOWN", "closedJob is ASK or WITHOUT_APPLICATION.")
	}
}

// PushProfiles are the use cases around push profiles.
type PushProfiles struct {
	store       Store
	clock       Clock
	connections *Connections
	choices     Choices
}

// NewPushProfiles returns the use cases.
func NewPushProfiles(s Store, c Clock, connections *Connections, choices Choices) *PushProfiles {
	return &PushProfiles{store: s, clock: c, connections: connections, choices: choices}
}

// Of returns a connection's profile, or the defaults if none was saved.
// Errors: fault.Forbidden, fault.NotFound.
func (ps *PushProfiles) Of(ctx context.Context, by Actor, connection ID) (*PushProfile, error) {
	if err := by.Require(PermitReadSetup); err != nil {
		return nil, err
	}
	if err := requireOwn(ctx, ps.store, by, connection, ""); err != nil {
		return nil, err
	}
	return ps.store.PushProfile(ctx, by.OrganizationID, connection)
}

// UpdateScorecard changes the bands, and which traits only the report shows.
// Errors: fault.Forbidden, fault.NotFound, fault.Invalid.
func (ps *PushProfiles) UpdateScorecard(ctx context.Context, by Actor, connection ID, m ScorecardMapping) (*PushProfile, error) {
	return ps.change(ctx, by, connection, m.apply)
}

// UpdatePolicies changes what a push does where it could harm; empty ones stay.
// Errors: fault.Forbidden, fault.NotFound, fault.Invalid.
func (ps *PushProfiles) UpdatePolicies(ctx context.Context, by Actor, connection ID, to Policies) (*PushProfile, error) {
	return ps.change(ctx, by, connection, func(p *PushProfile) error {
		if to.SeveralMatches != "" {
			p.Policies.SeveralMatches = to.SeveralMatches
		}
		if to.ClosedApplication != "" {
			p.Policies.ClosedApplication = to.ClosedApplication
		}
		if to.ClosedJob != "" {
			p.Policies.ClosedJob = to.ClosedJob
		}
		return p.Policies.check()
	})
}

// UpdateDestinations changes where each datum goes, and the source that pushed
// candidates come from. What the ATS does not take is kept and warned of.
// Errors: fault.Forbidden, fault.NotFound, fault.Invalid, those of the ATS.
func (ps *PushProfiles) UpdateDestinations(ctx context.Context, by Actor, connection ID, to Destinations) (*PushProfile, error) {
	if err := by.Require(PermitConfigure); err != nil {
		return nil, err
	}
	if err := requireOwn(ctx, ps.store, by, connection, ""); err != nil {
		return nil, err
	}
	apply, err := to.look(ctx, ps.choices, by, connection)
	if err != nil {
		return nil, err
	}
	return ps.change(ctx, by, connection, apply)
}

// change applies a change to the profile, which gets the next version. One that
// changes nothing leaves the version as it is.
func (ps *PushProfiles) change(ctx context.Context, by Actor, connection ID, apply func(*PushProfile) error) (*PushProfile, error) {
	if err := by.Require(PermitConfigure); err != nil {
		return nil, err
	}
	var changed *PushProfile
	err := ps.store.Atomically(ctx, func(tx Tx) error {
		if _, err := tx.LockConnection(ctx, by.OrganizationID, connection); err != nil {
			return unknownField(err, "connectionId", "connection")
		}
		p, err := tx.PushProfile(ctx, by.OrganizationID, connection)
		if err != nil {
			return err
		}
		before := *p
		if err := apply(p); err != nil {
			return err
		}
		changed = p
		if reflect.DeepEqual(before, *p) {
			return nil
		}
		p.Version, p.UpdatedAt = before.Version+1, ps.clock.Now()
		if err := tx.SavePushProfile(ctx, p); err != nil {
			return err
		}
		return record(ctx, tx, by, change{At: p.UpdatedAt, Event: EventPushProfileUpdated, Subject: connection, Before: before, After: p})
	})
	return changed, err
}

// Warnings tells what of a profile has no effect on its connection as it is
// now, and why. Errors: fault.Forbidden, fault.NotFound.
func (ps *PushProfiles) Warnings(ctx context.Context, by Actor, p *PushProfile) ([]string, error) {
	c, err := ps.connections.Get(ctx, by, p.ConnectionID)
	if err != nil {
		return nil, err
	}
	all, err := ps.connections.Capabilities(ctx, by, c)
	if err != nil {
		return nil, err
	}
	warnings, warned := []string{}, map[DestinationKind]bool{}
	for _, d := range p.Destinations {
		if c := capabilityIn(all, d.To.Capability()); !c.Available && !warned[d.To] {
			warnings = append(warnings, fmt.Sprintf("What goes to a %s is left out: %s", d.To, strings.Join(c.Reasons, " ")))
		}
		warned[d.To] = true
	}
	traits, err := ps.traits(ctx, by, "")
	if err != nil {
		return nil, err
	}
	for _, key := range p.ReportOnlyTraits {
		if !slices.ContainsFunc(traits, func(t Trait) bool { return t.Key == key }) {
			warnings = append(warnings, fmt.Sprintf("No test that is offered has the trait %q, which only the report shows.", key))
		}
	}
	return warnings, nil
}

// capabilityIn returns one of a connection's capabilities. One that is not
// available has a reason.
func capabilityIn(all []ats.Capability, name ats.CapabilityName) ats.Capability {
	c, _ := capability(all, name)
	if !c.Available && len(c.Reasons) == 0 {
		c.Reasons = []string{fmt.Sprintf("The connection does not offer %s.", name)}
	}
	return c
}
