package greenhouse_test

import (
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/trellis-ats/trellis/adapters/greenhouse"
	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/plugins/sdk/sdktest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	callback   = "https://app.greenhouse.io/integrations/testing_partners/take_home_tests/9001"
	partnerKey = "pk_test_0123456789"
)

// serve returns the adapter behind real gRPC.
func serve(t testing.TB) sdktest.Client {
	t.Helper()
	return sdktest.Serve(t, greenhouse.New, sdktest.Options{})
}

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// connection has the manifest's defaults, changed by pairs of name and value.
func connection(t testing.TB, a ats.Adapter, pairs ...string) ats.Connection {
	t.Helper()
	m, err := a.Describe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	changed := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		changed[pairs[i]] = pairs[i+1]
	}
	return ats.Connection{
		ID: "con_1", Settings: m.WithDefaults(changed),
		Secrets: map[string]string{ats.SecretPartnerKey: partnerKey},
	}
}

func inbound(t testing.TB, a ats.Adapter, route string, body []byte, settings ...string) *ats.InboundRequest {
	t.Helper()
	return &ats.InboundRequest{Connection: connection(t, a, settings...), Route: route, HTTP: ats.HTTPRequest{Body: body}}
}

// paths returns where an Invalid error finds fault, with its codes.
func paths(err error) map[string]string {
	found := map[string]string{}
	for _, f := range fault.From(err).Fields {
		found[f.Path] = f.Code
	}
	return found
}
