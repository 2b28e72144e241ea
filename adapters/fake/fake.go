// Package fake is an adapter for an ATS that does not exist. It is small, honest
// and unlike Greenhouse: several tests in one order, a bearer key, its own JSON,
// a redirect to the report, results POSTed to a callback. Tests use it to see
// what the host does with an adapter that misbehaves.
//
// # Dialect
//
//	GET  tests          200 {"tests":[{"id","name","modality"}]}
//	POST orders         {"order_id","callback_url","ordered_by","candidate":{…},"tests":["id",…]}
//	                    201 {"assessments":["id",…],"repeated":false}
//	GET  orders/{id}    200 {"assessment","state","score","traits",…}; {id} is an assessment's
//	POST errors         {"operation","errors":["…"],"assessment","test"}; 204
//	GET  reports/{id}   302 to the report
//
// A refusal is {"error":{"code","message","fields"}}. A result is POSTed to
// callback_url as {"order_id","key","assessment","state","score",…}; without a
// callback_url the ATS has to ask.
//
// People, applications and what is written onto them are in the file that the
// setting state_file names, which all processes share; without it the calls for
// them fail. A candidate and their application are made one after the other,
// scorecards are not taken, and a person who is created twice is there twice.
// There are the jobs j1 and j2, with stages from j1-s1 to j2-s3.
//
// A web hook is {"id","action","candidate","application","stage","into","at"}
// with its secret in the header X-Fake-Token; the action is ping, rejected,
// unrejected, hired, moved, merged, deleted, or one that nobody knows.
//
// The package is for tests and not part of the program.
//
// # Knobs
//
// The settings of a connection make the calls with that connection fail. Where
// CALLS stands, the value is "all", or a comma-separated list of check, decode,
// encode, deliver, find, create, apply, get, move, reject, unreject, fields,
// attach, note, tag, scorecard, list, begin, complete, refresh, receive and
// translate.
//
//	fail_decode   a fault code: Decode fails with it
//	fail_deliver  a fault code: Deliver fails with it, after the exchange was made
//	fail          pairs like "create:RETRYABLE,find:RATE_LIMITED": these calls
//	              fail with the code before anything was changed; not those above
//	lose          CALLS that are done, and fail with OUTCOME_UNKNOWN all the same
//	exit_after    CALLS that are done, and then the process exits, with status 3
//	hang_after    CALLS that are done, and then never return
//	budget        REMAINING/LIMIT ("3/75"): announced with every answer
//	delay         a duration ("150ms"): every call waits that long, or until its deadline
//	hang          CALLS that never return, whatever their context says
//	panic         CALLS that panic
//	exit          CALLS in whose middle the process exits, with status 3
//	lie           CALLS whose answer breaks the contract: the HTTP status 42
//	              from encode and receive, nothing at all from the others
//	oversized     CALLS whose answer is 17 MiB; encode only
package fake

import (
	"context"
	"strings"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/plugins/sdk"
)

// Name is the adapter's name.
const Name = "fake"

// settingHosts lists the hosts of callbacks that may be private or loopback.
const settingHosts = "callback_hosts"

type adapter struct{ http *sdk.HTTPClient }

var (
	_ ats.Inbound       = (*adapter)(nil)
	_ ats.Results       = (*adapter)(nil)
	_ ats.Candidates    = (*adapter)(nil)
	_ ats.Applications  = (*adapter)(nil)
	_ ats.Feedback      = (*adapter)(nil)
	_ ats.Reference     = (*adapter)(nil)
	_ ats.Authorization = (*adapter)(nil)
	_ ats.Webhooks      = (*adapter)(nil)
)

// New returns the adapter.
func New(r *sdk.Runtime) ats.Adapter { return &adapter{http: r.HTTP} }

// Describe implements ats.Adapter.
func (a *adapter) Describe(context.Context) (*ats.Manifest, error) {
	return &ats.Manifest{
		Name: Name, Title: "Fake", Version: "1.0.0",
		Settings: append([]ats.Setting{
			{Name: "account", Label: "Account", Type: ats.TypeText, Default: "acme"},
			{Name: settingState, Label: "State file", Type: ats.TypeText, Description: "Where people and applications are kept."},
			{Name: settingHosts, Label: "Callback hosts", Type: ats.TypeHosts, Description: "Hosts that may have a private address."},
		}, knobSettings()...),
		Routes: []ats.Route{
			{Name: routeTests, Method: "GET", Path: "tests", Credential: ats.CredentialBearer},
			{Name: routeOrders, Method: "POST", Path: "orders", Credential: ats.CredentialBearer},
			{Name: routeStatus, Method: "GET", Path: "orders/{id}", Credential: ats.CredentialBearer},
			{Name: routeErrors, Method: "POST", Path: "errors", Credential: ats.CredentialBearer},
			{Name: routeReport, Method: "GET", Path: "reports/{id}", Credential: ats.CredentialBearer},
		},
		Capabilities: capabilities(),
		Sensitive:    []string{"email", "phone"},
	}, nil
}

func capabilities() []ats.Capability {
	all := []ats.Capability{
		{Name: ats.CapabilityInbound, Available: true, Constraints: map[string]string{"tests_per_order": "many"}},
		{Name: ats.CapabilityResults, Available: true},
		{Name: ats.CapabilityAuthorization, Available: true},
		{Name: ats.CapabilityWebhooks, Available: true},
		{Name: ats.CapabilityScorecards, Reasons: []string{"This ATS takes no scorecards."}},
	}
	for _, name := range []ats.CapabilityName{
		ats.CapabilityCandidates, ats.CapabilityApplications, ats.CapabilityReference,
		ats.CapabilityFields, ats.CapabilityAttachments, ats.CapabilityNotes, ats.CapabilityTags,
	} {
		all = append(all, ats.Capability{Name: name, Available: true, Constraints: map[string]string{"requests": "1"}})
	}
	return all
}

// CheckConnection implements ats.Adapter. There is nobody to ask, so it looks
// at the settings alone.
func (a *adapter) CheckConnection(ctx context.Context, c *ats.Connection) (*ats.ConnectionReport, error) {
	knobs := knobsOf(c)
	if err := knobs.misbehave(ctx, callCheck); err != nil {
		return nil, err
	}
	if knobs.on("lie", callCheck) {
		return nil, nil //nolint:nilnil // that is the lie
	}
	account := strings.TrimSpace(c.Settings["account"])
	check := ats.Check{Name: "account", OK: account != "", Message: "The account is " + account + "."}
	if !check.OK {
		check.Message = "No account is set. Set it in the connection's settings."
	}
	return &ats.ConnectionReport{Identity: "fake/" + account, Account: account, Checks: []ats.Check{check}, Capabilities: capabilities()}, nil
}
