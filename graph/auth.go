package graph

import (
	"context"
	"net/http"
	"net/netip"
	"strings"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/internal/ratelimit"
)

// gate lets callers in who have an API token or a session.
type gate struct {
	tokens   *core.Tokens
	sessions *core.Sessions // nil: tokens only
	cookie   string         // of a session
	origins  origins
	budgets  ratelimit.Budgets
	streams  *streams
	address  func(context.Context) netip.Addr
}

func newGate(o Options) gate {
	return gate{
		tokens: o.Tokens, sessions: o.Sessions, cookie: o.SessionCookie, origins: newOrigins(o.PublicURL),
		budgets: ratelimit.Budgets{Callers: o.Callers, Strangers: o.Strangers}, streams: newStreams(o.Limits.Streams), address: o.ClientAddress,
	}
}

type entryKey struct{}

// entry is what the gate found of a request.
type entry struct {
	admitted *core.Admission
	refused  error // if not admitted, or over the limit
	socket   bool  // each of its operations is counted by itself
}

func entryOf(ctx context.Context) entry {
	e, _ := ctx.Value(entryKey{}).(entry)
	return e
}

// admissionOf returns what lets the caller in; nil if nothing does.
func admissionOf(ctx context.Context) *core.Admission { return entryOf(ctx).admitted }

// actorOf returns who is asking. Without one, core refuses.
func actorOf(ctx context.Context) core.Actor {
	if a := admissionOf(ctx); a != nil {
		return a.Actor
	}
	return core.Actor{}
}

// around looks at each request before the transports do, which tell the caller
// in their own way what it found.
func (g gate) around(next http.Handler, isSocket func(*http.Request) bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e := entry{socket: isSocket(r)}
		e.admitted, e.refused = g.admit(r)
		if !e.socket || e.refused == nil { // a socket may still bring a token
			if over := g.charge(r.Context(), w.Header(), e); over != nil {
				e.refused = over
			}
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), entryKey{}, e)))
	})
}

// admit authenticates by the Authorization header or, without one, by the
// session's cookie. Errors: fault.Unauthenticated, fault.Forbidden.
func (g gate) admit(r *http.Request) (*core.Admission, error) {
	if authorization := r.Header.Get("Authorization"); authorization != "" || g.sessions == nil {
		return g.byToken(r.Context(), authorization)
	}
	c, err := r.Cookie(g.cookie)
	if err != nil || c.Value == "" {
		return g.byToken(r.Context(), "")
	}
	if !g.origins.willed(r) {
		return nil, fault.New(fault.Forbidden, "Nothing shows that this request was made by our own page. Send it as application/json, or with the header X-Trellis-Request.")
	}
	return g.sessions.Authenticate(r.Context(), core.Secret(c.Value))
}

// byToken authenticates by "Bearer TOKEN". Errors: fault.Unauthenticated.
func (g gate) byToken(ctx context.Context, authorization string) (*core.Admission, error) {
	scheme, token, _ := strings.Cut(authorization, " ")
	token = strings.TrimSpace(token)
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return nil, fault.New(fault.Unauthenticated, "Sign in first: send an API token as \"Authorization: Bearer trl_…\".")
	}
	return g.tokens.Authenticate(ctx, core.Secret(token))
}

// enter is the gate of requests with one answer. It is for around to decide;
// the header was seen there.
func (g gate) enter(ctx context.Context, _ string) (context.Context, error) {
	return ctx, entryOf(ctx).refused
}

// enterStream is the gate of event streams, of which a caller has a number.
func (g gate) enterStream(ctx context.Context, _ string) (context.Context, error) {
	e := entryOf(ctx)
	if e.refused != nil {
		return nil, e.refused
	}
	return ctx, g.streams.open(ctx, e.admitted)
}

// enterSocket is the gate of websockets: a token in the payload of
// connection_init comes before what the handshake brought, since browsers
// cannot set its headers.
func (g gate) enterSocket(ctx context.Context, payload map[string]any) (context.Context, any, error) {
	e := entryOf(ctx)
	if authorization := authorizationIn(payload); authorization != "" {
		e.admitted, e.refused = g.byToken(ctx, authorization)
		if over := g.charge(ctx, http.Header{}, e); over != nil {
			e.refused = over
		}
	}
	if e.refused == nil {
		e.refused = g.streams.open(ctx, e.admitted)
	}
	if fault.Is(e.refused, fault.Internal) { // clients do not come back after what sounds final
		return nil, nil, fault.Wrap(e.refused, fault.Retryable, "The server cannot check who you are at the moment. Try again.")
	}
	return context.WithValue(ctx, entryKey{}, e), nil, e.refused
}

func authorizationIn(payload map[string]any) string {
	for name, value := range payload {
		if text, ok := value.(string); ok && strings.EqualFold(name, "authorization") {
			return text
		}
	}
	return ""
}

// charge counts a request. One over a websocket counts when its operation starts.
func (g gate) charge(ctx context.Context, h http.Header, e entry) error {
	caller := ""
	if e.admitted != nil {
		caller = e.admitted.Caller()
	}
	return g.budgets.Charge(ctx, h, caller, g.address(ctx))
}
