package store

import (
	"context"
	"time"

	"github.com/trellis-ats/trellis/core"
)

type rateWindowRow struct {
	ConnectionID   core.ID       `db:"connection_id"`
	OrganizationID core.ID       `db:"organization_id"`
	Scope          string        `db:"scope"`
	Limit          int           `db:"request_limit"`
	Length         time.Duration `db:"length_ns"`
	Spent          int           `db:"spent"`
	ResetsAt       Time          `db:"resets_at"`
	Announced      bool          `db:"announced"`
	ClosedUntil    Time          `db:"closed_until"`
}

func newRateWindowRow(w *core.RateWindow) rateWindowRow {
	return rateWindowRow{
		ConnectionID: w.ConnectionID, OrganizationID: w.OrganizationID, Scope: w.Scope, Limit: w.Limit, Length: w.Length,
		Spent: w.Spent, ResetsAt: Time{w.ResetsAt}, Announced: w.Announced, ClosedUntil: Time{w.ClosedUntil},
	}
}

func (r rateWindowRow) rateWindow() *core.RateWindow {
	return &core.RateWindow{
		OrganizationID: r.OrganizationID, ConnectionID: r.ConnectionID, Scope: r.Scope, Limit: r.Limit, Length: r.Length,
		Spent: r.Spent, ResetsAt: r.ResetsAt.Time, Announced: r.Announced, ClosedUntil: r.ClosedUntil.Time,
	}
}

type rateClaimRow struct {
	ID           core.ID `db:"id"`
	ConnectionID core.ID `db:"connection_id"`
	Scope        string  `db:"scope"`
	Cost         int     `db:"cost"`
	ExpiresAt    Time    `db:"expires_at"`
}

// RateWindow implements core.PaceReader.
func (r reader) RateWindow(ctx context.Context, organization, connection core.ID, scope string) (*core.RateWindow, error) {
	return r.rateWindowOf(ctx, organization, connection, scope, "")
}

func (r reader) rateWindowOf(ctx context.Context, organization, connection core.ID, scope, lock string) (*core.RateWindow, error) {
	var row rateWindowRow
	query := selectFrom[rateWindowRow]("rate_windows") + " WHERE organization_id = $1 AND connection_id = $2 AND scope = $3" + lock
	if err := r.q.get(ctx, &row, query, organization, connection, scope); err != nil {
		return nil, notFound(err, "rate window")
	}
	return row.rateWindow(), nil
}

// LockRateWindow implements core.PaceWriter. Of two that come first, one waits
// for the other's row.
func (t *tx) LockRateWindow(ctx context.Context, fresh *core.RateWindow) (*core.RateWindow, error) {
	query := insertInto[rateWindowRow]("rate_windows") + " ON CONFLICT (connection_id, scope) DO NOTHING"
	if _, err := t.q.exec(ctx, query, valuesOf(newRateWindowRow(fresh))...); err != nil {
		return nil, err
	}
	return t.rateWindowOf(ctx, fresh.OrganizationID, fresh.ConnectionID, fresh.Scope, t.dialect.lock())
}

// UpdateRateWindow implements core.PaceWriter.
func (t *tx) UpdateRateWindow(ctx context.Context, w *core.RateWindow) error {
	row := newRateWindowRow(w)
	_, err := t.q.exec(ctx, `UPDATE rate_windows
		SET request_limit = $4, length_ns = $5, spent = $6, resets_at = $7, announced = $8, closed_until = $9
		WHERE organization_id = $1 AND connection_id = $2 AND scope = $3`,
		row.OrganizationID, row.ConnectionID, row.Scope, row.Limit, row.Length, row.Spent, row.ResetsAt, row.Announced, row.ClosedUntil)
	return err
}

// ClaimedRequests implements core.PaceWriter.
func (t *tx) ClaimedRequests(ctx context.Context, connection core.ID, scope string, now time.Time) (int, error) {
	const ended = "DELETE FROM rate_claims WHERE connection_id = $1 AND scope = $2 AND expires_at <= $3"
	if _, err := t.q.exec(ctx, ended, connection, scope, Time{now}); err != nil {
		return 0, err
	}
	var sum int
	err := t.q.get(ctx, &sum, "SELECT COALESCE(SUM(cost), 0) FROM rate_claims WHERE connection_id = $1 AND scope = $2", connection, scope)
	return sum, err
}

// InsertRateClaim implements core.PaceWriter.
func (t *tx) InsertRateClaim(ctx context.Context, c *core.RateClaim) error {
	row := rateClaimRow{ID: c.ID, ConnectionID: c.ConnectionID, Scope: c.Scope, Cost: c.Cost, ExpiresAt: Time{c.ExpiresAt}}
	return insert(ctx, t.q, "rate_claims", row)
}

// DeleteRateClaim implements core.PaceWriter.
func (t *tx) DeleteRateClaim(ctx context.Context, id core.ID) error {
	_, err := t.q.exec(ctx, "DELETE FROM rate_claims WHERE id = $1", id)
	return err
}
