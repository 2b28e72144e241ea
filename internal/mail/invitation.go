// Package mail brings invitations to candidates: the mail, the ways to send it
// and the page behind its link.
package mail

import (
	"bytes"
	"embed"
	"fmt"
	html "html/template"
	"strings"
	text "text/template"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/internal/httpd/page"
)

//go:embed templates
var templates embed.FS

// letter is a mail to a candidate, ready to be sent by any Mailer.
type letter struct {
	To, Subject, Text, HTML string
}

// kind is what a candidate is told.
type kind string

// The kinds, which are the names of their templates.
const (
	invitation kind = "invitation"
	withdrawal kind = "withdrawal"
)

// words are what the templates set; all cleaned of what could mislead.
type words struct {
	Subject, Name, Organization, Test, Description string
	Paragraphs                                     []string
	Modality                                       wording
	Duration, Until, URL                           string
}

// writer renders letters. It is safe for concurrent use.
type writer struct {
	text *text.Template
	html *html.Template
}

func newWriter() *writer {
	return &writer{
		text: text.Must(text.ParseFS(templates, "templates/*.txt")),
		html: html.Must(html.ParseFS(templates, "templates/*.html")),
	}
}

// write renders what is told of i. Errors: fault.Invalid for an address that no
// mail can go to.
func (w *writer) write(k kind, i *core.Invitation) (*letter, error) {
	if err := core.ValidateEmail("candidate.email", i.To); err != nil {
		return nil, err
	}
	v := wordsOf(i)
	if k == withdrawal {
		v.Subject = fmt.Sprintf("You no longer need to take the test: %s", v.Test)
	}
	var plain, rich bytes.Buffer
	if err := w.text.ExecuteTemplate(&plain, string(k)+".txt", v); err != nil {
		return nil, fmt.Errorf("mail: %w", err)
	}
	if err := w.html.ExecuteTemplate(&rich, string(k)+".html", v); err != nil {
		return nil, fmt.Errorf("mail: %w", err)
	}
	return &letter{To: i.To, Subject: v.Subject, Text: plain.String(), HTML: rich.String()}, nil
}

func wordsOf(i *core.Invitation) words {
	description := strings.TrimSpace(page.Text(i.Description))
	organization, test := page.Line(i.Organization), page.Line(i.TestName)
	return words{
		Subject: fmt.Sprintf("%s invites you: %s", organization, test),
		Name:    page.Line(i.CandidateName), Organization: organization, Test: test,
		Description: description, Paragraphs: paragraphs(description),
		Modality: wordingOf(i.Modality), Duration: durationOf(i.DurationMinutes),
		Until: page.Moment(i.ExpiresAt), URL: i.URL,
	}
}

// paragraphs splits a text at its blank lines.
func paragraphs(s string) []string {
	var out []string
	for p := range strings.SplitSeq(strings.ReplaceAll(s, "\r\n", "\n"), "\n\n") {
		if p = strings.TrimSpace(p); p != "" {
			out = append(out, p)
		}
	}
	return out
}

var (
	_ core.Mailer = (*SMTP)(nil)
	_ core.Mailer = (*Mailbox)(nil)
)

// refused is the error for an address that will not take the mail, whoever says so.
func refused(cause error) error {
	e := fault.InvalidField("candidate.email", "REFUSED",
		"The mail server refused the candidate's address for good; the mail was not sent. Correct the address and send it again.")
	e.Cause = cause
	return e
}
