package report

import (
	_ "embed" // the eastern typeface
	"iter"
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

// firstEastern is below all signs that only the eastern typeface has; before it
// nobody need look.
const firstEastern = 0x1100

// droidSansFallback is Droid Sans Fallback (Apache License 2.0, beside it), in one weight.
//
//go:embed typeface/DroidSansFallback.ttf
var droidSansFallback []byte

// faces are the typefaces of a print: DejaVu Sans, which has Latin, Greek,
// Cyrillic, Armenian, Georgian, Hebrew and Arabic letters, and Droid Sans
// Fallback for Chinese, Japanese and Korean ones. Emoji and the scripts of India
// and South East Asia are in neither. They are safe for concurrent use.
type faces struct {
	regular, bold, eastern *sfnt.Font
	joining                *joining
}

func newFaces() *faces {
	return &faces{
		regular: parse(dejavusanscondensed.TTF), bold: parse(dejavusanscondensedbold.TTF), eastern: parse(droidSansFallback),
		joining: newJoining(),
	}
}

func parse(ttf []byte) *sfnt.Font {
	f, err := sfnt.Parse(ttf)
	if err != nil {
		panic(err) // it was compiled in
	}
	return f
}

// clean returns text of which every sign can be printed, in composed and joined letters.
// Signs without a look of their own are gone; one that the typeface lacks
// becomes noSign, and replaced tells that there was one.
func (f *faces) clean(text string, buffer *sfnt.Buffer) (clean string, replaced bool) {
	text = f.joining.join(norm.NFC.String(page.Text(text)))
	clean = strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case unicode.IsSpace(r):
			return ' '
		case unicode.Is(unicode.Cf, r), unicode.Is(unicode.Variation_Selector, r):
			return -1
		case r == noSign, !f.western(r, buffer) && !has(f.eastern, r, buffer):
			replaced = true
			return noSign
		default:
			return r
		}
	}, text)
	return clean, replaced
}

// western reports whether both weights of DejaVu Sans have a sign.
func (f *faces) western(r rune, buffer *sfnt.Buffer) bool {
	return has(f.regular, r, buffer) && has(f.bold, r, buffer)
}

// has reports whether a typeface has a sign. The PDF's encoding ends at U+FFFF.
func has(typeface *sfnt.Font, r rune, buffer *sfnt.Buffer) bool {
	if r > 0xFFFF {
		return false
	}
	glyph, err := typeface.GlyphIndex(buffer, r)
	return err == nil && glyph != 0
}

// runs cuts clean text where the typeface changes, and tells each one's.
func (f *faces) runs(text string, buffer *sfnt.Buffer) iter.Seq2[string, bool] {
	return func(yield func(string, bool) bool) {
		from, eastern := 0, false
		for i, r := range text {
			if east := r >= firstEastern && !f.western(r, buffer); east != eastern {
				if from < i && !yield(text[from:i], eastern) {
					return
				}
				from, eastern = i, east
			}
		}
		if from < len(text) {
			yield(text[from:], eastern)
		}
	}
}

// visual returns a line in the order in which it is printed from left to right,
// and whether it is read from right to left: that is for its first letter to
// say.
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
