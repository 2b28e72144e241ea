package core

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/trellis-ats/trellis/core/fault"
)

// keyValid is how long a repeat is recognised.
const keyValid = 24 * time.Hour

// Key makes a repeat of a mutation recognisable. The zero value means that the
// caller does not ask for it. Whatever takes one has two errors more:
// fault.Invalid for a text that cannot be one, and fault.Conflict with Kind
// "KEY_REUSED" if it was used for something else.
type Key struct {
	Text   string // the caller's; at most 200 bytes
	Digest string // of what else the caller sent
}

// KeptOutcome is what a keyed mutation made, for its repeats. The outcome can
// hold a secret that is shown once, so it is encrypted at rest.
type KeptOutcome struct {
	OrganizationID ID
	Principal      string // whose key it is: keys of others do not collide
	Key            string
	Operation      string
	Digest         string
	Outcome        []byte
	ExpiresAt      time.Time
}

// OutcomeWriter keeps outcomes.
type OutcomeWriter interface {
	// ClaimKey takes a key for this transaction, waiting for another that has
	// it. If it was used before and has not expired at now, the kept outcome is
	// returned; otherwise nil.
	ClaimKey(ctx context.Context, o *KeptOutcome, now time.Time) (*KeptOutcome, error)
	// KeepOutcome keeps what came of it.
	KeepOutcome(ctx context.Context, o *KeptOutcome) error
	// ForgetOutcomes removes at most limit that expired before now.
	ForgetOutcomes(ctx context.Context, now time.Time, limit int) error
}

// keyed is a key for one operation at a time.
type keyed struct {
	Key
	operation string
	now       time.Time
}

func (k Key) of(operation string, now time.Time) keyed { return keyed{k, operation, now} }

// once runs a change in a transaction, or for a repeat gives the outcome of the
// first time. A refusal is not kept: the repeat may succeed.
// Errors: those of apply; fault.Conflict if the key was used for something else.
func once[T any](ctx context.Context, s Store, by Actor, k keyed, apply func(Tx) (*T, error)) (*T, error) {
	if err := optionalText("idempotencyKey", k.Text, 200); err != nil {
		return nil, err
	}
	var made *T
	err := s.Atomically(ctx, func(tx Tx) error {
		var err error
		if k.Text == "" {
			made, err = apply(tx)
			return err
		}
		made, err = onceKeyed(ctx, tx, by, k, apply)
		return err
	})
	if err != nil {
		return nil, err
	}
	return made, nil
}

func onceKeyed[T any](ctx context.Context, tx Tx, by Actor, k keyed, apply func(Tx) (*T, error)) (*T, error) {
	claim := &KeptOutcome{
		OrganizationID: by.OrganizationID, Principal: by.Principal, Key: k.Text, Operation: k.operation,
		Digest: k.Digest, ExpiresAt: k.now.Add(keyValid),
	}
	first, err := tx.ClaimKey(ctx, claim, k.now)
	if err != nil {
		return nil, err
	}
	if first != nil {
		return repeated[T](first, claim)
	}
	made, err := apply(tx)
	if err != nil {
		return nil, err
	}
	if claim.Outcome, err = json.Marshal(made); err != nil {
		return nil, fmt.Errorf("outcome of %s: %w", k.operation, err)
	}
	if err := tx.KeepOutcome(ctx, claim); err != nil {
		return nil, err
	}
	return made, tx.ForgetOutcomes(ctx, k.now, 100)
}

func repeated[T any](first, claim *KeptOutcome) (*T, error) {
	if first.Operation != claim.Operation || first.Digest != claim.Digest {
		return nil, fault.ConflictField("idempotencyKey", "REUSED", "KEY_REUSED", "This idempotency key was used with another request. Nothing was changed; take a new key.")
	}
	made := new(T)
	if err := json.Unmarshal(first.Outcome, made); err != nil {
		return nil, fmt.Errorf("kept outcome of %s: %w", first.Operation, err)
	}
	return made, nil
}
