package store

import (
	"context"
	"time"

	"github.com/trellis-ats/trellis/core"
)

type webhookSyncRow struct {
	OrganizationID core.ID           `db:"organization_id"`
	ConnectionID   core.ID           `db:"connection_id"`
	Enabled        bool              `db:"enabled"`
	Scope          core.InboundScope `db:"scope"`
	EnabledAt      Time              `db:"enabled_at"`
	PreviousUntil  Time              `db:"previous_until"`
	PingedAt       Time              `db:"pinged_at"`
	SilentSince    Time              `db:"silent_since"`
	Strangers      int               `db:"strangers"`
	StrangerAt     Time              `db:"stranger_at"`
}

func newWebhookSyncRow(s *core.WebhookSync) webhookSyncRow {
	return webhookSyncRow{
		OrganizationID: s.OrganizationID, ConnectionID: s.ConnectionID, Enabled: s.Enabled, Scope: s.Scope,
		EnabledAt: Time{s.EnabledAt}, PreviousUntil: Time{s.PreviousUntil}, PingedAt: Time{s.PingedAt},
		SilentSince: Time{s.SilentSince}, Strangers: s.Strangers, StrangerAt: Time{s.StrangerAt},
	}
}

func (r webhookSyncRow) webhookSync() core.WebhookSync {
	return core.WebhookSync{
		OrganizationID: r.OrganizationID, ConnectionID: r.ConnectionID, Enabled: r.Enabled, Scope: r.Scope,
		EnabledAt: r.EnabledAt.Time, PreviousUntil: r.PreviousUntil.Time, PingedAt: r.PingedAt.Time,
		SilentSince: r.SilentSince.Time, Strangers: r.Strangers, StrangerAt: r.StrangerAt.Time,
	}
}

// defaultSync is how a connection takes web hooks until somebody says so.
func defaultSync(organization, connection core.ID) core.WebhookSync {
	return core.WebhookSync{OrganizationID: organization, ConnectionID: connection, Scope: core.ScopePushed}
}

// webhookSyncs reads all connections with what was set for them.
const webhookSyncs = `(SELECT c.organization_id, c.id AS connection_id, COALESCE(s.enabled, FALSE) AS enabled, COALESCE(s.scope, 'PUSHED_ONLY') AS scope,
	s.enabled_at, s.previous_until, s.pinged_at, s.silent_since, COALESCE(s.strangers, 0) AS strangers, s.stranger_at
	FROM connections AS c LEFT JOIN webhook_syncs AS s ON s.connection_id = c.id) AS syncs`

// WebhookSyncs implements core.WebhookSyncReader.
func (r reader) WebhookSyncs(ctx context.Context, organization core.ID, connections []core.ID) ([]core.WebhookSync, error) {
	if len(connections) == 0 {
		return nil, nil
	}
	w := owned(organization)
	in(&w, "connection_id %s", connections)
	rows := []webhookSyncRow{}
	err := r.q.list(ctx, &rows, selectFrom[webhookSyncRow](webhookSyncs)+w.String(), w.arguments...)
	return convertAll(rows, webhookSyncRow.webhookSync), err
}

// EnabledWebhookSyncs implements core.WebhookSyncReader.
func (r reader) EnabledWebhookSyncs(ctx context.Context) ([]core.WebhookSync, error) {
	rows := []webhookSyncRow{}
	err := r.q.list(ctx, &rows, selectFrom[webhookSyncRow]("webhook_syncs")+" WHERE enabled ORDER BY connection_id")
	return convertAll(rows, webhookSyncRow.webhookSync), err
}

type webhookCountRow struct {
	OrganizationID core.ID `db:"organization_id"`
	ConnectionID   core.ID `db:"connection_id"`
	Action         string  `db:"action"`
	Count          int     `db:"n"`
	FirstAt        Time    `db:"first_at"`
	LastAt         Time    `db:"last_at"`
}

func (r webhookCountRow) webhookCount() core.WebhookCount {
	return core.WebhookCount{
		ConnectionID: r.ConnectionID, Action: r.Action, Count: r.Count, FirstAt: r.FirstAt.Time, LastAt: r.LastAt.Time,
	}
}

// WebhookCounts implements core.WebhookSyncReader.
func (r reader) WebhookCounts(ctx context.Context, organization core.ID, connections []core.ID) ([]core.WebhookCount, error) {
	if len(connections) == 0 {
		return nil, nil
	}
	w := owned(organization)
	in(&w, "connection_id %s", connections)
	rows := []webhookCountRow{}
	err := r.q.list(ctx, &rows, selectFrom[webhookCountRow]("webhook_counts")+w.String()+" ORDER BY connection_id, action", w.arguments...)
	return convertAll(rows, webhookCountRow.webhookCount), err
}

// SaveWebhookSync implements core.WebhookSyncWriter.
func (t *tx) SaveWebhookSync(ctx context.Context, s *core.WebhookSync) error {
	query := insertInto[webhookSyncRow]("webhook_syncs") + ` ON CONFLICT (connection_id) DO UPDATE SET
		enabled = excluded.enabled, scope = excluded.scope, enabled_at = excluded.enabled_at,
		previous_until = excluded.previous_until
		WHERE webhook_syncs.organization_id = excluded.organization_id RETURNING connection_id`
	var id core.ID
	return notFound(t.q.get(ctx, &id, query, valuesOf(newWebhookSyncRow(s))...), "connection")
}

// SaveSilence implements core.WebhookSyncWriter.
func (t *tx) SaveSilence(ctx context.Context, s *core.WebhookSync) error {
	const query = "UPDATE webhook_syncs SET silent_since = $3 WHERE organization_id = $1 AND connection_id = $2"
	_, err := t.q.exec(ctx, query, s.OrganizationID, s.ConnectionID, Time{s.SilentSince})
	return err
}

// CountWebhook implements core.WebhookSyncWriter.
func (t *tx) CountWebhook(ctx context.Context, w *core.Webhook) error {
	at := Time{w.ReceivedAt}
	row := webhookCountRow{OrganizationID: w.OrganizationID, ConnectionID: w.ConnectionID, Action: cleaned(w.Action), Count: 1, FirstAt: at, LastAt: at}
	query := insertInto[webhookCountRow]("webhook_counts") + ` ON CONFLICT (connection_id, action) DO UPDATE SET n = webhook_counts.n + 1,
		first_at = CASE WHEN excluded.first_at < webhook_counts.first_at THEN excluded.first_at ELSE webhook_counts.first_at END,
		last_at = CASE WHEN excluded.last_at > webhook_counts.last_at THEN excluded.last_at ELSE webhook_counts.last_at END`
	_, err := t.q.exec(ctx, query, valuesOf(row)...)
	return err
}

// CountStranger implements core.WebhookSyncWriter.
func (t *tx) CountStranger(ctx context.Context, organization, connection core.ID, at time.Time) error {
	s := defaultSync(organization, connection)
	s.Strangers, s.StrangerAt = 1, at
	query := insertInto[webhookSyncRow]("webhook_syncs") + ` ON CONFLICT (connection_id) DO UPDATE SET
		strangers = webhook_syncs.strangers + 1, stranger_at = excluded.stranger_at`
	_, err := t.q.exec(ctx, query, valuesOf(newWebhookSyncRow(&s))...)
	return err
}

// NotePing implements core.WebhookSyncWriter.
func (t *tx) NotePing(ctx context.Context, organization, connection core.ID, at time.Time) error {
	s := defaultSync(organization, connection)
	s.PingedAt = at
	query := insertInto[webhookSyncRow]("webhook_syncs") + " ON CONFLICT (connection_id) DO UPDATE SET pinged_at = excluded.pinged_at"
	_, err := t.q.exec(ctx, query, valuesOf(newWebhookSyncRow(&s))...)
	return err
}
