package core

import (
	"context"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// Connection is an organization's link to one ATS account through one adapter.
// Its secrets are kept apart and travel only with a call to the adapter.
type Connection struct {
	ID             ID
	OrganizationID ID
	Adapter        string
	Name           string
	Settings       map[string]string // as typed; defaults are not stored
	Disabled       bool
	Health         Health // what the last check found
	CreatedAt      time.Time
}

// ConnectionReader finds connections.
type ConnectionReader interface {
	// Connection returns one of the organization's. Errors: fault.NotFound.
	Connection(ctx context.Context, organization, id ID) (*Connection, error)
	// Connections returns all of the organization's, oldest first.
	Connections(ctx context.Context, organization ID) ([]Connection, error)
	// ConnectionSecrets returns the decrypted secrets of one.
	// Errors: fault.NotFound, fault.Config if the master key does not open them.
	ConnectionSecrets(ctx context.Context, organization, id ID) (map[string]Secret, error)
	// ConnectionsByID returns those that exist, in no order; for loaders.
	ConnectionsByID(ctx context.Context, organization ID, ids []ID) ([]Connection, error)
	PartnerKeyReader
}

// ConnectionWriter keeps connections.
type ConnectionWriter interface {
	// InsertConnection keeps c and its secrets, which are encrypted at rest.
	InsertConnection(ctx context.Context, c *Connection, secrets map[string]Secret) error
	// LockConnection returns one and keeps others from changing it until the
	// transaction ends. Errors: fault.NotFound.
	LockConnection(ctx context.Context, organization, id ID) (*Connection, error)
	// UpdateConnection keeps name, settings, switch and health.
	UpdateConnection(ctx context.Context, c *Connection) error
	// SaveSecrets replaces the connection's secrets of these names.
	SaveSecrets(ctx context.Context, organization, id ID, secrets map[string]Secret) error
	PartnerKeyWriter
}

// Adapters is how core reaches the adapters' processes.
type Adapters interface {
	// Names returns the installed adapters.
	Names() []string
	// Manifest returns what an adapter said of itself, also while its process
	// restarts. Errors: fault.NotFound, fault.Retryable before the first answer.
	Manifest(name string) (*ats.Manifest, error)
	// Adapter, Inbound and Results return a proxy. That of Adapter implements
	// whatever else the contract has: see abilityOf.
	// Errors: fault.NotFound, fault.Unsupported.
	Adapter(name string) (ats.Adapter, error)
	// Processes tells how the adapters' processes are.
	Processes() []Process
	Inbound(name string) (ats.Inbound, error)
	Results(name string) (ats.Results, error)
}

// Connections are the use cases around connections.
type Connections struct {
	store    Store
	clock    Clock
	adapters Adapters
	calls    *Calls
}

// NewConnections returns the use cases.
func NewConnections(s Store, c Clock, a Adapters, calls *Calls) *Connections {
	return &Connections{store: s, clock: c, adapters: a, calls: calls}
}

// NewConnection is what a person says of a connection.
type NewConnection struct {
	Adapter  string
	Name     string
	Settings map[string]string
}

// Created is a new connection with its secrets, which are shown this once.
type Created struct {
	Connection    *Connection
	PartnerKey    Secret
	WebhookSecret Secret
}

// Create adds a connection with a partner key and a web hook secret.
// Errors: fault.Forbidden, fault.Invalid, fault.Retryable if the adapter has not started yet.
func (cs *Connections) Create(ctx context.Context, by Actor, n NewConnection, k Key) (*Created, error) {
	if err := by.Require(PermitConfigure); err != nil {
		return nil, err
	}
	plain, secrets, err := cs.check(n)
	if err != nil {
		return nil, err
	}
	now := cs.clock.Now()
	made := &Created{
		Connection: &Connection{
			ID: NewID(PrefixConnection), OrganizationID: by.OrganizationID, Adapter: n.Adapter,
			Name: n.Name, Settings: plain, Health: Health{Status: HealthUnknown}, CreatedAt: now,
		},
		WebhookSecret: NewSecret("whs_"),
	}
	secrets[ats.SecretWebhook] = made.WebhookSecret
	key, secret := newPartnerKey(made.Connection, now)
	made.PartnerKey = secret
	return once(ctx, cs.store, by, k.of("createConnection", now), func(tx Tx) (*Created, error) {
		if err := tx.InsertConnection(ctx, made.Connection, secrets); err != nil {
			return nil, err
		}
		if err := tx.InsertPartnerKey(ctx, key, secret); err != nil {
			return nil, err
		}
		return made, record(ctx, tx, by, change{
			At: now, Event: EventConnectionCreated, Subject: made.Connection.ID, After: configuration(made.Connection),
		})
	})
}

// configuration is what the audit log keeps of a connection.
func configuration(c *Connection) map[string]any {
	return map[string]any{"adapter": c.Adapter, "name": c.Name, "settings": c.Settings, "disabled": c.Disabled}
}

// ConnectionUpdate says what to change; nil fields stay.
type ConnectionUpdate struct {
	Name     *string
	Settings map[string]string // replace those of the same name; "" removes one
	Disabled *bool
}

// Update changes a connection. Errors: fault.Forbidden, fault.NotFound, fault.Invalid.
func (cs *Connections) Update(ctx context.Context, by Actor, id ID, u ConnectionUpdate) (*Connection, error) {
	if err := by.Require(PermitConfigure); err != nil {
		return nil, err
	}
	var changed *Connection
	err := cs.store.Atomically(ctx, func(tx Tx) error {
		c, err := tx.LockConnection(ctx, by.OrganizationID, id)
		if err != nil {
			return err
		}
		before := configuration(c)
		stored, err := tx.ConnectionSecrets(ctx, by.OrganizationID, id)
		if err != nil {
			return err
		}
		secrets, err := cs.apply(c, u, stored)
		if err != nil {
			return err
		}
		if err := tx.UpdateConnection(ctx, c); err != nil {
			return err
		}
		if err := tx.SaveSecrets(ctx, by.OrganizationID, id, secrets); err != nil {
			return err
		}
		changed = c
		if err := cs.calls.outdate(ctx, tx, c, u.Settings); err != nil {
			return err
		}
		return record(ctx, tx, by, change{
			At: cs.clock.Now(), Event: EventConnectionUpdated, Subject: id, Before: before, After: configuration(c),
		})
	})
	return changed, err
}

// apply changes c and returns its secrets: those that were stored, replaced by
// those that were given. One that was removed is empty.
func (cs *Connections) apply(c *Connection, u ConnectionUpdate, stored map[string]Secret) (map[string]Secret, error) {
	if u.Name != nil {
		c.Name = *u.Name
	}
	if u.Disabled != nil {
		c.Disabled = *u.Disabled
	}
	m, err := cs.adapters.Manifest(c.Adapter)
	if err != nil {
		return nil, err
	}
	merged := map[string]string{}
	for _, s := range m.Settings {
		if s.Secret {
			merged[s.Name] = stored[s.Name].Reveal()
		}
	}
	maps.Copy(merged, c.Settings)
	maps.Copy(merged, u.Settings)
	settings, secrets, err := cs.check(NewConnection{Adapter: c.Adapter, Name: c.Name, Settings: merged})
	if err != nil {
		return nil, err
	}
	for _, s := range m.Settings {
		if given, ok := u.Settings[s.Name]; ok && s.Secret && given == "" {
			secrets[s.Name] = ""
		}
	}
	c.Settings = settings
	return secrets, nil
}

// check validates what was typed against the adapter's manifest and parts the
// plain settings from the secret ones.
func (cs *Connections) check(n NewConnection) (map[string]string, map[string]Secret, error) {
	if err := requireText("name", n.Name, 200); err != nil {
		return nil, nil, err
	}
	m, err := cs.adapters.Manifest(n.Adapter)
	if fault.Is(err, fault.NotFound) {
		return nil, nil, fault.InvalidField("adapter", "UNKNOWN", "There is no adapter %q; installed are %v.", n.Adapter, cs.adapters.Names())
	}
	if err != nil {
		return nil, nil, err
	}
	return splitSettings(m, n.Settings)
}

func splitSettings(m *ats.Manifest, given map[string]string) (map[string]string, map[string]Secret, error) {
	plain, secrets := map[string]string{}, map[string]Secret{}
	known := map[string]bool{}
	for _, s := range m.Settings {
		known[s.Name] = true
		value, ok := given[s.Name]
		if !ok || value == "" {
			if s.Required && s.Default == "" {
				return nil, nil, fault.InvalidField("settings."+s.Name, "REQUIRED", "The setting %s is required.", s.Name)
			}
			continue
		}
		if err := checkSetting(s, value); err != nil {
			return nil, nil, err
		}
		if s.Secret {
			secrets[s.Name] = Secret(value)
		} else {
			plain[s.Name] = value
		}
	}
	for name := range given {
		if !known[name] {
			return nil, nil, fault.InvalidField("settings."+name, "UNKNOWN", "The adapter %s has no setting %q.", m.Name, name)
		}
	}
	return plain, secrets, nil
}

func checkSetting(s ats.Setting, value string) error {
	path := "settings." + s.Name
	if err := optionalText(path, value, 4000); err != nil {
		return err
	}
	ok, want := true, ""
	switch s.Type {
	case ats.TypeURL:
		u, err := url.Parse(value)
		ok, want = err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "", "an http or https address"
	case ats.TypeInteger:
		_, err := strconv.ParseInt(value, 10, 64)
		ok, want = err == nil, "a whole number"
	case ats.TypeBoolean:
		ok, want = value == "true" || value == "false", "true or false"
	case ats.TypeChoice:
		ok, want = slices.Contains(s.Options, value), "one of its options"
	case ats.TypeText, ats.TypeHosts:
	}
	if !ok {
		return fault.InvalidField(path, "INVALID", "The setting %s must be %s.", s.Name, want)
	}
	return nil
}

// Get returns one connection. Errors: fault.Forbidden, fault.NotFound.
func (cs *Connections) Get(ctx context.Context, by Actor, id ID) (*Connection, error) {
	if err := by.Require(PermitReadSetup); err != nil {
		return nil, err
	}
	return cs.store.Connection(ctx, by.OrganizationID, id)
}

// ByID returns those of several connections that exist, in no order.
// Errors: fault.Forbidden.
func (cs *Connections) ByID(ctx context.Context, by Actor, ids []ID) ([]Connection, error) {
	if err := by.Require(PermitReadSetup); err != nil {
		return nil, err
	}
	return cs.store.ConnectionsByID(ctx, by.OrganizationID, ids)
}

// List returns all connections, oldest first. Errors: fault.Forbidden.
func (cs *Connections) List(ctx context.Context, by Actor) ([]Connection, error) {
	if err := by.Require(PermitReadSetup); err != nil {
		return nil, err
	}
	return cs.store.Connections(ctx, by.OrganizationID)
}

// forCall puts together what travels to the adapter. With withSecrets, the
// stored secrets and the partner key that the ATS used last come along.
func forCall(ctx context.Context, r Reader, a Adapters, c *Connection, withSecrets bool) (ats.Connection, error) {
	m, err := a.Manifest(c.Adapter)
	if err != nil {
		return ats.Connection{}, err
	}
	out := ats.Connection{ID: string(c.ID), Settings: m.WithDefaults(c.Settings), Secrets: map[string]string{}}
	if !withSecrets {
		return out, nil
	}
	secrets, err := r.ConnectionSecrets(ctx, c.OrganizationID, c.ID)
	if err != nil {
		return ats.Connection{}, err
	}
	for name, s := range secrets {
		out.Secrets[name] = s.Reveal()
	}
	key, err := r.PartnerKeyInUse(ctx, c.OrganizationID, c.ID)
	if err != nil {
		return ats.Connection{}, err
	}
	out.Secrets[ats.SecretPartnerKey] = key.Reveal()
	return out, nil
}
