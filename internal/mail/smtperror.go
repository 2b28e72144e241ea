package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"strings"

	gomail "github.com/wneessen/go-mail"

	"github.com/trellis-ats/trellis/core/fault"
)

// dialError is a failure before the mail itself: connecting, TLS, logging in.
type dialError struct{ err error }

func (e *dialError) Error() string { return e.err.Error() }
func (e *dialError) Unwrap() error { return e.err }

// classify tells what a failure means for the invitation. Its causes name the
// step and the codes, and never the server's words, which repeat the
// candidate's address.
func classify(err error) error {
	if err == nil {
		return nil
	}
	var f *fault.Error
	if errors.As(err, &f) {
		return f
	}
	var d *dialError
	if errors.As(err, &d) {
		return classifyDial(d.err)
	}
	var s *gomail.SendError
	if !errors.As(err, &s) {
		return retryable(errors.New("smtp: connection lost"))
	}
	cause := fmt.Errorf("smtp: %s: %d %s", s.Reason, s.ErrorCode(), s.EnhancedStatusCode())
	switch code := s.ErrorCode(); {
	case code < 500:
		return retryable(cause)
	case s.Reason == gomail.ErrSMTPRcptTo && !aboutUs(code, s.EnhancedStatusCode()):
		return refused(cause)
	default:
		return fault.Wrap(cause, fault.Config,
			"The mail server refuses our mails for good (%d); the invitation was not sent. Check the sender's address and the server's rules for it.", code)
	}
}

// aboutUs reports whether a refusal of the receiver's address is not about the
// address: the server wants a login first, or relays nothing for us (RFC 4954
// section 6, RFC 3463 section 3.8).
func aboutUs(code int, enhanced string) bool {
	return code == 530 || strings.HasPrefix(enhanced, "5.7.")
}

func classifyDial(err error) error {
	var (
		protocol *textproto.Error
		verify   *tls.CertificateVerificationError
		unknown  x509.UnknownAuthorityError
		hostname x509.HostnameError
		network  net.Error
	)
	switch {
	case errors.As(err, &protocol):
		cause := fmt.Errorf("smtp: server answered %d before the mail", protocol.Code)
		if protocol.Code >= 500 {
			return fault.Wrap(cause, fault.Config, "The mail server refused us (%d); the invitation was not sent. Check its user name, password and address.", protocol.Code)
		}
		return retryable(cause)
	case errors.As(err, &verify), errors.As(err, &unknown), errors.As(err, &hostname):
		return fault.Wrap(err, fault.Config, "The mail server's certificate is not to be trusted; the invitation was not sent. Check the server's name and certificate.")
	case errors.As(err, &network), connectionLost(err):
		return retryable(err)
	default:
		return fault.Wrap(err, fault.Config, "The mail server cannot be used as configured; the invitation was not sent. Check tls, user name and password in its address.")
	}
}

func retryable(cause error) error {
	return fault.Wrap(cause, fault.Retryable, "The mail server could not take the invitation now; it was not sent and will be tried again.")
}

func connectionLost(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}
