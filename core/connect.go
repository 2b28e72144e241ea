package core

import (
	"context"
	"maps"
	"strings"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// Credentials are a customer's own credential at its ATS.
type Credentials struct {
	ConnectionID ID
	Adapter      string // that the connection must be of; empty: any
	ClientID     string
	ClientSecret Secret
	ActingUser   string // the id there of the user who acts; empty: the credential's own
}

// Connect connects with a customer's own credential. It is tried before
// anything is stored: tokens are fetched with it, and the connection is checked
// with them. What the check finds missing is kept as the connection's health.
// Errors: fault.Forbidden, fault.NotFound; fault.Invalid that names what is
// missing, or which of clientId, clientSecret and actingUserId the ATS refuses;
// fault.Conflict for another adapter, and with Kind "ACCOUNT" for another
// account than before; fault.Unsupported if the adapter does not offer
// ats.Authorization; those of it. Nothing is changed then.
func (as *Authorizations) Connect(ctx context.Context, by Actor, cr Credentials) (*Connection, error) {
	for name, value := range map[string]string{"clientId": cr.ClientID, "clientSecret": cr.ClientSecret.Reveal()} {
		if err := requireText(name, value, 500); err != nil {
			return nil, err
		}
	}
	at, err := as.attempt(ctx, by, cr.ConnectionID, cr.Adapter)
	if err != nil {
		return nil, err
	}
	at.settings = map[string]string{
		ats.SettingAuthMode: ats.AuthModeClientCredentials, ats.SettingClientID: strings.TrimSpace(cr.ClientID),
		ats.SettingClientSecret: strings.TrimSpace(cr.ClientSecret.Reveal()), ats.SettingActingUser: strings.TrimSpace(cr.ActingUser),
	}
	call, err := as.draft(ctx, at)
	if err != nil {
		return nil, err
	}
	at.entry = as.entry(at.connection, "connect")
	if err := as.tryCredentials(ctx, at, call); err != nil {
		at.entry.explain(err, SyncRefused)
		return nil, settled(err, as.store.Atomically(ctx, func(tx Tx) error { return appendSyncEntry(ctx, tx, at.entry) }))
	}
	return as.establish(ctx, by, at)
}

// attempting is one attempt to connect.
type attempting struct {
	connection *Connection
	able       ats.Authorization
	before     *Authorization // what is stored; the zero value with its ids if there is nothing
	settings   map[string]string
	grant      *ats.Grant
	health     *Health // that was found with the new tokens; nil: not looked at
	entry      *SyncEntry
}

// attempt begins one. Errors: those of Connect before anything is tried.
func (as *Authorizations) attempt(ctx context.Context, by Actor, connection ID, adapter string) (*attempting, error) {
	if err := by.Require(PermitConfigure); err != nil {
		return nil, err
	}
	c, err := as.store.Connection(ctx, by.OrganizationID, connection)
	if err != nil {
		return nil, err
	}
	if adapter != "" && c.Adapter != adapter {
		return nil, fault.ConflictField("connectionId", "ADAPTER", "ADAPTER", "The connection %q is one of %s, not of %s. Nothing was changed.", c.Name, c.Adapter, adapter)
	}
	able, err := abilityOf[ats.Authorization](as.adapters, c.Adapter, ats.CapabilityAuthorization)
	if err != nil {
		return nil, err
	}
	before, err := as.store.Authorization(ctx, by.OrganizationID, connection)
	if fault.Is(err, fault.NotFound) {
		before, err = &Authorization{ConnectionID: c.ID, OrganizationID: c.OrganizationID, State: NotConnected}, nil
	}
	return &attempting{connection: c, able: able, before: before}, err
}

// draft returns what travels to the adapter if the attempt's settings counted.
// Errors: fault.Invalid.
func (as *Authorizations) draft(ctx context.Context, at *attempting) (ats.Connection, error) {
	c := *at.connection
	secrets, err := as.set(ctx, as.store, at, &c)
	if err != nil {
		return ats.Connection{}, err
	}
	call, err := as.calls.plain(ctx, &c)
	if err != nil {
		return ats.Connection{}, err
	}
	for name, s := range secrets {
		call.Secrets[name] = s.Reveal()
	}
	return call, nil
}

// set changes c by the attempt's settings and returns its secrets.
// Errors: fault.Invalid that names what a person typed.
func (as *Authorizations) set(ctx context.Context, r Reader, at *attempting, c *Connection) (map[string]Secret, error) {
	stored, err := r.ConnectionSecrets(ctx, c.OrganizationID, c.ID)
	if err != nil {
		return nil, err
	}
	secrets, err := as.connections.apply(c, ConnectionUpdate{Settings: at.settings}, stored)
	return secrets, asTyped(err)
}

// asTyped renames the settings in an error to the fields that a person typed.
func asTyped(err error) error {
	f := fault.From(err)
	if f == nil || f.Code != fault.Invalid {
		return err
	}
	renamed := *f
	renamed.Fields = make([]fault.Field, len(f.Fields))
	names := strings.NewReplacer("settings."+ats.SettingClientID, "clientId", "settings."+ats.SettingClientSecret, "clientSecret", "settings."+ats.SettingActingUser, "actingUserId")
	for i, field := range f.Fields {
		field.Path = names.Replace(field.Path)
		renamed.Fields[i] = field
	}
	return &renamed
}

// entry opens an attempt's entry in the sync log.
func (as *Authorizations) entry(c *Connection, operation string) *SyncEntry {
	return outboundEntry(c, operation, as.clock.Now())
}

// tryCredentials fetches tokens and looks with them; no transaction is open.
func (as *Authorizations) tryCredentials(ctx context.Context, at *attempting, call ats.Connection) error {
	ctx, cancel := context.WithTimeout(ctx, authorizeDeadline)
	defer cancel()
	grant, err := at.able.Refresh(ctx, &ats.RefreshRequest{Connection: call, Identify: true})
	at.granted(grant)
	if err != nil {
		return ofCredential(asTyped(err))
	}
	if err := at.before.sameAccount(grant); err != nil {
		return err
	}
	maps.Copy(call.Secrets, grant.Secrets)
	report, err := as.connections.report(ctx, at.connection.Adapter, &call)
	if err != nil {
		return err
	}
	health := healthOf(report, as.clock.Now())
	at.health = &health
	at.entry.Exchanges = append(at.entry.Exchanges, report.Exchanges...)
	return nil
}

// ofCredential names the field that a person typed which the ATS does not take.
func ofCredential(err error) error {
	switch f := fault.From(err); {
	case f.Code == fault.Auth && f.Kind == ats.KindActingUser:
		return fault.InvalidField("actingUserId", "REFUSED", "The ATS takes the credential, and not this acting user. Nothing was changed; choose another user. %s", f.Message)
	case f.Code == fault.Auth:
		return fault.InvalidField("clientSecret", "REFUSED", "The ATS did not take client id and secret. Nothing was changed; copy both anew. %s", f.Message)
	case f.Code == fault.Config:
		return fault.InvalidField("clientId", "REFUSED", "The ATS did not understand what was asked with this client id. Nothing was changed. %s", f.Message)
	default:
		return err
	}
}

// granted keeps what the ATS answered, and the exchanges for the sync log.
func (at *attempting) granted(g *ats.Grant) {
	if g == nil {
		g = &ats.Grant{}
	}
	at.grant = g
	at.entry.Exchanges = append(at.entry.Exchanges, g.Exchanges...)
}

// establish stores tokens and settings together, before anybody uses them. The
// tokens are those of a person who just connected: they count whatever a
// refresh does meanwhile.
func (as *Authorizations) establish(ctx context.Context, by Actor, at *attempting) (*Connection, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeWithin)
	defer cancel()
	at.entry.explain(nil, SyncOK)
	at.entry.Duration = as.clock.Now().Sub(at.entry.StartedAt)
	var changed *Connection
	err := as.store.Atomically(ctx, func(tx Tx) error {
		c, err := tx.LockConnection(ctx, by.OrganizationID, at.connection.ID)
		if err != nil {
			return err
		}
		changed = c
		if err := as.save(ctx, tx, by, at, c); err != nil {
			return err
		}
		return appendSyncEntry(ctx, tx, at.entry)
	})
	return changed, err
}

func (as *Authorizations) save(ctx context.Context, tx Tx, by Actor, at *attempting, c *Connection) error {
	secrets, err := as.set(ctx, tx, at, c)
	if err != nil {
		return err
	}
	a, err := tx.LockAuthorization(ctx, c.OrganizationID, c.ID)
	if fault.Is(err, fault.NotFound) {
		a, err = at.before, nil
	}
	if err != nil {
		return err
	}
	if err := a.sameAccount(at.grant); err != nil {
		return err
	}
	before, now := *a, as.clock.Now()
	tokens := a.granted(at.grant, nil, now, as.calls.refreshLife)
	a.Mode, a.ConnectedAt = at.settings[ats.SettingAuthMode], now
	health := c.Health
	if at.health != nil {
		health = *at.health
	}
	if health, err = health.withTwin(ctx, tx, c, a); err != nil {
		return err
	}
	if err := c.become(ctx, tx, by, health.withAuthorization(a), now); err != nil {
		return err
	}
	if err := tx.SaveSecrets(ctx, c.OrganizationID, c.ID, secrets); err != nil {
		return err
	}
	if err := tx.SaveAuthorization(ctx, a, tokens); err != nil {
		return err
	}
	if err := resumeRefused(ctx, tx, c); err != nil {
		return err
	}
	return record(ctx, tx, by, authorizationChange(now, before, *a))
}

// resumeRefused lets pushes go on that the ATS refused with what was there before.
func resumeRefused(ctx context.Context, tx Tx, c *Connection) error {
	return tx.Enqueue(ctx, Task{Kind: TaskResumePushes, OrganizationID: c.OrganizationID, SubjectID: c.ID})
}
