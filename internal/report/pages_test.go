package report_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/internal/httpd"
	"github.com/trellis-ats/trellis/internal/report"
)

// reports answer as they are told.
type reports struct {
	view    *core.ReportView
	sheet   *core.ReportSheet
	address string
	err     error
	token   string
}

func (r *reports) Follow(_ context.Context, token string) (string, error) {
	r.token = token
	return r.address, r.err
}

func (r *reports) View(_ context.Context, token string) (*core.ReportView, error) {
	r.token = token
	return r.view, r.err
}

func (r *reports) Sheet(_ context.Context, token string) (*core.ReportSheet, error) {
	r.token = token
	return r.sheet, r.err
}

func view() *core.ReportView {
	return &core.ReportView{
		Assessment:   &core.Assessment{ID: "asm_1", CompletedAt: time.Date(2026, 5, 6, 9, 0, 0, 0, time.UTC)},
		Organization: &core.Organization{Name: "Nordlicht Büro"},
		Test:         &core.Test{Name: "Kundengespräch", Modality: core.ModalityVideo},
		Candidate:    &core.Candidate{FirstName: "Ána", LastName: "Ørsted"},
		Benchmark:    "82.5/100, above your team's 75th percentile (42 assessments)",
		Result: &core.Result{
			Revision: 1, Score: 8250, CreatedAt: time.Date(2026, 5, 7, 14, 5, 0, 0, time.UTC),
			Traits: []core.TraitScore{{Key: "listening", Name: "Active listening", Score: 9075}, {Key: "closing", Name: "Closing", Score: 0}},
			Report: core.Report{
				Summary: "A calm talk.\n\n- asks first\n- **sums up**", Analysis: "<p>Good <em>pace</em></p>",
				Transcript: []core.Turn{
					{Speaker: "Ána", Text: "Good morning.\nHow are you?", At: 0},
					{Speaker: "Partner", Text: "Fine.", At: 65},
					{Speaker: "Partner", Text: "And late.", At: 70},
					{Speaker: "", Text: "Noise.", At: 3700},
				},
				CoachingNotes: []string{"Let them **finish**."},
				Moments: []core.Moment{
					{At: 66, Trait: "listening", Impact: "POSITIVE", Quote: "Fine", Comment: "She waits."},
					{At: 3725, Trait: "unscored", Impact: "NEGATIVE"},
					{At: 5, Impact: "ODD"},
				},
			},
		},
	}
}

// site is the pages behind all of the server's middleware.
func site(t testing.TB, r *reports, log *slog.Logger) http.Handler {
	t.Helper()
	mux := http.NewServeMux()
	report.New(report.Options{Reports: r, Printer: report.NewPrinter(), Log: log}).Register(mux)
	h, err := httpd.Middleware(httpd.MiddlewareOptions{Handler: mux, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func get(t testing.TB, h http.Handler, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	for name, want := range map[string]string{
		"Cache-Control": "no-store", "X-Robots-Tag": "noindex, nofollow", "X-Frame-Options": "DENY",
		"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
	} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s: %s: %q", path, name, got)
		}
	}
	policy := w.Header().Get("Content-Security-Policy")
	for _, part := range []string{"default-src 'none'", "style-src 'sha256-", "img-src data:;", "base-uri 'none'", "frame-ancestors 'none'", "form-action 'none'"} {
		if !strings.Contains(policy, part) {
			t.Errorf("%s: the policy misses %s: %s", path, part, policy)
		}
	}
	if strings.Contains(policy, "unsafe") || strings.Contains(policy, "script-src") || strings.Contains(policy, "http") {
		t.Errorf("%s: policy: %s", path, policy)
	}
	return w
}

// words is a page's visible text, its parts joined by single spaces.
func words(t testing.TB, page string) string {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for n := range root.Descendants() {
		if n.Type == html.TextNode && n.Parent.Data != "style" && n.Parent.Data != "title" {
			b.WriteString(n.Data + " ")
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

func TestPermalink(t *testing.T) {
	t.Parallel()
	r := &reports{address: "https://trellis.example.com/report/signed.1"}
	w := get(t, site(t, r, nil), "/r/token.1")
	if w.Code != http.StatusFound || w.Header().Get("Location") != r.address || r.token != "token.1" {
		t.Errorf("%d to %q by %q", w.Code, w.Header().Get("Location"), r.token)
	}
	w = get(t, site(t, r, nil), "/r/token.1.pdf")
	if w.Code != http.StatusFound || w.Header().Get("Location") != r.address+".pdf" || r.token != "token.1" {
		t.Errorf("the PDF: %d to %q by %q", w.Code, w.Header().Get("Location"), r.token)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	const secret = "pq: DETAIL at 10.0.0.7"
	tests := []struct {
		name string
		err  error
		code int
		says string
	}{
		{"not found", fault.Wrap(errors.New(secret), fault.NotFound, "This link to the report was revoked."), 404, "This link to the report was revoked."},
		{"expired", fault.Wrap(errors.New(secret), fault.Forbidden, "Open the report again from the link in your ATS."), 403, "Open the report again from the link in your ATS."},
		{"unknown", errors.New(secret), 500, "Something went wrong on our side"},
		{"config", fault.New(fault.Config, secret), 500, "Something went wrong on our side"},
		{"busy", fault.Wrap(errors.New(secret), fault.Retryable, "Busy."), 503, "Please try again"},
	}
	for _, test := range tests {
		for _, path := range []string{"/r/token.1", "/report/token.1", "/r/token.1.pdf", "/report/token.1.pdf"} {
			t.Run(test.name+path, func(t *testing.T) {
				t.Parallel()
				var log bytes.Buffer
				w := get(t, site(t, &reports{err: test.err, address: "https://trellis.example.com/report/x"}, slog.New(slog.NewTextHandler(&log, nil))), path)
				if w.Code != test.code || !strings.Contains(words(t, w.Body.String()), test.says) {
					t.Errorf("%d: %s", w.Code, words(t, w.Body.String()))
				}
				if strings.Contains(w.Body.String(), "DETAIL") || w.Header().Get("Location") != "" {
					t.Error("it shows or leads too much")
				}
				if strings.Contains(log.String(), "token.1") {
					t.Errorf("the log: %s", log.String())
				}
				if test.code == 500 && !strings.Contains(w.Body.String(), "<code>"+w.Header().Get("X-Request-Id")+"</code>") {
					t.Error("it does not name the request")
				}
			})
		}
	}
}

func TestTheReportIsWhole(t *testing.T) {
	t.Parallel()
	w := get(t, site(t, &reports{view: view()}, nil), "/report/token.1")
	if w.Code != http.StatusOK {
		t.Fatal(w.Code)
	}
	page, text := w.Body.String(), words(t, w.Body.String())
	at := 0
	for _, part := range []string{
		"Nordlicht Büro", "82.5 out of 100", "Ána Ørsted", "Kundengespräch", "Above your team's 75th percentile (42 assessments)",
		"Format Video role play", "Taken 6 May 2026", "Scored 7 May 2026, 14:05 UTC",
		"Summary A calm talk. asks first sums up", "Trait by trait Active listening 90.75 Closing 0", "AI analysis Good pace",
		"Moments that moved the score Raised the score Active listening Go to the transcript at 01:06 Fine She waits.",
		"Lowered the score unscored Go to the transcript at 1:02:05", "Noted Go to the transcript at 00:05", "Coaching notes Let them finish .",
		"Transcript Á Ána 00:00 Noted Good morning. How are you?", "Partner 01:05 Raised the score: Active listening Fine.",
		"Partner 01:10 And late.", "Unknown speaker 1:01:40 Lowered the score: unscored Noise.", "made by an AI system",
	} {
		found := strings.Index(text[at:], part)
		if found < 0 {
			t.Fatalf("%q does not follow in %s", part, text[at:])
		}
		at += found + len(part)
	}
	if strings.Contains(text, "Revision") {
		t.Error("a first result is called a revision")
	}
	for _, markup := range []string{
		"<title>Ána Ørsted · Kundengespräch · Nordlicht Büro</title>", "<ul><li>asks first</li><li><strong>sums up</strong></li></ul>",
		"<p>Good <em>pace</em></p>", "Let them <strong>finish</strong>.", `href="#turn-2"`, `id="turn-2"`, `href="#turn-4"`, `stroke-dasharray="82.5 100"`, `width="90.75%"`, `<a href="/report/token.1.pdf" download>`,
	} {
		if !strings.Contains(page, markup) {
			t.Errorf("the page does not hold %s", markup)
		}
	}
	assertHarmless(t, page)
}

func TestACorrectionSaysSo(t *testing.T) {
	t.Parallel()
	v := view()
	v.Result.Revision = 3
	if got := words(t, get(t, site(t, &reports{view: v}, nil), "/report/t").Body.String()); !strings.Contains(got, "Revision 3 (corrected)") {
		t.Error(got)
	}
}

func TestAnEmptyReport(t *testing.T) {
	t.Parallel()
	v := view()
	v.Result.Report, v.Result.Traits, v.Benchmark, v.Result.Score = core.Report{}, nil, "", 0
	v.Assessment.CompletedAt = time.Time{}
	w := get(t, site(t, &reports{view: v}, nil), "/report/t")
	page := w.Body.String()
	for _, absent := range []string{"Summary", "Trait by trait", "AI analysis", "Moments", "Coaching", "Transcript", "Taken", "<h2", `class="benchmark"`, "0001", "stroke-dasharray"} {
		if strings.Contains(page[strings.Index(page, "<main"):], absent) {
			t.Errorf("the page holds %q", absent)
		}
	}
	if w.Code != http.StatusOK || !strings.Contains(page, "Overall score: 0 out of 100") {
		t.Errorf("%d: %s", w.Code, page)
	}
	v.Result.Report = core.Report{
		Summary: " \n\n ", Analysis: "\x00", CoachingNotes: []string{"", " "}, Transcript: []core.Turn{{}}, Moments: []core.Moment{{}},
	}
	assertHarmless(t, get(t, site(t, &reports{view: v}, nil), "/report/t").Body.String())
}

// bigReport is a report of so many turns, and as much of everything else.
func bigReport(turns int) *core.ReportView {
	v := view()
	r := &v.Result.Report
	r.Transcript, r.Moments, r.CoachingNotes = nil, nil, nil
	for n := range turns {
		r.Transcript = append(r.Transcript, core.Turn{Speaker: fmt.Sprint("Speaker ", n%7), Text: strings.Repeat("word ", 30), At: n})
	}
	for n := range turns / 10 {
		r.Moments = append(r.Moments, core.Moment{At: n * 10, Trait: "listening", Impact: "POSITIVE"})
	}
	for range turns / 25 {
		r.CoachingNotes = append(r.CoachingNotes, "<p>note")
	}
	r.Summary = strings.Repeat("<p>word</p>\n", 4*turns)
	r.Analysis = strings.Repeat("plain & simple\n\n", 4*turns)
	return v
}

// A report ten times as long takes about ten times as long to show, and not a
// hundred times.
func TestBigReports(t *testing.T) {
	t.Parallel()
	show := func(turns int) (*httptest.ResponseRecorder, time.Duration) {
		began := time.Now()
		w := get(t, site(t, &reports{view: bigReport(turns)}, nil), "/report/t")
		return w, time.Since(began)
	}
	_, short := show(500)
	w, long := show(5000)
	if long > 50*short {
		t.Errorf("ten times as long took %v instead of %v", long, short)
	}
	page := w.Body.String()
	if w.Code != http.StatusOK || strings.Count(page, `id="turn-`) != 5000 || strings.Count(page, "<p>note</p>") != 200 ||
		strings.Count(page, "<p>word</p>") != 20_000 || !strings.Contains(page, "</html>") {
		t.Errorf("%d, %d bytes", w.Code, len(page))
	}
}
