package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

const (
	mailEvery    = 300 * time.Millisecond
	mailPatience = 2 * time.Minute
	clockSlack   = 2 * time.Second
)

// beCandidate takes the test as a person would: reads the mail, opens the link,
// consents, and presses the button on the engine's page.
func (s *Sandbox) beCandidate(ctx context.Context, number int) {
	o, ok := s.book.order(number)
	if !ok {
		return
	}
	link, err := s.readMail(ctx, o)
	if err == nil {
		err = s.walk(ctx, o, link)
	}
	if err != nil && ctx.Err() == nil {
		s.book.note(number, Call{Who: "Candidate", Whom: "Candidate", Note: err.Error(), Bad: true})
	}
}

// readMail waits for the invitation.
func (s *Sandbox) readMail(ctx context.Context, o Order) (string, error) {
	patience, cancel := context.WithTimeout(ctx, mailPatience)
	defer cancel()
	for {
		r, err := s.call(patience, outgoing{number: o.Number, who: "Candidate", method: http.MethodGet, url: s.o.TrellisURL + "/dev/mail", accept: "application/json", unlisted: true})
		if err == nil && r.status == http.StatusNotFound {
			return "", errors.New("there is no mailbox to read at /dev/mail; open the invitation yourself")
		}
		if err == nil && r.ok() {
			if link := s.invitation(r.body, o); link != "" {
				s.book.note(o.Number, Call{Who: "Candidate", Whom: "Candidate", Note: "got the invitation by mail"})
				return link, nil
			}
		}
		if !pause(patience, mailEvery) {
			return "", errors.New("no invitation came by mail")
		}
	}
}

// invitation finds the oldest link, not yet taken, in the mails to the
// candidate since the order.
func (s *Sandbox) invitation(mailbox []byte, o Order) string {
	var mails []struct {
		To, Text string
		SentAt   time.Time
	}
	if json.Unmarshal(mailbox, &mails) != nil {
		return ""
	}
	for _, m := range slices.Backward(mails) {
		if !strings.Contains(strings.ToLower(m.To), o.Person.Email) || m.SentAt.Before(o.SentAt.Add(-clockSlack)) {
			continue
		}
		if link := linkIn(m.Text); link != "" && s.book.claim(link) {
			return link
		}
	}
	return ""
}

// linkIn returns the address of an invitation in the text of a mail.
func linkIn(text string) string {
	for _, word := range strings.Fields(text) {
		u, err := url.Parse(word)
		if err == nil && strings.HasPrefix(u.Scheme, "http") && strings.HasPrefix(u.Path, "/a/") {
			return word
		}
	}
	return ""
}

// walk goes from the invitation to the engine's button.
func (s *Sandbox) walk(ctx context.Context, o Order, link string) error {
	landing, err := s.submit(ctx, o, link, url.Values{"consent": {"yes"}})
	if err != nil {
		return err
	}
	_, err = s.submit(ctx, o, landing, nil)
	return err
}

// submit opens a page, fills in and sends its form, and returns where that leads.
func (s *Sandbox) submit(ctx context.Context, o Order, page string, fill url.Values) (string, error) {
	shown, err := s.call(ctx, outgoing{number: o.Number, who: "Candidate", method: http.MethodGet, url: page, accept: "text/html"})
	if err != nil || !shown.ok() {
		return "", errors.New("the page could not be opened")
	}
	target, fields, err := readForm(page, string(shown.body))
	if err != nil {
		return "", err
	}
	for name, values := range fill {
		fields[name] = values
	}
	sent, err := s.call(ctx, outgoing{number: o.Number, who: "Candidate", method: http.MethodPost, url: target, form: fields, accept: "text/html"})
	if err != nil {
		return "", errors.New("the form could not be sent")
	}
	if sent.status != http.StatusSeeOther && sent.status != http.StatusFound {
		return "", fmt.Errorf("the form was answered %d, not with the way on", sent.status)
	}
	return resolve(target, sent.header.Get("Location"))
}

// readForm finds the first form that is posted, its target and its fields but
// for boxes that a person would have to tick. It reads the plain HTML of the
// pages here, not any HTML.
func readForm(page, source string) (string, url.Values, error) {
	forms := regexp.MustCompile(`(?is)<form\b([^>]*)>(.*?)</form>`).FindAllStringSubmatch(source, -1)
	for _, form := range forms {
		if !strings.EqualFold(attribute(form[1], "method"), "post") {
			continue
		}
		fields := url.Values{}
		for _, input := range regexp.MustCompile(`(?is)<input\b([^>]*)>`).FindAllStringSubmatch(form[2], -1) {
			kind := strings.ToLower(attribute(input[1], "type"))
			if name := attribute(input[1], "name"); name != "" && kind != "checkbox" && kind != "radio" {
				fields.Add(name, attribute(input[1], "value"))
			}
		}
		target, err := resolve(page, attribute(form[1], "action"))
		return target, fields, err
	}
	return "", nil, errors.New("the page has no form")
}

// attribute returns the value of a quoted attribute.
func attribute(tag, name string) string {
	m := regexp.MustCompile(`(?is)(?:^|\s)` + name + `\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))`).FindStringSubmatch(tag)
	if m == nil {
		return ""
	}
	return html.UnescapeString(m[1] + m[2] + m[3])
}

func resolve(base, reference string) (string, error) {
	b, err := url.Parse(base)
	if err != nil {
		return "", errors.New("the page's address cannot be read")
	}
	u, err := b.Parse(reference)
	if err != nil {
		return "", errors.New("the page leads to an address that cannot be read")
	}
	return u.String(), nil
}
