package mail_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"maps"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	netmail "net/mail"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/internal/mail"
)

func invitation() *core.Invitation {
	return &core.Invitation{
		AssessmentID: "asm_0190", Organization: "Nordlicht Büro", To: "ana@example.org", CandidateName: "Ána Ørsted",
		TestName: "Kundengespräch", Description: "First part.\n\nSecond part.", Modality: core.ModalityVoice, DurationMinutes: 20,
		URL: "https://trellis.example.com/a/token.1", ExpiresAt: time.Date(2026, 5, 7, 14, 5, 0, 0, time.UTC), Status: core.StatusOrdered,
	}
}

func plainURL(s *sink) string { return "smtp://" + s.listener.Addr().String() + "?tls=none" }

func newSMTP(t testing.TB, o mail.SMTPOptions) *mail.SMTP {
	t.Helper()
	if o.From == "" {
		o.From = "tests@trellis.example.com"
	}
	m, err := mail.NewSMTP(o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// parts returns a mail's header and the texts of its parts by media type.
func parts(t *testing.T, data string) (netmail.Header, map[string]string) {
	t.Helper()
	m, err := netmail.ReadMessage(strings.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	kind, parameters, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("the mail is %q, %v", kind, err)
	}
	texts := map[string]string{}
	for r := multipart.NewReader(m.Body, parameters["boundary"]); ; {
		p, err := r.NextRawPart()
		if errors.Is(err, io.EOF) {
			return m.Header, texts
		}
		if err != nil {
			t.Fatal(err)
		}
		kind, _, err := mime.ParseMediaType(p.Header.Get("Content-Type"))
		if err != nil || p.Header.Get("Content-Transfer-Encoding") != "quoted-printable" {
			t.Fatalf("a part is %v, %v", p.Header, err)
		}
		text, err := io.ReadAll(quotedprintable.NewReader(p))
		if err != nil {
			t.Fatal(err)
		}
		texts[kind] = string(text)
	}
}

func decoded(t *testing.T, header string) string {
	t.Helper()
	text, err := new(mime.WordDecoder).DecodeHeader(header)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestSMTPBringsTheInvitation(t *testing.T) {
	t.Parallel()
	s := newSink(t, sinkOptions{})
	m := newSMTP(t, mail.SMTPOptions{URL: plainURL(s), FromName: "Prüfungen"})
	for range 2 {
		if err := m.SendInvitation(t.Context(), invitation()); err != nil {
			t.Fatal(err)
		}
	}
	mails := s.taken()
	if len(mails) != 2 {
		t.Fatalf("%d mails arrived", len(mails))
	}
	if got := mails[0].from + " " + mails[0].to; got != "FROM:<tests@trellis.example.com> BODY=8BITMIME TO:<ana@example.org>" {
		t.Errorf("envelope: %s", got)
	}
	header, texts := parts(t, mails[0].data)
	got := map[string]string{}
	for _, name := range []string{"To", "From", "Subject", "Message-Id", "Auto-Submitted"} {
		got[name] = decoded(t, header.Get(name))
	}
	want := map[string]string{
		"To": "<ana@example.org>", "From": `"Prüfungen" <tests@trellis.example.com>`, "Subject": "Nordlicht Büro invites you: Kundengespräch",
		"Message-Id": "<asm_0190.invitation@trellis.example.com>", "Auto-Submitted": "auto-generated",
	}
	from, err := new(netmail.AddressParser).Parse(header.Get("From"))
	if err != nil {
		t.Fatal(err)
	}
	got["From"] = `"` + from.Name + `" <` + from.Address + ">"
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if _, err := header.Date(); err != nil {
		t.Error(err)
	}
	for kind, text := range texts {
		for _, words := range []string{
			"Hello Ána Ørsted,", "Nordlicht Büro", "Kundengespräch", "20 minutes", "First part.", "Second part.",
			"7 May 2026, 14:05 UTC", "Your voice is recorded", "An AI system scores your answers", "https://trellis.example.com/a/token.1",
		} {
			if !strings.Contains(text, words) {
				t.Errorf("%s does not say %q", kind, words)
			}
		}
	}
	if len(texts) != 2 || texts["text/plain"] == "" || texts["text/html"] == "" {
		t.Errorf("parts: %v", slices.Sorted(maps.Keys(texts)))
	}
	again, _ := parts(t, mails[1].data)
	if again.Get("Message-Id") != header.Get("Message-Id") {
		t.Errorf("a repeat has the id %s", again.Get("Message-Id"))
	}
}

func TestNoHeaderCanBeInjected(t *testing.T) {
	t.Parallel()
	for _, br := range []string{"\r\n", "\n", "\r", "\u0085", "\u2028", "\u2029", "\x00", "\v", "\f"} {
		t.Run(strconv.QuoteToASCII(br), func(t *testing.T) {
			t.Parallel()
			s := newSink(t, sinkOptions{})
			i := invitation()
			evil := br + "Bcc: all@example.net" + br + br + "<b>body</b>" + br + ".\r\nMAIL FROM:<x@example.net>"
			i.Organization += evil
			i.TestName += evil
			i.CandidateName += evil
			i.Description += evil
			m := newSMTP(t, mail.SMTPOptions{URL: plainURL(s), FromName: "Tests" + evil})
			if err := m.SendInvitation(t.Context(), i); err != nil {
				t.Fatal(err)
			}
			mails := s.taken()
			if len(mails) != 1 {
				t.Fatalf("%d mails", len(mails))
			}
			header, texts := parts(t, mails[0].data)
			names := slices.Sorted(maps.Keys(header))
			want := []string{"Auto-Submitted", "Content-Type", "Date", "From", "Message-Id", "Mime-Version", "Subject", "To"}
			if d := cmp.Diff(want, names); d != "" {
				t.Error(d)
			}
			if subject := decoded(t, header.Get("Subject")); strings.ContainsAny(subject, "\r\n\u0085\u2028\x00") {
				t.Errorf("subject %q", subject)
			}
			if strings.Contains(texts["text/html"], "<b>body") {
				t.Error("markup from outside is in the HTML part")
			}
		})
	}
}

func TestBadAddressesAreRefusedBeforeAnyConnection(t *testing.T) {
	t.Parallel()
	s := newSink(t, sinkOptions{})
	m := newSMTP(t, mail.SMTPOptions{URL: plainURL(s)})
	for _, to := range []string{
		"", "ana", "ana@example.org\r\nRCPT TO:<b@example.org>", "Ana <ana@example.org>", "ana@example.org,b@example.org",
		"ana@example.org\nBcc: b@example.org", "<ana@example.org>", strings.Repeat("a", 250) + "@example.org",
	} {
		i := invitation()
		i.To = to
		if err := m.SendInvitation(t.Context(), i); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", to, err)
		}
	}
	if said := s.said(); said != "" {
		t.Errorf("the server heard %q", said)
	}
}

func TestFaultsByClass(t *testing.T) {
	t.Parallel()
	enhanced := []string{"ENHANCEDSTATUSCODES"}
	tests := []struct {
		name       string
		extensions []string
		replies    map[string]string
		want       fault.Code // "" for a mail that was sent
	}{
		{"busy at the greeting", nil, map[string]string{"greeting": "421 4.3.2 too many connections"}, fault.Retryable},
		{"refused at the greeting", nil, map[string]string{"greeting": "554 go away"}, fault.Config},
		{"hangs up at the greeting", nil, map[string]string{"greeting": ""}, fault.Retryable},
		{"hangs up in the talk", nil, map[string]string{"RCPT": ""}, fault.Retryable},
		{"hangs up before the mail is taken", nil, map[string]string{".": ""}, fault.Retryable},
		{"sender busy", nil, map[string]string{"MAIL": "421 later ana@example.org"}, fault.Retryable},
		{"sender refused", nil, map[string]string{"MAIL": "550 ana@example.org no such sender"}, fault.Config},
		{"mailbox busy", nil, map[string]string{"RCPT": "450 ana@example.org greylisted"}, fault.Retryable},
		{"mailbox unknown", nil, map[string]string{"RCPT": "550 ana@example.org no such user"}, fault.Invalid},
		{"mailbox unknown, enhanced", enhanced, map[string]string{"RCPT": "550 5.1.1 no such user"}, fault.Invalid},
		{"login wanted", nil, map[string]string{"RCPT": "530 authentication required"}, fault.Config},
		{"no relay", enhanced, map[string]string{"RCPT": "554 5.7.1 relay access denied"}, fault.Config},
		{"data busy", nil, map[string]string{"DATA": "451 later"}, fault.Retryable},
		{"data refused", nil, map[string]string{"DATA": "554 no"}, fault.Config},
		{"content busy", nil, map[string]string{".": "452 full"}, fault.Retryable},
		{"content refused", nil, map[string]string{".": "554 ana@example.org looks like spam"}, fault.Config},
		{"hangs up at the end", nil, map[string]string{"QUIT": ""}, ""},
		{"nonsense at the end", nil, map[string]string{"QUIT": "500 what"}, ""},
		{"nonsense after the mail", nil, map[string]string{"RSET": "421 bye"}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newSink(t, sinkOptions{extensions: test.extensions, replies: test.replies})
			var log bytes.Buffer
			m := newSMTP(t, mail.SMTPOptions{URL: plainURL(s), Log: slog.New(slog.NewTextHandler(&log, nil))})
			err := m.SendInvitation(t.Context(), invitation())
			if got := fault.CodeOf(err); got != test.want {
				t.Fatalf("got %q: %v", got, err)
			}
			if err != nil && strings.Contains(err.Error(), "ana@") {
				t.Errorf("the error repeats the server's words: %v", err)
			}
			if strings.Contains(log.String(), "ana@") {
				t.Errorf("the log names the candidate: %s", log.String())
			}
			if sent := len(s.taken()) == 1; sent != (test.want == "") {
				t.Errorf("sent: %v", sent)
			}
			if test.want == fault.Invalid {
				if f := fault.From(err).Fields; len(f) != 1 || f[0].Path != "candidate.email" {
					t.Errorf("fields: %+v", f)
				}
			}
		})
	}
}

func TestNobodyListens(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	err = newSMTP(t, mail.SMTPOptions{URL: "smtp://" + address + "?tls=none"}).SendInvitation(t.Context(), invitation())
	if !fault.Is(err, fault.Retryable) {
		t.Error(err)
	}
}

// The caller's end is heeded at every step, also where the library waits for
// the server by its own clock.
func TestTheContextEndsEveryStep(t *testing.T) {
	t.Parallel()
	for _, step := range []string{"greeting", "EHLO", "MAIL", "RCPT", "DATA", "."} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			s := newSink(t, sinkOptions{replies: map[string]string{step: "silence"}})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			outcome := make(chan error, 1)
			go func() { outcome <- newSMTP(t, mail.SMTPOptions{URL: plainURL(s)}).SendInvitation(ctx, invitation()) }()
			<-s.reached
			cancel()
			select {
			case err := <-outcome:
				if !fault.Is(err, fault.Retryable) {
					t.Error(err)
				}
			case <-time.After(10 * time.Second):
				t.Error("still waiting for the server")
			}
		})
	}
}

func TestADeadlineIsRetryable(t *testing.T) {
	t.Parallel()
	s := newSink(t, sinkOptions{replies: map[string]string{"greeting": "silence"}})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err := newSMTP(t, mail.SMTPOptions{URL: plainURL(s)}).SendInvitation(ctx, invitation())
	if !fault.Is(err, fault.Retryable) {
		t.Error(err)
	}
}

func TestEncryptionAndLogin(t *testing.T) {
	t.Parallel()
	server, client := certificates(t)
	login := []string{"AUTH PLAIN LOGIN"}
	tests := []struct {
		name  string
		sink  sinkOptions
		url   string // %s is the sink's address
		trust *tls.Config
		want  fault.Code
		hears string
	}{
		{"STARTTLS with login", sinkOptions{extensions: append(login, "STARTTLS"), starttls: server}, "smtp://user:p%40ss@%s", client, "", "AUTH PLAIN AHVzZXIAcEBzcw=="},
		{"smtps with login", sinkOptions{extensions: login, implicit: server}, "smtps://user:p%40ss@%s", client, "", "AUTH PLAIN AHVzZXIAcEBzcw=="},
		{
			"login refused",
			sinkOptions{extensions: login, implicit: server, replies: map[string]string{"AUTH": "535 5.7.8 no"}},
			"smtps://user:wrong@%s", client, fault.Config, "AUTH",
		},
		{
			"login later",
			sinkOptions{extensions: login, implicit: server, replies: map[string]string{"AUTH": "454 4.7.0 later"}},
			"smtps://user:pass@%s", client, fault.Retryable, "AUTH",
		},
		{"no login offered", sinkOptions{implicit: server}, "smtps://user:pass@%s", client, fault.Config, ""},
		{"no STARTTLS offered", sinkOptions{}, "smtp://%s", client, fault.Config, ""},
		{"STARTTLS if offered", sinkOptions{}, "smtp://%s?tls=starttls", client, "", "MAIL"},
		{"no password in the clear", sinkOptions{extensions: login}, "smtp://user:pass@%s?tls=none", client, fault.Config, ""},
		{"unknown authority", sinkOptions{extensions: []string{"STARTTLS"}, starttls: server}, "smtp://%s", nil, fault.Config, "STARTTLS"},
		{"unknown authority, smtps", sinkOptions{implicit: server}, "smtps://%s", nil, fault.Config, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newSink(t, test.sink)
			m := newSMTP(t, mail.SMTPOptions{URL: strings.Replace(test.url, "%s", s.listener.Addr().String(), 1), TLS: test.trust})
			err := m.SendInvitation(t.Context(), invitation())
			if got := fault.CodeOf(err); got != test.want {
				t.Fatalf("got %q: %v", got, err)
			}
			if sent := len(s.taken()) == 1; sent != (test.want == "") {
				t.Errorf("sent: %v", sent)
			}
			said := s.said()
			if !strings.Contains(said, test.hears) {
				t.Errorf("the server did not hear %q, but:\n%s", test.hears, said)
			}
			if test.hears == "" && strings.Contains(said, "AUTH") {
				t.Errorf("a password was sent:\n%s", said)
			}
		})
	}
}

func TestParseURL(t *testing.T) {
	t.Parallel()
	good := map[string]mail.ServerURL{
		"smtp://mail.example.com":                          {Host: "mail.example.com", Port: 587, Policy: "TLSMandatory"},
		"smtp://mail.example.com:25/?tls=none":             {Host: "mail.example.com", Port: 25, Policy: "NoTLS"},
		"smtp://mail.example.com?tls=starttls":             {Host: "mail.example.com", Port: 587, Policy: "TLSOpportunistic"},
		"smtp://mail.example.com?tls=mandatory":            {Host: "mail.example.com", Port: 587, Policy: "TLSMandatory"},
		"smtps://us%40er:p%2Fa%23s@mail.example.com":       {Host: "mail.example.com", Port: 465, ImplicitTLS: true, Policy: "TLSMandatory", User: "us@er", Password: "p/a#s"},
		"smtps://[::1]:4650?tls=mandatory":                 {Host: "::1", Port: 4650, ImplicitTLS: true, Policy: "TLSMandatory"},
		"smtp://only-user@mail.example.com:65535?tls=none": {Host: "mail.example.com", Port: 65535, Policy: "NoTLS", User: "only-user"},
	}
	for text, want := range good {
		got, err := mail.ParseURL(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: %s", text, d)
		}
	}
	for _, text := range []string{
		"", "mail.example.com", "mail.example.com:25", "http://mail.example.com", "smtp://", "smtp://:25", "smtp://u:secret#@mail.example.com",
		"smtp://u:secret@mail.example.com:0", "smtp://u:secret@mail.example.com:65536", "smtp://u:secret@mail.example.com:x",
		"smtp://u:secret@mail.example.com/path", "smtp://u:secret@mail.example.com?tls=maybe",
		"smtps://u:secret@mail.example.com?tls=none", "smtps://u:secret@mail.example.com?tls=starttls", "smtp://u:secret%zz@mail.example.com",
	} {
		_, err := mail.NewSMTP(mail.SMTPOptions{URL: text, From: "a@example.com"})
		if !fault.Is(err, fault.Config) {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: the error repeats the password: %v", text, err)
		}
	}
	for _, from := range []string{"", "Tests <a@example.com>", "a@example.com\r\nBcc: b@example.com", "nobody"} {
		if _, err := mail.NewSMTP(mail.SMTPOptions{URL: "smtp://mail.example.com", From: from}); !fault.Is(err, fault.Config) {
			t.Errorf("from %q: %v", from, err)
		}
	}
}
