package page

import (
	"fmt"
	"html/template"
	"strings"
	"time"
	"unicode"
)

// Text returns s as valid UTF-8 without control characters (line breaks and
// tabs stay) and without the bidirectional overrides and isolates that make a
// text read differently from what it is.
func Text(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return r
		}
		if unicode.IsControl(r) || bidiControl(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}

// Line is Text on one line, without space at its ends.
func Line(s string) string {
	return strings.Join(strings.Fields(Text(strings.NewReplacer("\u2028", " ", "\u2029", " ").Replace(s))), " ")
}

func bidiControl(r rune) bool {
	return (r >= 0x202A && r <= 0x202E) || (r >= 0x2066 && r <= 0x2069)
}

// Day writes a date for people, in UTC: "7 May 2026".
func Day(t time.Time) string { return t.UTC().Format("2 January 2006") }

// Moment writes a time for people, in UTC: "7 May 2026, 14:05 UTC".
func Moment(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04 UTC") }

// Elapsed writes seconds from a start as "04:05", or "1:04:05" from an hour on.
func Elapsed(seconds int) string {
	if seconds >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", seconds/3600, seconds/60%60, seconds%60)
	}
	return fmt.Sprintf("%02d:%02d", seconds/60, seconds%60)
}

func functions() template.FuncMap {
	return template.FuncMap{
		"day": Day, "moment": Moment, "elapsed": Elapsed,
		"iso": func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	}
}
