package core

import (
	"context"
	"slices"
	"time"

	"github.com/trellis-ats/trellis/core/fault"
)

// Activity is how a connection's exchanges with its ATS have gone.
type Activity struct {
	ConnectionID  ID
	LastSuccessAt time.Time    // when the newest exchange began that went well; zero: none did
	LastFailure   *SyncFailure // the newest that failed, tried again or not; nil: none did
	// Deliveries counts assessments whose result is still to be told: those
	// that are PENDING or FAILED.
	Deliveries map[DeliveryState]int
	// Pushes counts those that are not over, by state.
	Pushes map[PushState]int
	Issues int // that are open
}

// SyncFailure is what the sync log says of an exchange that failed.
type SyncFailure struct {
	EntryID   ID
	At        time.Time
	Operation string
	FaultCode fault.Code
	Message   string
}

// ActivityReader sums exchanges up.
type ActivityReader interface {
	// Activities returns one for each of several connections that exists, in no order.
	Activities(ctx context.Context, organization ID, connections []ID) ([]Activity, error)
}

// Integration is an adapter with the connections through it.
type Integration struct {
	Installed
	Connections []ActiveConnection // oldest first
}

// ActiveConnection is a connection and how it does.
type ActiveConnection struct {
	Connection
	Activity      Activity
	Authorization *Authorization // nil: it was never connected
}

// Integration tells how an adapter and all connections through it are: what is
// known, nothing is asked of the ATS. Errors: fault.Forbidden, fault.NotFound
// if the adapter is not installed.
func (cs *Connections) Integration(ctx context.Context, by Actor, adapter string) (*Integration, error) {
	installed, err := cs.Installed(ctx, by)
	if err != nil {
		return nil, err
	}
	for _, i := range installed {
		if i.Process.Adapter == adapter {
			connections, err := cs.through(ctx, by, adapter)
			return &Integration{Installed: i, Connections: connections}, err
		}
	}
	return nil, fault.New(fault.NotFound, "There is no adapter of this name.")
}

// through returns an adapter's connections with what is known of them.
func (cs *Connections) through(ctx context.Context, by Actor, adapter string) ([]ActiveConnection, error) {
	all, err := cs.store.Connections(ctx, by.OrganizationID)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(c Connection) bool { return c.Adapter != adapter })
	ids := make([]ID, len(all))
	for i, c := range all {
		ids[i] = c.ID
	}
	activities, err := cs.store.Activities(ctx, by.OrganizationID, ids)
	if err != nil {
		return nil, err
	}
	authorizations, err := cs.store.AuthorizationsOf(ctx, by.OrganizationID, ids)
	if err != nil {
		return nil, err
	}
	found := make([]ActiveConnection, len(all))
	for i, c := range all {
		found[i].Connection = c
		if at := slices.IndexFunc(activities, func(a Activity) bool { return a.ConnectionID == c.ID }); at >= 0 {
			found[i].Activity = activities[at]
		}
		if at := slices.IndexFunc(authorizations, func(a Authorization) bool { return a.ConnectionID == c.ID }); at >= 0 {
			found[i].Authorization = &authorizations[at]
		}
	}
	return found, nil
}
