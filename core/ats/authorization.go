package ats

import (
	"context"
	"time"
)

// Authorization is implemented by adapters whose ATS gives out tokens. An
// adapter keeps none: the host stores what a Grant holds before it is used.
type Authorization interface {
	// Begin returns the page of the ATS at which a person consents. It makes
	// no network call. Errors: fault.Config without the vendor's client.
	Begin(ctx context.Context, r *ConsentRequest) (*ConsentPage, error)

	// Complete turns the code of a consent into a grant. A code works once.
	// The grant comes with an error too, with its Trace.
	Complete(ctx context.Context, r *ConsentCode) (*Grant, error)

	// Refresh gets a new access token: with the refresh token, which is spent
	// by it, or with the client's own credentials. The grant comes with an
	// error too. Errors: fault.Auth if a person must connect anew, with Kind
	// KindActingUser if only for the acting user; fault.OutcomeUnknown if the
	// refresh token may have been spent.
	Refresh(ctx context.Context, r *RefreshRequest) (*Grant, error)
}

// KindActingUser is the kind of a refusal of the acting user, where the
// credential itself is taken.
const KindActingUser = "ACTING_USER"

// The secrets of a grant, by the names under which they travel to the adapter.
const (
	SecretAccessToken  = "access_token"
	SecretRefreshToken = "refresh_token"
)

// The settings of an adapter that offers Authorization. The host writes them
// when a person connects; an adapter declares those that it reads.
const (
	SettingAuthMode     = "auth_mode" // one of the modes below
	SettingClientID     = "client_id"
	SettingClientSecret = "client_secret" // a Secret
	SettingActingUser   = "acting_user"   // becomes Connection.Actor
)

// The modes of a connection that can be authorized.
const (
	AuthModeNone              = "none"               // no tokens
	AuthModeClientCredentials = "client_credentials" // a customer's own credential
	AuthModeAuthorizationCode = "authorization_code" // the vendor's client and a person's consent
)

// ConsentRequest asks where to send a person's browser.
type ConsentRequest struct {
	Connection  Connection
	RedirectURL string
	State       string
}

// ConsentPage is where the person consents.
type ConsentPage struct{ URL string }

// ConsentCode is what came back with the browser.
type ConsentCode struct {
	Connection  Connection
	RedirectURL string
	Code        string
}

// RefreshRequest asks for a new access token.
type RefreshRequest struct {
	Connection Connection
	// Identify asks for account, subject and scopes too, which may cost a
	// request more.
	Identify bool
}

// Grant is what the ATS granted.
type Grant struct {
	Secrets          map[string]string // replace those of the same names
	ExpiresAt        time.Time         // of the access token
	RefreshExpiresAt time.Time         // of the refresh token; zero: none, or not known
	Account          string            // the tenant's id at the ATS; empty if not asked
	AccountName      string
	Subject          string // the acting user's id there
	Scopes           []string
	Trace
}
