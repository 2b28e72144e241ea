package ats

import "maps"

// Manifest is what an adapter says of itself.
type Manifest struct {
	Name         string // lower case; the path segment of its routes: "greenhouse"
	Title        string // for people: "Greenhouse"
	Version      string // of the adapter, semantic
	Settings     []Setting
	Routes       []Route
	Capabilities []Capability
	Sensitive    []string // names of JSON properties whose values are masked in the sync log
}

// Setting describes one setting of a connection. Forms and validation come from it.
type Setting struct {
	Name        string
	Label       string
	Description string
	Type        SettingType
	Default     string
	Required    bool
	Secret      bool // stored encrypted, never shown
	Options     []string
}

// SettingType is how a setting's text is read.
type SettingType string

// The types. A list is comma-separated.
const (
	TypeText    SettingType = "TEXT"
	TypeURL     SettingType = "URL"
	TypeHosts   SettingType = "HOSTS"
	TypeInteger SettingType = "INTEGER"
	TypeBoolean SettingType = "BOOLEAN"
	TypeChoice  SettingType = "CHOICE"
)

// Route is one endpoint that the ATS calls, below /api/{adapter}/.
type Route struct {
	Name       string // the operation in the sync log: "send-test"
	Method     string
	Path       string // relative, may end in a wildcard: "report/{id}"
	Credential Credential
}

// Credential tells the host where a caller's key is in a request.
type Credential string

// Where a key can be.
const (
	// CredentialBasicUser is HTTP Basic with the key as user and an empty password.
	CredentialBasicUser Credential = "BASIC_USER"
	// CredentialBearer is "Authorization: Bearer KEY".
	CredentialBearer Credential = "BEARER"
)

// CapabilityName names an ability that hosts and users can ask for.
type CapabilityName string

// The capabilities of the contract.
const (
	CapabilityInbound       CapabilityName = "INBOUND"
	CapabilityResults       CapabilityName = "RESULTS"
	CapabilityCandidates    CapabilityName = "CANDIDATES"
	CapabilityApplications  CapabilityName = "APPLICATIONS"
	CapabilityReference     CapabilityName = "REFERENCE"
	CapabilityAuthorization CapabilityName = "AUTHORIZATION"
	CapabilityWebhooks      CapabilityName = "WEBHOOKS"
	// The parts of Feedback are capabilities of their own: an ATS may take
	// notes and no scorecards.
	CapabilityFields      CapabilityName = "FIELDS"
	CapabilityAttachments CapabilityName = "ATTACHMENTS"
	CapabilityNotes       CapabilityName = "NOTES"
	CapabilityTags        CapabilityName = "TAGS"
	CapabilityScorecards  CapabilityName = "SCORECARDS"
)

// Capability is one ability with its constraints.
type Capability struct {
	Name        CapabilityName
	Available   bool
	Reasons     []string          // why it is not available, or only in part
	Constraints map[string]string // limits that the host and users must know
}

// Route returns the route called name.
func (m *Manifest) Route(name string) (Route, bool) {
	for _, r := range m.Routes {
		if r.Name == name {
			return r, true
		}
	}
	return Route{}, false
}

// Has reports whether the adapter offers the capability.
func (m *Manifest) Has(name CapabilityName) bool {
	for _, c := range m.Capabilities {
		if c.Name == name {
			return c.Available
		}
	}
	return false
}

// WithDefaults returns settings with the manifest's defaults filled in.
func (m *Manifest) WithDefaults(settings map[string]string) map[string]string {
	filled := make(map[string]string, len(m.Settings))
	for _, s := range m.Settings {
		if s.Default != "" {
			filled[s.Name] = s.Default
		}
	}
	maps.Copy(filled, settings)
	return filled
}
