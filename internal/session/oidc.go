package session

import (
	"crypto/subtle"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/fault"
)

const (
	beginPath    = "/session/oidc"
	callbackPath = "/session/oidc/callback"
	// attemptCookie carries what one attempt to sign in must come back with.
	attemptCookie = "trellis_signin"
	// attemptValid is how long a person may take at the identity provider.
	attemptValid = 10 * time.Minute
)

// OIDC is the identity provider of the organization's people.
type OIDC struct {
	Issuer         string // https://…
	ClientID       string
	ClientSecret   core.Secret // empty for a public client
	OrganizationID core.ID     // whose people sign in
	RoleClaim      string      // the claim that tells roles or groups: a name, or a path with dots
	Roles          map[string]core.Role
	DefaultRole    core.Role    // of people without a role; empty: they are refused
	Key            []byte       // 32 bytes that sign the cookie of an attempt
	Client         *http.Client // default: with a deadline and a size cap
}

// begin sends a person to the identity provider.
func (h *Handler) begin(w http.ResponseWriter, r *http.Request) {
	config, _, err := h.oidc.ready(r.Context())
	if err != nil {
		h.failPage(w, r, err)
		return
	}
	a := newAttempt(h.o.Clock.Now().Add(attemptValid))
	http.SetCookie(w, h.attemptCookie(h.oidc.signer.sign(a), int(attemptValid.Seconds())))
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, config.AuthCodeURL(a.State, oidc.Nonce(a.Nonce), oauth2.S256ChallengeOption(a.Verifier)), http.StatusSeeOther)
}

// attemptCookie is Lax, because the provider's answer comes by a link of
// another site.
func (h *Handler) attemptCookie(value string, maxAge int) *http.Cookie {
	return &http.Cookie{ //nolint:gosec // Secure follows the public address
		Name: attemptCookie, Value: value, Path: beginPath, MaxAge: maxAge,
		HttpOnly: true, Secure: h.secure, SameSite: http.SameSiteLaxMode,
	}
}

// callback takes the provider's answer. Each attempt has one.
func (h *Handler) callback(w http.ResponseWriter, r *http.Request) {
	http.SetCookie(w, h.attemptCookie("", -1))
	person, err := h.answered(r)
	if err != nil {
		h.failPage(w, r, err)
		return
	}
	s, secret, err := h.o.Sessions.Admit(r.Context(), *person)
	if fault.Is(err, fault.NotFound) {
		err = fault.Wrap(err, fault.Config, "The organization that TRELLIS_OIDC_ORGANIZATION names does not exist. Tell an administrator.")
	}
	if err != nil {
		h.failPage(w, r, err)
		return
	}
	h.admit(w, r, s, secret)
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, h.o.Home, http.StatusSeeOther)
}

// answered checks the provider's answer and returns who signed in.
// Errors: fault.Unauthenticated, fault.Forbidden, fault.Retryable.
func (h *Handler) answered(r *http.Request) (*core.Person, error) {
	a, err := h.attemptOf(r)
	if err != nil {
		return nil, err
	}
	code := r.URL.Query().Get("code")
	if code == "" { // what the provider says instead is not shown: anybody can write it into a link
		return nil, fault.New(fault.Unauthenticated, "Your identity provider did not sign you in.")
	}
	return h.oidc.redeem(r.Context(), code, a)
}

// attemptOf returns the attempt that this browser began and the answer is to.
func (h *Handler) attemptOf(r *http.Request) (*attempt, error) {
	refused := fault.New(fault.Unauthenticated, "This answer belongs to no attempt of this browser, or it took longer than %d minutes.", int(attemptValid.Minutes()))
	c, err := r.Cookie(attemptCookie)
	if err != nil {
		return nil, refused
	}
	a, ok := h.oidc.signer.open(c.Value)
	state := r.URL.Query().Get("state")
	if !ok || subtle.ConstantTimeCompare([]byte(a.State), []byte(state)) != 1 || !h.o.Clock.Now().Before(a.Expires) {
		return nil, refused
	}
	return a, nil
}

// refusedBy tells a provider that says no from one that is away.
func refusedBy(err error) error {
	answer := new(oauth2.RetrieveError)
	if errors.As(err, &answer) && answer.Response != nil && answer.Response.StatusCode < http.StatusInternalServerError {
		return fault.Wrap(err, fault.Unauthenticated, "Your identity provider did not confirm the sign-in; each of its answers can be used once.")
	}
	return fault.Wrap(err, fault.Retryable, "Your identity provider does not answer. Try again in a moment.")
}

func retryAfter(w http.ResponseWriter, e *fault.Error) {
	if e.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(seconds(e.RetryAfter)))
	}
}
