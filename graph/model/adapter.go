package model

import (
	"maps"
	"slices"
	"time"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/ats"
)

// Adapter is an installed adapter as callers see it.
type Adapter struct{ of core.Installed }

// NewAdapters are views of all.
func NewAdapters(all []core.Installed) []Adapter {
	views := make([]Adapter, len(all))
	for i, a := range all {
		views[i] = Adapter{a}
	}
	return views
}

// Name is what connections name it by.
func (a Adapter) Name() string { return a.of.Process.Adapter }

// Process is how its process is.
func (a Adapter) Process() AdapterProcess { return AdapterProcess{a.of.Process} }

// Manifest is nil until it first ran.
func (a Adapter) Manifest() *AdapterManifest {
	if a.of.Manifest == nil {
		return nil
	}
	return &AdapterManifest{a.of.Manifest}
}

// AdapterProcess is an adapter's process.
type AdapterProcess struct{ of core.Process }

// Status is how it is.
func (p AdapterProcess) Status() AdapterStatus { return AdapterStatus(p.of.Status) }

// Since is zero if not known.
func (p AdapterProcess) Since() time.Time { return p.of.Since }

// Version is nil if not known.
func (p AdapterProcess) Version() *string { return optional(p.of.Version) }

// Pid is nil while there is no process.
func (p AdapterProcess) Pid() *int {
	if p.of.PID == 0 {
		return nil
	}
	return &p.of.PID
}

// Restarts is how often it was started again.
func (p AdapterProcess) Restarts() int { return p.of.Restarts }

// LastError is nil if it did not end.
func (p AdapterProcess) LastError() *string { return optional(p.of.LastError) }

// AdapterManifest is what an adapter says of itself.
type AdapterManifest struct{ *ats.Manifest }

// Settings are what a connection asks for.
func (m AdapterManifest) Settings() []AdapterSetting {
	settings := make([]AdapterSetting, len(m.Manifest.Settings))
	for i := range m.Manifest.Settings {
		settings[i] = AdapterSetting{&m.Manifest.Settings[i]}
	}
	return settings
}

// Capabilities are what the adapter can do.
func (m AdapterManifest) Capabilities() []Capability { return NewCapabilities(m.Manifest.Capabilities) }

// AdapterSetting is one setting that a connection asks for.
type AdapterSetting struct{ *ats.Setting }

// Default is nil if there is none.
func (s AdapterSetting) Default() *string { return optional(s.Setting.Default) }

// Options are what can be chosen.
func (s AdapterSetting) Options() []string { return listed(s.Setting.Options) }

// Capability is one ability.
type Capability struct{ of ats.Capability }

// NewCapabilities are views of all.
func NewCapabilities(all []ats.Capability) []Capability {
	views := make([]Capability, len(all))
	for i, c := range all {
		views[i] = Capability{c}
	}
	return views
}

// Name is its name.
func (c Capability) Name() string { return string(c.of.Name) }

// Available is whether it is there.
func (c Capability) Available() bool { return c.of.Available }

// Reasons are why it is not, or only in part.
func (c Capability) Reasons() []string { return listed(c.of.Reasons) }

// Constraint is one limit.
type Constraint struct{ Name, Value string }

// Constraints are its limits, by name.
func (c Capability) Constraints() []Constraint {
	limits := make([]Constraint, 0, len(c.of.Constraints))
	for _, name := range slices.Sorted(maps.Keys(c.of.Constraints)) {
		limits = append(limits, Constraint{name, c.of.Constraints[name]})
	}
	return limits
}

// listed makes no list an empty one.
func listed(texts []string) []string {
	if texts == nil {
		return []string{}
	}
	return texts
}
