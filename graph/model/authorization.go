package model

import (
	"time"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/ats"
)

// Authorization is what an ATS granted a connection.
type Authorization struct{ of core.Authorization }

// NewAuthorization is a view of a; of nil it is one that was never connected.
func NewAuthorization(a *core.Authorization) *Authorization {
	if a == nil {
		a = &core.Authorization{State: core.NotConnected, Mode: ats.AuthModeNone}
	}
	return &Authorization{*a}
}

// State tells whether the tokens work.
func (a Authorization) State() core.AuthorizationState { return a.of.State }

// Reason is nil if they do.
func (a Authorization) Reason() *string { return optional(a.of.Reason) }

// Mode is nil if it is not connected.
func (a Authorization) Mode() *string {
	if a.of.Mode == ats.AuthModeNone {
		return nil
	}
	return optional(a.of.Mode)
}

// Account is nil if not known.
func (a Authorization) Account() *string { return optional(a.of.Account) }

// AccountName is nil if not known.
func (a Authorization) AccountName() *string { return optional(a.of.AccountName) }

// Subject is nil if not known.
func (a Authorization) Subject() *string { return optional(a.of.Subject) }

// Scopes are what was granted.
func (a Authorization) Scopes() []string { return listed(a.of.Scopes) }

// ExpiresAt is zero without an access token.
func (a Authorization) ExpiresAt() time.Time { return a.of.ExpiresAt }

// RefreshExpiresAt is zero if it is not known.
func (a Authorization) RefreshExpiresAt() time.Time { return a.of.RefreshExpiresAt }

// RefreshedAt is zero if never.
func (a Authorization) RefreshedAt() time.Time { return a.of.RefreshedAt }

// ConnectedAt is zero if nobody did.
func (a Authorization) ConnectedAt() time.Time { return a.of.ConnectedAt }
