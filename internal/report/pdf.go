package report

import (
	"context"
	"strconv"
	"strings"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/internal/httpd/page"
)

const (
	// maxPrint bounds a PDF, in bytes. An ATS takes no larger attachment
	// (core/ats.AttachRequest).
	maxPrint = 4 << 20
	// sectionPages bounds one part of the report, so that a hostile text takes
	// neither the parts after it nor the size with it.
	sectionPages = 15
	// maxProse is how much of one text is read at all, in bytes; more than
	// sectionPages hold.
	maxProse = 160 << 10
)

const cutNote = "This text is longer than a print holds. The rest is in the online report."

// Printer prints reports; it is a core.ReportPrinter. It is safe for concurrent use.
type Printer struct {
	prose *prose
	faces *faces
}

// NewPrinter returns the printer.
func NewPrinter() *Printer { return &Printer{prose: newProse(), faces: newFaces()} }

// PDF implements core.ReportPrinter.
func (p *Printer) PDF(ctx context.Context, s *core.ReportSheet) ([]byte, error) {
	d := newPaper(p.faces, s.Scored)
	name, test := d.line(s.Candidate), d.line(s.Test)
	d.pdf.SetTitle(name+" · "+test, true)
	d.hero(heroOf(d, s))
	d.traits(s.Traits)
	for _, part := range []struct {
		title string
		texts []string
	}{{"Summary", []string{s.Summary}}, {"Coaching notes", s.CoachingNotes}} {
		if err := ctx.Err(); err != nil {
			return nil, fault.Wrap(err, fault.Retryable, "The report was not printed in time. Nothing is lost; print it again.")
		}
		d.section(part.title, p.read(d, part.texts, part.title == "Coaching notes"))
	}
	d.closing(s.URL)
	d.footers(name + " · " + test)
	return d.bytes()
}

// heroOf is what stands beside the score.
func heroOf(d *paper, s *core.ReportSheet) hero {
	h := hero{
		organization: d.line(s.Organization), candidate: d.line(s.Candidate), test: d.line(s.Test),
		score: s.Score, benchmark: d.line(sentence(s.Benchmark, s.Score)),
	}
	h.band, h.tone = bandOf(s.Band)
	var facts []string
	if !s.Taken.IsZero() {
		facts = append(facts, "Taken "+page.Day(s.Taken))
	}
	facts = append(facts, "Scored "+page.Day(s.Scored))
	if s.Revision > 1 {
		facts = append(facts, "Revision "+strconv.Itoa(s.Revision)+" (corrected)")
	}
	h.facts = strings.Join(facts, "  ·  ")
	return h
}

// bandOf is how a recommendation is called, and its colour; an unknown one is
// not shown.
func bandOf(r ats.Recommendation) (string, colour) {
	switch r {
	case ats.RecommendStrongYes:
		return "Strong yes", colour{11, 107, 79}
	case ats.RecommendYes:
		return "Yes", colour{46, 125, 50}
	case ats.RecommendMixed:
		return "Mixed", colour{138, 90, 0}
	case ats.RecommendNo:
		return "No", colour{154, 52, 18}
	case ats.RecommendDefinitelyNot:
		return "Definitely not", colour{155, 28, 28}
	default:
		return "", colour{}
	}
}

// read makes printable blocks of an engine's texts. In a list each text hangs
// on a bullet.
func (p *Printer) read(d *paper, texts []string, list bool) []block {
	var out []block
	left := maxProse
	for _, text := range texts {
		whole := len(text) <= left
		text = text[:min(len(text), left)]
		left -= len(text)
		blocks := blocksOf(string(p.prose.html(text)))
		if list {
			hang(blocks)
		}
		for _, b := range blocks {
			b.text = d.clean(b.text)
			out = append(out, b)
		}
		if !whole {
			return append(out, block{kind: cut, text: cutNote})
		}
	}
	return out
}
