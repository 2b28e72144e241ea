package greenhouse_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trellis-ats/trellis/core/ats"
)

func TestManifest(t *testing.T) {
	t.Parallel()
	m, err := serve(t).Describe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []ats.Route{
		{Name: "list-tests", Method: "GET", Path: "list-tests", Credential: ats.CredentialBasicUser},
		{Name: "send-test", Method: "POST", Path: "send-test", Credential: ats.CredentialBasicUser},
		{Name: "test-status", Method: "GET", Path: "test-status", Credential: ats.CredentialBasicUser},
		{Name: "response-error", Method: "POST", Path: "response-error", Credential: ats.CredentialBasicUser},
		{Name: "report", Method: "GET", Path: "report/{id}", Credential: ats.CredentialBasicUser},
	}
	if diff := cmp.Diff(want, m.Routes); diff != "" {
		t.Error(diff)
	}
	if m.Name != "greenhouse" || !m.Has(ats.CapabilityInbound) || !m.Has(ats.CapabilityResults) {
		t.Errorf("got %+v", m)
	}
	if got := m.WithDefaults(nil)["callback_hosts"]; got != "app.greenhouse.io" {
		t.Errorf("callback_hosts defaults to %q", got)
	}
}

func TestCheckConnection(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		settings []string
		key      string
		bad      string // name of the one check that fails; "": none
		needs    string // in its message
	}{
		"all well":                       {nil, partnerKey, "", ""},
		"longest key":                    {nil, strings.Repeat("k", 170), "", ""},
		"key of 171":                     {nil, strings.Repeat("k", 171), "Partner key", "fewer than 171"},
		"no key":                         {nil, "", "Partner key", "no partner key"},
		"key with a colon":               {nil, "a:b", "Partner key", "colon"},
		"hosts with ports":               {[]string{"callback_hosts", "app.greenhouse.io, 127.0.0.1:8090,[::1]:1,::1"}, partnerKey, "", ""},
		"a URL as host":                  {[]string{"callback_hosts", "https://app.greenhouse.io/"}, partnerKey, "Callback hosts", "without https://"},
		"unknown choice":                 {[]string{"score_delivery", "some"}, partnerKey, "Settings", "score_delivery"},
		"complete without page":          {[]string{"closed_without_result", "complete_without_score"}, partnerKey, "Closed assessments", "closed_profile_url"},
		"complete with page":             {[]string{"closed_without_result", "complete_without_score", "closed_profile_url", "https://example.com/closed"}, partnerKey, "", ""},
		"plain harvest":                  {[]string{"harvest_url", "http://harvest.greenhouse.io"}, partnerKey, "Addresses", "harvest_url"},
		"plain harvest on this machine":  {[]string{"harvest_url", "http://127.0.0.1:9000"}, partnerKey, "", ""},
		"authorization with credentials": {[]string{"auth_url", "https://a:b@auth.greenhouse.io"}, partnerKey, "Addresses", "auth_url"},
	}
	a := serve(t)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := connection(t, a, tt.settings...)
			c.Secrets[ats.SecretPartnerKey] = tt.key
			report, err := a.CheckConnection(t.Context(), &c)
			if err != nil {
				t.Fatal(err)
			}
			for _, check := range report.Checks {
				if check.OK == (check.Name == tt.bad) {
					t.Errorf("%+v", check)
				}
				if check.Name == tt.bad && !strings.Contains(check.Message, tt.needs) {
					t.Errorf("%q does not say %q", check.Message, tt.needs)
				}
			}
			for _, capability := range report.Capabilities[:2] {
				if (len(capability.Reasons) > 0) != (tt.bad != "") || capability.Available == (tt.bad == "Partner key") {
					t.Errorf("%+v", capability)
				}
			}
		})
	}
}
