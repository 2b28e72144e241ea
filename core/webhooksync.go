package core

import (
	"context"
	"time"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// InboundScope says whose assessments an ATS's word marks as rejected or hired.
type InboundScope string

// The scopes. An open assessment is stopped in either of them.
const (
	ScopePushed InboundScope = "PUSHED_ONLY" // of candidates whom we brought into the ATS; the default
	ScopeKnown  InboundScope = "ALL_KNOWN"   // of those too for whom the ATS ordered the assessment
)

// WebhookSync is how a connection takes the web hooks of its ATS, and what it
// saw of them.
type WebhookSync struct {
	OrganizationID ID
	ConnectionID   ID
	Enabled        bool
	Scope          InboundScope
	EnabledAt      time.Time // zero if never
	PreviousUntil  time.Time // how long the secret before the rotation still counts; zero for none
	PingedAt       time.Time // when the ATS last tried whether we are there
	SilentSince    time.Time // when the silence was noticed that still lasts; zero for none
	Strangers      int       // calls that were not signed with a secret of the connection
	StrangerAt     time.Time // the last of them
}

// WebhookCount is how often a connection's ATS told of an action.
type WebhookCount struct {
	ConnectionID ID
	Action       string
	Count        int
	FirstAt      time.Time
	LastAt       time.Time
}

// WebhookSyncReader finds how connections take web hooks.
type WebhookSyncReader interface {
	// WebhookSyncs returns the settings of several connections, the defaults for
	// those without, in no order; for loaders.
	WebhookSyncs(ctx context.Context, organization ID, connections []ID) ([]WebhookSync, error)
	// EnabledWebhookSyncs returns the enabled ones of all organizations; it is
	// for the system alone.
	EnabledWebhookSyncs(ctx context.Context) ([]WebhookSync, error)
	// WebhookCounts returns what was counted for several connections, by action.
	WebhookCounts(ctx context.Context, organization ID, connections []ID) ([]WebhookCount, error)
}

// WebhookSyncWriter keeps how connections take web hooks.
type WebhookSyncWriter interface {
	// SaveWebhookSync keeps what people set.
	SaveWebhookSync(ctx context.Context, s *WebhookSync) error
	// SaveSilence keeps SilentSince.
	SaveSilence(ctx context.Context, s *WebhookSync) error
	// CountWebhook counts one more of w's action.
	CountWebhook(ctx context.Context, w *Webhook) error
	// CountStranger counts a call that was not signed.
	CountStranger(ctx context.Context, organization, connection ID, at time.Time) error
	// NotePing notes that the ATS tried whether we are there.
	NotePing(ctx context.Context, organization, connection ID, at time.Time) error
}

// silentAfter is when no event is too long without one, whatever the interval.
const silentAfter = 7 * 24 * time.Hour

// minCounted is how many events make a usual interval.
const minCounted = 10

// silence returns how long a hook may be silent: ten times its usual interval,
// a day at least and a week at most.
func silence(counts []WebhookCount) (limit time.Duration, last time.Time) {
	var first time.Time
	n := 0
	for _, c := range counts {
		n += c.Count
		if first.IsZero() || c.FirstAt.Before(first) {
			first = c.FirstAt
		}
		if c.LastAt.After(last) {
			last = c.LastAt
		}
	}
	if n < minCounted {
		return silentAfter, last
	}
	usual := last.Sub(first) / time.Duration(n-1)
	return min(max(10*usual, 24*time.Hour), silentAfter), last
}

// SyncStatus is a connection's web hook settings with what was seen.
type SyncStatus struct {
	WebhookSync
	Seen    []WebhookCount // by action
	Waiting bool           // enabled, and no event came yet
}

// SyncOf returns the status of several connections. Errors: fault.Forbidden.
func (ws *Webhooks) SyncOf(ctx context.Context, by Actor, connections []ID) ([]SyncStatus, error) {
	if err := by.Require(PermitReadSetup); err != nil {
		return nil, err
	}
	syncs, err := ws.store.WebhookSyncs(ctx, by.OrganizationID, connections)
	if err != nil {
		return nil, err
	}
	counts, err := ws.store.WebhookCounts(ctx, by.OrganizationID, connections)
	if err != nil {
		return nil, err
	}
	seen := map[ID][]WebhookCount{}
	for _, c := range counts {
		seen[c.ConnectionID] = append(seen[c.ConnectionID], c)
	}
	all := make([]SyncStatus, len(syncs))
	for i, s := range syncs {
		mine := seen[s.ConnectionID]
		all[i] = SyncStatus{WebhookSync: s, Seen: mine, Waiting: s.Enabled && len(mine) == 0}
	}
	return all, nil
}

// SyncChange says how web hooks are to be taken from now on.
type SyncChange struct {
	Enabled bool
	Scope   InboundScope // empty: stays as it is
	Secret  Secret       // that the customer typed into the ATS; empty: stays as it is
}

// SetSync enables or disables the web hooks of a connection.
// Errors: fault.Forbidden, fault.NotFound, fault.Invalid, fault.Unsupported if
// the ATS has no web hooks.
func (ws *Webhooks) SetSync(ctx context.Context, by Actor, connection ID, c SyncChange) (*Connection, error) {
	if err := by.Require(PermitConfigure); err != nil {
		return nil, err
	}
	if c.Scope != "" && c.Scope != ScopePushed && c.Scope != ScopeKnown {
		return nil, fault.InvalidField("scope", "UNKNOWN", "The scope is %s or %s.", ScopePushed, ScopeKnown)
	}
	if err := typedSecret(c.Secret); err != nil {
		return nil, err
	}
	return ws.configure(ctx, by, connection, EventWebhooksConfigured, func(s *WebhookSync, secrets map[string]Secret, now time.Time) error {
		if c.Enabled && !s.Enabled {
			s.EnabledAt = now
		}
		s.Enabled = c.Enabled
		if c.Scope != "" {
			s.Scope = c.Scope
		}
		if c.Secret != "" {
			s.replaceSecret(secrets, c.Secret, now)
		}
		return nil
	})
}

// RotateSecret replaces the secret that signs a connection's web hooks by the
// one that the customer typed, or by a new one. The one before counts for 14
// days more. The secret is shown this once.
// Errors: fault.Forbidden, fault.NotFound, fault.Invalid, fault.Unsupported if
// the ATS has no web hooks.
func (ws *Webhooks) RotateSecret(ctx context.Context, by Actor, connection ID, typed Secret) (*Connection, Secret, error) {
	if err := by.Require(PermitConfigure); err != nil {
		return nil, "", err
	}
	if err := typedSecret(typed); err != nil {
		return nil, "", err
	}
	if typed == "" {
		typed = NewSecret("whs_")
	}
	c, err := ws.configure(ctx, by, connection, EventWebhookSecretRotated, func(s *WebhookSync, secrets map[string]Secret, now time.Time) error {
		if secrets[ats.SecretWebhook] == typed {
			return fault.InvalidField("secret", "UNCHANGED", "This is the secret that is in use. Nothing was changed.")
		}
		s.replaceSecret(secrets, typed, now)
		return nil
	})
	if err != nil {
		return nil, "", err
	}
	return c, typed, nil
}

// replaceSecret keeps the one in use as the one before.
func (s *WebhookSync) replaceSecret(secrets map[string]Secret, next Secret, now time.Time) {
	before := secrets[ats.SecretWebhook]
	if before == next {
		return
	}
	secrets[ats.SecretWebhook], secrets[ats.SecretWebhookPrevious] = next, before
	s.PreviousUntil = time.Time{}
	if before != "" {
		s.PreviousUntil = now.Add(rotationGrace)
	}
}

// typedSecret checks what a person chose as a secret; empty is no choice.
func typedSecret(s Secret) error {
	if s == "" {
		return nil
	}
	if len(s) < 16 || len(s) > 200 {
		return fault.InvalidField("secret", "OUT_OF_RANGE", "A secret has 16 to 200 characters. Nothing was changed.")
	}
	return nil
}

// configure changes a connection's settings for web hooks and its secrets.
func (ws *Webhooks) configure(
	ctx context.Context, by Actor, id ID, event EventType, apply func(*WebhookSync, map[string]Secret, time.Time) error,
) (*Connection, error) {
	var changed *Connection
	err := ws.store.Atomically(ctx, func(tx Tx) error {
		c, err := tx.LockConnection(ctx, by.OrganizationID, id)
		if err != nil {
			return err
		}
		if _, err := abilityOf[ats.Webhooks](ws.adapters, c.Adapter, ats.CapabilityWebhooks); err != nil {
			return err
		}
		s, err := syncOf(ctx, tx, c)
		if err != nil {
			return err
		}
		secrets, err := tx.ConnectionSecrets(ctx, by.OrganizationID, id)
		if err != nil {
			return err
		}
		before, now := s.configuration(), ws.clock.Now()
		if err := apply(s, secrets, now); err != nil {
			return err
		}
		if err := tx.SaveSecrets(ctx, by.OrganizationID, id, secrets); err != nil {
			return err
		}
		if err := tx.SaveWebhookSync(ctx, s); err != nil {
			return err
		}
		changed = c
		return record(ctx, tx, by, change{At: now, Event: event, Subject: id, Before: before, After: s.configuration()})
	})
	return changed, err
}

// configuration is what the audit log keeps.
func (s *WebhookSync) configuration() map[string]any {
	told := map[string]any{"enabled": s.Enabled, "scope": s.Scope}
	if !s.PreviousUntil.IsZero() {
		told["previousSecretUntil"] = s.PreviousUntil
	}
	return told
}

// syncOf returns a connection's settings, the defaults if there are none.
func syncOf(ctx context.Context, r WebhookSyncReader, c *Connection) (*WebhookSync, error) {
	all, err := r.WebhookSyncs(ctx, c.OrganizationID, []ID{c.ID})
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, fault.New(fault.NotFound, "There is no such connection.")
	}
	return &all[0], nil
}

// Watch looks for hooks that have been silent for too long, and for those that
// speak again. It is the handler of TaskWatchWebhooks, which runs on its own
// every hour and looks at all organizations.
func (ws *Webhooks) Watch(ctx context.Context, _ Task, _ Attempt) error {
	all, err := ws.store.EnabledWebhookSyncs(ctx)
	if err != nil {
		return err
	}
	for i := range all {
		if err := ws.watch(ctx, &all[i]); err != nil {
			return err
		}
	}
	return nil
}

func (ws *Webhooks) watch(ctx context.Context, s *WebhookSync) error {
	counts, err := ws.store.WebhookCounts(ctx, s.OrganizationID, []ID{s.ConnectionID})
	if err != nil {
		return err
	}
	now := ws.clock.Now()
	if s.silent(counts, now) == !s.SilentSince.IsZero() {
		return nil
	}
	return ws.store.Atomically(ctx, func(tx Tx) error {
		c, err := tx.LockConnection(ctx, s.OrganizationID, s.ConnectionID)
		if err != nil {
			return err
		}
		current, err := syncOf(ctx, tx, c)
		if err != nil || !current.Enabled {
			return err
		}
		return current.setSilent(ctx, tx, current.silent(counts, now), now)
	})
}

// silent reports whether no event came for longer than the hook's usual
// interval allows. One that never spoke waits for its first event instead.
func (s *WebhookSync) silent(counts []WebhookCount, now time.Time) bool {
	if len(counts) == 0 {
		return false
	}
	limit, last := silence(counts)
	if s.EnabledAt.After(last) {
		last = s.EnabledAt
	}
	return now.Sub(last) > limit
}

// setSilent notes a change, as an event.
func (s *WebhookSync) setSilent(ctx context.Context, tx Tx, silent bool, now time.Time) error {
	if silent == !s.SilentSince.IsZero() {
		return nil
	}
	event := EventWebhooksResumed
	s.SilentSince = time.Time{}
	if silent {
		event, s.SilentSince = EventWebhooksSilent, now
	}
	if err := tx.SaveSilence(ctx, s); err != nil {
		return err
	}
	return appendEvent(ctx, tx, SystemActor(s.OrganizationID), now, event, s.ConnectionID, nil)
}
