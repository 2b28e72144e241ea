package mail_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/net/html"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/internal/httpd"
	"github.com/trellis-ats/trellis/internal/mail"
)

// invitations answer as they are told.
type invitations struct {
	opened  core.Invitation
	openErr error
	launch  string
	err     error // of Accept

	tokens  []string
	consent []bool
}

func (i *invitations) Open(_ context.Context, token string) (*core.Invitation, error) {
	i.tokens = append(i.tokens, token)
	opened := i.opened
	return &opened, i.openErr
}

func (i *invitations) Accept(_ context.Context, token string, consent bool) (string, error) {
	i.tokens, i.consent = append(i.tokens, token), append(i.consent, consent)
	return i.launch, i.err
}

const public = "https://trellis.example.com"

// site is the page behind all of the server's middleware.
func site(t testing.TB, i *invitations, log *slog.Logger) http.Handler {
	t.Helper()
	mux := http.NewServeMux()
	mail.NewPage(mail.PageOptions{Invitations: i, Log: log}).Register(mux)
	h, err := httpd.Middleware(httpd.MiddlewareOptions{Handler: mux, Log: log, PublicURL: public})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func post(h http.Handler, form string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/a/token.1", strings.NewReader(form))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for n := 0; n+1 < len(headers); n += 2 {
		r.Header.Set(headers[n], headers[n+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func opened(s core.Status) *invitations {
	i := &invitations{opened: *invitation(), launch: "https://engine.example.org/take?assessment=asm_0190&token=t.1"}
	i.opened.Status = s
	return i
}

// assertPrivate checks the headers that each answer about a person has.
func assertPrivate(t *testing.T, w *httptest.ResponseRecorder) {
	t.Helper()
	for name, want := range map[string]string{
		"Cache-Control": "no-store", "X-Robots-Tag": "noindex, nofollow", "X-Frame-Options": "DENY",
		"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin",
	} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	policy := w.Header().Get("Content-Security-Policy")
	for _, part := range []string{"default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "style-src 'sha256-"} {
		if !strings.Contains(policy, part) {
			t.Errorf("the policy misses %s: %s", part, policy)
		}
	}
	if strings.Contains(policy, "unsafe") || strings.Contains(policy, "script-src") {
		t.Errorf("policy: %s", policy)
	}
}

// assertHarmless parses a page as a browser does and looks for anything that runs,
// loads or misleads.
func assertHarmless(t *testing.T, where, page string) {
	t.Helper()
	if !utf8.ValidString(page) || strings.ContainsAny(page, "\x00\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069") {
		t.Errorf("%s: broken UTF-8 or hidden signs", where)
	}
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	styles := 0
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		switch n.Data {
		case "script", "img", "iframe", "object", "embed", "base", "textarea", "video", "audio":
			t.Errorf("%s: a <%s> is on the page", where, n.Data)
		case "style":
			styles++
		}
		for _, a := range n.Attr {
			value := strings.ToLower(a.Val)
			if strings.HasPrefix(a.Key, "on") || strings.Contains(value, "javascript:") {
				t.Errorf("%s: <%s %s=%q>", where, n.Data, a.Key, a.Val)
			}
		}
	}
	if styles != 1 {
		t.Errorf("%s: %d styles", where, styles)
	}
}

func TestPageByStatus(t *testing.T) {
	t.Parallel()
	tests := []struct {
		status core.Status
		code   int
		words  []string
		form   bool
	}{
		{core.StatusOrdered, 200, []string{"Kundengespräch", "Nordlicht Büro invites you, Ána Ørsted", "20 minutes", "Voice call", "7 May 2026, 14:05 UTC", "An AI system scores your answers", "<p>First part.</p><p>Second part.</p>", "Start the test"}, true},
		{core.StatusInvited, 200, []string{"Start the test", "you need a microphone"}, true},
		{core.StatusStarted, 200, []string{"You have begun this test", "Continue"}, true},
		{core.StatusCompleted, 200, []string{"You have taken this test", "Nordlicht Büro will tell you"}, false},
		{core.StatusScored, 200, []string{"You have taken this test"}, false},
		{core.StatusExpired, 410, []string{"This invitation has expired", "7 May 2026, 14:05 UTC"}, false},
		{core.StatusCancelled, 410, []string{"This invitation was withdrawn"}, false},
		{core.StatusFailed, 410, []string{"This test could not be finished"}, false},
	}
	for _, test := range tests {
		t.Run(string(test.status), func(t *testing.T) {
			t.Parallel()
			i := opened(test.status)
			w := get(site(t, i, nil), "/a/token.1")
			if w.Code != test.code {
				t.Errorf("answers %d", w.Code)
			}
			for _, words := range test.words {
				if !strings.Contains(w.Body.String(), words) {
					t.Errorf("does not say %q", words)
				}
			}
			if got := strings.Contains(w.Body.String(), "<form"); got != test.form {
				t.Errorf("form: %v", got)
			}
			if !slices.Equal(i.tokens, []string{"token.1"}) || len(i.consent) != 0 {
				t.Errorf("asked for %q", i.tokens)
			}
			assertPrivate(t, w)
			assertHarmless(t, "page", w.Body.String())
		})
	}
}

func TestPageByModality(t *testing.T) {
	t.Parallel()
	for modality, words := range map[core.Modality]string{
		core.ModalityChat: "What you write is recorded.", core.ModalityVoice: "Your voice is recorded",
		core.ModalityVideo: "Your picture and voice are recorded",
	} {
		i := opened(core.StatusInvited)
		i.opened.Modality, i.opened.DurationMinutes, i.opened.Description = modality, 0, ""
		page := get(site(t, i, nil), "/a/token.1").Body.String()
		if !strings.Contains(page, words) {
			t.Errorf("%s does not say %q", modality, words)
		}
		if strings.Contains(page, "Takes about") || strings.Contains(page, `class="about"`) {
			t.Errorf("%s shows what is not told", modality)
		}
	}
}

func TestConsentLeadsToTheTest(t *testing.T) {
	t.Parallel()
	i := opened(core.StatusInvited)
	w := post(site(t, i, nil), "consent=yes")
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != i.launch {
		t.Errorf("%d to %q", w.Code, w.Header().Get("Location"))
	}
	if !slices.Equal(i.consent, []bool{true}) {
		t.Errorf("consent: %v", i.consent)
	}
	assertPrivate(t, w)
}

func TestRefusedPosts(t *testing.T) {
	t.Parallel()
	missing := fault.InvalidField("consent", "REQUIRED", "The test can only be taken with your consent.")
	tests := []struct {
		name   string
		form   string
		status core.Status
		err    error
		code   int
		words  string
	}{
		{"no consent", "", core.StatusInvited, missing, 422, "The test can only be taken with your consent."},
		{"another word", "consent=on", core.StatusInvited, missing, 422, `role="alert"`},
		{"expired meanwhile", "consent=yes", core.StatusExpired, fault.New(fault.Conflict, "It is EXPIRED."), 410, "This invitation has expired"},
		{"taken meanwhile", "consent=yes", core.StatusCompleted, fault.New(fault.Conflict, "It is COMPLETED."), 409, "You have taken this test"},
		{"unknown link", "consent=yes", core.StatusInvited, fault.New(fault.NotFound, "no"), 404, "This link is not valid"},
		{"busy", "consent=yes", core.StatusInvited, fault.New(fault.Retryable, "The database is busy."), 503, "Please try again in a moment"},
		{"form too large", "consent=yes&x=" + strings.Repeat("x", 8<<10), core.StatusInvited, nil, 422, "The form could not be read"},
		{"form broken", "consent=%zz", core.StatusInvited, nil, 422, "The form could not be read"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			i := opened(test.status)
			i.err = test.err
			w := post(site(t, i, nil), test.form)
			if w.Code != test.code || !strings.Contains(w.Body.String(), test.words) {
				t.Errorf("%d: %s", w.Code, w.Body)
			}
			if test.err == nil && len(i.consent) != 0 {
				t.Error("an unread form reached the use case")
			}
			if !strings.Contains(test.form, "consent=yes") && slices.Contains(i.consent, true) {
				t.Error("consent was made up")
			}
			if w.Header().Get("Location") != "" {
				t.Error("it leads on")
			}
			assertPrivate(t, w)
		})
	}
}

func TestCrossSitePostsAreRefused(t *testing.T) {
	t.Parallel()
	refused := [][]string{
		{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example.net"},
		{"Sec-Fetch-Site", "same-site", "Origin", "https://other.example.com"},
		{"Origin", "https://evil.example.net"},
		{"Origin", "null"},
		{"Sec-Fetch-Site", "cross-site"},
	}
	for _, headers := range refused {
		i := opened(core.StatusInvited)
		if w := post(site(t, i, nil), "consent=yes", headers...); w.Code != http.StatusForbidden || len(i.consent) != 0 {
			t.Errorf("%v: %d, consent %v", headers, w.Code, i.consent)
		}
	}
	allowed := [][]string{
		{"Sec-Fetch-Site", "same-origin", "Origin", public}, {"Origin", public}, {"Origin", "http://example.com"}, // the request's host
	}
	for _, headers := range allowed {
		if w := post(site(t, opened(core.StatusInvited), nil), "consent=yes", headers...); w.Code != http.StatusSeeOther {
			t.Errorf("%v: %d", headers, w.Code)
		}
	}
}

func TestFaultsShowNoDetail(t *testing.T) {
	t.Parallel()
	const secret = "pq: TRELLIS_SECRET at 10.0.0.7"
	for name, err := range map[string]error{
		"unknown": errors.New(secret), "wrapped": fmt.Errorf("open: %w", errors.New(secret)),
		"config": fault.New(fault.Config, secret), "upstream": fault.New(fault.Upstream, secret),
		"retryable": fault.Wrap(errors.New(secret), fault.Retryable, "Busy."), "not found": fault.Wrap(errors.New(secret), fault.NotFound, "No."),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, accept := range []bool{false, true} {
				i := opened(core.StatusInvited)
				var log bytes.Buffer
				h := site(t, i, slog.New(slog.NewTextHandler(&log, nil)))
				var w *httptest.ResponseRecorder
				if accept {
					i.err = err
					w = post(h, "consent=yes")
				} else {
					i.openErr = err
					w = get(h, "/a/token.1")
				}
				if strings.Contains(w.Body.String(), "SECRET") {
					t.Error("the page shows the detail")
				}
				if w.Code == http.StatusInternalServerError {
					id := w.Header().Get("X-Request-Id")
					if id == "" || !strings.Contains(w.Body.String(), "<code>"+id+"</code>") {
						t.Error("the page does not name the request")
					}
					if !strings.Contains(log.String(), "SECRET") || !strings.Contains(log.String(), id) {
						t.Errorf("the log does not tell: %s", log.String())
					}
				}
				if strings.Contains(log.String(), "token.1") {
					t.Errorf("the log holds the token: %s", log.String())
				}
				assertPrivate(t, w)
			}
		})
	}
}

func TestPageEscapesWhatComesFromOutside(t *testing.T) {
	t.Parallel()
	const evil = `"><script>alert(1)</script><img src=x onerror=alert(2)></title></style>` + "\u202Egnp.exe\x00\xff"
	for _, s := range []core.Status{core.StatusInvited, core.StatusStarted, core.StatusCompleted, core.StatusExpired, core.StatusCancelled, core.StatusFailed} {
		i := opened(s)
		i.opened.Organization, i.opened.TestName, i.opened.CandidateName, i.opened.Description = evil, evil, evil, evil+"\n\n"+evil
		assertHarmless(t, string(s), get(site(t, i, nil), "/a/"+url.PathEscape(evil)).Body.String())
		i.err = fault.InvalidField("consent", "REQUIRED", "%s", evil)
		assertHarmless(t, string(s), post(site(t, i, nil), "").Body.String())
	}
}

func TestOtherMethodsAreRefused(t *testing.T) {
	t.Parallel()
	for _, method := range []string{http.MethodPut, http.MethodDelete, http.MethodPatch} {
		i := opened(core.StatusInvited)
		w := httptest.NewRecorder()
		site(t, i, nil).ServeHTTP(w, httptest.NewRequest(method, "/a/token.1", nil))
		if w.Code != http.StatusMethodNotAllowed || len(i.tokens) != 0 {
			t.Errorf("%s: %d", method, w.Code)
		}
	}
}
