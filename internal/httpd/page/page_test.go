package page_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"go.uber.org/goleak"

	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/internal/httpd/page"
	"github.com/trellis-ats/trellis/internal/httpd/requestid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestText(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"plain": "plain", "a\tb\nc": "a\tb\nc", "a\r\nb\rc": "a\nbc", "nul\x00bell\x07del\x7fnel\u0085": "nulbelldelnel",
		"\u202Egnp.exe\u202C \u2066x\u2069": "gnp.exe x", "bro\xffken": "bro\uFFFDken", "שלום Ána 日本 👩\u200D💻": "שלום Ána 日本 👩\u200D💻",
	} {
		if got := page.Text(in); got != want {
			t.Errorf("%q became %q", in, got)
		}
	}
}

func TestLine(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"  a\t b\n\nc ": "a b c", "a\u2028b\u2029c": "a b c", "a\r\nBcc: x": "a Bcc: x", "": "", "\u202E": "", "a\xffb": "a\uFFFDb",
	} {
		if got := page.Line(in); got != want {
			t.Errorf("%q became %q", in, got)
		}
	}
}

func TestTimes(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 5, 7, 23, 5, 0, 0, time.FixedZone("x", -3*3600))
	if got := page.Day(at); got != "8 May 2026" {
		t.Error(got)
	}
	if got := page.Moment(at); got != "8 May 2026, 02:05 UTC" {
		t.Error(got)
	}
	for seconds, want := range map[int]string{0: "00:00", 9: "00:09", 245: "04:05", 3599: "59:59", 3600: "1:00:00", 3845: "1:04:05", 360000: "100:00:00"} {
		if got := page.Elapsed(seconds); got != want {
			t.Errorf("%d became %s", seconds, got)
		}
	}
}

func frame(o page.Options) *page.Frame {
	o.Bodies = fstest.MapFS{
		"hello.html":  {Data: []byte(`<p>{{.}}</p>`)},
		"broken.html": {Data: []byte(`<p>half{{.Missing.Field}}</p>`)},
	}
	return page.New(o)
}

func write(f *page.Frame, body string, v page.View) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	f.Write(w, r.WithContext(requestid.With(r.Context(), "request-1")), http.StatusAccepted, body, v)
	return w
}

func TestThePolicyAllowsTheStyleAndNoOther(t *testing.T) {
	t.Parallel()
	w := write(frame(page.Options{Style: ".own > b::before { content: \"\\201C\" }"}), "hello", page.View{Title: "T & Co", Organization: "<O>", Data: "<script>\x00\u202E"})
	got := w.Body.String()
	_, rest, _ := strings.Cut(got, "<style>")
	style, _, _ := strings.Cut(rest, "</style>")
	sum := sha256.Sum256([]byte(style))
	want := "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; img-src data:; base-uri 'none'; frame-ancestors 'none'; form-action 'none'"
	if p := w.Header().Get("Content-Security-Policy"); p != want {
		t.Errorf("policy: %s", p)
	}
	for _, part := range []string{"<title>T &amp; Co · &lt;O&gt;</title>", "<p>&lt;script&gt;\uFFFD</p>", ".own > b::before", `<html lang="en">`, "Request request-1", "noindex, nofollow"} {
		if !strings.Contains(got, part) {
			t.Errorf("the page does not hold %q", part)
		}
	}
	if w.Code != http.StatusAccepted || w.Header().Get("Content-Type") != "text/html; charset=utf-8" || w.Header().Get("Referrer-Policy") != "no-referrer" {
		t.Errorf("%d, %v", w.Code, w.Header())
	}
	form := write(frame(page.Options{AnyFormTarget: true, ReferrerPolicy: "same-origin"}), "hello", page.View{})
	if p := form.Header().Get("Content-Security-Policy"); strings.Contains(p, "form-action") || form.Header().Get("Referrer-Policy") != "same-origin" {
		t.Errorf("form: %v", form.Header())
	}
}

// A page that cannot be rendered is no half page, and no less private.
func TestBrokenPages(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"broken", "unknown"} {
		var log bytes.Buffer
		w := write(frame(page.Options{Log: slog.New(slog.NewTextHandler(&log, nil))}), body, page.View{Data: "x"})
		if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "half") || strings.Contains(w.Body.String(), "Missing") {
			t.Errorf("%s: %d: %s", body, w.Code, w.Body)
		}
		if !strings.Contains(w.Body.String(), "request-1") || !strings.Contains(log.String(), "request-1") {
			t.Errorf("%s: no request id in %q and %q", body, w.Body, log.String())
		}
		if w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("X-Robots-Tag") == "" {
			t.Errorf("%s: %v", body, w.Header())
		}
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	tests := map[fault.Code]struct {
		status int
		told   bool
	}{
		fault.NotFound: {404, true}, fault.Forbidden: {403, true}, fault.Permission: {403, true}, fault.Unauthenticated: {401, true},
		fault.Conflict: {409, true}, fault.Invalid: {422, true}, fault.TooLarge: {413, true}, fault.RateLimited: {429, true},
		fault.Retryable: {503, true}, fault.Internal: {500, false}, fault.Config: {500, false}, fault.Upstream: {500, false},
		fault.Auth: {500, false}, fault.Unsupported: {500, false}, fault.OutcomeUnknown: {500, false}, "NEW": {500, false},
	}
	for code, want := range tests {
		t.Run(string(code), func(t *testing.T) {
			t.Parallel()
			w := httptest.NewRecorder()
			e := fault.Wrap(errors.New("CAUSE"), code, "What happened.")
			e.RetryAfter = 1500 * time.Millisecond
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			frame(page.Options{}).Fault(w, r.WithContext(requestid.With(r.Context(), "request-1")), e)
			got := w.Body.String()
			if w.Code != want.status || strings.Contains(got, "What happened.") != want.told || strings.Contains(got, "CAUSE") {
				t.Errorf("%d: %s", w.Code, got)
			}
			if named := strings.Contains(got, "<code>request-1</code>"); named != (want.status >= 500) {
				t.Errorf("names the request: %v", named)
			}
			if after := w.Header().Get("Retry-After"); after != "2" {
				t.Errorf("Retry-After: %s", after)
			}
		})
	}
}
