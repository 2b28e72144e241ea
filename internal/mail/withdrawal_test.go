package mail_test

import (
	"strings"
	"testing"

	"github.com/trellis-ats/trellis/internal/mail"
)

// The candidate is told, in words and without a button, that there is nothing to do.
func TestWithdrawal(t *testing.T) {
	t.Parallel()
	box, i := mail.NewMailbox(2), invitation()
	i.CandidateName = "Ada <b>Example</b>"
	if err := box.SendWithdrawal(t.Context(), i); err != nil {
		t.Fatal(err)
	}
	m := box.Messages()[0]
	for _, part := range []string{"no longer needed", i.Organization, i.TestName, "Thank you"} {
		if !strings.Contains(m.Text, part) || !strings.Contains(m.HTML, part) {
			t.Errorf("%q is missing:\n%s", part, m.Text)
		}
	}
	if strings.Contains(m.HTML, "<b>Example") || strings.Contains(m.HTML, i.URL) || strings.Contains(m.Text, i.URL) || !strings.Contains(m.Subject, i.TestName) {
		t.Errorf("%s\n%s", m.Subject, m.HTML)
	}
	i.To = "nobody"
	if err := box.SendWithdrawal(t.Context(), i); err == nil {
		t.Error("a bad address was taken")
	}
}
