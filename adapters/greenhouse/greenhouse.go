// Package greenhouse connects Trellis with Greenhouse Recruiting. So far it is
// the Assessment Partner API: Greenhouse calls four endpoints of ours and we
// tell it with a PATCH that there is news (facts/greenhouse.md 1).
package greenhouse

import (
	"context"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/plugins/sdk"
)

const version = "0.1.0"

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

// New returns the adapter. It implements ats.Adapter, ats.Inbound and ats.Results.
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

func capabilities() []ats.Capability {
	return []ats.Capability{
		{Name: ats.CapabilityInbound, Available: true, Constraints: map[string]string{
			"tests_per_order":             "1",
			"partner_key_max_characters":  "170",
			"order_carries_job_and_stage": "no",
			"invitation":                  "Greenhouse does not mail the candidate; we do",
		}},
		{Name: ats.CapabilityResults, Available: true, Constraints: map[string]string{
			"metadata":        "flat; values are text, numbers or booleans",
			"report_url":      "required with a complete status",
			"delivered_for":   "active candidates who are not hired",
			"revised_results": "Greenhouse is told; whether it overwrites is not documented",
			"orders_expire":   "Greenhouse stops asking 8 weeks after the order, if it polls",
		}},
	}
}

// sensitive names what identifies a person, and the link that opens a report.
func sensitive() []string {
	return []string{
		"first_name", "last_name", "preferred_name", "email", "phone_number", "resume_url",
		"candidate_email", "sent_by", "partner_profile_url",
	}
}
