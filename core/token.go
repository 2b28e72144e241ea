package core

import (
	"context"
	"slices"
	"time"

	"github.com/trellis-ats/trellis/core/fault"
)

// tokenGrace is how long the secret before a rotation still works.
const tokenGrace = 24 * time.Hour

// Token is an API token: who holds its secret acts with its role. Only hashes
// of secrets are kept; after a rotation there are two for a while.
type Token struct {
	ID             ID
	OrganizationID ID
	Name           string
	Role           Role
	Scopes         []Permission // narrow the role; empty means they do not
	Hash           string       `json:"-"`
	PreviousHash   string       `json:"-"` // of the secret before the last rotation
	PreviousUntil  time.Time    // when that one ends; zero: there is none
	CreatedAt      time.Time
	ExpiresAt      time.Time // zero: never
	RevokedAt      time.Time // zero: live
	LastUsedAt     time.Time // zero: never; exact to a minute
}

// Live reports whether the token can be used.
func (t Token) Live(now time.Time) bool {
	return t.RevokedAt.IsZero() && (t.ExpiresAt.IsZero() || now.Before(t.ExpiresAt))
}

// accepts reports whether the secret is one of the token's two.
func (t Token) accepts(s Secret, now time.Time) bool {
	current, previous := s.Matches(t.Hash), s.Matches(t.PreviousHash) && now.Before(t.PreviousUntil)
	return t.Live(now) && (current || previous)
}

// actor is who holds the token.
func (t Token) actor() Actor {
	return Actor{
		OrganizationID: t.OrganizationID, Role: t.Role, ID: t.ID, Name: t.Name,
		Principal: string(t.ID), Scopes: t.Scopes,
	}
}

// TokenReader finds tokens.
type TokenReader interface {
	// TokenByHash returns the one with this as its current or previous hash,
	// live or not. Errors: fault.NotFound.
	TokenByHash(ctx context.Context, hash string) (*Token, error)
	// Token returns one of the organization's. Errors: fault.NotFound.
	Token(ctx context.Context, organization, id ID) (*Token, error)
	// TokensByID returns those that exist, in no order; for loaders.
	TokensByID(ctx context.Context, organization ID, ids []ID) ([]Token, error)
	// Tokens returns a page of the organization's, oldest first.
	Tokens(ctx context.Context, organization ID, p Page) (*Paged[Token], error)
}

// TokenWriter keeps tokens.
type TokenWriter interface {
	InsertToken(ctx context.Context, t *Token) error
	// LockToken returns one and keeps others from changing it until the
	// transaction ends. Errors: fault.NotFound.
	LockToken(ctx context.Context, organization, id ID) (*Token, error)
	// UpdateToken keeps hashes and times; the rest does not change.
	UpdateToken(ctx context.Context, t *Token) error
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

// NewToken is what a person says of a token.
type NewToken struct {
	Name      string
	Role      Role
	Scopes    []Permission
	ExpiresAt time.Time // zero: never
}

// IssuedToken is a token with its secret, which is shown this once.
type IssuedToken struct {
	Token  *Token
	Secret Secret
}

// Create makes a token. Errors: fault.Forbidden, fault.Invalid.
func (ts *Tokens) Create(ctx context.Context, by Actor, n NewToken, k Key) (*IssuedToken, error) {
	if err := by.Require(PermitTokens); err != nil {
		return nil, err
	}
	now := ts.clock.Now()
	if err := n.validate(now); err != nil {
		return nil, err
	}
	secret := NewSecret("trl_")
	t := &Token{
		ID: NewID(PrefixToken), OrganizationID: by.OrganizationID, Name: n.Name, Role: n.Role, Scopes: n.Scopes,
		Hash: secret.Hash(), CreatedAt: now, ExpiresAt: n.ExpiresAt,
	}
	return once(ctx, ts.store, by, k.of("createApiToken", now), func(tx Tx) (*IssuedToken, error) {
		if err := tx.InsertToken(ctx, t); err != nil {
			return nil, err
		}
		return &IssuedToken{t, secret}, record(ctx, tx, by, change{At: now, Event: EventTokenCreated, Subject: t.ID, After: t})
	})
}

func (n NewToken) validate(now time.Time) error {
	if err := requireText("name", n.Name, 200); err != nil {
		return err
	}
	if !slices.Contains(TokenRoles(), n.Role) {
		return fault.InvalidField("role", "UNKNOWN", "role is one of %v.", TokenRoles())
	}
	for _, s := range n.Scopes {
		if !slices.Contains(permits(n.Role), s) {
			return fault.InvalidField("scopes", "OUT_OF_RANGE", "The role %s has no %s that a scope could keep.", n.Role, s)
		}
	}
	if !n.ExpiresAt.IsZero() && !n.ExpiresAt.After(now) {
		return fault.InvalidField("expiresAt", "OUT_OF_RANGE", "expiresAt is in the past.")
	}
	return nil
}

// Rotate gives the token a new secret. The one before works for 24 more hours.
// Errors: fault.Forbidden, fault.NotFound, fault.Conflict if it is not live.
func (ts *Tokens) Rotate(ctx context.Context, by Actor, id ID) (*IssuedToken, error) {
	secret := NewSecret("trl_")
	t, err := ts.change(ctx, by, id, EventTokenRotated, func(t *Token, now time.Time) {
		t.PreviousHash, t.PreviousUntil, t.Hash = t.Hash, now.Add(tokenGrace), secret.Hash()
	})
	if err != nil {
		return nil, err
	}
	return &IssuedToken{t, secret}, nil
}

// Revoke ends the token at once, with its sessions and open connections.
// Errors: those of Rotate.
func (ts *Tokens) Revoke(ctx context.Context, by Actor, id ID) (*Token, error) {
	return ts.change(ctx, by, id, EventTokenRevoked, func(t *Token, now time.Time) { t.RevokedAt = now })
}

func (ts *Tokens) change(ctx context.Context, by Actor, id ID, event EventType, apply func(*Token, time.Time)) (*Token, error) {
	if err := by.Require(PermitTokens); err != nil {
		return nil, err
	}
	var changed *Token
	err := ts.store.Atomically(ctx, func(tx Tx) error {
		t, err := tx.LockToken(ctx, by.OrganizationID, id)
		if err != nil {
			return err
		}
		now, before := ts.clock.Now(), *t
		if !t.Live(now) {
			return notLive()
		}
		apply(t, now)
		if err := tx.UpdateToken(ctx, t); err != nil {
			return err
		}
		changed = t
		return record(ctx, tx, by, change{At: now, Event: event, Subject: t.ID, Before: before, After: t})
	})
	return changed, err
}

func notLive() error {
	return fault.ConflictField("tokenId", "NOT_LIVE", "STATUS", "The token has expired or was revoked. Nothing was changed; create a new one.")
}

// Get returns one token. Errors: fault.Forbidden, fault.NotFound.
func (ts *Tokens) Get(ctx context.Context, by Actor, id ID) (*Token, error) {
	if err := by.Require(PermitTokens); err != nil {
		return nil, err
	}
	return ts.store.Token(ctx, by.OrganizationID, id)
}

// ByID returns those of several tokens that exist, in no order. Errors: fault.Forbidden.
func (ts *Tokens) ByID(ctx context.Context, by Actor, ids []ID) ([]Token, error) {
	if err := by.Require(PermitTokens); err != nil {
		return nil, err
	}
	return ts.store.TokensByID(ctx, by.OrganizationID, ids)
}

// List returns a page, oldest first. Errors: fault.Forbidden, fault.Invalid.
func (ts *Tokens) List(ctx context.Context, by Actor, p Page) (*Paged[Token], error) {
	if err := by.Require(PermitTokens); err != nil {
		return nil, err
	}
	p, err := p.Normalize()
	if err != nil {
		return nil, err
	}
	return ts.store.Tokens(ctx, by.OrganizationID, p)
}

// Admission is an actor who was let in, and what ends that.
type Admission struct {
	Actor Actor
	Until time.Time // when it ends by itself; zero: never
	// Roots are the token and session that it rests on: it ends with either.
	Roots []ID
}

// Caller names who shares a budget of requests: a token with all sessions that
// began with it, or a person.
func (a *Admission) Caller() string { return string(a.Actor.OrganizationID) + "/" + a.Actor.Principal }

// Authenticate lets the holder of a token's secret in.
// Errors: fault.Unauthenticated.
func (ts *Tokens) Authenticate(ctx context.Context, secret Secret) (*Admission, error) {
	refused := fault.New(fault.Unauthenticated, "This API token is unknown, expired or revoked.")
	t, err := ts.store.TokenByHash(ctx, secret.Hash())
	if fault.Is(err, fault.NotFound) {
		return nil, refused
	}
	if err != nil {
		return nil, err
	}
	now := ts.clock.Now()
	if !t.accepts(secret, now) {
		return nil, refused
	}
	return &Admission{Actor: t.actor(), Until: t.ExpiresAt, Roots: []ID{t.ID}}, ts.touch(ctx, t, now)
}

// touch notes the use at most once a minute, so that reading stays reading.
func (ts *Tokens) touch(ctx context.Context, t *Token, now time.Time) error {
	if now.Sub(t.LastUsedAt) < time.Minute {
		return nil
	}
	return ts.store.Atomically(ctx, func(tx Tx) error { return tx.TouchToken(ctx, t.ID, now) })
}
