package graph

import "github.com/trellis-ats/trellis/graph/generated"

// root is where resolvers find core. Each noun's resolvers are in its file.
type root struct{ Options }

type (
	queryResolver    struct{ *root }
	mutationResolver struct{ *root }
)

var (
	_ generated.ResolverRoot     = (*root)(nil)
	_ generated.QueryResolver    = queryResolver{}
	_ generated.MutationResolver = mutationResolver{}
)

// Query returns the resolvers of the root's fields.
func (r *root) Query() generated.QueryResolver { return queryResolver{r} }

// Mutation returns the resolvers of the mutations.
func (r *root) Mutation() generated.MutationResolver { return mutationResolver{r} }
