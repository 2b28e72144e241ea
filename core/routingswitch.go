package core

import (
	"context"
	"slices"
	"time"

	"github.com/trellis-ats/trellis/core/fault"
)

// RoutingSwitch stops all that routing does in an ATS, for a connection or for
// one job over it: what is decided meanwhile, or was pending, is held.
type RoutingSwitch struct {
	OrganizationID ID
	ConnectionID   ID
	JobID          ID // empty: for all jobs
	Off            bool
	Note           string // why, for people
	ChangedBy      string // for people
	ChangedAt      time.Time
}

// RoutingSwitchReader finds switches.
type RoutingSwitchReader interface {
	// RoutingSwitches returns those of a connection that were ever set, the
	// connection's own first, then by job.
	RoutingSwitches(ctx context.Context, organization, connection ID) ([]RoutingSwitch, error)
}

// RoutingSwitchWriter keeps switches.
type RoutingSwitchWriter interface {
	// SaveRoutingSwitch keeps s instead of that of the same connection and job.
	SaveRoutingSwitch(ctx context.Context, s *RoutingSwitch) error
}

// routingIsOff reports whether a switch stops a job's routing, or that of any of several.
func routingIsOff(ctx context.Context, r RoutingSwitchReader, organization, connection ID, jobs ...ID) (bool, error) {
	all, err := r.RoutingSwitches(ctx, organization, connection)
	for _, s := range all {
		if s.Off && (s.JobID == "" || slices.Contains(jobs, s.JobID)) {
			return true, err
		}
	}
	return false, err
}

// requireRouting checks that the actor has a say in routing's rules: whoever
// proposes them, and whoever approves them.
func requireRouting(by Actor) error {
	if by.May(PermitApprove) {
		return nil
	}
	return by.Require(PermitConfigure)
}

// Switches returns a connection's. Errors: fault.Forbidden.
func (rs *RoutingRules) Switches(ctx context.Context, by Actor, connection ID) ([]RoutingSwitch, error) {
	if err := by.Require(PermitReadSetup); err != nil {
		return nil, err
	}
	return rs.o.Store.RoutingSwitches(ctx, by.OrganizationID, connection)
}

// Switch stops routing, or lets it go on, for a connection or one job of it.
// What was held meanwhile stays held.
// Errors: fault.Forbidden, fault.NotFound, fault.Invalid.
func (rs *RoutingRules) Switch(ctx context.Context, by Actor, s RoutingSwitch) (*RoutingSwitch, error) {
	if err := requireRouting(by); err != nil {
		return nil, err
	}
	if err := optionalText("note", s.Note, 500); err != nil {
		return nil, err
	}
	if s.Off && s.Note == "" {
		return nil, fault.InvalidField("note", "REQUIRED", "Tell why routing is switched off: others will ask. Nothing was changed.")
	}
	if err := requireOwn(ctx, rs.o.Store, by, s.ConnectionID, s.JobID); err != nil {
		return nil, err
	}
	s.OrganizationID, s.ChangedBy, s.ChangedAt = by.OrganizationID, by.Name, rs.o.Clock.Now()
	err := rs.o.Store.Atomically(ctx, func(tx Tx) error {
		if _, err := tx.LockConnection(ctx, by.OrganizationID, s.ConnectionID); err != nil {
			return err
		}
		before, err := tx.RoutingSwitches(ctx, by.OrganizationID, s.ConnectionID)
		if err != nil {
			return err
		}
		if err := tx.SaveRoutingSwitch(ctx, &s); err != nil {
			return err
		}
		c := change{At: s.ChangedAt, Event: EventRoutingSwitched, Subject: s.ConnectionID, After: s}
		for _, b := range before {
			if b.JobID == s.JobID {
				c.Before = b
			}
		}
		return record(ctx, tx, by, c)
	})
	return &s, err
}
