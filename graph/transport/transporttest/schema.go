// Package transporttest has a small schema, without generated code, that does
// what transports must be tested with: streams that last, end, fail, flood.
package transporttest

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync/atomic"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/trellis-ats/trellis/graph/transport"
)

const source = `
type Query {
  hello: String!
  "An error beside null."
  broken: String
  "Lasts until its context ends."
  hang: String
}
type Mutation {
  echo(msg: String!): String!
}
type Subscription {
  "1 to n, ms milliseconds apart."
  ticks(n: Int!, ms: Int! = 0): Int!
  "Nothing, until its context ends."
  wait: Int!
  "Cannot be opened."
  fail: Int!
  "1 to n, then an error that ends the stream."
  breaks(n: Int!): Int!
  "n events that are null with an error."
  faulty(n: Int!): Int
  "1 to n, then a panic."
  panics(n: Int!): Int!
  "n strings of size bytes, as fast as they are taken."
  flood(n: Int!, size: Int!): String!
  "One string with a line break between its JSON tokens."
  lines: String!
}
`

// Schema is an executable schema. It is safe for concurrent use.
type Schema struct {
	schema  *ast.Schema
	running atomic.Int64
	idle    chan struct{}
}

var _ graphql.ExecutableSchema = (*Schema)(nil)

// New returns the schema.
func New() *Schema {
	return &Schema{
		schema: gqlparser.MustLoadSchema(&ast.Source{Name: "transporttest.graphqls", Input: source}),
		idle:   make(chan struct{}, 1),
	}
}

// Running is the number of subscriptions whose source is open.
func (s *Schema) Running() int { return int(s.running.Load()) }

// Idle returns a channel that gets a value whenever the last source has ended.
func (s *Schema) Idle() <-chan struct{} { return s.idle }

// Schema returns the types.
func (s *Schema) Schema() *ast.Schema { return s.schema }

// Complexity knows none.
func (s *Schema) Complexity(context.Context, string, string, int, map[string]any) (int, bool) {
	return 0, false
}

// Exec runs the operation of the context.
func (s *Schema) Exec(ctx context.Context) graphql.ResponseHandler {
	operation := graphql.GetOperationContext(ctx)
	if operation.Operation.Operation == ast.Subscription {
		return s.subscribe(ctx, operation)
	}
	return graphql.OneShot(s.once(ctx, operation))
}

// once answers a query or mutation. Errors must be of the response's own
// context, which Exec does not have, so they are answered directly.
func (s *Schema) once(ctx context.Context, operation *graphql.OperationContext) *graphql.Response {
	data := map[string]any{}
	response := &graphql.Response{}
	for _, f := range graphql.CollectFields(operation, operation.Operation.SelectionSet, []string{"Query", "Mutation"}) {
		switch f.Name {
		case "__typename":
			data[f.Alias] = f.ObjectDefinition.Name
		case "hello":
			data[f.Alias] = "world"
		case "echo":
			data[f.Alias] = f.ArgumentMap(operation.Variables)["msg"]
		case "hang":
			<-ctx.Done()
			return nil
		case "broken":
			data[f.Alias] = nil
			response.Errors = append(response.Errors, graphql.DefaultErrorPresenter(ctx, errBroken))
		}
	}
	response.Data, _ = json.Marshal(data)
	return response
}

var errBroken = errors.New("broken on purpose")

// stream gives event i, from 1. It returns false at the end.
type stream func(ctx context.Context, i int) (any, bool)

func (s *Schema) subscribe(ctx context.Context, operation *graphql.OperationContext) graphql.ResponseHandler {
	f := graphql.CollectFields(operation, operation.Operation.SelectionSet, []string{"Subscription"})[0]
	next := s.source(ctx, f.Name, f.ArgumentMap(operation.Variables))
	if next == nil {
		graphql.AddError(ctx, errBroken)
		return graphql.OneShot(nil)
	}
	s.running.Add(1)
	release := context.AfterFunc(ctx, s.ended)
	i := 0
	return func(inner context.Context) *graphql.Response {
		i++
		value, ok := next(inner, i)
		if !ok {
			if release() {
				s.ended()
			}
			return nil
		}
		if err, failed := value.(error); failed {
			graphql.AddError(inner, err)
			value = nil
		}
		if raw, is := value.(json.RawMessage); is { // not compacted
			return &graphql.Response{Data: []byte(`{"` + f.Alias + "\":\r\n" + string(raw) + `}`)}
		}
		data, _ := json.Marshal(map[string]any{f.Alias: value})
		return &graphql.Response{Data: data}
	}
}

func (s *Schema) ended() {
	if s.running.Add(-1) > 0 {
		return
	}
	select {
	case s.idle <- struct{}{}:
	default:
	}
}

func (s *Schema) source(ctx context.Context, field string, args map[string]any) stream {
	n := number(args["n"])
	switch field {
	case "ticks":
		return ticks(n, time.Duration(number(args["ms"]))*time.Millisecond)
	case "wait":
		return func(ctx context.Context, _ int) (any, bool) { <-ctx.Done(); return nil, false }
	case "breaks":
		return func(_ context.Context, i int) (any, bool) {
			if i > n {
				transport.FailStream(ctx, errBroken)
			}
			return i, i <= n
		}
	case "faulty":
		return func(_ context.Context, i int) (any, bool) { return errBroken, i <= n }
	case "panics":
		return func(_ context.Context, i int) (any, bool) {
			if i > n {
				panic("on purpose")
			}
			return i, true
		}
	case "flood":
		text := strings.Repeat("x", number(args["size"]))
		return func(_ context.Context, i int) (any, bool) { return text, i <= n }
	case "lines":
		return func(_ context.Context, i int) (any, bool) { return json.RawMessage(`"a"`), i == 1 }
	default:
		return nil
	}
}

func ticks(n int, every time.Duration) stream {
	return func(ctx context.Context, i int) (any, bool) {
		if i > n {
			return nil, false
		}
		if every == 0 || i == 1 {
			return i, true
		}
		timer := time.NewTimer(every)
		defer timer.Stop()
		select {
		case <-timer.C:
			return i, true
		case <-ctx.Done():
			return nil, false
		}
	}
}

func number(v any) int {
	switch v := v.(type) {
	case int64:
		return int(v)
	case json.Number:
		n, _ := v.Int64()
		return int(n)
	default:
		return 0
	}
}
