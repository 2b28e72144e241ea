package graph

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/fault"
)

// Introspection tells who may ask for the schema.
type Introspection struct {
	Everyone bool // whom the gate lets in
	Admins   bool // those who may configure: they write programs against it
}

var _ interface {
	graphql.HandlerExtension
	graphql.OperationContextMutator
} = Introspection{}

// ExtensionName names the extension.
func (Introspection) ExtensionName() string { return "Introspection" }

// Validate accepts every schema.
func (Introspection) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationContext refuses who may not ask.
func (i Introspection) MutateOperationContext(ctx context.Context, o *graphql.OperationContext) *gqlerror.Error {
	may := i.Everyone || (i.Admins && actorOf(ctx).May(core.PermitConfigure))
	o.DisableIntrospection = !may
	if may || o.Operation == nil || !introspects(o.Operation.SelectionSet) {
		return nil
	}
	return gqlerror.Wrap(fault.New(fault.Forbidden, "This server does not tell you its schema; it is in Trellis's documentation."))
}

// introspects looks for __schema and __type, which stand at the root only.
func introspects(selections ast.SelectionSet) bool {
	for _, s := range selections {
		switch s := s.(type) {
		case *ast.Field:
			if s.Name == "__schema" || s.Name == "__type" {
				return true
			}
		case *ast.InlineFragment:
			if introspects(s.SelectionSet) {
				return true
			}
		case *ast.FragmentSpread:
			if s.Definition != nil && introspects(s.Definition.SelectionSet) {
				return true
			}
		}
	}
	return false
}
