package report

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

const (
	nonJoiner = '\u200C'
	joiner    = '\u200D'
	tatweel   = '\u0640'
)

// joining knows the shapes of Arabic letters by themselves and beside others. A
// PDF's typeface is asked for signs, one by one, so that a word must be spelled
// with the shapes. It is safe for concurrent use.
type joining struct {
	// shapes of a letter: by itself, after one, before one, between two. A
	// letter that joins none after it has the first two.
	shapes map[rune][]rune
	// lamAlef is what becomes of these two letters together.
	lamAlef map[string][]rune
}

// newJoining reads the shapes from Unicode's own: each is compatible with its
// letter, and they stand in that order.
func newJoining() *joining {
	j := &joining{shapes: map[rune][]rune{}, lamAlef: map[string][]rune{}}
	for _, span := range [][2]rune{{0xFE80, 0xFEFC}, {0xFB50, 0xFBB1}, {0xFBD3, 0xFBFF}} {
		for shape := span[0]; shape <= span[1]; shape++ {
			switch of := []rune(norm.NFKC.String(string(shape))); {
			case len(of) == 1:
				j.shapes[of[0]] = append(j.shapes[of[0]], shape)
			case shape >= 0xFEF5:
				j.lamAlef[string(of)] = append(j.lamAlef[string(of)], shape)
			}
		}
	}
	return j
}

// join spells text, in the order in which it is read, with the shapes.
func (j *joining) join(text string) string {
	if !strings.ContainsFunc(text, func(r rune) bool { return unicode.Is(unicode.Arabic, r) }) {
		return text
	}
	letters := []rune(text)
	joined := make([]rune, 0, len(letters))
	for i := 0; i < len(letters); i++ {
		both := j.lamAlef[string(letters[i:min(i+2, len(letters))])]
		if len(both) == 0 {
			joined = append(joined, j.shape(letters, i, j.shapes[letters[i]]))
			continue
		}
		joined = append(joined, j.shape(letters, i, both))
		i++
	}
	return string(joined)
}

// shape picks the one that letter i takes between its neighbours.
func (j *joining) shape(letters []rune, i int, shapes []rune) rune {
	if len(shapes) < 2 {
		return letters[i]
	}
	which := 0
	if j.joinsNext(neighbour(letters, i, -1)) {
		which++
	}
	if len(shapes) == 4 && j.joinsLast(neighbour(letters, i, +1)) {
		which += 2
	}
	return shapes[which]
}

func (j *joining) joinsNext(r rune) bool {
	return r == joiner || r == tatweel || len(j.shapes[r]) == 4
}

func (j *joining) joinsLast(r rune) bool {
	return r == joiner || r == tatweel || len(j.shapes[r]) >= 2
}

// neighbour is the next letter in a direction, without marks above and below.
func neighbour(letters []rune, i, step int) rune {
	for i += step; i >= 0 && i < len(letters); i += step {
		if !unicode.Is(unicode.Mn, letters[i]) {
			return letters[i]
		}
	}
	return 0
}
