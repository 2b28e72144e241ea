package report

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-fonts/dejavu/dejavusanscondensed"
	"github.com/go-fonts/dejavu/dejavusanscondensedbold"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/text/unicode/bidi"
	"golang.org/x/text/unicode/norm"

	"github.com/trellis-ats/trellis/internal/httpd/page"
)

// noSign stands for a sign that the typeface does not have.
const noSign = '\uFFFD'

// faces are the typeface of a print: DejaVu Sans, which has Latin, Greek,
// Cyrillic, Armenian, Georgian, Hebrew and Arabic letters, and neither Chinese,
// Japanese and Korean ones nor emoji. They are safe for concurrent use.
type faces struct {
	regular, bold *sfnt.Font
}

func newFaces() *faces {
	return &faces{regular: parse(dejavusanscondensed.TTF), bold: parse(dejavusanscondensedbold.TTF)}
}

func parse(ttf []byte) *sfnt.Font {
	f, err := sfnt.Parse(ttf)
	if err != nil {
		panic(err) // it was compiled in
	}
	return f
}

// clean returns text of which every sign can be printed, in composed letters.
// Signs without a look of their own are gone; one that the typeface lacks
// becomes noSign, and replaced tells that there was one.
func (f *faces) clean(text string, buffer *sfnt.Buffer) (clean string, replaced bool) {
	text = norm.NFC.String(page.Text(text))
	clean = strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case unicode.IsSpace(r):
			return ' '
		case unicode.Is(unicode.Cf, r), unicode.Is(unicode.Variation_Selector, r):
			return -1
		case r == noSign, !f.has(r, buffer):
			replaced = true
			return noSign
		default:
			return r
		}
	}, text)
	return clean, replaced
}

// has reports whether both weights have a sign. The PDF's encoding ends at U+FFFF.
func (f *faces) has(r rune, buffer *sfnt.Buffer) bool {
	if r > 0xFFFF {
		return false
	}
	regular, err := f.regular.GlyphIndex(buffer, r)
	if err != nil || regular == 0 {
		return false
	}
	bold, err := f.bold.GlyphIndex(buffer, r)
	return err == nil && bold != 0
}

// visual returns a line in the order in which it is printed from left to right,
// and whether it is read from right to left: that is for its first letter to
// say. Letters of Arabic are not joined.
func visual(line string) (string, bool) {
	if !strings.ContainsFunc(line, rightToLeft) {
		return line, false
	}
	var p bidi.Paragraph
	if _, err := p.SetString(line); err != nil {
		return line, false
	}
	order, err := p.Order()
	if err != nil {
		return line, false
	}
	runs := make([]string, order.NumRuns())
	for i := range runs {
		run := order.Run(i)
		runs[i] = run.String()
		if run.Direction() == bidi.RightToLeft {
			runs[i] = bidi.ReverseString(runs[i])
		}
	}
	fromRight := rightToLeft(firstLetter(line))
	if fromRight {
		slices.Reverse(runs)
	}
	return strings.Join(runs, ""), fromRight
}

func firstLetter(line string) rune {
	if i := strings.IndexFunc(line, unicode.IsLetter); i >= 0 {
		r, _ := utf8.DecodeRuneInString(line[i:])
		return r
	}
	return 0
}

func rightToLeft(r rune) bool {
	return unicode.In(r, unicode.Hebrew, unicode.Arabic, unicode.Syriac, unicode.Thaana, unicode.Nko)
}
