// Package page is the frame of all pages that Trellis shows to people without
// an account: candidates and hiring managers. It brings the layout, the style,
// the headers and the notices, so that a page is its own body only.
package page

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"path"
	"strings"

	"github.com/trellis-ats/trellis/internal/httpd/requestid"
)

//go:embed layout.html
var layoutSource string

//go:embed notice.html
var noticeSource string

//go:embed style.css
var styleSource string

// Options are what a frame is made of.
type Options struct {
	Bodies fs.FS  // each file named *.html is a body, called by its name without the ending
	Style  string // added to the shared style
	// ReferrerPolicy is no-referrer if empty. A page with a form needs
	// same-origin: under no-referrer a browser sends "Origin: null" with the
	// form, which cannot be told from a cross-site one.
	ReferrerPolicy string
	// AnyFormTarget is for a form whose answer leads to another host: browsers
	// apply form-action to redirects too. Otherwise a page may hold no form.
	AnyFormTarget bool
	Log           *slog.Logger
}

// Frame sets bodies into the layout. It is safe for concurrent use.
type Frame struct {
	bodies   map[string]*template.Template
	style    template.CSS
	policy   string
	referrer string
	log      *slog.Logger
}

// View is one page.
type View struct {
	Title        string // of the window
	Organization string // the hiring company, above the body; empty: none
	Wide         bool
	Data         any // for the body
}

// New returns a frame. It panics on a template that does not parse, since
// templates are part of the program.
func New(o Options) *Frame {
	style := styleSource + o.Style
	f := &Frame{bodies: map[string]*template.Template{}, style: template.CSS(style), referrer: o.ReferrerPolicy, log: o.Log} //nolint:gosec // our own files
	if f.referrer == "" {
		f.referrer = "no-referrer"
	}
	if f.log == nil {
		f.log = slog.New(slog.DiscardHandler)
	}
	f.policy = contentPolicy(style, o.AnyFormTarget)
	f.add("notice", noticeSource)
	if o.Bodies == nil {
		return f
	}
	files, err := fs.Glob(o.Bodies, "*.html")
	if err != nil {
		panic(err)
	}
	for _, file := range files {
		source, err := fs.ReadFile(o.Bodies, file)
		if err != nil {
			panic(err)
		}
		f.add(strings.TrimSuffix(path.Base(file), ".html"), string(source))
	}
	return f
}

func (f *Frame) add(name, source string) {
	layout := template.Must(template.New("layout").Funcs(functions()).Parse(layoutSource))
	f.bodies[name] = template.Must(layout.New("body").Parse(source))
}

// contentPolicy allows the one inline style by its hash and nothing else.
func contentPolicy(style string, anyFormTarget bool) string {
	sum := sha256.Sum256([]byte(style))
	policy := "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; img-src data:; base-uri 'none'; frame-ancestors 'none'"
	if !anyFormTarget {
		policy += "; form-action 'none'"
	}
	return policy
}

// Write answers with a body. What the templates made of texts from outside is
// cleaned once more as a whole, see Text.
func (f *Frame) Write(w http.ResponseWriter, r *http.Request, status int, body string, v View) {
	var out bytes.Buffer
	err := f.execute(&out, r, body, v)
	if err != nil {
		f.log.ErrorContext(r.Context(), "page not rendered", "page", body, "error", err, "requestId", requestid.From(r.Context()))
		f.Private(w)
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = io.WriteString(w, "This page could not be shown. Request id: "+requestid.From(r.Context())+"\n")
		return
	}
	f.Private(w)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(Text(out.String()))) // the browser may be gone; there is nobody to tell
}

func (f *Frame) execute(out *bytes.Buffer, r *http.Request, body string, v View) error {
	t, ok := f.bodies[body]
	if !ok {
		return fmt.Errorf("page: no body %q", body)
	}
	return t.ExecuteTemplate(out, "layout", struct {
		View
		Style     template.CSS
		RequestID string
	}{v, f.style, requestid.From(r.Context())})
}

// Private sets the headers of an answer that is for one person: not stored,
// not indexed, not framed, its address not told to others.
func (f *Frame) Private(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", f.policy)
	h.Set("Referrer-Policy", f.referrer)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-Robots-Tag", "noindex, nofollow")
}
