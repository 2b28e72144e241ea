package report

import (
	"fmt"
	"math"

	"github.com/trellis-ats/trellis/core"
)

// hero is the card at the top: who, what, and how it went.
type hero struct {
	organization, candidate, test string
	score                         core.Score
	band                          string // empty: none
	tone                          colour // of the band
	benchmark, facts              string // may be empty
}

// row is one line of the hero's right side.
type row struct {
	face
	text  string
	above float64 // space before it
}

// rows are the texts beside the score, wrapped.
func (h hero) rows(d *paper, width float64) []row {
	var rows []row
	add := func(f face, text string, most int, above float64) {
		if text == "" {
			return
		}
		for _, line := range d.few(f, text, width, most) {
			rows = append(rows, row{f, line, above})
			above = 0
		}
	}
	add(face{20, true, ink()}, h.candidate, 3, 0)
	add(face{12, false, muted()}, h.test, 3, 0)
	add(face{9, false, muted()}, h.facts, 2, 1.5)
	return rows
}

// hero prints the card.
func (d *paper) hero(h hero) {
	const ring, pad = 34.0, 8.0
	x, width := margin+pad+ring+pad, column-3*pad-ring
	rows := h.rows(d, width)
	verdict := d.few(face{10, true, ink()}, h.benchmark, width, 3)
	height := d.verdictHeight(h, verdict)
	for _, r := range rows {
		height += r.above + r.height()
	}
	d.masthead(h.organization)
	card := max(height, ring) + 2*pad
	d.fill(soft())
	d.pdf.RoundedRect(margin, d.y, column, card, 4, "1234", "F")
	d.ring(h.score, margin+pad+ring/2, d.y+card/2, ring/2)
	y := d.y + (card-height)/2
	for _, r := range rows {
		y += r.above
		d.put(r.face, x, y, width, r.text)
		y += r.height()
	}
	d.verdict(h, verdict, x, y, width)
	d.y += card + 9
}

// masthead says whose paper it is.
func (d *paper) masthead(organization string) {
	f := face{9, true, muted()}
	right := "Assessment report"
	taken := d.width(f, right)
	d.put(f, paperWidth-margin-taken, d.y, taken, right)
	d.put(f, margin, d.y, column-taken-10, d.few(f, organization, column-taken-20, 1)[0])
	d.y += f.height() + 4
}

func (d *paper) verdictHeight(h hero, benchmark []string) float64 {
	height := 0.0
	if h.band != "" {
		height += 11
	}
	if h.benchmark != "" {
		height += 3 + float64(len(benchmark))*face{size: 10}.height()
	}
	return height
}

// verdict prints the band in words and colour, and the benchmark.
func (d *paper) verdict(h hero, benchmark []string, x, y, width float64) {
	if h.band != "" {
		f := face{10, true, white()}
		label := "Recommendation: " + h.band
		d.fill(h.tone)
		d.pdf.RoundedRect(x, y+4, d.width(f, label)+8, 7, 3.5, "1234", "F")
		d.put(f, x+4, y+4+(7-f.height())/2, width, label)
		y += 11
	}
	if h.benchmark == "" {
		return
	}
	f := face{10, true, ink()}
	y += 3
	for _, line := range benchmark {
		d.put(f, x, y, width, line)
		y += f.height()
	}
}

// ring draws the score as the part of a circle around the number.
func (d *paper) ring(s core.Score, x, y, radius float64) {
	const thick = 3.4
	d.pdf.SetLineWidth(thick)
	d.draw(track())
	d.pdf.Circle(x, y, radius-thick/2, "D")
	if s > core.MinScore {
		d.pdf.SetLineCapStyle("round")
		d.draw(accent())
		d.pdf.Arc(x, y, radius-thick/2, radius-thick/2, 0, 90-s.Float()*3.6, 90, "D")
		d.pdf.SetLineCapStyle("butt")
	}
	number, scale := face{19, true, ink()}, face{7.5, false, muted()}
	text := s.String()
	d.put(number, x-d.width(number, text)/2, y-6.6, 0, text)
	d.put(scale, x-d.width(scale, "out of 100")/2, y+2.6, 0, "out of 100")
}

// title begins a part, and keeps it together with what follows.
func (d *paper) title(text string, follows float64) {
	f := face{13, true, ink()}
	d.room(f.height() + 3 + follows)
	d.put(f, margin, d.y, column, text)
	d.y += f.height() + 3
}

// traits prints each trait with its bar.
func (d *paper) traits(traits []core.TraitScore) {
	if len(traits) == 0 {
		return
	}
	d.title("Trait by trait", 16)
	for i, t := range traits {
		d.trait(t, i > 0)
	}
	d.y += 7
}

func (d *paper) trait(t core.TraitScore, ruled bool) {
	const name, value, pad, bar = 58.0, 16.0, 2.2, 3.0
	f, number := face{10, false, ink()}, face{10, true, ink()}
	lines := d.few(f, d.line(t.Name), name-4, 3)
	height := float64(len(lines))*f.height() + 2*pad
	d.room(height)
	if ruled {
		d.fill(track())
		d.pdf.Rect(margin, d.y, column, .2, "F")
	}
	for i, line := range lines {
		d.put(f, margin, d.y+pad+float64(i)*f.height(), name-4, line)
	}
	middle, x, width := d.y+height/2, margin+name, column-name-value
	d.fill(track())
	d.pdf.RoundedRect(x, middle-bar/2, width, bar, bar/2, "1234", "F")
	if part := width * t.Score.Float() / 100; part > 0 {
		d.fill(accent())
		d.pdf.RoundedRect(x, middle-bar/2, part, bar, math.Min(bar, part)/2, "1234", "F")
	}
	text := t.Score.String()
	d.put(number, paperWidth-margin-d.width(number, text), middle-number.height()/2, 0, text)
	d.y += height
}

// section prints a part of prose, at most sectionPages of it.
func (d *paper) section(title string, blocks []block) {
	if len(blocks) == 0 {
		return
	}
	d.title(title, 16)
	last := d.pdf.PageNo() + sectionPages
	for _, b := range blocks {
		if !d.block(b, last) {
			d.block(block{kind: cut, text: cutNote}, math.MaxInt)
			break
		}
	}
	d.y += 5
}

// block prints one block, and reports false if it was cut at the end of the
// last page.
func (d *paper) block(b block, last int) bool {
	f, together := face{10, false, ink()}, 1.0
	switch b.kind {
	case heading:
		f.bold, together = true, 4
	case paragraph:
	case quote, cut:
		f.colour = muted()
	}
	indent := 5 * float64(b.depth)
	if b.kind == quote {
		indent += 4
	}
	for i, line := range d.wrap(f, b.text, column-indent) {
		if !d.goesOn(together*f.height(), last) {
			return false
		}
		if i == 0 && b.mark != "" {
			d.put(f, margin+indent-5, d.y, 5, b.mark)
		}
		if b.kind == quote {
			d.fill(track())
			d.pdf.Rect(margin+indent-4, d.y, .8, f.height(), "F")
		}
		d.put(f, margin+indent, d.y, column-indent, line)
		d.y += f.height()
	}
	d.y += 1.8
	return true
}

// closing says where the rest is, and what the report is not.
func (d *paper) closing(url string) {
	link, small := face{10, true, accent()}, face{8, false, muted()}
	notes := "Scores and texts were made by an AI system from the recorded assessment. They inform a decision; they are not one."
	if d.replaced {
		notes += "\nSigns that this print has no letters for are shown as " + string(noSign) + "; the online report shows them."
	}
	address, lines := d.wrap(small, url, column), d.wrap(small, notes, column)
	d.room(6 + link.height() + float64(len(address)+len(lines))*small.height())
	d.fill(track())
	d.pdf.Rect(margin, d.y, column, .3, "F")
	d.y += 4
	if url != "" {
		text := "Open the full report online, with the transcript"
		d.pdf.LinkString(margin, d.y, d.put(link, margin, d.y, column, text), link.height(), url)
		d.y += link.height()
		d.lines(small, address)
		d.y += 2
	}
	d.lines(small, lines)
}

// lines prints what was wrapped for the whole column.
func (d *paper) lines(f face, lines []string) {
	for _, line := range lines {
		d.put(f, margin, d.y, column, line)
		d.y += f.height()
	}
}

// footers names the report and counts the pages, now that their number is known.
func (d *paper) footers(name string) {
	f := face{8, false, muted()}
	pages := d.pdf.PageCount()
	for n := 1; n <= pages; n++ {
		d.pdf.SetPage(n)
		count := fmt.Sprintf("Page %d of %d", n, pages)
		taken := d.width(f, count)
		d.put(f, paperWidth-margin-taken, bottom+7, taken, count)
		d.put(f, margin, bottom+7, column-taken-10, d.few(f, name, column-taken-20, 1)[0])
	}
}
