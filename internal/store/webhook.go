package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/ats"
)

// webhookRow leaves the sealed request out: lists must not carry it.
type webhookRow struct {
	ID             core.ID           `db:"id"`
	OrganizationID core.ID           `db:"organization_id"`
	ConnectionID   core.ID           `db:"connection_id"`
	EventID        string            `db:"event_id"`
	Content        string            `db:"content"`
	Action         string            `db:"action"`
	State          core.WebhookState `db:"state"`
	Deliveries     int               `db:"deliveries"`
	Person         string            `db:"person"`
	Message        string            `db:"message"`
	ReceivedAt     Time              `db:"received_at"`
	AppliedAt      Time              `db:"applied_at"`
	WhileOff       bool              `db:"while_off"`
}

// newWebhookRow cleans what the ATS can influence: a web hook must be kept
// whatever its headers say.
func newWebhookRow(w *core.Webhook) webhookRow {
	return webhookRow{
		ID: w.ID, OrganizationID: w.OrganizationID, ConnectionID: w.ConnectionID, EventID: cleaned(w.EventID), Content: cleaned(w.Content),
		Action: cleaned(w.Action), State: w.State, Deliveries: w.Deliveries, Person: cleaned(w.Person), Message: cleaned(w.Message),
		ReceivedAt: Time{w.ReceivedAt}, AppliedAt: Time{w.AppliedAt}, WhileOff: w.WhileOff,
	}
}

func (r webhookRow) webhook() core.Webhook {
	return core.Webhook{
		ID: r.ID, OrganizationID: r.OrganizationID, ConnectionID: r.ConnectionID, EventID: r.EventID, Content: r.Content,
		Action: r.Action, State: r.State, Deliveries: r.Deliveries, Person: r.Person, Message: r.Message,
		ReceivedAt: r.ReceivedAt.Time, AppliedAt: r.AppliedAt.Time, WhileOff: r.WhileOff,
	}
}

// requestJSON fixes the stored names of ats.HTTPRequest. It has the same
// fields, or the conversions below would not compile.
type requestJSON struct {
	Method string              `json:"method"`
	Path   string              `json:"path"`
	Params map[string]string   `json:"params,omitempty"`
	Query  map[string][]string `json:"query,omitempty"`
	Header map[string][]string `json:"header,omitempty"`
	Body   []byte              `json:"body"`
}

// targetRow is a connection with all that judging a web hook needs.
type targetRow struct {
	connectionRow
	Sealed  []byte             `db:"sealed_secrets"`
	Enabled *bool              `db:"enabled"`
	Scope   *core.InboundScope `db:"scope"`
	Until   Time               `db:"previous_until"`
}

// WebhookTarget implements core.WebhookReader, in one statement.
func (r reader) WebhookTarget(ctx context.Context, connection core.ID) (*core.WebhookTarget, error) {
	query := "SELECT " + prefixed("c", columnsOf[connectionRow]()) + `, c.sealed_secrets, s.enabled, s.scope, s.previous_until
		FROM connections AS c LEFT JOIN webhook_syncs AS s ON s.connection_id = c.id WHERE c.id = $1`
	var row targetRow
	if err := r.q.get(ctx, &row, query, connection); err != nil {
		return nil, notFound(err, "connection")
	}
	secrets, err := r.keys.openSecrets(connection, row.Sealed)
	if err != nil {
		return nil, err
	}
	t := &core.WebhookTarget{Connection: row.connection(), Secrets: secrets, Sync: defaultSync(row.OrganizationID, connection)}
	if row.Enabled != nil {
		t.Sync.Enabled, t.Sync.Scope, t.Sync.PreviousUntil = *row.Enabled, *row.Scope, row.Until.Time
	}
	return t, nil
}

// Webhook implements core.WebhookReader.
func (r reader) Webhook(ctx context.Context, organization, id core.ID) (*core.Webhook, error) {
	var row struct {
		webhookRow
		Sealed []byte `db:"sealed_request"`
	}
	query := "SELECT " + prefixed("w", columnsOf[webhookRow]()) + ", w.sealed_request FROM webhooks AS w WHERE w.organization_id = $1 AND w.id = $2"
	if err := r.q.get(ctx, &row, query, organization, id); err != nil {
		return nil, notFound(err, "web hook")
	}
	w := row.webhook()
	if len(row.Sealed) == 0 {
		return &w, nil
	}
	plain, err := r.keys.open(webhookSeal(id), row.Sealed)
	if err != nil {
		return nil, err
	}
	var kept requestJSON
	if err := json.Unmarshal(plain, &kept); err != nil {
		return nil, fmt.Errorf("store: request of %s: %w", id, err)
	}
	request := ats.HTTPRequest(kept)
	w.Request = &request
	return &w, nil
}

// webhookSeal is what a request is sealed for.
func webhookSeal(id core.ID) string { return "webhook\x00" + string(id) }

// Webhooks implements core.WebhookReader.
func (r reader) Webhooks(ctx context.Context, organization core.ID, f core.WebhookFilter, p core.Page) (*core.Paged[core.Webhook], error) {
	l := listing{table: "webhooks", where: owned(organization), newestFirst: true}
	equal(&l.where, "connection_id", f.ConnectionID)
	equal(&l.where, "action", f.Action)
	if len(f.States) == 1 && f.States[0] == core.WebhookFailed {
		l.where.conditions = append(l.where.conditions, "state = 'FAILED'") // literally, for the index of those
	} else {
		in(&l.where, "state %s", f.States)
	}
	rows, err := readPage[webhookRow](ctx, r.q, l, p)
	return convertPage(rows, err, webhookRow.webhook)
}

// EarlierWebhook implements core.WebhookReader.
func (r reader) EarlierWebhook(ctx context.Context, w *core.Webhook, since time.Time) (*core.Webhook, error) {
	const condition = ` WHERE connection_id = $1 AND content = $2 AND content <> '' AND id < $3 AND received_at >= $4
		AND state IN ('RECEIVED', 'APPLIED') ORDER BY id LIMIT 1`
	return r.webhookWhere(ctx, condition, w.ConnectionID, w.Content, w.ID, Time{since})
}

// LockWebhook implements core.WebhookWriter.
func (t *tx) LockWebhook(ctx context.Context, organization, id core.ID) (*core.Webhook, error) {
	return t.webhookWhere(ctx, " WHERE organization_id = $1 AND id = $2"+t.dialect.lock(), organization, id)
}

func (r reader) webhookWhere(ctx context.Context, condition string, args ...any) (*core.Webhook, error) {
	var row webhookRow
	if err := r.q.get(ctx, &row, selectFrom[webhookRow]("webhooks")+condition, args...); err != nil {
		return nil, notFound(err, "web hook")
	}
	w := row.webhook()
	return &w, nil
}

// KeepWebhook implements core.WebhookWriter, in one statement.
// Errors: fault.Config without a master key.
func (t *tx) KeepWebhook(ctx context.Context, w *core.Webhook) (bool, error) {
	sealed := []byte{}
	if w.Request != nil {
		plain, err := json.Marshal(requestJSON(*w.Request))
		if err != nil {
			return false, fmt.Errorf("store: request of %s: %w", w.ID, err)
		}
		if sealed, err = t.keys.seal(webhookSeal(w.ID), plain); err != nil {
			return false, err
		}
	}
	values := append(valuesOf(newWebhookRow(w)), sealed)
	query := "INSERT INTO webhooks (" + prefixed("", columnsOf[webhookRow]()) + ", sealed_request) VALUES (" + placeholders(1, len(values)) + `)
		ON CONFLICT (connection_id, event_id) WHERE event_id <> '' DO UPDATE SET deliveries = webhooks.deliveries + 1
		RETURNING id`
	var kept core.ID
	if err := t.q.get(ctx, &kept, query, values...); err != nil {
		return false, err
	}
	return kept == w.ID, nil
}

// UpdateWebhook implements core.WebhookWriter. Errors: fault.NotFound.
func (t *tx) UpdateWebhook(ctx context.Context, w *core.Webhook, forget bool) error {
	if err := update(ctx, t.q, "webhooks", "web hook", newWebhookRow(w), "state", "person", "message", "applied_at"); err != nil || !forget {
		return err
	}
	_, err := t.q.exec(ctx, "UPDATE webhooks SET sealed_request = $2 WHERE id = $1", w.ID, []byte{})
	return err
}
