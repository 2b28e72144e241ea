package main

import (
	"bufio"
	"io"
	"mime/quotedprintable"
	"net"
	"strings"
	"sync"
	"testing"
)

// sink is a mail server that keeps what it is sent.
type sink struct {
	net.Listener
	wg    sync.WaitGroup
	mu    sync.Mutex
	busy  int // mails to turn away at first
	mails []string
}

func newSink(t *testing.T, busy int) *sink {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &sink{Listener: l, busy: busy}
	s.wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			s.wg.Go(func() { s.talk(conn) })
		}
	})
	t.Cleanup(func() { _ = l.Close(); s.wg.Wait() })
	return s
}

// talk speaks as much SMTP as it takes (RFC 5321).
func (s *sink) talk(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	in := bufio.NewReader(conn)
	say := func(line string) { _, _ = io.WriteString(conn, line+"\r\n") }
	say("220 sink.example.com")
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		switch command, _, _ := strings.Cut(strings.ToUpper(strings.TrimSpace(line)), " "); command {
		case "EHLO", "HELO":
			say("250 sink.example.com")
		case "DATA":
			say("354 go on")
			say(s.keep(in))
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 fine")
		}
	}
}

func (s *sink) keep(in *bufio.Reader) string {
	var mail strings.Builder
	for {
		line, err := in.ReadString('\n')
		if err != nil || line == ".\r\n" {
			break
		}
		mail.WriteString(line)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy > 0 {
		s.busy--
		return "451 4.7.1 come back later"
	}
	s.mails = append(s.mails, mail.String())
	return "250 kept"
}

func (s *sink) got() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.mails...)
}

func TestInvitationBySMTP(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, d database) {
		mails := newSink(t, 1)
		s := prepare(t, d)
		s.env = append(s.env, "TRELLIS_DEMO=", "TRELLIS_SMTP_URL=smtp://"+mails.Addr().String()+"?tls=none", "TRELLIS_MAIL_FROM=tests@example.org")
		s.made = s.setup("Acme")
		s.start()
		test := s.firstTest(s.made.PartnerKey)
		s.place(test, "https://app.greenhouse.io/tests/1") // turned away once, then taken
		s.place(test, "https://app.greenhouse.io/tests/1")
		until(t, "the mail", func() bool { return len(mails.got()) == 1 })
		s.place(test, "https://app.greenhouse.io/tests/2")
		until(t, "the second mail", func() bool { return len(mails.got()) >= 2 })
		if n := len(mails.got()); n != 2 {
			t.Errorf("%d mails for two orders", n)
		}
		text, err := io.ReadAll(quotedprintable.NewReader(strings.NewReader(mails.got()[0])))
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"To: <ada@example.com>", "tests@example.org", s.base + "/a/", "Acme", "text/plain", "text/html", "Message-ID:"} {
			if !strings.Contains(strings.ToLower(string(text)), strings.ToLower(want)) {
				t.Errorf("the mail lacks %q:\n%s", want, mails.got()[0])
			}
		}
		if a := s.get(s.base + "/dev/mail"); a.status != 404 {
			t.Errorf("outside a demo /dev/mail answers %d", a.status)
		}
	})
}
