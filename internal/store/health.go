package store

import (
	"time"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/ats"
)

// healthJSON fixes the stored names of core.Health. It and those below have
// the same fields as what they keep, or the conversions would not compile.
type healthJSON struct {
	Status       core.HealthStatus `json:"status"`
	CheckedAt    time.Time         `json:"checkedAt,omitzero"`
	Identity     string            `json:"identity,omitempty"`
	Account      string            `json:"account,omitempty"`
	Missing      []string          `json:"missing,omitempty"`
	Checks       []checkJSON       `json:"checks,omitempty"`
	Capabilities []capabilityJSON  `json:"capabilities,omitempty"`
	Message      string            `json:"message,omitempty"`
}

type checkJSON struct {
	Name    string `json:"name"`
	OK      bool   `json:"ok"`
	Message string `json:"message,omitempty"`
}

type capabilityJSON struct {
	Name        ats.CapabilityName `json:"name"`
	Available   bool               `json:"available"`
	Reasons     []string           `json:"reasons,omitempty"`
	Constraints map[string]string  `json:"constraints,omitempty"`
}

func newHealthJSON(h core.Health) healthJSON {
	return healthJSON{
		Status: h.Status, CheckedAt: h.CheckedAt.UTC().Truncate(time.Microsecond), Identity: h.Identity, Account: h.Account,
		Missing: h.Missing, Checks: convertSome(h.Checks, func(c ats.Check) checkJSON { return checkJSON(c) }),
		Capabilities: convertSome(h.Capabilities, func(c ats.Capability) capabilityJSON { return capabilityJSON(c) }),
		Message:      h.Message,
	}
}

func (h healthJSON) health() core.Health {
	return core.Health{
		Status: h.Status, CheckedAt: h.CheckedAt, Identity: h.Identity, Account: h.Account,
		Missing: h.Missing, Checks: convertSome(h.Checks, func(c checkJSON) ats.Check { return ats.Check(c) }),
		Capabilities: convertSome(h.Capabilities, func(c capabilityJSON) ats.Capability { return ats.Capability(c) }),
		Message:      h.Message,
	}
}

// convertSome is convertAll that leaves nil for nothing.
func convertSome[R, T any](rows []R, convert func(R) T) []T {
	if len(rows) == 0 {
		return nil
	}
	return convertAll(rows, convert)
}
