package core

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/trellis-ats/trellis/core/fault"
)

// sessionValid is how long a person stays signed in.
const sessionValid = 12 * time.Hour

// Session is a person who signed in to the dashboard: with an API token, whose
// end is the session's, or through the organization's identity provider.
type Session struct {
	ID             ID
	OrganizationID ID
	TokenID        ID // empty for a person of the identity provider
	Role           Role
	Name           string
	Principal      string
	Hash           string
	CreatedAt      time.Time
	ExpiresAt      time.Time
	EndedAt        time.Time // zero: live
}

// SessionReader finds sessions.
type SessionReader interface {
	// SessionByHash returns one, live or not. Errors: fault.NotFound.
	SessionByHash(ctx context.Context, hash string) (*Session, error)
}

// SessionWriter keeps sessions.
type SessionWriter interface {
	InsertSession(ctx context.Context, s *Session) error
	// EndSession ends one; ended ones stay so.
	EndSession(ctx context.Context, id ID, at time.Time) error
}

// Sessions are the use cases around signing in.
type Sessions struct {
	store  Store
	clock  Clock
	tokens *Tokens
}

// NewSessions returns the use cases.
func NewSessions(s Store, c Clock, ts *Tokens) *Sessions {
	return &Sessions{store: s, clock: c, tokens: ts}
}

// SignIn begins a session with an API token's secret. Engines have no dashboard.
// Errors: fault.Unauthenticated, fault.Forbidden.
func (ss *Sessions) SignIn(ctx context.Context, secret Secret) (*Session, Secret, error) {
	admitted, err := ss.tokens.Authenticate(ctx, secret)
	if err != nil {
		return nil, "", err
	}
	by := admitted.Actor
	if by.Role == RoleEngine {
		return nil, "", fault.New(fault.Forbidden, "An engine's token cannot sign in to the dashboard.")
	}
	return ss.begin(ctx, Session{
		OrganizationID: by.OrganizationID, TokenID: by.ID, Role: by.Role, Name: by.Name, Principal: by.Principal, ExpiresAt: admitted.Until,
	})
}

// Person is who the identity provider says signed in.
type Person struct {
	OrganizationID ID
	Email          string
	Name           string
	Role           Role
}

// Admit begins a session for a person of the identity provider.
// Errors: fault.Forbidden for a role that people cannot have, fault.Invalid for
// what is no e-mail address, fault.NotFound for an unknown organization.
func (ss *Sessions) Admit(ctx context.Context, p Person) (*Session, Secret, error) {
	if p.Role == RoleEngine || !slices.Contains(TokenRoles(), p.Role) {
		return nil, "", fault.New(fault.Forbidden, "Your account has no role here. Ask an administrator for one.")
	}
	if err := ValidateEmail("email", p.Email); err != nil {
		return nil, "", err
	}
	if _, err := ss.store.Organization(ctx, p.OrganizationID); err != nil {
		return nil, "", err
	}
	return ss.begin(ctx, Session{OrganizationID: p.OrganizationID, Role: p.Role, Name: p.Name, Principal: strings.ToLower(p.Email)})
}

func (ss *Sessions) begin(ctx context.Context, s Session) (*Session, Secret, error) {
	secret, now := NewSecret("trs_"), ss.clock.Now()
	s.ID, s.Hash, s.CreatedAt = NewID(PrefixSession), secret.Hash(), now
	if end := now.Add(sessionValid); s.ExpiresAt.IsZero() || end.Before(s.ExpiresAt) {
		s.ExpiresAt = end
	}
	err := ss.store.Atomically(ctx, func(tx Tx) error { return tx.InsertSession(ctx, &s) })
	if err != nil {
		return nil, "", err
	}
	return &s, secret, nil
}

// Authenticate lets the holder of a session's secret in.
// Errors: fault.Unauthenticated.
func (ss *Sessions) Authenticate(ctx context.Context, secret Secret) (*Admission, error) {
	refused := fault.New(fault.Unauthenticated, "You are signed out. Sign in again.")
	s, err := ss.store.SessionByHash(ctx, secret.Hash())
	if fault.Is(err, fault.NotFound) {
		return nil, refused
	}
	if err != nil {
		return nil, err
	}
	now := ss.clock.Now()
	if !secret.Matches(s.Hash) || !s.EndedAt.IsZero() || !now.Before(s.ExpiresAt) {
		return nil, refused
	}
	by := Actor{OrganizationID: s.OrganizationID, Role: s.Role, ID: s.ID, Name: s.Name, Principal: s.Principal}
	admitted := &Admission{Actor: by, Until: s.ExpiresAt, Roots: []ID{s.ID}}
	if s.TokenID == "" {
		return admitted, nil
	}
	t, err := ss.store.Token(ctx, s.OrganizationID, s.TokenID)
	if err != nil {
		return nil, err
	}
	if !t.Live(now) {
		return nil, refused
	}
	admitted.Actor.Scopes, admitted.Roots = t.Scopes, append(admitted.Roots, t.ID)
	return admitted, nil
}

// SignOut ends a session. One that is not there is signed out already.
func (ss *Sessions) SignOut(ctx context.Context, secret Secret) error {
	s, err := ss.store.SessionByHash(ctx, secret.Hash())
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	now := ss.clock.Now()
	return ss.store.Atomically(ctx, func(tx Tx) error {
		if err := tx.EndSession(ctx, s.ID, now); err != nil {
			return err
		}
		by := Actor{OrganizationID: s.OrganizationID, Role: s.Role, ID: s.ID, Name: s.Name}
		return appendEvent(ctx, tx, by, now, EventSessionEnded, s.ID, nil)
	})
}
