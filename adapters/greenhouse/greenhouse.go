// Package greenhouse connects Trellis with Greenhouse Recruiting, in three ways
// that need nothing of each other (facts/greenhouse.md 0):
//   - the Assessment Partner API: Greenhouse calls four endpoints of ours and we
//     tell it with a PATCH that there is news (1);
//   - Harvest v3: we bring candidates and the outcome of their assessments into
//     Greenhouse, with OAuth tokens (4);
//   - web hooks: Greenhouse tells us what happened to candidates (2).
package greenhouse

import (
	"context"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/plugins/sdk"
)

const version = "0.2.0"

// The names of the routes, which are the operations in the sync log too.
const (
	routeListTests     = "list-tests"
	routeSendTest      = "send-test"
	routeTestStatus    = "test-status"
	routeResponseError = "response-error"
	routeReport        = "report"
)

// adapter holds no state but the runtime and is safe for concurrent use.
type adapter struct{ rt *sdk.Runtime }

// New returns the adapter. It implements every interface of the contract.
func New(rt *sdk.Runtime) ats.Adapter { return &adapter{rt: rt} }

// Describe implements ats.Adapter.
func (a *adapter) Describe(context.Context) (*ats.Manifest, error) {
	return &ats.Manifest{
		Name: "greenhouse", Title: "Greenhouse", Version: version,
		Settings: settingsSchema(), Routes: routes(), Capabilities: capabilities(), Sensitive: sensitive(),
	}, nil
}

func routes() []ats.Route {
	return []ats.Route{
		{Name: routeListTests, Method: "GET", Path: "list-tests", Credential: ats.CredentialBasicUser},
		{Name: routeSendTest, Method: "POST", Path: "send-test", Credential: ats.CredentialBasicUser},
		{Name: routeTestStatus, Method: "GET", Path: "test-status", Credential: ats.CredentialBasicUser},
		{Name: routeResponseError, Method: "POST", Path: "response-error", Credential: ats.CredentialBasicUser},
		{Name: routeReport, Method: "GET", Path: "report/{id}", Credential: ats.CredentialBasicUser},
	}
}
