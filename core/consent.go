package core

import (
	"cmp"
	"context"
	"time"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// consentValid is how long a person has for the consent.
const consentValid = 10 * time.Minute

// Consent is an attempt to connect that waits for a person's consent at the
// ATS. What comes back with the browser is its secret; only the hash is kept.
type Consent struct {
	Hash           string
	OrganizationID ID
	ConnectionID   ID
	Principal      string // who began; nobody else can end it
	ExpiresAt      time.Time
}

// ConsentWriter keeps attempts.
type ConsentWriter interface {
	InsertConsent(ctx context.Context, c *Consent) error
	// TakeConsent returns the principal's attempt and forgets it.
	// Errors: fault.NotFound, also once it has expired.
	TakeConsent(ctx context.Context, by Actor, hash string, now time.Time) (*Consent, error)
	// ForgetConsents removes at most limit that expired before now.
	ForgetConsents(ctx context.Context, now time.Time, limit int) error
}

// ConsentPage is where a person consents, and until when.
type ConsentPage struct {
	URL       string
	ExpiresAt time.Time
}

// BeginConsent returns the page of the ATS at which the actor consents. Only
// whoever began can come back from it, signed in, once and within ten minutes:
// else somebody could be led to connect their ATS with another's connection.
// Errors: fault.Forbidden, fault.NotFound, fault.Invalid without the vendor's
// client, fault.Conflict for another adapter, fault.Unsupported if the adapter
// does not offer ats.Authorization.
func (as *Authorizations) BeginConsent(ctx context.Context, by Actor, connection ID, adapter string) (*ConsentPage, error) {
	at, err := as.attempt(ctx, by, connection, adapter)
	if err != nil {
		return nil, err
	}
	at.settings = map[string]string{ats.SettingAuthMode: ats.AuthModeAuthorizationCode}
	call, err := as.draft(ctx, at)
	if err != nil {
		return nil, err
	}
	state := NewSecret("")
	page, err := at.able.Begin(ctx, &ats.ConsentRequest{
		Connection: call, RedirectURL: as.links.Consent(at.connection.Adapter), State: state.Reveal(),
	})
	if fault.Is(err, fault.Config) {
		return nil, fault.InvalidField("connectionId", "NOT_SET_UP", "Nobody can be asked for consent yet. %s", fault.From(err).Message)
	}
	if err != nil {
		return nil, err
	}
	consent := &Consent{
		Hash: state.Hash(), OrganizationID: by.OrganizationID, ConnectionID: connection,
		Principal: by.Principal, ExpiresAt: as.clock.Now().Add(consentValid),
	}
	err = as.store.Atomically(ctx, func(tx Tx) error { return tx.InsertConsent(ctx, consent) })
	return &ConsentPage{URL: page.URL, ExpiresAt: consent.ExpiresAt}, err
}

// ConsentAnswer is what came back with a person's browser.
type ConsentAnswer struct {
	Adapter string
	State   Secret
	Code    Secret
	Problem string // the ATS's word for what went wrong: "access_denied"; empty if nothing did
}

// CompleteConsent ends the attempt that the answer belongs to, and checks the
// connection. Tokens are stored before they are used.
// Errors: fault.Forbidden; fault.NotFound for an attempt that is not the
// actor's, was used or has expired; fault.Conflict if the ATS did not consent,
// for another adapter, and with Kind "ACCOUNT" for another account than before;
// those of ats.Authorization.
func (as *Authorizations) CompleteConsent(ctx context.Context, by Actor, answer ConsentAnswer) (*Connection, error) {
	if err := by.Require(PermitConfigure); err != nil {
		return nil, err
	}
	consent, err := as.takeConsent(ctx, by, answer.State)
	if err != nil {
		return nil, err
	}
	at, err := as.attempt(ctx, by, consent.ConnectionID, answer.Adapter)
	if err != nil {
		return nil, err
	}
	if answer.Problem != "" || answer.Code == "" {
		return nil, fault.New(fault.Conflict, "The ATS did not give its consent (%s). Nothing was changed; connect again when you may.", cut(cmp.Or(answer.Problem, "it sent no code"), 100))
	}
	at.settings = map[string]string{ats.SettingAuthMode: ats.AuthModeAuthorizationCode}
	at.entry = as.entry(at.connection, "connect")
	if err := as.exchange(ctx, at, answer.Code); err != nil {
		at.entry.explain(err, SyncRefused)
		return nil, settled(err, as.store.Atomically(ctx, func(tx Tx) error { return appendSyncEntry(ctx, tx, at.entry) }))
	}
	if _, err := as.establish(ctx, by, at); err != nil {
		return nil, err
	}
	return as.connections.Check(ctx, by, at.connection.ID)
}

func (as *Authorizations) takeConsent(ctx context.Context, by Actor, state Secret) (*Consent, error) {
	var taken *Consent
	err := as.store.Atomically(ctx, func(tx Tx) (err error) {
		taken, err = tx.TakeConsent(ctx, by, state.Hash(), as.clock.Now())
		return err
	})
	if fault.Is(err, fault.NotFound) {
		return nil, fault.New(fault.NotFound, "This attempt to connect is not yours, was used, or is older than ten minutes. Nothing was changed; begin again from the connection's settings.")
	}
	return taken, err
}

// exchange turns the code into tokens; no transaction is open.
func (as *Authorizations) exchange(ctx context.Context, at *attempting, code Secret) error {
	call, err := as.draft(ctx, at)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), authorizeDeadline)
	defer cancel()
	grant, err := at.able.Complete(ctx, &ats.ConsentCode{
		Connection: call, RedirectURL: as.links.Consent(at.connection.Adapter), Code: code.Reveal(),
	})
	at.granted(grant)
	if fault.Is(err, fault.Auth) {
		return fault.Wrap(err, fault.Conflict, "The ATS did not take its own code, which lives for a minute. Nothing was changed; connect again. %s", fault.From(err).Message)
	}
	if err != nil {
		return err
	}
	return at.before.sameAccount(at.grant)
}
