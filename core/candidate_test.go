package core_test

import (
	"strings"
	"testing"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/fault"
)

func TestValidateEmail(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"ada@example.com", "ada.l+test@mail.example.org", "ädä@example.com"} {
		if err := core.ValidateEmail("email", good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{
		"", " ", "ada", "ada@", "@example.com", "Ada <ada@example.com>", "ada@example.com, bob@example.com",
		"ada@example.com\r\nBcc: bob@example.com", "ada@example.com\n", "ada@exam\x00ple.com",
		strings.Repeat("a", 250) + "@example.com",
	} {
		if err := core.ValidateEmail("email", bad); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q was taken: %v", bad, err)
		}
	}
}

func TestParseID(t *testing.T) {
	t.Parallel()
	id := core.NewID(core.PrefixTest)
	if got, err := core.ParseID(core.PrefixTest, string(id)); err != nil || got != id {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range []string{"", "tst_", string(id[:len(id)-1]), string(id) + "0", strings.ToUpper(string(id)), "asm" + string(id[3:])} {
		if _, err := core.ParseID(core.PrefixTest, bad); !fault.Is(err, fault.NotFound) {
			t.Errorf("%q was taken: %v", bad, err)
		}
	}
	var last core.ID
	for range 1000 {
		next := core.NewID(core.PrefixEvent)
		if next <= last {
			t.Fatalf("%s does not sort after %s", next, last)
		}
		last = next
	}
}
