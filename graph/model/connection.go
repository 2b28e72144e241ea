package model

import (
	"maps"
	"slices"

	"github.com/trellis-ats/trellis/core"
)

// ATSConnection is a connection with an ATS as callers see it. In the schema
// it is called Connection.
type ATSConnection struct {
	*core.Connection
	Batch *Batch[core.Connection]
}

// ViewATSConnection is a view of one of a batch.
func ViewATSConnection(c *core.Connection, b *Batch[core.Connection]) ATSConnection {
	return ATSConnection{c, b}
}

// NewATSConnection is a view of c, or nil of nil.
func NewATSConnection(c *core.Connection) *ATSConnection { return single(c, ViewATSConnection) }

// IsNode marks a node.
func (*ATSConnection) IsNode() {}

// ConnectionSetting is one setting, as typed.
type ConnectionSetting struct{ Name, Value string }

// Settings are the plain settings, by name.
func (c ATSConnection) Settings() []ConnectionSetting {
	settings := make([]ConnectionSetting, 0, len(c.Connection.Settings))
	for _, name := range slices.Sorted(maps.Keys(c.Connection.Settings)) {
		settings = append(settings, ConnectionSetting{name, c.Connection.Settings[name]})
	}
	return settings
}

// Health is what the last check found.
func (c ATSConnection) Health() ConnectionHealth { return ConnectionHealth{&c.Connection.Health} }

// Status sums it up.
func (c ATSConnection) Status() core.HealthStatus { return c.Health().Status() }
