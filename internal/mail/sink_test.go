package mail_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// received is one mail as the sink took it.
type received struct{ from, to, data string }

// sink is a mail server that speaks just enough SMTP. An answer in replies, by
// the command's first word, is given in place of the good one; "greeting" and
// "." are the answers on connecting and after the mail. "" hangs up and
// "silence" says nothing until the other side hangs up.
type sink struct {
	t          testing.TB
	listener   net.Listener
	extensions []string
	replies    map[string]string
	tls        *tls.Config // for STARTTLS

	reached chan string // the word that the sink falls silent at

	mu    sync.Mutex
	mails []received
	words []string // all commands, with their arguments
	conns map[net.Conn]bool
}

type sinkOptions struct {
	extensions []string
	replies    map[string]string
	starttls   *tls.Config
	implicit   *tls.Config
}

func newSink(t testing.TB, o sinkOptions) *sink {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if o.implicit != nil {
		l = tls.NewListener(l, o.implicit)
	}
	s := &sink{
		t: t, listener: l, extensions: o.extensions, replies: o.replies, tls: o.starttls,
		reached: make(chan string, 1), conns: map[net.Conn]bool{},
	}
	var wg sync.WaitGroup
	wg.Go(func() { s.accept(&wg) })
	t.Cleanup(func() {
		_ = l.Close()
		s.mu.Lock()
		for c := range s.conns {
			_ = c.Close()
		}
		s.mu.Unlock()
		wg.Wait()
	})
	return s
}

func (s *sink) accept(wg *sync.WaitGroup) {
	for {
		c, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.conns[c] = true
		s.mu.Unlock()
		wg.Go(func() {
			defer c.Close()
			s.talk(c)
		})
	}
}

func (s *sink) talk(c net.Conn) {
	r := bufio.NewReader(c)
	if !s.answer(c, r, "greeting", "220 sink.example.com ESMTP") {
		return
	}
	var m received
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		s.mu.Lock()
		s.words = append(s.words, line)
		s.mu.Unlock()
		verb, rest, _ := strings.Cut(line, " ")
		switch verb = strings.ToUpper(verb); verb {
		case "EHLO":
			good := "250-sink.example.com\r\n"
			for _, e := range s.extensions {
				good += "250-" + e + "\r\n"
			}
			if !s.answer(c, r, verb, good+"250 8BITMIME") {
				return
			}
		case "STARTTLS":
			if !s.answer(c, r, verb, "220 go on") {
				return
			}
			secure := tls.Server(c, s.tls)
			if secure.Handshake() != nil {
				return
			}
			c, r = secure, bufio.NewReader(secure)
		case "AUTH":
			if !s.answer(c, r, verb, "235 welcome") {
				return
			}
		case "DATA":
			if !s.answer(c, r, verb, "354 go on") {
				return
			}
			if _, refused := s.replies[verb]; refused {
				continue
			}
			if m.data, err = body(r); err != nil {
				return
			}
			if _, refused := s.replies["."]; !refused {
				s.mu.Lock()
				s.mails = append(s.mails, m)
				s.mu.Unlock()
			}
			if !s.answer(c, r, ".", "250 taken") {
				return
			}
		case "QUIT":
			s.answer(c, r, verb, "221 bye")
			return
		default:
			if verb == "MAIL" {
				m.from = rest
			}
			if verb == "RCPT" {
				m.to = rest
			}
			if !s.answer(c, r, verb, "250 ok") {
				return
			}
		}
	}
}

// answer reports whether the talk goes on.
func (s *sink) answer(c net.Conn, r *bufio.Reader, word, good string) bool {
	reply, ok := s.replies[word]
	if !ok {
		reply = good
	}
	switch reply {
	case "":
		return false
	case "silence":
		s.reached <- word
		_, _ = r.ReadByte()
		return false
	}
	_, err := c.Write([]byte(reply + "\r\n"))
	return err == nil
}

func body(r *bufio.Reader) (string, error) {
	var b strings.Builder
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return "", err
		}
		if line == ".\r\n" {
			return b.String(), nil
		}
		b.WriteString(strings.TrimPrefix(line, "."))
	}
}

func (s *sink) taken() []received {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]received(nil), s.mails...)
}

func (s *sink) said() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.words, "\n")
}

// certificates returns a server's configuration and one of a client that
// trusts it; the certificate is for example.com and 127.0.0.1.
func certificates(t testing.TB) (server, client *tls.Config) {
	t.Helper()
	s := httptest.NewUnstartedServer(nil)
	s.StartTLS()
	defer s.Close()
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	return &tls.Config{Certificates: s.TLS.Certificates, MinVersion: tls.VersionTLS12},
		&tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
}
