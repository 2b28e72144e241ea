package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/trellis-ats/trellis/core"
)

type outcomeRow struct {
	OrganizationID core.ID `db:"organization_id"`
	Principal      string  `db:"principal"`
	Key            string  `db:"key"`
	Operation      string  `db:"operation"`
	Digest         string  `db:"digest"`
	Sealed         []byte  `db:"sealed_outcome"`
	ExpiresAt      Time    `db:"expires_at"`
}

func newOutcomeRow(o *core.KeptOutcome, sealed []byte) outcomeRow {
	return outcomeRow{
		OrganizationID: o.OrganizationID, Principal: o.Principal, Key: o.Key,
		Operation: o.Operation, Digest: o.Digest, Sealed: sealed, ExpiresAt: Time{o.ExpiresAt},
	}
}

func (r outcomeRow) outcome(plain []byte) *core.KeptOutcome {
	return &core.KeptOutcome{
		OrganizationID: r.OrganizationID, Principal: r.Principal, Key: r.Key,
		Operation: r.Operation, Digest: r.Digest, Outcome: plain, ExpiresAt: r.ExpiresAt.Time,
	}
}

// seal is what the outcome is sealed for. None of its parts can hold a NUL.
func (r outcomeRow) seal() string {
	return strings.Join([]string{"outcome", string(r.OrganizationID), r.Principal, r.Key}, "\x00")
}

// ClaimKey implements core.OutcomeWriter. The claim is a row of the
// transaction: PostgreSQL lets another that claims the same key wait for it,
// and a rollback takes it away. On SQLite transactions exclude each other.
// Errors: fault.Config if the master key does not open the kept outcome.
func (t *tx) ClaimKey(ctx context.Context, o *core.KeptOutcome, now time.Time) (*core.KeptOutcome, error) {
	values := valuesOf(newOutcomeRow(o, nil))
	claim := insertInto[outcomeRow]("outcomes") + fmt.Sprintf(` ON CONFLICT (organization_id, principal, key) DO UPDATE SET
		operation = excluded.operation, digest = excluded.digest, sealed_outcome = excluded.sealed_outcome, expires_at = excluded.expires_at
		WHERE outcomes.expires_at <= $%d`, len(values)+1)
	claimed, err := t.q.exec(ctx, claim, append(values, Time{now})...)
	if err != nil || claimed == 1 {
		return nil, err
	}
	return t.keptOutcome(ctx, o)
}

// keptOutcome reads a row that the failed claim has locked.
func (t *tx) keptOutcome(ctx context.Context, o *core.KeptOutcome) (*core.KeptOutcome, error) {
	var row outcomeRow
	query := selectFrom[outcomeRow]("outcomes") + " WHERE organization_id = $1 AND principal = $2 AND key = $3"
	if err := t.q.get(ctx, &row, query, o.OrganizationID, o.Principal, o.Key); err != nil {
		return nil, notFound(err, "outcome")
	}
	plain, err := t.keys.open(row.seal(), row.Sealed)
	if err != nil {
		return nil, err
	}
	return row.outcome(plain), nil
}

// KeepOutcome implements core.OutcomeWriter.
// Errors: fault.Config without a master key; fault.NotFound without a claim.
func (t *tx) KeepOutcome(ctx context.Context, o *core.KeptOutcome) error {
	sealed, err := t.keys.seal(newOutcomeRow(o, nil).seal(), o.Outcome)
	if err != nil {
		return err
	}
	var key string
	const query = "UPDATE outcomes SET sealed_outcome = $4 WHERE organization_id = $1 AND principal = $2 AND key = $3 RETURNING key"
	return notFound(t.q.get(ctx, &key, query, o.OrganizationID, o.Principal, o.Key, sealed), "claim")
}

// ForgetOutcomes implements core.OutcomeWriter. Rows that another transaction
// holds are left to it, so that two never wait for each other.
func (t *tx) ForgetOutcomes(ctx context.Context, now time.Time, limit int) error {
	// Materialized, or PostgreSQL may select more than once, and go past the limit.
	query := `WITH expired AS MATERIALIZED (SELECT organization_id, principal, key FROM outcomes WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2` +
		t.dialect.lockFree() + `) DELETE FROM outcomes WHERE (organization_id, principal, key) IN (SELECT o.organization_id, o.principal, o.key FROM expired AS o)`
	_, err := t.q.exec(ctx, query, Time{now}, limit)
	return err
}
