package sandbox

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/trellis-ats/trellis/internal/sandbox/account"
)

//go:embed assets
var assets embed.FS

const (
	shownOrders     = 30
	shownCandidates = 30
	longestWait     = 20 * time.Second
)

// pages are the sandbox's templates.
type pages struct{ set *template.Template }

func newPages() (*pages, error) {
	set, err := template.New("").Funcs(template.FuncMap{
		"clock":  func(t time.Time) string { return t.Format("15:04:05") },
		"number": func(f any) string { return strconv.FormatFloat(f.(float64), 'f', -1, 64) },
		"web":    isWebAddress,
		"chip":   chip,
		"words":  func(constant string) string { return strings.ToLower(strings.ReplaceAll(constant, "_", " ")) },
	}).ParseFS(assets, "assets/*.html")
	return &pages{set: set}, err
}

// isWebAddress tells what may be shown as a link.
func isWebAddress(v any) bool {
	s, ok := v.(string)
	return ok && webAddress("", s) == nil
}

// chip is the colour of a score: green from 75, yellow from 55, else red.
func chip(score any) string {
	f, ok := score.(float64)
	if p, is := score.(*float64); is && p != nil {
		f, ok = *p, true
	}
	switch {
	case !ok:
		return "none"
	case f >= 75:
		return "green"
	case f >= 55:
		return "yellow"
	default:
		return "red"
	}
}

func (p *pages) write(w http.ResponseWriter, name string, data any) {
	var b bytes.Buffer
	if err := p.set.ExecuteTemplate(&b, name, data); err != nil {
		http.Error(w, "The page could not be written.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(b.Bytes()) // the browser may be gone; there is nobody to tell
}

// view is what the home page shows.
type view struct {
	State
	TrellisURL string
	Kinds      []string // of faults
	Account    account.View
	Vendor     bool // there is one
	Pushed     []pushedView
}

// pushedView is an assessment of the vendor's with what came of it in the account.
type pushedView struct {
	Order
	Candidate *account.CandidateView // nil: not there, or not any more
}

func (s *Sandbox) view() view {
	v := view{
		State: s.stateNow(shownOrders), TrellisURL: s.o.TrellisURL, Kinds: []string{"500", "429", "404", "hang"},
		Account: s.account.View(shownCandidates), Vendor: s.o.Vendor.Token != "",
	}
	for _, o := range v.Assessed {
		p := pushedView{Order: o}
		if push := o.Assessed.Push; push != nil {
			p.Candidate = v.Account.Take(push.CandidateExternalID)
		}
		v.Pushed = append(v.Pushed, p)
	}
	return v
}

func (s *Sandbox) stateNow(limit int) State {
	st := s.book.snapshot(limit)
	st.Mode, st.Faults = s.o.Mode, s.faults.get()
	return st
}

// home shows all; like the stage's configuration in Greenhouse it asks for the tests.
func (s *Sandbox) home(w http.ResponseWriter, r *http.Request) {
	s.refreshTests(r.Context())
	s.refreshJobs(r.Context())
	s.pages.write(w, "home", s.view())
}

// board is the part of the page that changes. With ?after=VERSION it waits for news.
func (s *Sandbox) board(w http.ResponseWriter, r *http.Request) {
	s.await(r)
	v := s.view()
	w.Header().Set("X-Version", strconv.Itoa(v.Version))
	s.pages.write(w, "board", v)
}

// state is all as JSON. With ?after=VERSION it waits for news, at most 20 s.
func (s *Sandbox) state(w http.ResponseWriter, r *http.Request) {
	s.await(r)
	writeJSON(w, s.stateNow(maxOrders))
}

func (s *Sandbox) await(r *http.Request) {
	after, err := strconv.Atoi(r.URL.Query().Get("after"))
	if err != nil {
		return
	}
	timer := time.NewTimer(longestWait)
	defer timer.Stop()
	select {
	case <-s.book.watch(after):
	case <-timer.C:
	case <-r.Context().Done():
	case <-s.ctx.Done():
	}
}

// asset serves style and script.
func (s *Sandbox) asset(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	content, err := assets.ReadFile("assets/" + name)
	switch {
	case err != nil:
		http.NotFound(w, r)
		return
	case strings.HasSuffix(name, ".css"):
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
	case strings.HasSuffix(name, ".js"):
		w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	default:
		http.NotFound(w, r)
		return
	}
	_, _ = w.Write(content)
}

// send is the "Send Test" button: candidate and test, by their ids.
func (s *Sandbox) send(w http.ResponseWriter, r *http.Request) {
	id, _ := strconv.Atoi(r.PostFormValue("candidate"))
	p, ok := personByID(id)
	if !ok {
		http.Error(w, "There is no such candidate.", http.StatusNotFound)
		return
	}
	t, ok := s.book.test(r.PostFormValue("test"))
	if !ok {
		s.refreshTests(r.Context())
		t, ok = s.book.test(r.PostFormValue("test"))
	}
	if !ok {
		http.Error(w, "There is no such test.", http.StatusNotFound)
		return
	}
	s.after(w, r, s.sendTest(r.Context(), p, t))
}

// setAuto switches the automatic candidate for the orders to come: on=true or on=false.
func (s *Sandbox) setAuto(w http.ResponseWriter, r *http.Request) {
	on, err := strconv.ParseBool(r.PostFormValue("on"))
	if err != nil {
		http.Error(w, "on must be true or false.", http.StatusBadRequest)
		return
	}
	s.book.change(func() { s.book.auto = on })
	s.after(w, r, map[string]bool{"autoCandidate": on})
}

// profile is what greenhouse_profile_url leads to.
func (s *Sandbox) profile(w http.ResponseWriter, r *http.Request) {
	id, _ := strconv.Atoi(r.PathValue("number"))
	if _, ok := personByID(id); ok {
		http.Redirect(w, r, fmt.Sprintf("/#person-%d", id), http.StatusFound)
		return
	}
	if !s.account.Knows(int64(id)) {
		http.NotFound(w, r)
		return
	}
	http.Redirect(w, r, fmt.Sprintf("/#candidate-%d", id), http.StatusFound)
}
