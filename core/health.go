package core

import (
	"context"
	"slices"
	"time"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// HealthStatus sums a connection's health up.
type HealthStatus string

// The statuses.
const (
	HealthUnknown  HealthStatus = "UNKNOWN"  // never checked
	HealthOK       HealthStatus = "OK"       // all checks passed
	HealthDegraded HealthStatus = "DEGRADED" // it works in part; the checks say which
	HealthFailing  HealthStatus = "FAILING"  // it does not work
)

// Health is what the last check of a connection found.
type Health struct {
	Status       HealthStatus     `json:"status"`
	CheckedAt    time.Time        `json:"checkedAt"`
	Identity     string           `json:"identity,omitempty"` // who we are at the ATS
	Account      string           `json:"account,omitempty"`
	Missing      []string         `json:"missing,omitempty"` // permissions
	Checks       []ats.Check      `json:"checks,omitempty"`
	Capabilities []ats.Capability `json:"capabilities,omitempty"`
	Message      string           `json:"message,omitempty"` // why it could not be looked at
}

// checkDeadline bounds one check.
const checkDeadline = 20 * time.Second

// Check asks the adapter, and through it the ATS, how the connection is, and
// keeps what was found. A change of the status is an event.
// Errors: fault.Forbidden, fault.NotFound.
func (cs *Connections) Check(ctx context.Context, by Actor, id ID) (*Connection, error) {
	if err := by.Require(PermitReadSetup); err != nil {
		return nil, err
	}
	c, err := cs.store.Connection(ctx, by.OrganizationID, id)
	if err != nil {
		return nil, err
	}
	health := cs.examine(ctx, c)
	var changed *Connection
	err = cs.store.Atomically(ctx, func(tx Tx) error {
		c, err := tx.LockConnection(ctx, by.OrganizationID, id)
		if err != nil {
			return err
		}
		before := c.Health.Status
		c.Health, changed = health, c
		if err := tx.UpdateConnection(ctx, c); err != nil || before == health.Status {
			return err
		}
		data := map[string]any{"before": before, "after": health.Status}
		return appendEvent(ctx, tx, by, health.CheckedAt, EventConnectionHealth, id, data)
	})
	return changed, err
}

// Capabilities returns what a connection can do, by its last check. If there
// was none, it is what the adapter can do in general; if the check failed,
// nothing of that is available, and the reason says why.
// Errors: fault.Forbidden.
func (cs *Connections) Capabilities(_ context.Context, by Actor, c *Connection) ([]ats.Capability, error) {
	if err := by.Require(PermitReadSetup); err != nil {
		return nil, err
	}
	if len(c.Health.Capabilities) > 0 {
		return c.Health.Capabilities, nil
	}
	m, err := cs.adapters.Manifest(c.Adapter)
	if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Retryable) {
		return nil, nil // nothing is known of it; its process says why
	}
	if err != nil {
		return nil, err
	}
	general := slices.Clone(m.Capabilities)
	if c.Health.Status == HealthFailing {
		for i := range general {
			general[i].Available, general[i].Reasons = false, []string{c.Health.Message}
		}
	}
	return general, nil
}

// examine makes the call; no transaction is open.
func (cs *Connections) examine(ctx context.Context, c *Connection) Health {
	ctx, cancel := context.WithTimeout(ctx, checkDeadline)
	defer cancel()
	h := Health{Status: HealthFailing, CheckedAt: cs.clock.Now()}
	adapter, err := cs.adapters.Adapter(c.Adapter)
	if err != nil {
		h.Message = fault.From(err).Message
		return h
	}
	call, err := forCall(ctx, cs.store, cs.adapters, c, true)
	if err != nil {
		h.Message = fault.From(err).Message
		return h
	}
	report, err := adapter.CheckConnection(ctx, &call)
	if err != nil {
		h.Message = fault.From(err).Message
		return h
	}
	h.Identity, h.Account, h.Missing = report.Identity, report.Account, report.Missing
	h.Checks, h.Capabilities, h.Status = report.Checks, report.Capabilities, statusOf(report)
	return h
}

func statusOf(r *ats.ConnectionReport) HealthStatus {
	failed := func(c ats.Check) bool { return !c.OK }
	available := func(c ats.Capability) bool { return c.Available }
	switch {
	case len(r.Missing) == 0 && !slices.ContainsFunc(r.Checks, failed):
		return HealthOK
	case slices.ContainsFunc(r.Capabilities, available):
		return HealthDegraded
	default:
		return HealthFailing
	}
}
