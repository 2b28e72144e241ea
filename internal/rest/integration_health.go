package rest

import (
	"context"
	"net/http"
	"time"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/fault"
)

// Connections tells how an adapter's connections are; *core.Connections is one.
type Connections interface {
	Integration(ctx context.Context, by core.Actor, adapter string) (*core.Integration, error)
}

// integrationHealth has the names of GraphQL's Adapter and Connection.
type integrationHealth struct {
	Adapter     string             `json:"adapter"`
	Process     adapterProcess     `json:"process"`
	Connections []connectionHealth `json:"connections"`
}

type adapterProcess struct {
	Status    string     `json:"status"`
	Since     *time.Time `json:"since"`
	Version   *string    `json:"version"`
	Restarts  int        `json:"restarts"`
	LastError *string    `json:"lastError"`
}

type connectionHealth struct {
	ID            core.ID           `json:"id"`
	Name          string            `json:"name"`
	Disabled      bool              `json:"disabled"`
	Status        core.HealthStatus `json:"status"`
	CheckedAt     *time.Time        `json:"checkedAt"`
	Message       *string           `json:"message"`
	Missing       []string          `json:"missingPermissions"`
	LastSuccessAt *time.Time        `json:"lastSuccessAt"`
	LastFailure   *lastFailure      `json:"lastFailure"`
	Deliveries    queue             `json:"deliveries"`
	Pushes        queue             `json:"pushes"`
	OpenIssues    int               `json:"openIssues"`
	Authorization *authorization    `json:"authorization"`
}

type lastFailure struct {
	SyncEntryID core.ID     `json:"syncEntryId"`
	At          *time.Time  `json:"at"`
	Operation   string      `json:"operation"`
	FaultCode   *fault.Code `json:"faultCode"`
	Message     *string     `json:"message"`
}

// authorization is null for a connection that was never connected.
type authorization struct {
	State     core.AuthorizationState `json:"state"`
	Reason    *string                 `json:"reason"`
	ExpiresAt *time.Time              `json:"expiresAt"`
}

// queue counts what is still to be told to the ATS.
type queue struct {
	Pending int `json:"pending"`
	Failed  int `json:"failed"`
}

func (i *Integration) health(r *http.Request, by core.Actor) (any, error) {
	found, err := i.o.Connections.Integration(r.Context(), by, r.PathValue("adapter"))
	if err != nil {
		return nil, err
	}
	p := found.Process
	shown := integrationHealth{
		Adapter: p.Adapter, Connections: []connectionHealth{},
		Process: adapterProcess{
			Status: p.Status, Since: moment(p.Since), Version: known(p.Version), Restarts: p.Restarts, LastError: known(p.LastError),
		},
	}
	for n := range found.Connections {
		shown.Connections = append(shown.Connections, newConnectionHealth(&found.Connections[n]))
	}
	return shown, nil
}

func newConnectionHealth(c *core.ActiveConnection) connectionHealth {
	a := c.Activity
	h := connectionHealth{
		ID: c.ID, Name: c.Name, Disabled: c.Disabled, Status: c.Health.Status, CheckedAt: moment(c.Health.CheckedAt),
		Message: known(c.Health.Message), Missing: append([]string{}, c.Health.Missing...), LastSuccessAt: moment(a.LastSuccessAt),
		OpenIssues: a.Issues,
		Deliveries: queue{Pending: a.Deliveries[core.DeliveryPending], Failed: a.Deliveries[core.DeliveryFailed]},
		Pushes: queue{
			Pending: a.Pushes[core.PushPending] + a.Pushes[core.PushRunning] + a.Pushes[core.PushWaiting],
			Failed:  a.Pushes[core.PushFailed] + a.Pushes[core.PushNeedsAttention],
		},
	}
	if granted := c.Authorization; granted != nil {
		h.Authorization = &authorization{State: granted.State, Reason: known(granted.Reason), ExpiresAt: moment(granted.ExpiresAt)}
	}
	if f := a.LastFailure; f != nil {
		h.LastFailure = &lastFailure{
			SyncEntryID: f.EntryID, At: moment(f.At), Operation: f.Operation, FaultCode: known(f.FaultCode), Message: known(f.Message),
		}
	}
	return h
}
