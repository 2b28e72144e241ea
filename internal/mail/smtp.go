package mail

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	netmail "net/mail"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/internal/httpd/page"
)

// sendDeadline bounds one mail, from dialling to the server's last word.
const sendDeadline = 20 * time.Second

// SMTPOptions are what sending by SMTP needs.
type SMTPOptions struct {
	URL      string      // smtp://user:pass@host:port, smtps://…; ?tls=none|starttls|mandatory, which is the default
	From     string      // a plain address
	FromName string      // shown beside the address; may be empty
	TLS      *tls.Config // for servers with their own authority; nil for the system's
	Log      *slog.Logger
}

// SMTP sends invitations through a mail server, one connection a mail. It is
// safe for concurrent use and keeps nothing open.
type SMTP struct {
	server *server
	from   netmail.Address
	domain string
	tls    *tls.Config
	writer *writer
	log    *slog.Logger
}

// NewSMTP returns a mailer. It does not connect. Errors: fault.Config.
func NewSMTP(o SMTPOptions) (*SMTP, error) {
	s, err := parseURL(o.URL)
	if err != nil {
		return nil, err
	}
	if err := core.ValidateEmail("from", o.From); err != nil {
		return nil, fault.Wrap(err, fault.Config, "The sender of invitations must be a plain e-mail address, like tests@example.com.")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if o.TLS != nil {
		config = o.TLS.Clone()
	}
	if config.ServerName == "" {
		config.ServerName = s.host
	}
	return &SMTP{
		server: s, from: netmail.Address{Name: page.Line(o.FromName), Address: o.From},
		domain: o.From[strings.LastIndexByte(o.From, '@')+1:], tls: config, writer: newWriter(), log: o.Log,
	}, nil
}

// SendInvitation implements core.Mailer. It takes at most 20 seconds.
// Errors: fault.Retryable, fault.Invalid, fault.Config.
func (s *SMTP) SendInvitation(ctx context.Context, i *core.Invitation) error {
	return s.deliver(ctx, invitation, i)
}

// SendWithdrawal implements core.Mailer, as SendInvitation.
func (s *SMTP) SendWithdrawal(ctx context.Context, i *core.Invitation) error {
	return s.deliver(ctx, withdrawal, i)
}

func (s *SMTP) deliver(ctx context.Context, k kind, i *core.Invitation) error {
	l, err := s.writer.write(k, i)
	if err != nil {
		return err
	}
	message, err := s.message(i.AssessmentID, k, l)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, sendDeadline)
	defer cancel()
	err = s.send(ctx, message)
	if err != nil && ctx.Err() != nil && !message.IsDelivered() {
		return retryable(ctx.Err())
	}
	if message.IsDelivered() {
		// The server has taken the mail. What failed after it, a QUIT without an
		// answer for instance, must not bring the candidate a second one.
		if err != nil {
			s.log.WarnContext(ctx, "mail server misbehaved after taking a mail", "assessment", i.AssessmentID)
		}
		return nil
	}
	return classify(err)
}

func (s *SMTP) message(id core.ID, k kind, l *letter) (*gomail.Msg, error) {
	m := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	if err := m.From(s.from.String()); err != nil {
		return nil, fault.Wrap(err, fault.Config, "The sender of invitations must be a plain e-mail address.")
	}
	if err := m.To((&netmail.Address{Address: l.To}).String()); err != nil {
		return nil, refused(nil)
	}
	m.Subject(l.Subject)
	m.SetDate()
	m.SetMessageIDWithValue(messageID(id, k, s.domain))
	m.SetGenHeader("Auto-Submitted", "auto-generated")
	m.SetBodyString(gomail.TypeTextPlain, l.Text)
	m.AddAlternativeString(gomail.TypeTextHTML, l.HTML)
	return m, nil
}

// messageID is the same for the same assessment and kind, so that a repeat is
// recognised as one by mail programs.
func messageID(id core.ID, k kind, domain string) string {
	return string(id) + "." + string(k) + "@" + domain
}

// send makes a connection of its own and closes it whatever happens: the
// library leaves it open after some failures, and heeds ctx in connecting only.
func (s *SMTP) send(ctx context.Context, m *gomail.Msg) error {
	closing := func() {}
	defer func() { closing() }()
	dial := func(limited context.Context, network, address string) (net.Conn, error) {
		c, err := s.dial(limited, network, address)
		if err == nil {
			stop := context.AfterFunc(ctx, func() { _ = c.Close() })
			closing = func() { stop(); _ = c.Close() }
		}
		return c, err
	}
	client, err := gomail.NewClient(s.server.host, s.options(dial)...)
	if err != nil {
		return fault.Wrap(err, fault.Config, "The mail server's address cannot be used.")
	}
	smtp, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return &dialError{err}
	}
	if err := client.SendWithSMTPClient(smtp, m); err != nil {
		return err
	}
	return client.CloseWithSMTPClient(smtp)
}

func (s *SMTP) dial(ctx context.Context, network, address string) (net.Conn, error) {
	var d interface {
		DialContext(ctx context.Context, network, address string) (net.Conn, error)
	} = &net.Dialer{}
	if s.server.implicitTLS {
		d = &tls.Dialer{Config: s.tls}
	}
	return d.DialContext(ctx, network, address)
}

func (s *SMTP) options(dial gomail.DialContextFunc) []gomail.Option {
	options := []gomail.Option{
		gomail.WithPort(s.server.port), gomail.WithTimeout(sendDeadline), gomail.WithTLSConfig(s.tls),
		gomail.WithDialContextFunc(dial), gomail.WithoutNoop(), gomail.WithoutRset(), gomail.WithHELO(s.domain),
	}
	if s.server.implicitTLS {
		// The connection is encrypted by our own dialling. The library only looks
		// whether it is under this policy, and sends no password otherwise.
		options = append(options, gomail.WithTLSPolicy(gomail.TLSOpportunistic))
	} else {
		options = append(options, gomail.WithTLSPolicy(s.server.policy))
	}
	if s.server.user != "" {
		options = append(options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover),
			gomail.WithUsername(s.server.user), gomail.WithPassword(s.server.password))
	}
	return options
}
