package mail_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/internal/mail"
)

func fill(t *testing.T, box *mail.Mailbox, count int) {
	t.Helper()
	for n := range count {
		i := invitation()
		i.TestName = "Test " + strconv.Itoa(n+1)
		if err := box.SendInvitation(t.Context(), i); err != nil {
			t.Fatal(err)
		}
	}
}

func get(h http.Handler, path string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for n := 0; n+1 < len(headers); n += 2 {
		r.Header.Set(headers[n], headers[n+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestMailboxKeepsTheNewest(t *testing.T) {
	t.Parallel()
	box := mail.NewMailbox(3)
	fill(t, box, 5)
	var subjects, ids []string
	for _, m := range box.Messages() {
		subjects, ids = append(subjects, strings.TrimPrefix(m.Subject, "Nordlicht Büro invites you: ")), append(ids, m.ID)
	}
	if d := cmp.Diff([]string{"Test 5", "Test 4", "Test 3"}, subjects); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"5", "4", "3"}, ids); d != "" {
		t.Error(d)
	}
	if got := get(box.Handler(), "/dev/mail/2").Code; got != http.StatusNotFound {
		t.Errorf("a dropped mail answers %d", got)
	}
	big := mail.NewMailbox(0)
	fill(t, big, 201)
	if got := len(big.Messages()); got != 200 {
		t.Errorf("the default keeps %d", got)
	}
}

func TestMailboxTakesManyAtOnce(t *testing.T) {
	t.Parallel()
	box := mail.NewMailbox(50)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				if err := box.SendInvitation(t.Context(), invitation()); err != nil {
					t.Error(err)
				}
				box.Messages()
				get(box.Handler(), "/dev/mail")
			}
		})
	}
	wg.Wait()
	messages := box.Messages()
	if len(messages) != 50 || messages[0].ID != "160" {
		t.Errorf("%d mails, the newest is %s", len(messages), messages[0].ID)
	}
}

func TestMailboxRefusesBadAddresses(t *testing.T) {
	t.Parallel()
	box := mail.NewMailbox(3)
	i := invitation()
	i.To = "ana@example.org\r\nBcc: b@example.org"
	if err := box.SendInvitation(t.Context(), i); !fault.Is(err, fault.Invalid) {
		t.Error(err)
	}
	if got := len(box.Messages()); got != 0 {
		t.Errorf("%d mails", got)
	}
}

func TestMailboxAsJSON(t *testing.T) {
	t.Parallel()
	box := mail.NewMailbox(3)
	if got := strings.TrimSpace(get(box.Handler(), "/dev/mail", "Accept", "application/json").Body.String()); got != "[]" {
		t.Errorf("an empty box is %s", got)
	}
	fill(t, box, 2)
	w := get(box.Handler(), "/dev/mail/", "Accept", "application/json")
	var got []mail.Message
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(box.Messages(), got, cmpopts.IgnoreFields(mail.Message{}, "URL"), cmpopts.EquateApproxTime(0)); d != "" {
		t.Error(d)
	}
	if w.Header().Get("Content-Type") != "application/json; charset=utf-8" || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("headers: %v", w.Header())
	}
}

func TestMailboxAsPages(t *testing.T) {
	t.Parallel()
	box := mail.NewMailbox(3)
	if got := get(box.Handler(), "/dev/mail").Body.String(); !strings.Contains(got, "No mail yet") {
		t.Error("an empty box does not say so")
	}
	fill(t, box, 1)
	list := get(box.Handler(), "/dev/mail", "Accept", "text/html")
	for _, words := range []string{"/dev/mail/1", "Nordlicht Büro invites you: Test 1", "ana@example.org", `href="https://trellis.example.com/a/token.1"`} {
		if !strings.Contains(list.Body.String(), words) {
			t.Errorf("the list does not say %q", words)
		}
	}
	one := get(box.Handler(), "/dev/mail/1")
	if one.Code != http.StatusOK || one.Body.String() != box.Messages()[0].HTML {
		t.Errorf("the mail: %d", one.Code)
	}
	policy := one.Header().Get("Content-Security-Policy")
	if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "script") {
		t.Errorf("policy of the mail: %s", policy)
	}
}

func TestMailboxEscapesWhatComesFromOutside(t *testing.T) {
	t.Parallel()
	box := mail.NewMailbox(3)
	i := invitation()
	const evil = `"><script>alert(1)</script><img src=x onerror=alert(2)></textarea></title>` + "\u202Egnp.exe\x00\xff"
	i.Organization, i.TestName, i.CandidateName, i.Description = evil, evil, evil, evil
	i.URL = "javascript:alert(3)//"
	if err := box.SendInvitation(t.Context(), i); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/dev/mail", "/dev/mail/1"} {
		assertHarmless(t, path, get(box.Handler(), path).Body.String())
	}
}
