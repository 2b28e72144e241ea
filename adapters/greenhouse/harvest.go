package greenhouse

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/plugins/sdk"
)

// harvest makes the Harvest v3 calls of one call of the host
// (facts/greenhouse.md 4). It is not safe for concurrent use.
type harvest struct {
	c        *ats.Connection
	session  *sdk.Session
	log      *slog.Logger
	base     *url.URL
	token    string
	budget   *ats.RateBudget // of the last answer that told one
	skew     time.Duration   // Greenhouse's clock minus ours, by the last answer
	degraded []string
}

// call is one request. Every endpoint has exactly one scope
// (facts/greenhouse.md 4.6, 4.8).
type call struct {
	method string
	path   string // below /v3/
	query  url.Values
	scope  string
	body   any // nil for none
}

func (c call) reads() bool { return c.method == http.MethodGet }

// harvest starts the calls.
// Errors: fault.Config if Harvest is not connected or its address is wrong;
// fault.Auth without a token.
func (a *adapter) harvest(c *ats.Connection) (*harvest, error) {
	if setting(c, ats.SettingAuthMode, ats.AuthModeNone) == ats.AuthModeNone {
		return nil, fault.New(fault.Config, "%s Nothing was sent.", notConnected)
	}
	base, err := serviceURL(c, settingHarvestURL, defaultHarvestAddress)
	if err != nil {
		return nil, err
	}
	token := c.Secrets[ats.SecretAccessToken]
	if token == "" {
		return nil, fault.New(fault.Auth, "The connection has no Harvest token. Nothing was sent; connect Harvest again.")
	}
	return &harvest{c: c, session: a.session(base, token), log: a.rt.Log, base: base, token: token}, nil
}

const notConnected = "Harvest is not connected (auth_mode is none): connect Harvest first."

// trace is what the calls left behind.
func (h *harvest) trace() ats.Trace {
	return ats.Trace{Exchanges: h.session.Exchanges(), Budget: h.budget, Degraded: h.degraded}
}

func (h *harvest) degrade(what string) { h.degraded = append(h.degraded, what) }

// do makes one call and decodes its answer into into, unless that is nil or
// the answer has no body (204).
//
// Errors: those of the verdict on an answer; fault.Retryable if nothing was
// sent, or if a read got no answer; fault.OutcomeUnknown if a write may have
// been done, since Greenhouse has no idempotency key (facts/greenhouse.md 4.2).
func (h *harvest) do(ctx context.Context, c call, into any) (http.Header, error) {
	req, err := h.request(ctx, c)
	if err != nil {
		return nil, err
	}
	started := time.Now()
	reply, err := h.session.Do(req)
	if err != nil {
		return nil, c.unanswered(err)
	}
	h.note(reply.Header, started, time.Now())
	if err := c.verdict(reply, time.Now()); err != nil {
		return nil, err
	}
	if into == nil || reply.Status == http.StatusNoContent {
		return reply.Header, nil
	}
	if err := json.Unmarshal(reply.Body, into); err != nil {
		return nil, c.unreadable(err)
	}
	return reply.Header, nil
}

func (h *harvest) request(ctx context.Context, c call) (*http.Request, error) {
	var body []byte
	if c.body != nil {
		var err error
		if body, err = marshal(c.body); err != nil {
			return nil, fault.Wrap(err, fault.Internal, "The request to Greenhouse could not be written.")
		}
	}
	target := h.base.JoinPath("v3", c.path)
	target.RawQuery = c.query.Encode()
	req, err := http.NewRequestWithContext(ctx, c.method, target.String(), bytes.NewReader(body))
	if err != nil {
		return nil, fault.Wrap(err, fault.Config, "Greenhouse was not called: its address in the settings cannot be used.")
	}
	req.Header.Set("Authorization", "Bearer "+h.token)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "Trellis/"+version)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	} else {
		req.Body = http.NoBody
	}
	return req, nil
}

// marshal leaves HTML characters readable, also in the sync log.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimRight(b.Bytes(), "\n"), err
}

// note keeps what every answer tells besides its own matter.
func (h *harvest) note(header http.Header, sent, received time.Time) {
	if b := budgetOf(header, "api"); b != nil {
		h.budget = b
	}
	if at, err := http.ParseTime(header.Get("Date")); err == nil {
		h.skew = at.Sub(sent.Add(received.Sub(sent) / 2)).Round(time.Second)
	}
}

// unanswered turns the SDK's class into Harvest's: it takes a lost POST alone
// for a write that may have been done.
func (c call) unanswered(err error) error {
	var lost *sdk.CallError
	switch {
	case c.reads() || errors.As(err, &lost) && !lost.Sent || fault.Is(err, fault.Config):
		return err
	default:
		return answered(fault.OutcomeUnknown, 0, "Greenhouse did not answer in full after %s %s was sent. Whether it was done is not known; look in Greenhouse before repeating it.", c.method, c.shape())
	}
}

// unreadable is for a success whose body is not what it should be.
func (c call) unreadable(err error) error {
	code, what := fault.Upstream, "The answer was not used."
	if !c.reads() {
		code, what = fault.OutcomeUnknown, "It took the request; look there before repeating it."
	}
	e := answered(code, 0, "Greenhouse's answer to %s %s could not be read. %s", c.method, c.shape(), what)
	e.Cause = err
	return e
}

// shape is the path without ids, for messages.
func (c call) shape() string {
	parts := strings.Split(c.path, "/")
	for i, p := range parts {
		if number(p) != "" {
			parts[i] = "{id}"
		}
	}
	return "/v3/" + strings.Join(parts, "/")
}
