package coretest

import (
	"context"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// AdapterName is what the one adapter of Adapters is called.
const AdapterName = "fake"

// Adapters stands in for the adapters' processes: one adapter, in process.
// Fields must not be changed while it is in use.
type Adapters struct {
	ToUs   ats.Inbound // nil: the adapter cannot take calls
	FromUs ats.Results // nil: the adapter cannot deliver
	// Whole is the adapter where the use case asks for more than the two above,
	// an ATS for example. Its manifest counts then, with what the two above add.
	// nil: one that has nothing more.
	Whole ats.Adapter
	// Report is what a check of a connection finds; nil: that all is well.
	Report *ats.ConnectionReport
}

var _ core.Adapters = (*Adapters)(nil)

// Names returns the one adapter's name.
func (*Adapters) Names() []string { return []string{AdapterName} }

// Manifest returns settings of each kind. Errors: fault.NotFound.
func (a *Adapters) Manifest(name string) (*ats.Manifest, error) {
	if name != AdapterName {
		return nil, fault.New(fault.NotFound, "There is no adapter %q.", name)
	}
	return a.manifest(context.Background())
}

func (a *Adapters) manifest(ctx context.Context) (*ats.Manifest, error) {
	own := []ats.Capability{
		{Name: ats.CapabilityInbound, Available: a.ToUs != nil},
		{Name: ats.CapabilityResults, Available: a.FromUs != nil},
	}
	if a.Whole == nil {
		return &ats.Manifest{Name: AdapterName, Title: "Fake", Version: "1.0.0", Settings: settings(), Capabilities: own}, nil
	}
	m, err := a.Whole.Describe(ctx)
	if err != nil {
		return nil, err
	}
	m.Capabilities = append(own, m.Capabilities...)
	return m, nil
}

// settings are one of each type.
func settings() []ats.Setting {
	return []ats.Setting{
		{Name: "account", Label: "Account", Type: ats.TypeText, Required: true},
		{Name: "base_url", Label: "Address", Type: ats.TypeURL, Default: "https://ats.example.com"},
		{Name: "api_key", Label: "API key", Type: ats.TypeText, Secret: true},
		{Name: "region", Label: "Region", Type: ats.TypeChoice, Options: []string{"eu", "us"}},
		{Name: "retries", Label: "Retries", Type: ats.TypeInteger},
		{Name: "polite", Label: "Polite", Type: ats.TypeBoolean},
		{Name: ats.SettingActingUser, Label: "Acting user", Type: ats.TypeText},
	}
}

// Inbound returns ToUs. Errors: fault.NotFound, fault.Unsupported.
func (a *Adapters) Inbound(name string) (ats.Inbound, error) {
	if _, err := a.Manifest(name); err != nil {
		return nil, err
	}
	if a.ToUs == nil {
		return nil, fault.New(fault.Unsupported, "The adapter %s takes no calls.", name)
	}
	return a.ToUs, nil
}

// Results returns FromUs. Errors: fault.NotFound, fault.Unsupported.
func (a *Adapters) Results(name string) (ats.Results, error) {
	if _, err := a.Manifest(name); err != nil {
		return nil, err
	}
	if a.FromUs == nil {
		return nil, fault.New(fault.Unsupported, "The adapter %s does not deliver.", name)
	}
	return a.FromUs, nil
}

// Adapter returns one whose checks find Report. Errors: fault.NotFound.
func (a *Adapters) Adapter(name string) (ats.Adapter, error) {
	if _, err := a.Manifest(name); err != nil {
		return nil, err
	}
	if a.Whole != nil {
		return a.Whole, nil
	}
	return checked{a}, nil
}

// Processes tells of one that runs.
func (*Adapters) Processes() []core.Process {
	return []core.Process{{Adapter: AdapterName, Version: "1.0.0", Status: "RUNNING", PID: 1}}
}

// checked is the adapter itself.
type checked struct{ a *Adapters }

// Describe returns the manifest.
func (c checked) Describe(ctx context.Context) (*ats.Manifest, error) { return c.a.manifest(ctx) }

// CheckConnection returns Report.
func (c checked) CheckConnection(context.Context, *ats.Connection) (*ats.ConnectionReport, error) {
	if c.a.Report != nil {
		return c.a.Report, nil
	}
	return &ats.ConnectionReport{Checks: []ats.Check{{Name: "settings", OK: true}}}, nil
}
