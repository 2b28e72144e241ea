package greenhouse

import (
	"context"
	"net/http"
	"time"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/plugins/sdk"
)

// Deliver implements ats.Results: a PATCH without parameters and body at the
// order's callback, upon which Greenhouse asks for the status
// (facts/greenhouse.md 1.7). It says only "there is news" and is safe to repeat.
//
// Errors: fault.Config for a callback that the settings no longer allow or a
// key that cannot be used; fault.Auth (401), fault.Permission (403),
// fault.NotFound (404, 410), fault.RateLimited (429); fault.Retryable for 408,
// 425, 5xx and the network; fault.Upstream for a redirect; any other 4xx is
// fault.Unsupported, which is not repeated: the same PATCH would be refused
// again.
func (a *adapter) Deliver(ctx context.Context, d *ats.Delivery) (*ats.DeliveryReceipt, error) {
	_, degraded := translate(&d.Connection, &d.Progress)
	receipt := &ats.DeliveryReceipt{Degraded: degraded}
	if d.Order.CallbackURL == "" {
		receipt.AwaitsPoll = true
		return receipt, nil
	}
	key := d.Connection.Secrets[ats.SecretPartnerKey]
	if err := deliverable(&d.Connection, d.Order.CallbackURL, key); err != nil {
		return receipt, err
	}
	session := a.rt.HTTP.Session(sdk.SessionOptions{
		AllowHosts: internalHosts(&d.Connection), Secrets: []string{key}, Sensitive: sensitive(),
	})
	err := patch(ctx, session, d.Order.CallbackURL, key)
	receipt.Exchanges = session.Exchanges()
	if err == nil {
		receipt.Reference = d.Order.ExternalID
	}
	return receipt, err
}

// deliverable checks the callback against the settings of today.
func deliverable(c *ats.Connection, callback, key string) error {
	if refusal := allowedCallback(c, callback); refusal != "" {
		return fault.New(fault.Config, "Greenhouse was not told because the order's callback address may not be called: %s. The result is kept; correct callback_hosts and deliver again.", refusal)
	}
	if problem := partnerKeyProblem(key); problem != "" {
		return fault.New(fault.Config, "Greenhouse was not told. %s The result is kept; issue a new key and deliver again.", problem)
	}
	return nil
}

func patch(ctx context.Context, session *sdk.Session, callback, key string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPatch, callback, http.NoBody)
	if err != nil {
		return fault.Wrap(err, fault.Config, "The order's callback address cannot be called.")
	}
	req.SetBasicAuth(key, "")
	req.Header.Set("User-Agent", "Trellis/"+version)
	reply, err := session.Do(req)
	if err != nil {
		return err
	}
	return verdict(reply)
}

// verdict reads the status, which is all that Greenhouse answers.
func verdict(reply *sdk.HTTPReply) error {
	after := sdk.RetryAfter(reply.Header, time.Now())
	switch s := reply.Status; {
	case s >= 200 && s < 300:
		return nil
	case s == http.StatusUnauthorized:
		return answered(fault.Auth, 0, "Greenhouse refused the partner key (401). The result is kept; make sure that Greenhouse has the current key, then deliver again.")
	case s == http.StatusForbidden:
		return answered(fault.Permission, 0, "Greenhouse does not permit an update of this test (403). The result is kept; ask Greenhouse whether the integration is enabled, then deliver again.")
	case s == http.StatusNotFound || s == http.StatusGone:
		return answered(fault.NotFound, 0, "Greenhouse does not know this test any more (%d): the candidate may have been hired, rejected or deleted. The result is kept.", s)
	case s == http.StatusTooManyRequests:
		e := answered(fault.RateLimited, after, "Greenhouse asks us to wait (429). The result is kept and told later.")
		e.Scope = "connection"
		return e
	case s == http.StatusRequestTimeout || s == http.StatusTooEarly || s >= 500:
		return answered(fault.Retryable, after, "Greenhouse could not take the news (%d). The result is kept and told again later.", s)
	case s >= 400:
		return answered(fault.Unsupported, 0, "Greenhouse refused the news (%d), and would again. The result is kept; Greenhouse gets it if it asks.", s)
	default:
		return answered(fault.Upstream, after, "Greenhouse answered %d where it should accept or refuse. The result is kept.", s)
	}
}

// answered returns a fault for an answer of Greenhouse's.
func answered(code fault.Code, after time.Duration, format string, args ...any) *fault.Error {
	e := fault.New(code, format, args...)
	e.Source, e.RetryAfter = fault.ATS, after
	return e
}
