package account

import (
	"crypto/rand"
	"embed"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

//go:embed consent.html
var consentPage embed.FS

// asked is what a partner asks of a person.
type asked struct {
	ClientID, Redirect, State, Scope string
	Scopes                           []string
	Users                            []*user
	Organization                     string
}

// readAsked checks the parameters of /oauth/authorize, or says what is wrong.
func (a *Account) readAsked(q url.Values) (asked, string) {
	ask := asked{
		ClientID: q.Get("client_id"), Redirect: q.Get("redirect_uri"), State: q.Get("state"), Scope: q.Get("scope"),
		Scopes: strings.Fields(q.Get("scope")), Organization: OrganizationName,
	}
	c, ok := a.oauth.clients[ask.ClientID]
	switch u, err := url.Parse(ask.Redirect); {
	case !ok || !c.partner:
		return ask, "The client is not known here, or it is not a partner's."
	case err != nil || u.Fragment != "" || u.Scheme != "http" && u.Scheme != "https" || !slices.Contains(a.o.RedirectHosts, u.Host):
		return ask, "The address to return to is not one of the partner's."
	case q.Get("response_type") != "code":
		return ask, "The response_type must be code."
	case len(ask.Scopes) == 0:
		return ask, "No scope was asked for."
	}
	for _, s := range ask.Scopes {
		if !slices.Contains(c.scopes, s) {
			return ask, "The partner may not ask for the scope " + s + "."
		}
	}
	for _, u := range a.world.users.rows {
		if !u.service && !u.Deactivated {
			ask.Users = append(ask.Users, u)
		}
	}
	return ask, ""
}

// askConsent is the page on which a person of the customer allows or refuses.
func (a *Account) askConsent(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	ask, why := a.readAsked(r.URL.Query())
	a.mu.Unlock()
	if why != "" {
		http.Error(w, why, http.StatusBadRequest)
		return
	}
	page, err := template.ParseFS(consentPage, "consent.html")
	if err != nil {
		http.Error(w, "The page could not be written.", http.StatusInternalServerError)
		return
	}
	back, _ := url.Parse(ask.Redirect) // it was checked
	policy := w.Header().Get("Content-Security-Policy")
	w.Header().Set("Content-Security-Policy", strings.Replace(policy, "form-action 'self'", "form-action 'self' "+back.Scheme+"://"+back.Host, 1)) // the form leads back there
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = page.Execute(w, ask) // the browser may be gone; there is nobody to tell
}

// giveConsent takes the page's form: the same parameters, user, service=yes
// for a service account, allow=yes or no.
func (a *Account) giveConsent(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm() // what cannot be read is missing
	a.mu.Lock()
	ask, why := a.readAsked(r.Form)
	var back string
	if why == "" {
		back, why = a.consent(ask, r.Form)
	}
	a.mu.Unlock()
	if why != "" {
		http.Error(w, why, http.StatusBadRequest)
		return
	}
	http.Redirect(w, r, back, http.StatusSeeOther)
}

// consent returns the address to go back to.
func (a *Account) consent(ask asked, form url.Values) (string, string) {
	back, _ := url.Parse(ask.Redirect) // it was checked
	q := back.Query()
	q.Set("state", ask.State)
	at := slices.IndexFunc(ask.Users, func(u *user) bool { return u.ID == number(form.Get("user")) })
	switch {
	case form.Get("allow") != "yes":
		q.Set("error", "access_denied")
		back.RawQuery = q.Encode()
		return back.String(), ""
	case at < 0:
		return "", "There is no such user."
	}
	acting := ask.Users[at].ID
	if form.Get("service") == "yes" {
		if !ask.Users[at].SiteAdmin {
			return "", "Only site admins may authorize with a service account."
		}
		acting = UserService
	}
	code := rand.Text()
	now := a.clock.Now()
	a.oauth.forget(now)
	a.oauth.codes[code] = grant{
		client: ask.ClientID, user: acting, scopes: ask.Scopes, redirect: ask.Redirect, expires: now.Add(milliseconds(a.rules.CodeTTLMS)),
	}
	q.Set("code", code)
	back.RawQuery = q.Encode()
	return back.String(), ""
}
