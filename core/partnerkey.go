package core

import (
	"context"
	"time"

	"github.com/trellis-ats/trellis/core/fault"
)

// rotationGrace is how long an old partner key still works after a rotation.
// An ATS may be changed over by hand (for example Greenhouse by its support:
// facts/greenhouse.md 1.2).
const rotationGrace = 14 * 24 * time.Hour

// PartnerKey is a key that Trellis issues and the ATS presents. It is found by
// its hash. Its text is kept too, encrypted, because calling an ATS back may take
// the same key (for example Greenhouse: facts/greenhouse.md 1.7).
type PartnerKey struct {
	ID             ID
	OrganizationID ID
	ConnectionID   ID
	Adapter        string
	Hash           string
	CreatedAt      time.Time
	ExpiresAt      time.Time // zero: not rotated
	LastUsedAt     time.Time // zero: never; exact to a minute
}

// PartnerKeyReader finds partner keys.
type PartnerKeyReader interface {
	// PartnerKeyByHash returns one, expired or not. Errors: fault.NotFound.
	PartnerKeyByHash(ctx context.Context, adapter, hash string) (*PartnerKey, error)
	// PartnerKeyInUse returns the text of the unexpired key that the ATS used
	// last, or of the newest if none was used. Errors: fault.NotFound, fault.Config.
	PartnerKeyInUse(ctx context.Context, organization, connection ID) (Secret, error)
}

// PartnerKeyWriter keeps partner keys.
type PartnerKeyWriter interface {
	InsertPartnerKey(ctx context.Context, k *PartnerKey, secret Secret) error
	// ExpirePartnerKeys ends the connection's keys other than keep: the newest
	// of them at the given time, the others now.
	ExpirePartnerKeys(ctx context.Context, connection, keep ID, now, at time.Time) error
	// TouchPartnerKey notes a use.
	TouchPartnerKey(ctx context.Context, id ID, at time.Time) error
}

func newPartnerKey(c *Connection, now time.Time) (*PartnerKey, Secret) {
	secret := NewSecret("trk_")
	return &PartnerKey{
		ID: NewID(PrefixPartnerKey), OrganizationID: c.OrganizationID, ConnectionID: c.ID,
		Adapter: c.Adapter, Hash: secret.Hash(), CreatedAt: now,
	}, secret
}

// RotatePartnerKey issues a new key. The one before works for 14 more days, so
// that two are live while the ATS is changed over.
// Errors: fault.Forbidden, fault.NotFound.
func (cs *Connections) RotatePartnerKey(ctx context.Context, by Actor, id ID) (*Connection, Secret, error) {
	if err := by.Require(PermitConfigure); err != nil {
		return nil, "", err
	}
	c, err := cs.store.Connection(ctx, by.OrganizationID, id)
	if err != nil {
		return nil, "", err
	}
	now := cs.clock.Now()
	key, secret := newPartnerKey(c, now)
	err = cs.store.Atomically(ctx, func(tx Tx) error {
		if err := tx.ExpirePartnerKeys(ctx, c.ID, key.ID, now, now.Add(rotationGrace)); err != nil {
			return err
		}
		if err := tx.InsertPartnerKey(ctx, key, secret); err != nil {
			return err
		}
		return record(ctx, tx, by, change{At: now, Event: EventPartnerKeyRotated, Subject: c.ID, After: map[string]ID{"partnerKeyId": key.ID}})
	})
	if err != nil {
		return nil, "", err
	}
	return c, secret, nil
}

// Authenticate returns the connection that a partner key belongs to.
// Errors: fault.Unauthenticated; fault.Forbidden if the connection is disabled.
func (cs *Connections) Authenticate(ctx context.Context, adapter string, secret Secret) (*Connection, error) {
	if secret == "" {
		return nil, fault.New(fault.Unauthenticated, "No API key came with the request: send the partner key as the user of HTTP Basic authentication, with an empty password.")
	}
	refused := fault.New(fault.Unauthenticated, "This API key is unknown or expired.")
	k, err := cs.store.PartnerKeyByHash(ctx, adapter, secret.Hash())
	if fault.Is(err, fault.NotFound) {
		return nil, refused
	}
	if err != nil {
		return nil, err
	}
	now := cs.clock.Now()
	if !secret.Matches(k.Hash) || (!k.ExpiresAt.IsZero() && !now.Before(k.ExpiresAt)) {
		return nil, refused
	}
	if err := cs.touchKey(ctx, k, now); err != nil {
		return nil, err
	}
	c, err := cs.store.Connection(ctx, k.OrganizationID, k.ConnectionID)
	if err != nil {
		return nil, err
	}
	if c.Disabled {
		return nil, fault.New(fault.Forbidden, "This connection is switched off.")
	}
	return c, nil
}

func (cs *Connections) touchKey(ctx context.Context, k *PartnerKey, now time.Time) error {
	if now.Sub(k.LastUsedAt) < time.Minute {
		return nil
	}
	return cs.store.Atomically(ctx, func(tx Tx) error { return tx.TouchPartnerKey(ctx, k.ID, now) })
}
