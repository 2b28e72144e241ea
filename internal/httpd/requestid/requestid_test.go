package requestid_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/trellis-ats/trellis/internal/httpd/requestid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestRequestID(t *testing.T) {
	t.Parallel()
	if got := requestid.From(t.Context()); got != "" {
		t.Errorf("without one: %q", got)
	}
	outer := requestid.With(t.Context(), "outer")
	inner := requestid.With(outer, "inner")
	if a, b := requestid.From(outer), requestid.From(inner); a != "outer" || b != "inner" {
		t.Errorf("%q, %q", a, b)
	}
}
