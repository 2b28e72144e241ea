package graph

import (
	"context"
	"sync"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/trellis-ats/trellis/core/fault"
)

// turns bounds the queries and mutations of one caller that run at the same
// time; more of them wait. So a caller who asks for much at once holds up
// itself, and others find a connection of the database free.
type turns struct {
	most int // of one caller
	mu   sync.Mutex
	held map[string]*turn // by principal
}

type turn struct {
	slots chan struct{}
	users int // who hold or wait for a slot
}

var _ interface {
	graphql.HandlerExtension
	graphql.ResponseInterceptor
} = (*turns)(nil)

func newTurns(most int) *turns { return &turns{most: most, held: map[string]*turn{}} }

// ExtensionName names the extension.
func (*turns) ExtensionName() string { return "Turns" }

// Validate accepts every schema.
func (*turns) Validate(graphql.ExecutableSchema) error { return nil }

// InterceptResponse runs an operation when it is its turn. A subscription
// waits for events most of the time, and needs none.
func (t *turns) InterceptResponse(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	a := admissionOf(ctx)
	if a == nil || !executes(ctx) {
		return next(ctx)
	}
	who := a.Caller()
	mine := t.enter(who)
	defer t.leave(who, mine)
	select {
	case mine.slots <- struct{}{}:
		defer func() { <-mine.slots }()
		return next(ctx)
	case <-ctx.Done():
		graphql.AddError(ctx, fault.Wrap(ctx.Err(), fault.Retryable, "Too many of your operations run at the same time, and this one was not started. Try again."))
		return &graphql.Response{Errors: graphql.GetErrors(ctx)}
	}
}

// executes reports whether a query or mutation is to be run, rather than an
// error to be told.
func executes(ctx context.Context) bool {
	if !graphql.HasOperationContext(ctx) {
		return false
	}
	o := graphql.GetOperationContext(ctx).Operation
	return o != nil && o.Operation != ast.Subscription
}

func (t *turns) enter(who string) *turn {
	t.mu.Lock()
	defer t.mu.Unlock()
	mine := t.held[who]
	if mine == nil {
		mine = &turn{slots: make(chan struct{}, t.most)}
		t.held[who] = mine
	}
	mine.users++
	return mine
}

func (t *turns) leave(who string, mine *turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if mine.users--; mine.users == 0 {
		delete(t.held, who)
	}
}
