package session

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/internal/httpd/page"
	"github.com/trellis-ats/trellis/internal/httpd/requestid"
)

// shown is the answer to "who am I".
type shown struct {
	ID           core.ID   `json:"id"`
	Organization core.ID   `json:"organizationId"`
	Role         core.Role `json:"role"`
	Name         string    `json:"name"`
	ExpiresAt    time.Time `json:"expiresAt"`
}

// problem is the answer to a request that was refused, with the ways to sign in.
type problem struct {
	Error struct {
		Code      fault.Code `json:"code"`
		Message   string     `json:"message"`
		RequestID string     `json:"requestId,omitempty"`
	} `json:"error"`
	SignIn struct {
		Token bool   `json:"token"`
		OIDC  string `json:"oidc,omitempty"` // the path to open
	} `json:"signIn"`
}

// show tells who is signed in.
func (h *Handler) show(w http.ResponseWriter, r *http.Request) {
	secret := held(r)
	if secret == "" {
		h.fail(w, r, fault.New(fault.Unauthenticated, "You are not signed in."))
		return
	}
	a, err := h.o.Sessions.Authenticate(r.Context(), secret)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	by := a.Actor
	writeJSON(w, http.StatusOK, shown{ID: by.ID, Organization: by.OrganizationID, Role: by.Role, Name: by.Name, ExpiresAt: a.Until})
}

// signIn begins a session with an API token, sent as JSON or by a form.
func (h *Handler) signIn(w http.ResponseWriter, r *http.Request) {
	token, err := tokenIn(w, r)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	s, secret, err := h.o.Sessions.SignIn(r.Context(), token)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.admit(w, r, s, secret)
	h.done(w, r)
}

// signOut ends the session; without one there is nothing to do.
func (h *Handler) signOut(w http.ResponseWriter, r *http.Request) {
	if secret := held(r); secret != "" {
		if err := h.o.Sessions.SignOut(r.Context(), secret); err != nil {
			h.fail(w, r, err)
			return
		}
	}
	gone := h.cookie("", time.Time{}) //nolint:gosec // as above
	gone.MaxAge = -1
	http.SetCookie(w, gone)
	h.done(w, r)
}

// done answers a program with nothing, and leads a person to the first page.
func (h *Handler) done(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if wantsPage(r) {
		http.Redirect(w, r, h.o.Home, http.StatusSeeOther)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func wantsPage(r *http.Request) bool { return strings.Contains(r.Header.Get("Accept"), "text/html") }

// tokenIn reads the token that a request brings.
// Errors: fault.Invalid, fault.TooLarge.
func tokenIn(w http.ResponseWriter, r *http.Request) (core.Secret, error) {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")) // what cannot be read is refused below
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
		return "", fault.New(fault.TooLarge, "The request is larger than %d bytes.", tooLarge.Limit)
	}
	if err != nil {
		return "", fault.Wrap(err, fault.Invalid, "The request could not be read to its end.")
	}
	token, ok := "", false
	switch kind {
	case "application/json":
		var body struct {
			Token string `json:"token"`
		}
		ok = json.Unmarshal(raw, &body) == nil
		token = body.Token
	case "application/x-www-form-urlencoded":
		values, err := url.ParseQuery(string(raw))
		token, ok = values.Get("token"), err == nil
	}
	if token = strings.TrimSpace(token); !ok || token == "" {
		return "", fault.InvalidField("token", "REQUIRED", `Send {"token": "trl_…"} as application/json, or a form with the field token.`)
	}
	return core.Secret(token), nil
}

// fail answers a person with a page and a program with JSON. An error of ours
// is logged here.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	if wantsPage(r) {
		h.failPage(w, r, err)
		return
	}
	e := fault.From(err)
	status := page.Status(e.Code)
	h.note(r, status, e)
	var p problem
	p.Error.Code, p.Error.Message, p.Error.RequestID = e.Code, e.Message, requestid.From(r.Context())
	p.SignIn.Token = true
	if h.oidc != nil {
		p.SignIn.OIDC = beginPath
	}
	retryAfter(w, e)
	writeJSON(w, status, p)
}

// failPage tells a person why they are not signed in, and what to do.
func (h *Handler) failPage(w http.ResponseWriter, r *http.Request, err error) {
	e := fault.From(err)
	status := page.Status(e.Code)
	h.note(r, status, e)
	retryAfter(w, e)
	h.pages.Notice(w, r, status, page.Notice{
		Title: "You were not signed in", Text: e.Message, Advice: "Go back to the first page to sign in again.",
		RequestID: requestid.From(r.Context()),
	})
}

func (h *Handler) note(r *http.Request, status int, e *fault.Error) {
	if status >= http.StatusInternalServerError || e.Cause != nil {
		h.o.Log.WarnContext(r.Context(), "sign-in failed", "code", e.Code, "error", e, "requestId", requestid.From(r.Context()))
	}
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the caller may be gone; there is nobody to tell
}
