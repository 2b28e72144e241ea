// Package report is what a hiring manager sees behind a report's link: the
// page, and the same as a PDF.
package report

import (
	"context"
	"embed"
	"io/fs"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/internal/httpd/page"
)

//go:embed bodies/*.html
var bodies embed.FS

//go:embed bodies/report.css
var style string

// Reports are the use cases behind the pages; core.Reports.
type Reports interface {
	Follow(ctx context.Context, token string) (string, error)
	View(ctx context.Context, token string) (*core.ReportView, error)
	Sheet(ctx context.Context, token string) (*core.ReportSheet, error)
}

// Options are what the pages need.
type Options struct {
	Reports Reports
	Printer core.ReportPrinter
	Log     *slog.Logger
}

// Pages are the permalink and the report. They are safe for concurrent use.
type Pages struct {
	reports Reports
	press   core.ReportPrinter
	pages   *page.Frame
	prose   *prose
}

// New returns the pages.
func New(o Options) *Pages {
	folder, err := fs.Sub(bodies, "bodies")
	if err != nil {
		panic(err) // it was compiled in
	}
	return &Pages{
		reports: o.Reports, press: o.Printer, prose: newProse(),
		pages: page.New(page.Options{Bodies: folder, Style: style, Log: o.Log}),
	}
}

// Register adds GET /r/{token} and GET /report/{token}. With ".pdf" after the
// token they lead to the PDF and are it.
func (p *Pages) Register(mux *http.ServeMux) {
	mux.HandleFunc("GET /r/{token}", p.follow)
	mux.HandleFunc("GET /report/{token}", p.show)
}

// asPDF ends the address of what is a PDF.
const asPDF = ".pdf"

// follow leads from the permalink to the address that is signed for this click.
func (p *Pages) follow(w http.ResponseWriter, r *http.Request) {
	token, pdf := strings.CutSuffix(r.PathValue("token"), asPDF)
	address, err := p.reports.Follow(r.Context(), token)
	if err != nil {
		p.fault(w, r, err)
		return
	}
	if pdf {
		address += asPDF
	}
	p.pages.Private(w)
	http.Redirect(w, r, address, http.StatusFound)
}

func (p *Pages) show(w http.ResponseWriter, r *http.Request) {
	if token, pdf := strings.CutSuffix(r.PathValue("token"), asPDF); pdf {
		p.print(w, r, token)
		return
	}
	v, err := p.reports.View(r.Context(), r.PathValue("token"))
	if err != nil {
		p.fault(w, r, err)
		return
	}
	s := p.sheet(v)
	s.Print = (&url.URL{Path: "/report/" + r.PathValue("token") + asPDF}).EscapedPath()
	p.pages.Write(w, r, http.StatusOK, "report", page.View{
		Title: v.Candidate.Name() + " · " + v.Test.Name, Organization: v.Organization.Name, Wide: true, Data: s,
	})
}

// print answers with the PDF, as a file to keep.
func (p *Pages) print(w http.ResponseWriter, r *http.Request, token string) {
	s, err := p.reports.Sheet(r.Context(), token)
	if err != nil {
		p.fault(w, r, err)
		return
	}
	made, err := p.press.PDF(r.Context(), s)
	if err != nil {
		p.fault(w, r, err)
		return
	}
	p.pages.Private(w)
	w.Header().Set("Content-Type", "application/pdf")
	w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": fileName(s.Candidate + " – " + s.Test)}))
	w.Header().Set("Content-Length", strconv.Itoa(len(made)))
	_, _ = w.Write(made) // the browser may be gone; there is nobody to tell
}

// fileName is text without what file systems give a meaning to, and no longer
// than they take.
func fileName(text string) string {
	text = strings.Map(func(r rune) rune {
		if strings.ContainsRune(`/\:*?"<>|`, r) {
			return '-'
		}
		return r
	}, page.Line(text))
	runes := []rune(text)
	return string(runes[:min(len(runes), 60)]) + asPDF
}

func (p *Pages) fault(w http.ResponseWriter, r *http.Request, err error) {
	switch e := fault.From(err); e.Code {
	case fault.NotFound:
		p.pages.Notice(w, r, http.StatusNotFound, page.Notice{
			Title: "There is no report here", Text: e.Message,
			Advice: "A report is here once its test is scored. If it was, open it again from your applicant tracking system.",
		})
	case fault.Forbidden:
		p.pages.Notice(w, r, http.StatusForbidden, page.Notice{Title: "This view of the report has expired", Text: e.Message})
	default:
		p.pages.Fault(w, r, err)
	}
}
