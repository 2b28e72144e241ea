package model

import "github.com/trellis-ats/trellis/core"

// APIToken is an API token as callers see it. In the schema it is called ApiToken.
type APIToken struct{ *core.Token }

// ViewAPIToken is a view of a token; it has no parts that are read later.
func ViewAPIToken(t *core.Token, _ *Batch[core.Token]) APIToken { return APIToken{t} }

// NewAPIToken is a view of t, or nil of nil.
func NewAPIToken(t *core.Token) *APIToken { return single(t, ViewAPIToken) }

// IsNode marks a node.
func (*APIToken) IsNode() {}

type (
	// APITokenConnection is a page of API tokens.
	APITokenConnection = Connection[APIToken]
	// APITokenEdge is an API token in a page.
	APITokenEdge = Edge[APIToken]
)

// NewAPITokens shapes a page of API tokens.
func NewAPITokens(p *core.Paged[core.Token]) *APITokenConnection {
	return connection(ListTokens, p, func(t *core.Token) core.ID { return t.ID }, ViewAPIToken)
}
