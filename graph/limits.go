package graph

import (
	"context"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"

	"github.com/trellis-ats/trellis/core/fault"
)

// Limits bound what one operation may ask for.
type Limits struct {
	Tokens     int // of the document
	Depth      int // of nested fields, introspection left out
	Fields     int // with fragments written out
	Aliases    int // of the document
	Fragments  int // spreads in the document
	Repeats    int // of one name in one selection
	Directives int // in the document
	Complexity int // see cost.go
	Streams    int // websockets and event streams of one caller
	Turns      int // queries and mutations of one caller that run at the same time
}

// DefaultLimits let the dashboard and the usual clients' introspection through.
func DefaultLimits() Limits {
	return Limits{Tokens: 4000, Depth: 15, Fields: 1000, Aliases: 50, Fragments: 50, Repeats: 10, Directives: 50, Complexity: 10_000, Streams: 1000, Turns: 8}
}

func (l Limits) orDefault() Limits {
	d := DefaultLimits()
	for _, f := range []struct{ value, standard *int }{
		{&l.Tokens, &d.Tokens},
		{&l.Depth, &d.Depth},
		{&l.Fields, &d.Fields},
		{&l.Aliases, &d.Aliases},
		{&l.Fragments, &d.Fragments},
		{&l.Repeats, &d.Repeats},
		{&l.Directives, &d.Directives},
		{&l.Complexity, &d.Complexity},
		{&l.Streams, &d.Streams},
		{&l.Turns, &d.Turns},
	} {
		if *f.value == 0 {
			*f.value = *f.standard
		}
	}
	return l
}

// shape refuses documents by their shape before they are validated, because
// validation itself takes time that grows with the square of repeated fields.
type shape struct {
	limits   Limits
	accepted graphql.Cache[*ast.QueryDocument] // documents that passed before
}

var _ interface {
	graphql.HandlerExtension
	graphql.OperationParameterMutator
} = shape{}

// ExtensionName names the extension.
func (shape) ExtensionName() string { return "Shape" }

// Validate accepts every schema.
func (shape) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationParameters checks the document. What cannot be parsed is left
// to gqlgen to explain.
func (s shape) MutateOperationParameters(ctx context.Context, request *graphql.RawParams) *gqlerror.Error {
	if _, ok := s.accepted.Get(ctx, request.Query); ok {
		return nil
	}
	document, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: request.Query}, s.limits.Tokens)
	if err != nil {
		return nil //nolint:nilerr // gqlgen parses it again and says what is wrong
	}
	m := &measure{limits: s.limits, fragments: document.Fragments, sizes: map[string]size{}}
	for _, o := range document.Operations {
		m.directives += len(o.Directives)
		for _, v := range o.VariableDefinitions {
			m.directives += len(v.Directives)
		}
		m.total = m.total.plus(m.of(o.SelectionSet))
	}
	for _, f := range document.Fragments { // those that nothing spreads too: validation looks at all
		m.directives += len(f.Directives)
		m.fragment(f.Name)
	}
	return m.refusal()
}

// size is what a selection amounts to with its fragments written out.
type size struct{ fields, depth int }

// enough keeps sums of fragments within fragments from overflowing.
const enough = 1 << 30

func (s size) plus(t size) size {
	return size{fields: min(s.fields+t.fields, enough), depth: max(s.depth, t.depth)}
}

// measure measures a document in one walk: each fragment is measured once.
type measure struct {
	limits    Limits
	fragments ast.FragmentDefinitionList
	sizes     map[string]size // of fragments; zero while being measured
	aliases   int
	spreads   int
	repeats   int
	total     size
	// directives are counted where they are written.
	directives int
}

func (m *measure) of(set ast.SelectionSet) size {
	var total size
	names := map[string]int{}
	for _, selection := range set {
		switch s := selection.(type) {
		case *ast.Field:
			names[s.Alias]++
			m.repeats = max(m.repeats, names[s.Alias])
			m.directives += len(s.Directives)
			total = total.plus(m.field(s))
		case *ast.InlineFragment:
			m.directives += len(s.Directives)
			total = total.plus(m.of(s.SelectionSet))
		case *ast.FragmentSpread:
			m.spreads++
			m.directives += len(s.Directives)
			total = total.plus(m.fragment(s.Name))
		}
	}
	return total
}

func (m *measure) field(f *ast.Field) size {
	if f.Alias != f.Name {
		m.aliases++
	}
	inner := m.of(f.SelectionSet)
	if strings.HasPrefix(f.Name, "__") {
		return size{fields: inner.fields + 1} // its depth has a validation rule of its own
	}
	return size{fields: inner.fields + 1, depth: inner.depth + 1}
}

// fragment measures a fragment once. One that spreads itself counts as empty
// there; validation refuses it.
func (m *measure) fragment(name string) size {
	if known, ok := m.sizes[name]; ok {
		return known
	}
	m.sizes[name] = size{}
	if f := m.fragments.ForName(name); f != nil {
		m.sizes[name] = m.of(f.SelectionSet)
	}
	return m.sizes[name]
}

func (m *measure) refusal() *gqlerror.Error {
	for _, c := range []struct {
		what      string
		is, limit int
	}{
		{"levels of nested fields", m.total.depth, m.limits.Depth},
		{"fields with fragments written out", m.total.fields, m.limits.Fields},
		{"aliases", m.aliases, m.limits.Aliases},
		{"fragment spreads", m.spreads, m.limits.Fragments},
		{"repetitions of one field in a selection", m.repeats, m.limits.Repeats},
		{"directives", m.directives, m.limits.Directives},
	} {
		if c.is > c.limit {
			return gqlerror.Wrap(fault.New(fault.TooLarge, "The document has %d %s; at most %d are taken. Nothing was done; ask in several requests.", c.is, c.what, c.limit))
		}
	}
	return nil
}
