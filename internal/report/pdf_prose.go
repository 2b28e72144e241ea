package report

import (
	"strconv"
	"strings"

	nethtml "golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// kind is what a block is, and with it how it is set.
type kind int

const (
	paragraph kind = iota
	heading
	quote
	cut // tells that the rest of a text was left out
)

// block is a piece of prose that begins on a line of its own. Line breaks in
// its text are kept.
type block struct {
	kind  kind
	text  string
	mark  string // before its first line: "•" or "2."
	depth int    // of indentation
}

// hang puts blocks on one bullet.
func hang(blocks []block) {
	for i := range blocks {
		blocks[i].depth++
	}
	if len(blocks) > 0 && blocks[0].mark == "" {
		blocks[0].mark = "•"
	}
}

// reading walks through prose.
type reading struct {
	blocks []block
	next   block // whose text is being read
	text   strings.Builder
	lists  []int // number of the item in each open list; -1 in one without numbers
}

// blocksOf reads the HTML that prose makes: it has no attributes and few elements.
func blocksOf(clean string) []block {
	context := &nethtml.Node{Type: nethtml.ElementNode, Data: "div", DataAtom: atom.Div}
	nodes, err := nethtml.ParseFragment(strings.NewReader(clean), context)
	if err != nil {
		return []block{{text: clean}} // prose has parsed it before
	}
	var r reading
	for _, n := range nodes {
		r.node(n)
	}
	r.end()
	return r.blocks
}

func (r *reading) node(n *nethtml.Node) {
	if n.Type == nethtml.TextNode {
		r.text.WriteString(strings.NewReplacer("\n", " ", "\t", " ").Replace(n.Data))
		return
	}
	switch n.DataAtom {
	case atom.Br:
		r.text.WriteByte('\n')
	case atom.Ul, atom.Ol:
		r.list(n)
	case atom.Li:
		r.inside(n, block{mark: r.mark()})
	case atom.P, atom.Hr:
		r.inside(n, block{kind: r.next.kind})
	case atom.H3, atom.H4:
		r.inside(n, block{kind: heading})
	case atom.Blockquote:
		r.inside(n, block{kind: quote})
	default:
		r.children(n)
	}
}

// inside reads an element that is a block.
func (r *reading) inside(n *nethtml.Node, b block) {
	around := r.next.kind
	r.begin(b)
	r.children(n)
	r.end()
	r.next = block{kind: around}
}

func (r *reading) children(n *nethtml.Node) {
	for c := range n.ChildNodes() {
		r.node(c)
	}
}

func (r *reading) list(n *nethtml.Node) {
	r.begin(block{})
	number := -1
	if n.DataAtom == atom.Ol {
		number = 0
	}
	r.lists = append(r.lists, number)
	r.children(n)
	r.begin(block{})
	r.lists = r.lists[:len(r.lists)-1]
}

// mark is what stands before the next item of the innermost list.
func (r *reading) mark() string {
	if len(r.lists) == 0 || r.lists[len(r.lists)-1] < 0 {
		return "•"
	}
	r.lists[len(r.lists)-1]++
	return strconv.Itoa(r.lists[len(r.lists)-1]) + "."
}

// begin ends the block before and starts the next. A block without text yet
// gives its mark to the next one.
func (r *reading) begin(b block) {
	if !r.end() && b.mark == "" {
		b.mark = r.next.mark
	}
	r.next = b
}

// end keeps what was read, if it is anything.
func (r *reading) end() bool {
	lines := strings.Split(r.text.String(), "\n")
	r.text.Reset()
	for i, line := range lines {
		lines[i] = strings.Join(strings.Fields(line), " ")
	}
	b := r.next
	if b.text = strings.TrimSpace(strings.Join(lines, "\n")); b.text == "" {
		return false
	}
	b.depth = min(len(r.lists), 5)
	r.blocks = append(r.blocks, b)
	return true
}
