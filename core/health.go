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
	found, entry := cs.examine(ctx, c)
	var changed *Connection
	err = cs.store.Atomically(ctx, func(tx Tx) error {
		c, err := tx.LockConnection(ctx, by.OrganizationID, id)
		if err != nil {
			return err
		}
		if len(entry.Exchanges) > 0 {
			if err := appendSyncEntry(ctx, tx, entry); err != nil {
				return err
			}
		}
		changed = c
		health, err := found.over(ctx, tx, c)
		if err != nil {
			return err
		}
		return c.become(ctx, tx, by, health, health.CheckedAt)
	})
	return changed, err
}

// examined is what one look at a connection found.
type examined struct {
	health Health
	later  bool // it could not be looked at just now
}

// over is the health that counts after a look: what was known stays if it could
// not be looked at just now. The authorization is told as it is by now.
func (e examined) over(ctx context.Context, r Reader, c *Connection) (Health, error) {
	h := e.health
	if e.later && len(c.Health.Capabilities) > 0 {
		h = c.Health
		h.CheckedAt, h.Message = e.health.CheckedAt, e.health.Message
		if h.Status == HealthOK {
			h.Status = HealthDegraded
		}
		return h, nil
	}
	a, err := r.Authorization(ctx, c.OrganizationID, c.ID)
	if h.Message != "" || fault.Is(err, fault.NotFound) {
		return h, nil
	}
	if err == nil {
		h, err = h.withTwin(ctx, r, c, a)
	}
	if err != nil {
		return h, err
	}
	return h.withAuthorization(a), nil
}

const (
	// recheckWell is how long what a check found counts, if all was well.
	recheckWell = 24 * time.Hour
	// recheckIll is the same if something was not.
	recheckIll = time.Hour
)

// stale reports whether it is time to look again. What was never looked at is
// not: somebody is setting the connection up.
func (h Health) stale(now time.Time) bool {
	life := recheckWell
	if h.Status != HealthOK {
		life = recheckIll
	}
	return !h.CheckedAt.IsZero() && now.Sub(h.CheckedAt) >= life
}

// Recheck is Check as the handler of TaskCheckConnection.
func (cs *Connections) Recheck(ctx context.Context, t Task, _ Attempt) error {
	_, err := cs.Check(ctx, SystemActor(t.OrganizationID), t.SubjectID)
	return err
}

// become keeps the connection with another health. A change of the status is
// an event.
func (c *Connection) become(ctx context.Context, tx Tx, by Actor, h Health, now time.Time) error {
	before := c.Health.Status
	c.Health = h
	if err := tx.UpdateConnection(ctx, c); err != nil || before == h.Status {
		return err
	}
	data := map[string]any{"before": before, "after": h.Status}
	return appendEvent(ctx, tx, by, now, EventConnectionHealth, c.ID, data)
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

// examine makes the call; no transaction is open. It goes with the connection's
// token if there is one. The few requests of a check that a person asked for
// are counted, and do not wait.
func (cs *Connections) examine(ctx context.Context, c *Connection) (examined, *SyncEntry) {
	ctx, cancel := context.WithTimeout(ctx, checkDeadline)
	defer cancel()
	entry := outboundEntry(c, "check-connection", cs.clock.Now())
	h := Health{Status: HealthFailing, CheckedAt: entry.StartedAt}
	call, err := cs.calls.prepareCheck(ctx, c)
	var report *ats.ConnectionReport
	if err == nil {
		report, err = cs.report(ctx, c.Adapter, &call)
	}
	if err == nil {
		entry.Exchanges, entry.Duration = report.Exchanges, cs.clock.Now().Sub(entry.StartedAt)
		err = cs.calls.count(ctx, c, report.Exchanges)
	}
	entry.explain(err, SyncFailed)
	if err != nil {
		h.Message = fault.From(err).Message
		return examined{h, fault.Repeatable(err)}, entry
	}
	return examined{health: healthOf(report, h.CheckedAt)}, entry
}

func (cs *Connections) report(ctx context.Context, adapter string, call *ats.Connection) (*ats.ConnectionReport, error) {
	proxy, err := cs.adapters.Adapter(adapter)
	if err != nil {
		return nil, err
	}
	return proxy.CheckConnection(ctx, call)
}

func healthOf(r *ats.ConnectionReport, at time.Time) Health {
	return Health{
		Status: statusOf(r), CheckedAt: at, Identity: r.Identity, Account: r.Account, Missing: r.Missing,
		Checks: r.Checks, Capabilities: r.Capabilities,
	}
}

// The names of the checks that the host adds.
const (
	checkAuthorization = "authorization"
	checkAccount       = "one connection for the account"
)

// withTwin returns h with a check that fails if another connection that is
// switched on goes to the same account: people are recognised within one.
func (h Health) withTwin(ctx context.Context, r Reader, c *Connection, a *Authorization) (Health, error) {
	h.Checks = slices.DeleteFunc(slices.Clone(h.Checks), func(c ats.Check) bool { return c.Name == checkAccount })
	twin, err := twinOf(ctx, r, c, a)
	if err == nil && twin != "" {
		h.Checks = append(h.Checks, ats.Check{Name: checkAccount, Message: "The connection \"" + twin +
			"\" goes to the same account: whoever is pushed over both is there twice, and both spend its rate. Use one of them, and disable the other."})
	}
	return h, err
}

// twinOf returns the name of the oldest other connection of the organization
// that is connected with the same account, or "".
func twinOf(ctx context.Context, r Reader, c *Connection, a *Authorization) (string, error) {
	all, err := r.Connections(ctx, c.OrganizationID)
	if err != nil || a.Account == "" {
		return "", err
	}
	others := slices.DeleteFunc(all, func(o Connection) bool { return o.ID == c.ID || o.Disabled || o.Adapter != c.Adapter })
	ids := make([]ID, len(others))
	for i := range others {
		ids[i] = others[i].ID
	}
	authorized, err := r.AuthorizationsOf(ctx, c.OrganizationID, ids)
	if err != nil {
		return "", err
	}
	for i := range others {
		if slices.ContainsFunc(authorized, func(o Authorization) bool {
			return o.ConnectionID == others[i].ID && o.Account == a.Account && (o.State == Connected || o.State == Expiring)
		}) {
			return others[i].Name, nil
		}
	}
	return "", nil
}

// withAuthorization returns h with a check that tells whether the tokens work.
func (h Health) withAuthorization(a *Authorization) Health {
	check := ats.Check{Name: checkAuthorization, OK: a.State == Connected, Message: a.Reason}
	if check.OK {
		check.Message = "Connected with " + accountText(a.AccountName, a.Account) + "."
	}
	h.Checks = append(slices.DeleteFunc(slices.Clone(h.Checks), func(c ats.Check) bool { return c.Name == checkAuthorization }), check)
	failed := len(h.Missing) > 0 || slices.ContainsFunc(h.Checks, func(c ats.Check) bool { return !c.OK })
	switch {
	case failed && (h.Status == HealthOK || h.Status == HealthUnknown):
		h.Status = HealthDegraded
	case !failed && h.Status == HealthDegraded:
		h.Status = HealthOK
	}
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
