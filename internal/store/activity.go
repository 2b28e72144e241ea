package store

import (
	"context"
	"errors"
	"strings"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/fault"
)

// lastRow is the newest entry of a connection with one outcome.
type lastRow struct {
	ID           core.ID          `db:"id"`
	ConnectionID core.ID          `db:"connection_id"`
	Operation    string           `db:"operation"`
	Outcome      core.SyncOutcome `db:"outcome"`
	FaultCode    fault.Code       `db:"fault_code"`
	Message      string           `db:"message"`
	StartedAt    Time             `db:"started_at"`
}

// deliveriesRow counts a connection's assessments in one state of delivery.
type deliveriesRow struct {
	ConnectionID core.ID            `db:"connection_id"`
	Delivery     core.DeliveryState `db:"delivery"`
	Count        int                `db:"n"`
}

// pushesRow counts a connection's pushes in one state.
type pushesRow struct {
	ConnectionID core.ID        `db:"connection_id"`
	State        core.PushState `db:"state"`
	Count        int            `db:"n"`
}

// Activities implements core.ActivityReader.
func (r reader) Activities(ctx context.Context, organization core.ID, connections []core.ID) ([]core.Activity, error) {
	known, err := r.ConnectionsByID(ctx, organization, connections)
	if err != nil || len(known) == 0 {
		return nil, err
	}
	byID := map[core.ID]*core.Activity{}
	found := make([]core.Activity, len(known))
	for i, c := range known {
		found[i] = core.Activity{ConnectionID: c.ID, Deliveries: map[core.DeliveryState]int{}, Pushes: map[core.PushState]int{}}
		byID[c.ID] = &found[i]
	}
	if err := r.lastExchanges(ctx, organization, connections, byID); err != nil {
		return nil, err
	}
	if err := r.openDeliveries(ctx, organization, connections, byID); err != nil {
		return nil, err
	}
	issues, err := r.OpenIssues(ctx, organization, connections)
	for id, a := range byID {
		a.Issues = issues[id]
	}
	return found, errors.Join(err, r.openPushes(ctx, organization, connections, byID))
}

// lastExchanges goes to the end of the index once for each connection and outcome.
func (r reader) lastExchanges(ctx context.Context, organization core.ID, connections []core.ID, byID map[core.ID]*core.Activity) error {
	w := owned(organization)
	in(&w, "id %s", connections)
	var last []string
	for _, outcome := range []core.SyncOutcome{core.SyncOK, core.SyncFailed, core.SyncRetry} {
		last = append(last, `SELECT (SELECT max(s.id) FROM sync_log AS s WHERE s.organization_id = connections.organization_id
			AND s.connection_id = connections.id AND s.outcome = '`+string(outcome)+`') AS id FROM connections`+w.String())
	}
	rows := []lastRow{}
	query := selectFrom[lastRow]("sync_log") + " WHERE organization_id = $1 AND id IN (" + strings.Join(last, " UNION ALL ") + ") ORDER BY id"
	if err := r.q.list(ctx, &rows, query, w.arguments...); err != nil {
		return err
	}
	for _, row := range rows {
		a := byID[row.ConnectionID]
		if row.Outcome == core.SyncOK {
			a.LastSuccessAt = row.StartedAt.Time
			continue
		}
		a.LastFailure = &core.SyncFailure{ // of two, the newer comes later
			EntryID: row.ID, At: row.StartedAt.Time, Operation: row.Operation, FaultCode: row.FaultCode, Message: row.Message,
		}
	}
	return nil
}

func (r reader) openDeliveries(ctx context.Context, organization core.ID, connections []core.ID, byID map[core.ID]*core.Activity) error {
	w := owned(organization)
	in(&w, "connection_id %s", connections)
	in(&w, "delivery %s", []core.DeliveryState{core.DeliveryPending, core.DeliveryFailed})
	rows := []deliveriesRow{}
	query := "SELECT connection_id, delivery, count(*) AS n FROM assessments" + w.String() + " GROUP BY connection_id, delivery"
	if err := r.q.list(ctx, &rows, query, w.arguments...); err != nil {
		return err
	}
	for _, row := range rows {
		byID[row.ConnectionID].Deliveries[row.Delivery] = row.Count
	}
	return nil
}

func (r reader) openPushes(ctx context.Context, organization core.ID, connections []core.ID, byID map[core.ID]*core.Activity) error {
	w := owned(organization)
	in(&w, "connection_id %s", connections)
	in(&w, "state %s", []core.PushState{core.PushPending, core.PushRunning, core.PushWaiting, core.PushFailed, core.PushNeedsAttention})
	rows := []pushesRow{}
	query := "SELECT connection_id, state, count(*) AS n FROM pushes" + w.String() + " GROUP BY connection_id, state"
	if err := r.q.list(ctx, &rows, query, w.arguments...); err != nil {
		return err
	}
	for _, row := range rows {
		byID[row.ConnectionID].Pushes[row.State] = row.Count
	}
	return nil
}
