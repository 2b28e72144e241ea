package graph

import (
	"context"
	"errors"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// maxMessage bounds what an error says, in bytes: a name in a document may be
// as long as the document.
const maxMessage = 300

// words bounds what errors about a request repeat of it. With quoting off they
// repeat nothing: neither what was sent nor the names that it came near to.
type words struct {
	quote bool
	next  graphql.ErrorPresenterFunc
}

func (w words) present(ctx context.Context, err error) *gqlerror.Error {
	out := w.next(ctx, err)
	code, _ := out.Extensions["code"].(string)
	about := code == errcode.ParseFailed || code == errcode.ValidationFailed
	if about && !w.quote {
		out.Message, out.Path = plainly(code, err), known(out, err)
	}
	out.Message = cut(out.Message, maxMessage)
	return out
}

// plainly says what is wrong with a request in our words alone. A rule is one
// of the specification's, by gqlparser's name.
func plainly(code string, err error) string {
	var said *gqlerror.Error
	switch {
	case code == errcode.ParseFailed:
		return "The document could not be parsed."
	case !errors.As(err, &said):
		return "The request does not fit the schema."
	case said.Rule != "":
		return "The document does not fit the schema: it breaks the rule " + said.Rule + "."
	case len(said.Path) > 0:
		return "A variable does not fit its type."
	default:
		return "The request does not fit the schema, or names an operation that the document does not have."
	}
}

// known is the path to what is wrong without names that the schema lacks.
func known(e *gqlerror.Error, err error) ast.Path {
	var said *gqlerror.Error
	path := e.Path
	if errors.As(err, &said) && said.Message == "unknown field" && len(path) > 0 {
		path = path[:len(path)-1]
	}
	for _, step := range path {
		if name, ok := step.(ast.PathName); ok && len(name) > 64 {
			return nil
		}
	}
	return path
}

func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most] + "…"
}
