package model

import (
	"time"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/ats"
)

// ConnectionHealth is what the last check of a connection found.
type ConnectionHealth struct{ of *core.Health }

// Status is the sum of it; a connection that was never checked has none.
func (h ConnectionHealth) Status() core.HealthStatus {
	if h.of.Status == "" {
		return core.HealthUnknown
	}
	return h.of.Status
}

// CheckedAt is zero if never.
func (h ConnectionHealth) CheckedAt() time.Time { return h.of.CheckedAt }

// Identity is nil if not known.
func (h ConnectionHealth) Identity() *string { return optional(h.of.Identity) }

// Account is nil if not known.
func (h ConnectionHealth) Account() *string { return optional(h.of.Account) }

// Message is nil if it could be looked at.
func (h ConnectionHealth) Message() *string { return optional(h.of.Message) }

// MissingPermissions are those that we miss at the ATS.
func (h ConnectionHealth) MissingPermissions() []string { return listed(h.of.Missing) }

// Checks are what was looked at.
func (h ConnectionHealth) Checks() []HealthCheck {
	checks := make([]HealthCheck, len(h.of.Checks))
	for i := range h.of.Checks {
		checks[i] = HealthCheck{&h.of.Checks[i]}
	}
	return checks
}

// HealthCheck is one thing that was looked at.
type HealthCheck struct{ *ats.Check }

// Message is nil if there is nothing to say.
func (c HealthCheck) Message() *string { return optional(c.Check.Message) }
