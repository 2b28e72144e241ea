package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const maxAnswer = 4 << 20 // bytes

// caller makes the sandbox's calls: a deadline and a size cap on each, at most
// maxCalls at a time, no redirect followed.
type caller struct {
	client    *http.Client
	transport *http.Transport
	slots     chan struct{}
}

func newCaller() *caller {
	t := &http.Transport{
		DialContext:  (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
		MaxIdleConns: maxCalls, MaxIdleConnsPerHost: maxCalls, IdleConnTimeout: 30 * time.Second,
	}
	return &caller{transport: t, slots: make(chan struct{}, maxCalls), client: &http.Client{
		Transport: t, Timeout: callTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

func (c *caller) closeIdle() { c.transport.CloseIdleConnections() }

// reply is a whole answer.
type reply struct {
	status int
	header http.Header
	body   []byte
}

func (r *reply) ok() bool { return r.status >= 200 && r.status < 300 }

// outgoing is one call to be made.
type outgoing struct {
	number   int // of the order in whose timeline it is written; 0: none
	who      string
	method   string
	url      string
	key      string // partner key for HTTP Basic, or
	bearer   string // a token
	json     any    // the body, or
	form     url.Values
	accept   string
	unlisted bool // not written into the timeline if it goes well
}

// call makes a call and writes it into the timeline. An error means that no
// whole answer came.
func (s *Sandbox) call(ctx context.Context, o outgoing) (*reply, error) {
	req, err := o.request(ctx)
	if err != nil {
		return nil, err
	}
	r, err := s.calls.do(req)
	note := Call{Who: o.who, Whom: "Trellis", Method: o.method, Path: shownPath(req.URL.Path)}
	if req.URL.Host != hostOf(s.o.TrellisURL) {
		note.Whom = "Engine"
	}
	switch {
	case err != nil:
		note.Note, note.Bad = "no answer: "+plainError(err), true
	default:
		note.Status, note.Bad = r.status, r.status >= 400
	}
	if note.Bad && r != nil {
		note.Note = excerpt(r.body)
	}
	if note.Bad || !o.unlisted {
		s.book.note(o.number, note)
	}
	return r, err
}

func (o outgoing) request(ctx context.Context) (*http.Request, error) {
	var body io.Reader
	contentType := ""
	switch {
	case o.json != nil:
		encoded, err := json.Marshal(o.json)
		if err != nil {
			return nil, err
		}
		body, contentType = bytes.NewReader(encoded), "application/json"
	case o.form != nil:
		body, contentType = bytes.NewReader([]byte(o.form.Encode())), "application/x-www-form-urlencoded"
	}
	req, err := http.NewRequestWithContext(ctx, o.method, o.url, body)
	if err != nil {
		return nil, err
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if o.accept != "" {
		req.Header.Set("Accept", o.accept)
	}
	if o.key != "" {
		req.SetBasicAuth(o.key, "")
	}
	if o.bearer != "" {
		req.Header.Set("Authorization", "Bearer "+o.bearer)
	}
	return req, nil
}

func (c *caller) do(req *http.Request) (*reply, error) {
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
	resp, err := c.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }() // it was read
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err == nil && len(body) > maxAnswer {
		err = fmt.Errorf("more than %d bytes", maxAnswer)
	}
	return &reply{status: resp.StatusCode, header: resp.Header, body: body}, err
}

// shownPath leaves out the token of an invitation, which is the candidate's alone.
func shownPath(path string) string {
	if strings.HasPrefix(path, "/a/") {
		return "/a/…"
	}
	return path
}

// plainError leaves out the URL, whose query may carry a token.
func plainError(err error) string {
	var outer *url.Error
	if errors.As(err, &outer) {
		return outer.Err.Error()
	}
	return err.Error()
}

func excerpt(body []byte) string {
	text := []rune(string(bytes.TrimSpace(body)))
	if len(text) > 300 {
		return string(text[:300]) + "…"
	}
	return string(text)
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}

func itoa(n int) string { return strconv.Itoa(n) }
