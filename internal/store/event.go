package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/trellis-ats/trellis/core"
)

type eventRow struct {
	ID             core.ID        `db:"id"`
	OrganizationID core.ID        `db:"organization_id"`
	Type           core.EventType `db:"type"`
	SubjectID      core.ID        `db:"subject_id"`
	ActorRole      core.Role      `db:"actor_role"`
	ActorID        core.ID        `db:"actor_id"`
	ActorName      string         `db:"actor_name"`
	At             Time           `db:"at"`
	Data           string         `db:"data"`
	Position       sql.NullInt64  `db:"position"`
}

func newEventRow(e *core.Event) eventRow {
	r := eventRow{
		ID: e.ID, OrganizationID: e.OrganizationID, Type: e.Type, SubjectID: e.SubjectID,
		ActorRole: e.ActorRole, ActorID: e.ActorID, ActorName: cleaned(e.ActorName), At: Time{e.At}, Data: string(e.Data),
	}
	if r.Data == "" {
		r.Data = "{}"
	}
	return r
}

func (r eventRow) event() core.Event {
	return core.Event{
		ID: r.ID, OrganizationID: r.OrganizationID, Type: r.Type, SubjectID: r.SubjectID,
		ActorRole: r.ActorRole, ActorID: r.ActorID, ActorName: r.ActorName, At: r.At.Time,
		Data: json.RawMessage(r.Data), Position: r.Position.Int64,
	}
}

// EventsOf implements core.EventReader.
func (r reader) EventsOf(ctx context.Context, organization, subject core.ID) ([]core.Event, error) {
	return r.events(ctx, "organization_id = $1 AND subject_id = $2 ORDER BY id", organization, subject)
}

// EventsOfSubjects implements core.EventReader.
func (r reader) EventsOfSubjects(ctx context.Context, organization core.ID, subjects []core.ID, perSubject int) ([]core.Event, error) {
	o := outermost{table: "events", group: "subject_id", each: perSubject}
	rows, err := readOutermost[eventRow](ctx, r.q, o, organization, subjects)
	return convertAll(rows, eventRow.event), err
}

// EventsAfter implements core.EventReader.
func (r reader) EventsAfter(ctx context.Context, organization core.ID, f core.EventFilter, position int64, limit int) ([]core.Event, error) {
	var w where
	w.add("position > %s", position)
	equal(&w, "organization_id", organization)
	in(&w, "type %s", f.Types)
	equal(&w, "subject_id", f.Subject)
	return r.events(ctx, fmt.Sprintf("%s ORDER BY position LIMIT %d", strings.Join(w.conditions, " AND "), limit), w.arguments...)
}

// LastPosition implements core.EventReader.
func (r reader) LastPosition(ctx context.Context) (int64, error) {
	var last int64
	err := r.q.get(ctx, &last, "SELECT last_position FROM event_sequence")
	return last, err
}

func (r reader) events(ctx context.Context, condition string, args ...any) ([]core.Event, error) {
	rows := []eventRow{}
	if err := r.q.list(ctx, &rows, selectFrom[eventRow]("events")+" WHERE "+condition, args...); err != nil {
		return nil, err
	}
	return convertAll(rows, eventRow.event), nil
}

// AppendEvent implements core.EventWriter. Its position is given after the
// commit, by NumberEvents.
func (t *tx) AppendEvent(ctx context.Context, e *core.Event) error {
	t.appended = true
	return insert(ctx, t.q, "events", newEventRow(e))
}

// NumberEvents gives at most limit committed events that have no position the
// next ones, by id, and returns the last position in use and how many events
// it numbered. Positions are given after the commit and by one transaction at
// a time, so whoever read up to a position never misses an event below it.
func (db *DB) NumberEvents(ctx context.Context, limit int) (last int64, n int, err error) {
	var found struct {
		Last    int64 `db:"last_position"`
		Pending bool  `db:"pending"`
	}
	// Looking first keeps an idle sequencer from taking the writer's lock.
	err = db.q.get(ctx, &found, "SELECT last_position, EXISTS (SELECT 1 FROM events WHERE position IS NULL) AS pending FROM event_sequence")
	if err != nil || !found.Pending {
		return found.Last, 0, err
	}
	t, err := db.begin(ctx)
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = t.sqlTx.Rollback() }() // does nothing after a commit
	last, n, err = t.numberEvents(ctx, limit)
	if err != nil || n == 0 {
		return last, 0, err
	}
	return last, n, mapped(t.sqlTx.Commit())
}

func (t *tx) numberEvents(ctx context.Context, limit int) (last int64, n int, err error) {
	// The lock comes first: the statement after it sees what others committed before.
	if err := t.q.get(ctx, &last, "SELECT last_position FROM event_sequence"+t.dialect.lock()); err != nil {
		return 0, 0, err
	}
	numbered, err := t.q.exec(ctx, `UPDATE events SET position = $1 + fresh.n
		FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM events WHERE position IS NULL ORDER BY id LIMIT $2) AS fresh
		WHERE events.id = fresh.id`, last, limit)
	if err != nil || numbered == 0 {
		return last, 0, err
	}
	last += numbered
	_, err = t.q.exec(ctx, "UPDATE event_sequence SET last_position = $1", last)
	return last, int(numbered), err
}
