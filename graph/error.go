package graph

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/graph/model"
)

// presenter shapes the errors of a response. What is not known as safe shows
// a fixed text, and is logged here, once.
type presenter struct {
	log       *slog.Logger
	requestID func(context.Context) string
}

func (p presenter) present(ctx context.Context, err error) *gqlerror.Error {
	out := &gqlerror.Error{Path: graphql.GetPath(ctx), Extensions: map[string]any{}}
	var known *fault.Error
	var ours *gqlerror.Error
	switch {
	case errors.As(err, &known):
	case errors.As(err, &ours) && ours.Err == nil: // gqlgen's own words about the request
		out.Message, out.Locations, out.Extensions["code"] = ours.Message, ours.Locations, fault.Invalid
		for name, value := range ours.Extensions {
			out.Extensions[name] = value
		}
	default:
		known = fault.From(err)
	}
	if errors.As(err, &ours) && len(ours.Path) > 0 {
		out.Path = ours.Path
	}
	if known != nil {
		out.Message = known.Message
		p.extend(out.Extensions, known)
		p.note(ctx, known, out)
	}
	if id := p.requestID(ctx); id != "" {
		out.Extensions["requestId"] = id
	}
	return out
}

// extend tells programs what the message tells people.
func (presenter) extend(extensions map[string]any, e *fault.Error) {
	extensions["code"] = e.Code
	if e.RetryAfter > 0 {
		extensions["retryAfterSeconds"] = e.RetryAfter.Seconds()
	}
	if len(e.Fields) == 0 {
		return
	}
	fields := make([]map[string]string, len(e.Fields))
	for i, f := range e.Fields {
		fields[i] = map[string]string{"path": f.Path, "code": f.Code, "message": f.Message}
	}
	extensions["fields"] = fields
}

// note logs what is not the caller's doing.
func (p presenter) note(ctx context.Context, e *fault.Error, shown *gqlerror.Error) {
	level := slog.LevelWarn
	switch {
	case callers(e.Code) || e.Code == fault.Unauthenticated || e.Code == fault.Forbidden || (e.Code == fault.RateLimited && e.Source != fault.ATS):
		return
	case errors.Is(e, context.Canceled):
		level = slog.LevelDebug // the caller went away
	case e.Code == fault.Internal:
		level = slog.LevelError
	}
	if l := loadersOf(ctx); l != nil {
		if _, again := l.logged.LoadOrStore(e, true); again {
			return
		}
	}
	p.log.Log(ctx, level, "graphql error", "error", e.Error(), "code", e.Code,
		"path", shown.Path.String(), "request_id", p.requestID(ctx))
}

// recovered turns a panic into an error that the presenter logs with its stack.
func (presenter) recovered(_ context.Context, panicked any) error {
	return panicError(panicked)
}

func panicError(panicked any) error {
	return fmt.Errorf("panic: %v\n%s", panicked, debug.Stack())
}

// callers reports whether errors of this class are refusals, which a mutation
// answers as user errors.
func callers(c fault.Code) bool {
	switch c {
	case fault.Invalid, fault.NotFound, fault.Conflict, fault.TooLarge, fault.Unsupported:
		return true
	default:
		return false
	}
}

// refusals parts what a mutation's payload tells from what is a GraphQL error.
// A refusal that names no field is about the field about, which may be empty.
func refusals(err error, about string) ([]model.UserError, error) {
	if err == nil {
		return []model.UserError{}, nil
	}
	if !callers(fault.CodeOf(err)) {
		return nil, err
	}
	return model.NewUserErrors(fault.From(err), about), nil
}

// orNull makes what does not exist null, for fields that find something by an id.
func orNull[T any](found *T, err error) (*T, error) {
	if fault.Is(err, fault.NotFound) {
		return nil, nil //nolint:nilnil // null is the answer
	}
	return found, err
}
