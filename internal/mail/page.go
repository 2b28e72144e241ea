package mail

import (
	"context"
	"embed"
	"log/slog"
	"net/http"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/internal/httpd/page"
)

//go:embed candidate
var candidateBodies embed.FS

// maxForm bounds the posted form, in bytes.
const maxForm = 4 << 10

// Invitations are the use cases behind the candidate's page; core.Invitations.
type Invitations interface {
	Open(ctx context.Context, token string) (*core.Invitation, error)
	Accept(ctx context.Context, token string, consent bool) (string, error)
}

// PageOptions are what the candidate's page needs.
type PageOptions struct {
	Invitations Invitations
	Log         *slog.Logger
}

// Page is what a candidate sees behind the link of the invitation.
type Page struct {
	invitations Invitations
	pages       *page.Frame
}

// NewPage returns the page.
func NewPage(o PageOptions) *Page {
	return &Page{invitations: o.Invitations, pages: page.New(page.Options{
		Bodies: sub(candidateBodies, "candidate"), Style: candidateStyle, Log: o.Log,
		ReferrerPolicy: "same-origin", AnyFormTarget: true, // the form leads to the engine's host
	})}
}

//go:embed candidate/candidate.css
var candidateStyle string

// Register adds GET and POST /a/{token}. Cross-site posts are refused by the
// middleware of httpd.
func (p *Page) Register(mux *http.ServeMux) {
	mux.HandleFunc("GET /a/{token}", p.open)
	mux.HandleFunc("POST /a/{token}", p.accept)
}

func (p *Page) open(w http.ResponseWriter, r *http.Request) {
	i, err := p.invitations.Open(r.Context(), r.PathValue("token"))
	if err != nil {
		p.fault(w, r, err)
		return
	}
	p.show(w, r, i, http.StatusOK, "")
}

func (p *Page) accept(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		p.fault(w, r, fault.Wrap(err, fault.Invalid, "The form could not be read; nothing was changed. Go back and try again."))
		return
	}
	address, err := p.invitations.Accept(r.Context(), r.PathValue("token"), r.PostForm.Get("consent") == "yes")
	switch {
	case err == nil:
		p.pages.Private(w)
		http.Redirect(w, r, address, http.StatusSeeOther)
	case fault.Is(err, fault.Invalid), fault.Is(err, fault.Conflict):
		p.again(w, r, err)
	default:
		p.fault(w, r, err)
	}
}

// again shows the page after a refusal: the form with what is missing, or the
// state that the assessment has reached meanwhile.
func (p *Page) again(w http.ResponseWriter, r *http.Request, cause error) {
	i, err := p.invitations.Open(r.Context(), r.PathValue("token"))
	if err != nil {
		p.fault(w, r, err)
		return
	}
	e := fault.From(cause)
	p.show(w, r, i, page.Status(e.Code), e.Message)
}

func (p *Page) fault(w http.ResponseWriter, r *http.Request, err error) {
	if !fault.Is(err, fault.NotFound) {
		p.pages.Fault(w, r, err)
		return
	}
	p.pages.Notice(w, r, http.StatusNotFound, page.Notice{
		Title: "This link is not valid", Text: "It may have been cut off on the way. Open it again from the mail, or copy the whole address into your browser.",
		Advice: "If that does not help, ask the company that invited you for a new invitation.",
	})
}

// form is what the candidate's page shows.
type form struct {
	*core.Invitation
	Wording   wording
	Duration  string
	About     []string // the description, by paragraph
	Continues bool
	Problem   string
}

// show answers with the form, or with the state if the test cannot be taken.
// status and problem are those of a refused post; 200 and "" otherwise.
func (p *Page) show(w http.ResponseWriter, r *http.Request, i *core.Invitation, status int, problem string) {
	if n, own, ok := stateNotice(i); ok {
		if own == http.StatusOK {
			own = status
		}
		p.pages.Notice(w, r, own, n)
		return
	}
	f := form{
		Invitation: i, Wording: wordingOf(i.Modality), Duration: durationOf(i.DurationMinutes),
		About: paragraphs(page.Text(i.Description)), Continues: i.Status == core.StatusStarted, Problem: problem,
	}
	p.pages.Write(w, r, status, "invitation", page.View{Title: i.TestName, Organization: i.Organization, Data: f})
}

// stateNotice tells why a test cannot be taken, and the status that says so.
func stateNotice(i *core.Invitation) (page.Notice, int, bool) {
	n := page.Notice{Organization: i.Organization}
	switch i.Status {
	case core.StatusOrdered, core.StatusInvited, core.StatusStarted:
		return n, 0, false
	case core.StatusCompleted, core.StatusScored:
		n.Title = "You have taken this test"
		n.Text = "Thank you. Your answers to " + i.TestName + " were received; there is nothing more for you to do here."
		n.Advice = i.Organization + " will tell you about the next step."
		return n, http.StatusOK, true
	case core.StatusExpired:
		n.Title = "This invitation has expired"
		n.Text = "The test could be started until " + page.Moment(i.ExpiresAt) + "."
		n.Advice = "If you would still like to take it, ask " + i.Organization + " for a new invitation."
	case core.StatusCancelled:
		n.Title = "This invitation was withdrawn"
		n.Text = i.Organization + " no longer needs you to take " + i.TestName + "."
		n.Advice = "If you think that this is a mistake, ask " + i.Organization + "."
	default:
		n.Title = "This test could not be finished"
		n.Text = "Something went wrong with your test, and it cannot go on. It is not your fault, and " + i.Organization + " can see that it failed."
		n.Advice = "Ask " + i.Organization + " for a new invitation."
	}
	return n, http.StatusGone, true
}
