// Package report is the page that a hiring manager sees behind a report's link.
package report

import (
	"context"
	"embed"
	"io/fs"
	"log/slog"
	"net/http"

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
}

// Options are what the pages need.
type Options struct {
	Reports Reports
	Log     *slog.Logger
}

// Pages are the permalink and the report. They are safe for concurrent use.
type Pages struct {
	reports Reports
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
		reports: o.Reports, prose: newProse(),
		pages: page.New(page.Options{Bodies: folder, Style: style, Log: o.Log}),
	}
}

// Register adds GET /r/{token} and GET /report/{token}.
func (p *Pages) Register(mux *http.ServeMux) {
	mux.HandleFunc("GET /r/{token}", p.follow)
	mux.HandleFunc("GET /report/{token}", p.show)
}

// follow leads from the permalink to the address that is signed for this click.
func (p *Pages) follow(w http.ResponseWriter, r *http.Request) {
	address, err := p.reports.Follow(r.Context(), r.PathValue("token"))
	if err != nil {
		p.fault(w, r, err)
		return
	}
	p.pages.Private(w)
	http.Redirect(w, r, address, http.StatusFound)
}

func (p *Pages) show(w http.ResponseWriter, r *http.Request) {
	v, err := p.reports.View(r.Context(), r.PathValue("token"))
	if err != nil {
		p.fault(w, r, err)
		return
	}
	p.pages.Write(w, r, http.StatusOK, "report", page.View{
		Title: v.Candidate.Name() + " · " + v.Test.Name, Organization: v.Organization.Name, Wide: true, Data: p.sheet(v),
	})
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
