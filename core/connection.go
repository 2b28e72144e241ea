package core

import (
	"context"
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
	PartnerKeyReader
}

// ConnectionWriter keeps connections.
type ConnectionWriter interface {
	// InsertConnection keeps c and its secrets, which are encrypted at rest.
	InsertConnection(ctx context.Context, c *Connection, secrets map[string]Secret) error
	PartnerKeyWriter
}

// Adapters is how core reaches the adapters' processes.
type Adapters interface {
	// Names returns the installed adapters.
	Names() []string
	// Manifest returns what an adapter said of itself, also while its process
	// restarts. Errors: fault.NotFound, fault.Retryable before the first answer.
	Manifest(name string) (*ats.Manifest, error)
	// Inbound and Results return a proxy. Errors: fault.NotFound, fault.Unsupported.
	Inbound(name string) (ats.Inbound, error)
	Results(name string) (ats.Results, error)
}

// Connections are the use cases around connections.
type Connections struct {
	store    Store
	clock    Clock
	adapters Adapters
}

// NewConnections returns the use cases.
func NewConnections(s Store, c Clock, a Adapters) *Connections {
	return &Connections{store: s, clock: c, adapters: a}
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
func (cs *Connections) Create(ctx context.Context, by Actor, n NewConnection) (*Created, error) {
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
			Name: n.Name, Settings: plain, CreatedAt: now,
		},
		WebhookSecret: NewSecret("whs_"),
	}
	secrets[ats.SecretWebhook] = made.WebhookSecret
	key, secret := newPartnerKey(made.Connection, now)
	made.PartnerKey = secret
	err = cs.store.Atomically(ctx, func(tx Tx) error {
		if err := tx.InsertConnection(ctx, made.Connection, secrets); err != nil {
			return err
		}
		if err := tx.InsertPartnerKey(ctx, key, secret); err != nil {
			return err
		}
		return appendEvent(ctx, tx, by, now, EventConnectionCreated, made.Connection.ID, map[string]any{"adapter": n.Adapter})
	})
	if err != nil {
		return nil, err
	}
	return made, nil
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
