package report_test

import (
	"bytes"
	"compress/zlib"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/internal/report"
)

const permalink = "https://trellis.example.com/r/asm_01jz0000000000000000000000.0.abcdefghijklmnopqrstuvwxyz012345"

// paper is a sheet as a good result gives it.
func paper() *core.ReportSheet {
	return &core.ReportSheet{
		Organization: "Nordlicht Büro", Candidate: "Zoë Łukasz Ångström", Test: "Kundengespräch",
		Taken: time.Date(2026, 5, 6, 9, 0, 0, 0, time.UTC), Scored: time.Date(2026, 5, 7, 14, 5, 0, 0, time.UTC),
		Revision: 1, Score: 8250, Band: ats.RecommendYes, Benchmark: "82.5/100, above your team's 75th percentile (42 assessments)",
		Traits:        []core.TraitScore{{Key: "listening", Name: "Active listening", Score: 9075}, {Key: "closing", Name: "Closing", Score: 0}},
		Summary:       "A calm talk.\n\n- asks first\n- **sums up**",
		CoachingNotes: []string{"Let them **finish**.", "<p>Name the price early.</p><ol><li>the sum</li><li>what it holds</li></ol>"},
		URL:           permalink,
	}
}

func made(t testing.TB, s *core.ReportSheet) []byte {
	t.Helper()
	pdf, err := report.NewPrinter().PDF(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(pdf, []byte("%PDF-")) || !bytes.HasSuffix(bytes.TrimSpace(pdf), []byte("%%EOF")) || len(pdf) > 4<<20 {
		t.Fatalf("no PDF, or too large: %d bytes", len(pdf))
	}
	return pdf
}

// pages is how many pages a PDF has.
func pages(pdf []byte) int { return bytes.Count(pdf, []byte("/Type /Page\n")) }

// said is what is written on a PDF's pages, in its order, a space between its pieces.
func said(t testing.TB, pdf []byte) string {
	t.Helper()
	var pieces []string
	shown := regexp.MustCompile(`(?s)Td \((.*?)\) Tj ET`)
	for _, part := range bytes.Split(pdf, []byte("\nstream\n"))[1:] {
		r, err := zlib.NewReader(bytes.NewReader(part))
		if err != nil {
			continue // it is not packed: a table of the typeface
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range shown.FindAllSubmatch(content, -1) {
			pieces = append(pieces, decoded(match[1]))
		}
	}
	return strings.Join(strings.Fields(strings.Join(pieces, " ")), " ")
}

// decoded undoes the escapes of a PDF's text, which is UTF-16.
func decoded(text []byte) string {
	plain := []byte(strings.NewReplacer(`\\`, `\`, `\(`, `(`, `\)`, `)`, `\r`, "\r").Replace(string(text)))
	units := make([]uint16, len(plain)/2)
	for i := range units {
		units[i] = binary.BigEndian.Uint16(plain[2*i:])
	}
	return string(utf16.Decode(units))
}

// assertFollow checks that the parts are in the text, one after another.
func assertFollow(t *testing.T, text string, parts ...string) {
	t.Helper()
	at := 0
	for _, part := range parts {
		found := strings.Index(text[at:], part)
		if found < 0 {
			t.Fatalf("%q does not follow in %.3000s", part, text[at:])
		}
		at += found + len(part)
	}
}

func TestThePrintIsWhole(t *testing.T) {
	t.Parallel()
	pdf := made(t, paper())
	assertFollow(t, said(t, pdf), "Assessment report Nordlicht Büro", "82.5 out of 100", "Zoë Łukasz Ångström Kundengespräch",
		"Taken 6 May 2026", "Scored 7 May 2026", "Recommendation: Yes", "Above your team's 75th percentile (42 assessments)",
		"Trait by trait Active listening 90.75 Closing 0", "Summary A calm talk. • asks first • sums up",
		"Coaching notes • Let them finish. • Name the price early. 1. the sum 2. what it holds",
		"Open the full report online", permalink, "They inform a decision; they are not one.", "Page 1 of 1", "Zoë Łukasz Ångström · Kundengespräch")
	if !bytes.Contains(pdf, []byte("/URI ("+permalink+")")) {
		t.Error("the link cannot be followed")
	}
	if text := said(t, pdf); strings.Contains(text, "Revision") || strings.ContainsRune(text, '\uFFFD') || strings.Contains(text, "no letters for") {
		t.Errorf("it says too much: %s", text)
	}
}

func TestPrintedBands(t *testing.T) {
	t.Parallel()
	for band, label := range map[ats.Recommendation]string{
		ats.RecommendStrongYes: "Recommendation: Strong yes", ats.RecommendYes: "Recommendation: Yes", ats.RecommendMixed: "Recommendation: Mixed",
		ats.RecommendNo: "Recommendation: No ", ats.RecommendDefinitelyNot: "Recommendation: Definitely not",
	} {
		s := paper()
		s.Band = band
		assertFollow(t, said(t, made(t, s)), label)
	}
	s := paper()
	s.Band, s.Revision = "", 2
	if text := said(t, made(t, s)); strings.Contains(text, "Recommendation") || !strings.Contains(text, "Revision 2 (corrected)") {
		t.Error(text)
	}
}

// The same sheet gives the same bytes, so that a repeated push attaches the
// same file, also when several are printed at once.
func TestThePrintIsTheSameAgain(t *testing.T) {
	t.Parallel()
	p, first := report.NewPrinter(), made(t, paper())
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if again, err := p.PDF(t.Context(), paper()); err != nil || !bytes.Equal(first, again) {
				t.Errorf("%v, or other bytes", err)
			}
		})
	}
	all.Wait()
}

func TestPrintedNames(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"Ελένη Παπαδοπούλου": "Ελένη Παπαδοπούλου", "Дмитро Щербаков-Їжак": "Дмитро Щербаков-Їжак", "Nguyễn Thị Hồng Ơn": "Nguyễn Thị Hồng Ơn",
		"Zoe\u0308 A\u030angstro\u0308m": "Zoë Ångström", "Արամ Խաչատրյան": "Արամ Խաչատրյան", "ნინო": "ნინო",
		"\u202Eevil\u202C\u200D\x00\x1b na\u200Bme": "evil name", "田中 さくら Jo 🎉": "田中 さくら Jo �", "김민준": "김민준", "王小明 (Ming)": "王小明 (Ming)", "สมชาย": "�����", "bro\xffken": "bro�ken",
		"שלום (a) עולם": "םלוע (a) םולש", // as it is set, from left to right
		// Joined: meem before, hah between, meem between, dal after; lam and alef
		// are one; a non-joiner keeps two letters apart; marks are looked through.
		"محمد": "\uFEAA\uFEE4\uFEA4\uFEE3", "سلام لا": "\uFEFB \uFEE1\uFEFC\uFEB3", "می\u200Cخواهم": "\uFEE2\uFEEB\uFE8D\uFEEE\uFEA7\uFBFD\uFEE3",
		"بَب": "\uFE90\u064E\uFE91", "أ": "\uFE83",
	} {
		s := paper()
		s.Candidate = name
		text := said(t, made(t, s))
		assertFollow(t, text, "out of 100 "+want+" Kundengespräch")
		if strings.Contains(text, "no letters for") != strings.ContainsRune(want, '\uFFFD') {
			t.Errorf("%q: whether signs were replaced is told wrongly", name)
		}
	}
}

func TestAnEmptyPrint(t *testing.T) {
	t.Parallel()
	s := &core.ReportSheet{Candidate: "A", Scored: time.Date(2026, 5, 7, 0, 0, 0, 0, time.UTC), Summary: " \n ", CoachingNotes: []string{"", "\x00"}}
	text := said(t, made(t, s))
	for _, absent := range []string{"Summary", "Coaching", "Trait", "Recommendation", "Taken", "0001", "Open the full"} {
		if strings.Contains(text, absent) {
			t.Errorf("it says %q: %s", absent, text)
		}
	}
}

// Whatever is in the texts, what belongs to the report is still there.
func TestHostilePrints(t *testing.T) {
	t.Parallel()
	p := report.NewPrinter()
	for n, text := range hostile() {
		s := paper()
		s.Organization, s.Candidate, s.Test, s.Benchmark, s.Summary = text, text, text, text, text
		s.Traits = []core.TraitScore{{Name: text, Score: 5000}, {Name: "Closing", Score: 1234}}
		s.CoachingNotes = []string{text, "last note"}
		pdf, err := p.PDF(t.Context(), s)
		if err != nil {
			t.Fatalf("%d: %v", n, err)
		}
		assertFollow(t, said(t, pdf), "out of 100", "Trait by trait", "Closing 12.34", "last note", permalink)
		for _, forbidden := range []string{"/JavaScript", "/JS", "/Launch", "/EmbeddedFile"} {
			if bytes.Contains(pdf, []byte(forbidden+" ")) {
				t.Errorf("%q put a %s into the PDF", text, forbidden)
			}
		}
		if bytes.Count(pdf, []byte("/URI (")) != 1 {
			t.Errorf("%q put a link into the PDF", text)
		}
	}
}

// Long texts go over several pages; texts without end are cut, and say so.
func TestLongPrints(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	signs := make([]rune, 400_000)
	for i := range signs {
		signs[i] = rune(random.IntN(0xFFFF))
	}
	for name, c := range map[string]struct {
		summary  string
		notes    []string
		cuts     int
		min, max int // pages
	}{
		"several pages":    {strings.Repeat("She asks before she answers. ", 400), []string{strings.Repeat("Ask twice. ", 900)}, 0, 3, 5},
		"one word":         {strings.Repeat("x", 1<<20), nil, 1, 15, 18},
		"many paragraphs":  {strings.Repeat("<p>a</p>", 1<<17), []string{"after it"}, 1, 15, 18},
		"many headings":    {strings.Repeat("# a\n\n", 1<<17), nil, 1, 15, 18},
		"many line breaks": {strings.Repeat("a\n", 1<<19), nil, 1, 15, 18},
		"nested lists":     {strings.Repeat("<ul><li>", 400) + "a", []string{"after it"}, 0, 1, 2},
		"many notes":       {"", slices.Repeat([]string{strings.Repeat("note ", 100)}, 1000), 1, 15, 18},
		"every sign":       {string(signs), []string{string(signs)}, 2, 30, 34},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := paper()
			s.Summary, s.CoachingNotes = c.summary, c.notes
			begin := time.Now()
			pdf := made(t, s)
			text := said(t, pdf)
			if n := strings.Count(text, "longer than a print holds"); n != c.cuts {
				t.Errorf("%d cuts are told, not %d", n, c.cuts)
			}
			if n := pages(pdf); n < c.min || n > c.max || !strings.Contains(text, fmt.Sprintf("Page %d of %d", n, n)) {
				t.Errorf("%d pages", n)
			}
			if len(c.notes) > 0 {
				assertFollow(t, text, "Coaching notes", permalink)
			}
			t.Logf("%d bytes on %d pages in %v", len(pdf), pages(pdf), time.Since(begin))
		})
	}
}

func TestAPrintHeedsItsCaller(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := report.NewPrinter().PDF(ctx, paper()); !fault.Is(err, fault.Retryable) {
		t.Errorf("got %v", err)
	}
}

// Another program's eyes: what it reads is what was printed.
func TestAReaderOpensThePrint(t *testing.T) {
	t.Parallel()
	reader, err := exec.LookPath("pdftotext")
	if err != nil {
		t.Skip("pdftotext is not installed")
	}
	file := filepath.Join(t.TempDir(), "report.pdf")
	if err := os.WriteFile(file, made(t, paper()), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), reader, "-raw", file, "-").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	assertFollow(t, string(out), "Zoë Łukasz Ångström", "Recommendation: Yes", "Active listening", "90.75", "sums up", "Page 1 of 1")
}

func TestThePDFIsAFileToKeep(t *testing.T) {
	t.Parallel()
	s := paper()
	s.Candidate = `Zoë "..\..` + "\r\n" + strings.Repeat("x", 300)
	r := &reports{sheet: s}
	w := get(t, site(t, r, nil), "/report/token.1.pdf")
	if w.Code != http.StatusOK || r.token != "token.1" || w.Header().Get("Content-Type") != "application/pdf" || !bytes.Equal(w.Body.Bytes(), made(t, s)) {
		t.Errorf("%d %v by %q", w.Code, w.Header(), r.token)
	}
	want := "attachment; filename*=utf-8''Zo%C3%AB%20-..-..%20" + strings.Repeat("x", 49) + ".pdf"
	if got := w.Header().Get("Content-Disposition"); got != want {
		t.Errorf("it is called %s", got)
	}
}
