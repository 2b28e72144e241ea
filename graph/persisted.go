package graph

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/trellis-ats/trellis/core/fault"
)

// persistedSize is how much of automatically persisted documents is kept, in bytes.
const persistedSize = 4 << 20

// automatic keeps documents that callers send once and then name by their
// SHA-256; see Apollo's "automatic persisted queries". Only who was let in
// comes as far as this.
func automatic() graphql.HandlerExtension {
	return extension.AutomaticPersistedQuery{Cache: newSized(persistedSize, func(query string) int { return len(query) })}
}

// AllowList is the only documents to run, by the SHA-256 of their text in
// lower-case hexadecimal. The zero value is no list: all documents run.
type AllowList struct{ documents map[string]string }

// ParseAllowList reads a list: a JSON object of documents by their SHA-256, or
// an array of documents. Errors: fault.Config.
func ParseAllowList(raw []byte) (AllowList, error) {
	var named map[string]string
	var plain []string
	if json.Unmarshal(raw, &named) != nil && json.Unmarshal(raw, &plain) != nil {
		return AllowList{}, fault.New(fault.Config, `The allow-list is neither {"sha256": "query …"} nor ["query …"].`)
	}
	l := AllowList{documents: map[string]string{}}
	for _, document := range plain {
		l.documents[hashOf(document)] = document
	}
	for hash, document := range named {
		if hashOf(document) != hash {
			return AllowList{}, fault.New(fault.Config, "A document of the allow-list has %q as its SHA-256, and it is %q.", hash, hashOf(document))
		}
		l.documents[hash] = document
	}
	for hash, document := range l.documents {
		if _, err := parser.ParseQuery(&ast.Source{Input: document}); err != nil {
			return AllowList{}, fault.Wrap(err, fault.Config, "The document %s of the allow-list cannot be parsed.", hash)
		}
	}
	if len(l.documents) == 0 {
		return AllowList{}, fault.New(fault.Config, "The allow-list is empty: nothing could be asked.")
	}
	return l, nil
}

func hashOf(document string) string {
	sum := sha256.Sum256([]byte(document))
	return hex.EncodeToString(sum[:])
}

func (l AllowList) empty() bool { return len(l.documents) == 0 }

// allowed runs only documents of a list, named by their hash or sent whole.
type allowed struct{ list AllowList }

var _ interface {
	graphql.HandlerExtension
	graphql.OperationParameterMutator
} = allowed{}

// ExtensionName names the extension.
func (allowed) ExtensionName() string { return "AllowList" }

// Validate accepts every schema.
func (allowed) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationParameters puts the listed document in, or refuses.
func (a allowed) MutateOperationParameters(_ context.Context, p *graphql.RawParams) *gqlerror.Error {
	hash := hashOf(p.Query)
	if p.Query == "" {
		hash = namedHash(p.Extensions)
	}
	document, ok := a.list.documents[hash]
	if !ok {
		err := gqlerror.Errorf("This server runs only documents that it was given beforehand; this is none of them.")
		errcode.Set(err, "PERSISTED_QUERY_REQUIRED")
		return err
	}
	p.Query = document
	return nil
}

// namedHash is the hash that a request has instead of a document.
func namedHash(extensions map[string]any) string {
	persisted, _ := extensions["persistedQuery"].(map[string]any)
	hash, _ := persisted["sha256Hash"].(string)
	return hash
}
