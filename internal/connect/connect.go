// Package connect is where a person's browser comes back to after a consent at
// an ATS.
package connect

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/internal/httpd/page"
)

// maxQuery bounds what came back, in bytes.
const maxQuery = 8 << 10

// Authorizations are the use cases behind the page; core.Authorizations.
type Authorizations interface {
	CompleteConsent(ctx context.Context, by core.Actor, a core.ConsentAnswer) (*core.Connection, error)
}

// Sessions tell who is signed in; core.Sessions.
type Sessions interface {
	Authenticate(ctx context.Context, secret core.Secret) (*core.Admission, error)
}

// Options is what a Handler is made of.
type Options struct {
	Authorizations Authorizations
	Sessions       Sessions
	Cookie         string       // the name of the session's cookie
	Log            *slog.Logger // nil: nothing is logged
}

// Handler answers below /connect. It is safe for concurrent use and holds
// nothing that must be closed.
type Handler struct {
	o     Options
	pages *page.Frame
}

// New returns the handler.
func New(o Options) *Handler {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Handler{o: o, pages: page.New(page.Options{Log: o.Log})}
}

// Register adds the route.
func (h *Handler) Register(mux *http.ServeMux) {
	mux.HandleFunc("GET /connect/{adapter}/callback", h.callback)
}

// callback ends the attempt to connect that the browser brings, if the person
// who began it is signed in there. Whoever followed a link of somebody else's
// attempt is not, so nobody's ATS ends up with another's connection.
func (h *Handler) callback(w http.ResponseWriter, r *http.Request) {
	by, err := h.person(r)
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	if len(r.URL.RawQuery) > maxQuery {
		h.refuse(w, r, fault.New(fault.TooLarge, "The ATS sent more than it may. Nothing was changed."))
		return
	}
	query := r.URL.Query()
	c, err := h.o.Authorizations.CompleteConsent(r.Context(), by, core.ConsentAnswer{
		Adapter: r.PathValue("adapter"), State: core.Secret(query.Get("state")),
		Code: core.Secret(query.Get("code")), Problem: query.Get("error"),
	})
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	n := page.Notice{Title: "Connected", Text: "The connection " + c.Name + " works.", Advice: "You can close this page."}
	if c.Health.Status != core.HealthOK {
		n.Text = "The connection " + c.Name + " was made, but something is missing."
		n.Advice = "Its health in Trellis says what. You can close this page."
	}
	h.pages.Notice(w, r, http.StatusOK, n)
}

// person is who is signed in. Errors: fault.Unauthenticated.
func (h *Handler) person(r *http.Request) (core.Actor, error) {
	cookie, err := r.Cookie(h.o.Cookie)
	if err != nil || cookie.Value == "" {
		return core.Actor{}, fault.New(fault.Unauthenticated, "You are signed out.")
	}
	a, err := h.o.Sessions.Authenticate(r.Context(), core.Secret(cookie.Value))
	if err != nil {
		return core.Actor{}, err
	}
	return a.Actor, nil
}

// refuse says what happened. That of a wrong setting is for those who connect.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, err error) {
	e := fault.From(err)
	n := page.Notice{Title: "Not connected", Text: e.Message, Advice: "Begin again from the connection's settings in Trellis."}
	switch e.Code {
	case fault.Internal:
		h.pages.Fault(w, r, err)
		return
	case fault.Unauthenticated:
		n.Text = "Nobody is signed in to Trellis in this browser, so nothing was changed."
		n.Advice = "Sign in as who began, in this browser, and begin again from the connection's settings."
	default: // the message says it
	}
	status := page.Status(e.Code)
	if status >= http.StatusInternalServerError {
		h.o.Log.WarnContext(r.Context(), "a consent did not connect", "code", e.Code, "error", err)
		status = http.StatusBadGateway
	}
	h.pages.Notice(w, r, status, n)
}
