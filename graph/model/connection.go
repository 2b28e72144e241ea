package model

import (
	"maps"
	"slices"

	"github.com/trellis-ats/trellis/core"
)

// ATSConnection is a connection with an ATS as callers see it. In the schema
// it is called Connection.
type ATSConnection struct{ *core.Connection }

// NewATSConnection is a view of c, or nil of nil.
func NewATSConnection(c *core.Connection) *ATSConnection {
	if c == nil {
		return nil
	}
	return &ATSConnection{c}
}

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

// NewATSConnections are views of all.
func NewATSConnections(all []core.Connection) []ATSConnection {
	views := make([]ATSConnection, len(all))
	for i := range all {
		views[i] = ATSConnection{&all[i]}
	}
	return views
}
