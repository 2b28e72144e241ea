package report

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"codeberg.org/go-pdf/fpdf"
	"github.com/go-fonts/dejavu/dejavusanscondensed"
	"github.com/go-fonts/dejavu/dejavusanscondensedbold"
	"golang.org/x/image/font/sfnt"

	"github.com/trellis-ats/trellis/internal/httpd/page"
)

// The paper is A4; lengths are in millimetres, sizes of letters in points.
const (
	paperWidth  = 210.0
	paperHeight = 297.0
	margin      = 18.0
	bottom      = paperHeight - 20 // where the footer begins
	column      = paperWidth - 2*margin
	family      = "DejaVu"
	eastFamily  = "Droid"
	millimetres = 25.4 / 72 // of a point
	leading     = 1.45      // a line's height in sizes of its letters
)

// colour is red, green and blue, 0–255.
type colour struct{ r, g, b int }

func ink() colour    { return colour{26, 33, 48} }
func muted() colour  { return colour{83, 93, 114} }
func accent() colour { return colour{54, 75, 200} }
func soft() colour   { return colour{240, 242, 252} }
func track() colour  { return colour{221, 225, 234} }
func white() colour  { return colour{255, 255, 255} }

// face is how a text is set.
type face struct {
	size   float64
	bold   bool
	colour colour
}

func (f face) height() float64 { return f.size * millimetres * leading }

// paper is a PDF being made, with the place where the next thing goes.
type paper struct {
	pdf      *fpdf.Fpdf
	faces    *faces
	buffer   sfnt.Buffer
	y        float64
	replaced bool // a sign was replaced
	east     bool // the eastern typeface was taken along: it is large
}

// newPaper returns an empty page. Nothing in it depends on when or where it is
// made: at dates it.
func newPaper(f *faces, at time.Time) *paper {
	pdf := fpdf.New("P", "mm", "A4", "")
	pdf.SetCatalogSort(true)
	pdf.SetCreationDate(at.UTC())
	pdf.SetModificationDate(at.UTC())
	pdf.SetProducer("Trellis", false)
	pdf.SetLang("en")
	pdf.SetAutoPageBreak(false, 0)
	pdf.AddUTF8FontFromBytes(family, "", dejavusanscondensed.TTF)
	pdf.AddUTF8FontFromBytes(family, "B", dejavusanscondensedbold.TTF)
	d := &paper{pdf: pdf, faces: f}
	d.turn()
	return d
}

// turn begins a page.
func (d *paper) turn() {
	d.pdf.AddPage()
	d.y = margin
}

// room turns the page if height does not fit on this one.
func (d *paper) room(height float64) {
	if d.y+height > bottom && d.y > margin {
		d.turn()
	}
}

// goesOn is room within the pages up to last; it reports false if they are full.
func (d *paper) goesOn(height float64, last int) bool {
	if d.y+height > bottom && d.pdf.PageNo() >= last {
		return false
	}
	d.room(height)
	return true
}

// clean is faces.clean, which remembers that a sign was replaced.
func (d *paper) clean(text string) string {
	clean, replaced := d.faces.clean(text, &d.buffer)
	d.replaced = d.replaced || replaced
	return clean
}

// line is clean on one line.
func (d *paper) line(text string) string { return d.clean(page.Line(text)) }

// set takes a face for the letters that come, from the eastern typeface or not.
func (d *paper) set(f face, eastern bool) {
	typeface, style := family, ""
	switch {
	case eastern:
		typeface = eastFamily
		if !d.east {
			d.pdf.AddUTF8FontFromBytes(typeface, "", droidSansFallback)
			d.east = true
		}
	case f.bold:
		style = "B"
	}
	d.pdf.SetFont(typeface, style, f.size)
	d.pdf.SetTextColor(f.colour.r, f.colour.g, f.colour.b)
}

func (d *paper) fill(c colour) { d.pdf.SetFillColor(c.r, c.g, c.b) }
func (d *paper) draw(c colour) { d.pdf.SetDrawColor(c.r, c.g, c.b) }

func (d *paper) width(f face, text string) (width float64) {
	for run, eastern := range d.faces.runs(text, &d.buffer) {
		d.set(f, eastern)
		width += d.pdf.GetStringWidth(run)
	}
	return width
}

// put prints one line whose top is at y and returns its width. Text that is
// read from right to left ends at the right of the given width.
func (d *paper) put(f face, x, y, width float64, text string) float64 {
	shown, fromRight := visual(text)
	taken := d.width(f, shown)
	if fromRight {
		x += width - taken
	}
	for run, eastern := range d.faces.runs(shown, &d.buffer) {
		d.set(f, eastern)
		d.pdf.Text(x, y+f.height()/2+f.size*millimetres*.36, run)
		x += d.pdf.GetStringWidth(run)
	}
	return taken
}

// wrap breaks text into lines of at most width, at spaces and, in a word that
// is longer than a line, anywhere.
func (d *paper) wrap(f face, text string, width float64) []string {
	space := d.width(f, " ")
	var lines []string
	for hard := range strings.SplitSeq(text, "\n") {
		var line strings.Builder
		at := 0.0
		for word := range strings.FieldsSeq(hard) {
			for _, part := range d.parts(f, word, width) {
				w := d.width(f, part)
				if at > 0 && at+space+w > width {
					lines = append(lines, line.String())
					line.Reset()
					at = 0
				}
				if at > 0 {
					line.WriteByte(' ')
					at += space
				}
				line.WriteString(part)
				at += w
			}
		}
		lines = append(lines, line.String())
	}
	return lines
}

// parts cuts a word into pieces that fit a line; nearly always it is one.
func (d *paper) parts(f face, word string, width float64) []string {
	if len(word) < 12 || d.width(f, word) <= width {
		return []string{word}
	}
	var parts []string
	from, at := 0, 0.0
	for i, r := range word {
		w := d.width(f, string(r))
		if at+w > width && i > from {
			parts = append(parts, word[from:i])
			from, at = i, 0
		}
		at += w
	}
	return append(parts, word[from:])
}

// few is wrap, ended after so many lines; the last one tells if there were more.
func (d *paper) few(f face, text string, width float64, most int) []string {
	lines := d.wrap(f, text, width)
	if len(lines) > most {
		lines = lines[:most]
		lines[most-1] += " …"
	}
	return lines
}

// bytes returns the PDF.
func (d *paper) bytes() ([]byte, error) {
	var b bytes.Buffer
	if err := d.pdf.Output(&b); err != nil {
		return nil, fmt.Errorf("the report's PDF: %w", err)
	}
	if b.Len() > maxPrint {
		return nil, fmt.Errorf("the report's PDF has %d bytes, more than %d", b.Len(), maxPrint)
	}
	return b.Bytes(), nil
}
