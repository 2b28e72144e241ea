package sdk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

const (
	defaultHTTPTimeout     = 10 * time.Second
	defaultMaxResponse     = 4 << 20 // bytes
	maxRecordedExchanges   = 200
	maxResponseHeaderBytes = 64 << 10
)

// HTTPOptions configures an HTTPClient. The zero value is good for production.
type HTTPOptions struct {
	Log         *slog.Logger      // nil: silent
	Timeout     time.Duration     // of one call, its body included; 0: 10 s
	MaxResponse int64             // bytes of a response body; 0: 4 MiB
	Transport   http.RoundTripper // for tests; replaces the dialer and with it the address guard
}

// HTTPClient makes the outbound calls of an adapter: with a deadline and a
// response cap, without following redirects, refusing private addresses, and
// recording each exchange. It is safe for concurrent use and pools connections.
type HTTPClient struct {
	log         *slog.Logger
	timeout     time.Duration
	maxResponse int64
	transports  transports
}

// NewHTTPClient returns a client.
func NewHTTPClient(o HTTPOptions) *HTTPClient {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Timeout <= 0 {
		o.Timeout = defaultHTTPTimeout
	}
	if o.MaxResponse <= 0 {
		o.MaxResponse = defaultMaxResponse
	}
	return &HTTPClient{
		log: o.Log, timeout: o.Timeout, maxResponse: o.MaxResponse,
		transports: newTransports(o.Transport),
	}
}

// CloseIdle closes the connections that are kept for later calls.
func (c *HTTPClient) CloseIdle() { c.transports.closeIdle() }

// SessionOptions says what the calls of one session may reach and what of them
// must not be recorded.
type SessionOptions struct {
	// AllowHosts lists hosts, or host:port, that may resolve to private or
	// loopback addresses. They may use plain http if the address is loopback;
	// everything else is https to public addresses.
	AllowHosts []string
	// Secrets are values masked wherever they appear in a recorded exchange,
	// also in their Base64, URL and JSON spellings.
	Secrets []string
	// Sensitive are names of JSON properties, query and form parameters whose
	// values are masked; upper and lower case are the same.
	Sensitive []string
}

// Session groups the calls that an adapter makes for one request of the host
// and keeps their record. It is safe for concurrent use.
type Session struct {
	client *HTTPClient
	allow  []string
	redact *redactor

	mu        sync.Mutex
	exchanges []ats.Exchange
}

// Session starts a session.
func (c *HTTPClient) Session(o SessionOptions) *Session {
	return &Session{client: c, allow: o.AllowHosts, redact: newRedactor(o.Secrets, o.Sensitive)}
}

// HTTPReply is a complete answer.
type HTTPReply struct {
	Status int
	Header http.Header
	Body   []byte
}

// CallError is in the error chain of Do when no answer came. An adapter reads
// Sent to choose another class than Do did.
type CallError struct {
	Sent    bool // the request, or a part of it, was on its way
	Timeout bool // the deadline passed, or the caller gave up
	Err     error
}

// Error describes what went wrong; it may hold an address and is for logs.
func (e *CallError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *CallError) Unwrap() error { return e.Err }

// Do sends req and reads the whole answer, of any status; a redirect is an
// answer too. The exchange is recorded either way.
//
// Errors: fault.Config for an address that must not be called;
// fault.Retryable if nothing was sent, or if no answer came to a request that
// can be repeated (everything but POST); fault.OutcomeUnknown if a POST was
// sent and no answer came; fault.Upstream for an answer over the size cap. If
// the call was tried and failed, the chain holds a *CallError.
func (s *Session) Do(req *http.Request) (*HTTPReply, error) {
	ctx, cancel := context.WithTimeout(req.Context(), s.client.timeout)
	defer cancel()
	var sent atomic.Bool
	out := req.Clone(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteHeaders: func() { sent.Store(true) },
	}))
	body, err := takeBody(req, out)
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "The request's body could not be read.")
	}
	started := time.Now()
	reply, err := s.exchange(out, &sent)
	s.record(out, body, reply, err, started)
	return s.outcome(out, reply, err)
}

// exchange makes the call on the transport that the policy chooses.
func (s *Session) exchange(req *http.Request, sent *atomic.Bool) (*HTTPReply, error) {
	transport, err := s.client.transports.choose(req.URL, s.allow)
	if err != nil {
		return nil, err
	}
	client := http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, callError(req.Context(), err, sent.Load() || s.client.transports.test && !dialFailed(err))
	}
	defer func() { _ = resp.Body.Close() }() // it was read
	reply := &HTTPReply{Status: resp.StatusCode, Header: resp.Header}
	reply.Body, err = io.ReadAll(io.LimitReader(resp.Body, s.client.maxResponse+1))
	switch {
	case err != nil:
		return reply, callError(req.Context(), err, true)
	case int64(len(reply.Body)) > s.client.maxResponse:
		reply.Body = reply.Body[:s.client.maxResponse]
		return reply, errOverCap
	}
	return reply, nil
}

// outcome turns a raw error into a fault.
func (s *Session) outcome(req *http.Request, reply *HTTPReply, err error) (*HTTPReply, error) {
	host := req.URL.Host
	var refused *refusedError
	var call *CallError
	switch {
	case err == nil:
		return reply, nil
	case errors.As(err, &refused):
		return nil, fault.Wrap(err, fault.Config, "%s may not be called: %s. Nothing was sent. List the host in the connection's settings if it is meant.", host, refused.reason)
	case errors.Is(err, errOverCap):
		return nil, s.atATS(err, fault.Upstream, "%s answered %d with more than %d bytes; the answer was not used.", host, reply.Status, s.client.maxResponse)
	case !errors.As(err, &call):
		return nil, fault.Wrap(err, fault.Internal, "The call to %s could not be made.", host)
	case !call.Sent:
		return nil, s.atATS(err, fault.Retryable, "%s could not be reached. Nothing was sent.", host)
	case req.Method == http.MethodPost:
		return nil, s.atATS(err, fault.OutcomeUnknown, "%s did not answer in full. The request was sent; whether it took effect is not known.", host)
	default:
		return nil, s.atATS(err, fault.Retryable, "%s did not answer in full.", host)
	}
}

func (s *Session) atATS(cause error, code fault.Code, format string, args ...any) *fault.Error {
	e := fault.Wrap(cause, code, format, args...)
	e.Source = fault.ATS
	return e
}

var errOverCap = errors.New("response over the size cap")

// callError wraps a transport error without the URL that net/http puts around it.
func callError(ctx context.Context, err error, sent bool) error {
	var refused *refusedError
	if errors.As(err, &refused) {
		return refused
	}
	var outer *url.Error
	if errors.As(err, &outer) {
		err = outer.Err
	}
	var timeout net.Error
	timedOut := ctx.Err() != nil || errors.As(err, &timeout) && timeout.Timeout()
	return &CallError{Sent: sent, Timeout: timedOut, Err: fmt.Errorf("call: %w", err)}
}

func dialFailed(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// takeBody reads the body of req, so that it can be recorded, and gives out an equal one.
func takeBody(req, out *http.Request) ([]byte, error) {
	if req.Body == nil || req.Body == http.NoBody {
		return nil, nil
	}
	defer func() { _ = req.Body.Close() }() // it was read
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	out.Body, out.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	out.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	return body, nil
}
