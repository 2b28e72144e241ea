package core

import (
	"context"
	"slices"
	"time"

	"github.com/trellis-ats/trellis/core/fault"
)

// Token is an API token: who holds its secret acts with its role. Only the
// secret's hash is kept.
type Token struct {
	ID             ID
	OrganizationID ID
	Name           string
	Role           Role
	Hash           string
	CreatedAt      time.Time
	ExpiresAt      time.Time // zero: never
	RevokedAt      time.Time // zero: live
	LastUsedAt     time.Time // zero: never; exact to a minute
}

// Live reports whether the token can be used.
func (t Token) Live(now time.Time) bool {
	return t.RevokedAt.IsZero() && (t.ExpiresAt.IsZero() || now.Before(t.ExpiresAt))
}

// TokenReader finds tokens.
type TokenReader interface {
	// TokenByHash returns one, live or not. Errors: fault.NotFound.
	TokenByHash(ctx context.Context, hash string) (*Token, error)
}

// TokenWriter keeps tokens.
type TokenWriter interface {
	InsertToken(ctx context.Context, t *Token) error
	// TouchToken notes a use.
	TouchToken(ctx context.Context, id ID, at time.Time) error
}

// Tokens are the use cases around API tokens.
type Tokens struct {
	store Store
	clock Clock
}

// NewTokens returns the use cases.
func NewTokens(s Store, c Clock) *Tokens { return &Tokens{store: s, clock: c} }

// Create makes a token and returns its secret, which is not shown again.
// Errors: fault.Forbidden, fault.Invalid.
func (ts *Tokens) Create(ctx context.Context, by Actor, name string, role Role) (*Token, Secret, error) {
	if err := by.Require(PermitConfigure); err != nil {
		return nil, "", err
	}
	if err := requireText("name", name, 200); err != nil {
		return nil, "", err
	}
	if !slices.Contains(TokenRoles(), role) {
		return nil, "", fault.InvalidField("role", "UNKNOWN", "role is one of %v.", TokenRoles())
	}
	secret := NewSecret("trl_")
	t := &Token{
		ID: NewID(PrefixToken), OrganizationID: by.OrganizationID, Name: name, Role: role,
		Hash: secret.Hash(), CreatedAt: ts.clock.Now(),
	}
	err := ts.store.Atomically(ctx, func(tx Tx) error { return tx.InsertToken(ctx, t) })
	if err != nil {
		return nil, "", err
	}
	return t, secret, nil
}

// Authenticate returns the actor that a token's secret stands for.
// Errors: fault.Unauthenticated.
func (ts *Tokens) Authenticate(ctx context.Context, secret Secret) (Actor, error) {
	refused := fault.New(fault.Unauthenticated, "This API token is unknown, expired or revoked.")
	t, err := ts.store.TokenByHash(ctx, secret.Hash())
	if fault.Is(err, fault.NotFound) {
		return Actor{}, refused
	}
	if err != nil {
		return Actor{}, err
	}
	now := ts.clock.Now()
	if !secret.Matches(t.Hash) || !t.Live(now) {
		return Actor{}, refused
	}
	if err := ts.touch(ctx, t, now); err != nil {
		return Actor{}, err
	}
	return Actor{OrganizationID: t.OrganizationID, Role: t.Role, ID: t.ID, Name: t.Name}, nil
}

// touch notes the use at most once a minute, so that reading stays reading.
func (ts *Tokens) touch(ctx context.Context, t *Token, now time.Time) error {
	if now.Sub(t.LastUsedAt) < time.Minute {
		return nil
	}
	return ts.store.Atomically(ctx, func(tx Tx) error { return tx.TouchToken(ctx, t.ID, now) })
}
