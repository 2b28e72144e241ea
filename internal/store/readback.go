package store

import (
	"context"
	"time"

	"github.com/trellis-ats/trellis/core"
)

type readBackRow struct {
	OrganizationID core.ID `db:"organization_id"`
	ConnectionID   core.ID `db:"connection_id"`
	QueuedAt       Time    `db:"queued_at"`
	Since          Time    `db:"since"`
	Cursor         string  `db:"cursor"`
	BeganAt        Time    `db:"began_at"`
	CaughtUpAt     Time    `db:"caught_up_at"`
	Message        string  `db:"message"`
}

// LockReadBack implements core.ReadBackWriter.
func (t *tx) LockReadBack(ctx context.Context, organization, connection core.ID) (*core.ReadBack, error) {
	fresh := readBackRow{OrganizationID: organization, ConnectionID: connection}
	if _, err := t.q.exec(ctx, insertInto[readBackRow]("read_backs")+" ON CONFLICT (connection_id) DO NOTHING", valuesOf(fresh)...); err != nil {
		return nil, err
	}
	var row readBackRow
	query := selectFrom[readBackRow]("read_backs") + " WHERE organization_id = $1 AND connection_id = $2" + t.dialect.lock()
	if err := t.q.get(ctx, &row, query, organization, connection); err != nil {
		return nil, notFound(err, "connection")
	}
	return &core.ReadBack{
		OrganizationID: row.OrganizationID, ConnectionID: row.ConnectionID, QueuedAt: row.QueuedAt.Time, Since: row.Since.Time,
		Cursor: row.Cursor, BeganAt: row.BeganAt.Time, CaughtUpAt: row.CaughtUpAt.Time, Message: row.Message,
	}, nil
}

// SaveReadBack implements core.ReadBackWriter.
func (t *tx) SaveReadBack(ctx context.Context, b *core.ReadBack) error {
	const query = `UPDATE read_backs SET queued_at = $3, since = $4, cursor = $5, began_at = $6, caught_up_at = $7, message = $8
		WHERE organization_id = $1 AND connection_id = $2`
	_, err := t.q.exec(ctx, query, b.OrganizationID, b.ConnectionID, Time{b.QueuedAt}, Time{b.Since}, cleaned(b.Cursor),
		Time{b.BeganAt}, Time{b.CaughtUpAt}, cleaned(b.Message))
	return err
}

// NotePushCheck implements core.ReadBackWriter.
func (t *tx) NotePushCheck(ctx context.Context, organization core.ID, pushes []core.ID, at time.Time) error {
	if len(pushes) == 0 {
		return nil
	}
	var w where
	w.add("organization_id = %s", organization)
	in(&w, "id %s", pushes)
	w.arguments = append(w.arguments, Time{at})
	_, err := t.q.exec(ctx, "UPDATE pushes SET checked_at = "+placeholders(len(w.arguments), 1)+w.String(), w.arguments...)
	return err
}
