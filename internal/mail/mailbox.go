package mail

import (
	"context"
	"embed"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/internal/httpd/page"
)

//go:embed mailbox
var mailboxBodies embed.FS

// Message is one mail in a mailbox.
type Message struct {
	ID      string    `json:"id"`
	About   core.ID   `json:"assessmentId"`
	To      string    `json:"to"`
	Subject string    `json:"subject"`
	Text    string    `json:"text"`
	HTML    string    `json:"html"`
	SentAt  time.Time `json:"sentAt"`
	URL     string    `json:"-"` // the candidate's link
}

// Mailbox keeps the newest mails in memory instead of sending them, for demos
// and tests. It is safe for concurrent use.
type Mailbox struct {
	limit  int
	clock  core.Clock
	writer *writer
	pages  *page.Frame

	mu       sync.Mutex
	messages []Message // oldest first
	count    int       // of all messages ever, for the ids
}

// NewMailbox returns a mailbox of at most limit mails, 200 if limit is not positive.
func NewMailbox(limit int) *Mailbox {
	if limit <= 0 {
		limit = 200
	}
	return &Mailbox{
		limit: limit, clock: core.SystemClock{}, writer: newWriter(),
		pages: page.New(page.Options{Bodies: sub(mailboxBodies, "mailbox")}),
	}
}

// SendInvitation implements core.Mailer. Errors: fault.Invalid for a bad address.
func (m *Mailbox) SendInvitation(_ context.Context, i *core.Invitation) error {
	return m.put(invitation, i)
}

// SendWithdrawal implements core.Mailer, as SendInvitation.
func (m *Mailbox) SendWithdrawal(_ context.Context, i *core.Invitation) error {
	return m.put(withdrawal, i)
}

func (m *Mailbox) put(k kind, i *core.Invitation) error {
	l, err := m.writer.write(k, i)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.count++
	m.messages = append(m.messages, Message{
		ID: strconv.Itoa(m.count), About: i.AssessmentID, To: l.To, Subject: l.Subject, Text: l.Text, HTML: l.HTML, SentAt: m.clock.Now(), URL: i.URL,
	})
	if over := len(m.messages) - m.limit; over > 0 {
		m.messages = slices.Delete(m.messages, 0, over)
	}
	return nil
}

// Forget removes the mails about assessments that were erased.
func (m *Mailbox) Forget(ctx context.Context, erased func(ctx context.Context, assessment core.ID) bool) {
	for _, msg := range m.Messages() {
		if !erased(ctx, msg.About) {
			continue
		}
		m.mu.Lock()
		m.messages = slices.DeleteFunc(m.messages, func(kept Message) bool { return kept.ID == msg.ID })
		m.mu.Unlock()
	}
}

// Messages returns what is in the box, newest first.
func (m *Mailbox) Messages() []Message {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := append([]Message{}, m.messages...) // never nil: as JSON it is a list
	slices.Reverse(out)
	return out
}

// Handler shows the box. It answers GET /dev/mail (a page, or JSON to those who
// accept it) and GET /dev/mail/{id} (the mail as its receiver sees it), so it
// is to be mounted on "/dev/mail" and "/dev/mail/", in demos only: whoever
// reaches it can read every mail.
func (m *Mailbox) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /dev/mail", m.list)
	mux.HandleFunc("GET /dev/mail/{$}", m.list)
	mux.HandleFunc("GET /dev/mail/{id}", m.show)
	return mux
}

func (m *Mailbox) list(w http.ResponseWriter, r *http.Request) {
	if !strings.Contains(r.Header.Get("Accept"), "application/json") {
		m.pages.Write(w, r, http.StatusOK, "list", page.View{Title: "Mailbox", Organization: "Demo mailbox", Data: m.Messages()})
		return
	}
	m.pages.Private(w)
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(m.Messages()) // the caller may be gone; there is nobody to tell
}

// show answers with the mail's HTML part as a document of its own, in which
// nothing can run and nothing is loaded; its inline style is ours.
func (m *Mailbox) show(w http.ResponseWriter, r *http.Request) {
	messages := m.Messages()
	at := slices.IndexFunc(messages, func(msg Message) bool { return msg.ID == r.PathValue("id") })
	if at < 0 {
		m.pages.Notice(w, r, http.StatusNotFound, page.Notice{
			Title: "No such mail", Text: "The mailbox keeps the newest mails only, and forgets all when the server ends.",
		})
		return
	}
	m.pages.Private(w)
	w.Header().Set("Content-Security-Policy",
		"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write([]byte(messages[at].HTML)) // the browser may be gone; there is nobody to tell
}
