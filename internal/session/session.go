// Package session signs people in to the dashboard over HTTP: with an API
// token, or through the organization's identity provider. A session is a
// cookie that scripts cannot read. It stands behind httpd's middleware, which
// refuses what other sites' pages send.
package session

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/internal/httpd"
	"github.com/trellis-ats/trellis/internal/httpd/page"
	"github.com/trellis-ats/trellis/internal/ratelimit"
)

// Cookie is the name of the session's cookie.
const Cookie = "trellis_session"

// maxBody is of a request to sign in, in bytes.
const maxBody = 4 << 10

// Sessions are core's use cases around signing in.
type Sessions interface {
	SignIn(ctx context.Context, secret core.Secret) (*core.Session, core.Secret, error)
	Admit(ctx context.Context, p core.Person) (*core.Session, core.Secret, error)
	Authenticate(ctx context.Context, secret core.Secret) (*core.Admission, error)
	SignOut(ctx context.Context, secret core.Secret) error
}

// Options is what a Handler is made of.
type Options struct {
	Sessions  Sessions
	PublicURL string             // where browsers reach the server, without a slash at the end
	Home      string             // the path that people see once signed in; default "/"
	OIDC      *OIDC              // nil: only API tokens sign in
	Attempts  *ratelimit.Limiter // of one address; nil: no limit
	Clock     core.Clock         // default: the system's
	Log       *slog.Logger       // nil: nothing is logged
}

// Handler answers below /session. It is safe for concurrent use and holds
// nothing that must be closed.
type Handler struct {
	o      Options
	secure bool
	pages  *page.Frame
	oidc   *provider // nil: not configured
}

// New returns the handler. Errors: fault.Config for settings of the identity
// provider that cannot work. The provider itself need not be there yet.
func New(o Options) (*Handler, error) {
	if o.Clock == nil {
		o.Clock = core.SystemClock{}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Home == "" {
		o.Home = "/"
	}
	h := &Handler{o: o, secure: strings.HasPrefix(o.PublicURL, "https://"), pages: page.New(page.Options{Log: o.Log})}
	if o.OIDC == nil {
		return h, nil
	}
	p, err := newProvider(*o.OIDC, o.PublicURL+callbackPath, o.Clock)
	h.oidc = p
	return h, err
}

// Register adds the routes.
func (h *Handler) Register(mux *http.ServeMux) {
	mux.HandleFunc("GET /session", h.show)
	mux.Handle("POST /session", h.limited(h.signIn, h.fail))
	mux.HandleFunc("DELETE /session", h.signOut)
	mux.HandleFunc("POST /session/end", h.signOut)
	if h.oidc != nil {
		mux.Handle("GET "+beginPath, h.limited(h.begin, h.failPage))
		mux.Handle("GET "+callbackPath, h.limited(h.callback, h.failPage))
	}
}

// limited bounds the attempts of an address, and tells the rest who failed.
func (h *Handler) limited(next http.HandlerFunc, refuse func(http.ResponseWriter, *http.Request, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o := h.o.Attempts.Take(r.Context(), ratelimit.AddressKey(httpd.ClientAddress(r.Context())), 1)
		if !o.Allowed {
			e := fault.New(fault.RateLimited, "Too many attempts to sign in. Wait %d seconds and try again.", seconds(o.RetryAfter))
			e.Source, e.RetryAfter = fault.Caller, o.RetryAfter
			refuse(w, r, e)
			return
		}
		next(w, r)
	})
}

// seconds rounds up, so that who waits as long has waited long enough.
func seconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }

// cookie is the session's. It is Lax and not Strict because a person comes
// back from the identity provider by a link of another site: a Strict cookie
// would not be sent to the first page, which would show them as signed out.
// What changes something is guarded by its origin as well.
func (h *Handler) cookie(secret core.Secret, expires time.Time) *http.Cookie {
	return &http.Cookie{ //nolint:gosec // Secure follows the public address
		Name: Cookie, Value: secret.Reveal(), Path: "/", Expires: expires,
		HttpOnly: true, Secure: h.secure, SameSite: http.SameSiteLaxMode,
	}
}

// admit gives the browser its session and ends the one that it had before.
func (h *Handler) admit(w http.ResponseWriter, r *http.Request, s *core.Session, secret core.Secret) {
	if before := held(r); before != "" {
		if err := h.o.Sessions.SignOut(r.Context(), before); err != nil {
			h.o.Log.WarnContext(r.Context(), "the session before was not ended; it expires by itself", "error", err)
		}
	}
	http.SetCookie(w, h.cookie(secret, s.ExpiresAt))
}

// held returns the secret of the session that the browser has; "" for none.
func held(r *http.Request) core.Secret {
	c, err := r.Cookie(Cookie)
	if err != nil {
		return ""
	}
	return core.Secret(c.Value)
}
