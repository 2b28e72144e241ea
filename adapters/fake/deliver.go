package fake

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/plugins/sdk"
)

type resultBody struct {
	OrderID string `json:"order_id"`
	Key     string `json:"key"`
	progressBody
}

// Deliver implements ats.Results: it POSTs the progress to the order's callback
// URL. The ATS knows a repeat by the key and the revision.
func (a *adapter) Deliver(ctx context.Context, d *ats.Delivery) (*ats.DeliveryReceipt, error) {
	knobs := knobsOf(&d.Connection)
	if err := knobs.misbehave(ctx, callDeliver); err != nil {
		return nil, err
	}
	if knobs.on("lie", callDeliver) {
		return nil, nil //nolint:nilnil // that is the lie
	}
	receipt := &ats.DeliveryReceipt{AwaitsPoll: d.Order.CallbackURL == ""}
	var err error
	if !receipt.AwaitsPoll {
		receipt.Reference, receipt.Exchanges, err = a.post(ctx, d)
	}
	if failed := knobs.fault("fail_deliver"); failed != nil {
		return receipt, failed
	}
	return receipt, err
}

func (a *adapter) post(ctx context.Context, d *ats.Delivery) (reference string, made []ats.Exchange, err error) {
	request, err := resultRequest(ctx, d)
	if err != nil {
		return "", nil, err
	}
	session := a.http.Session(sdk.SessionOptions{
		AllowHosts: strings.Split(d.Connection.Settings[settingHosts], ","),
		Secrets:    slices.Collect(maps.Values(d.Connection.Secrets)),
		Sensitive:  []string{"email", "phone"},
	})
	reply, err := session.Do(request)
	if fault.Is(err, fault.OutcomeUnknown) {
		// The ATS knows a repeat, so this POST may be made again.
		err = fault.Wrap(err, fault.Retryable, "The callback did not answer in full. It is asked again.")
	}
	if err != nil {
		return "", session.Exchanges(), err
	}
	return reply.Header.Get("X-Reference"), session.Exchanges(), judge(reply)
}

func resultRequest(ctx context.Context, d *ats.Delivery) (*http.Request, error) {
	body, err := json.Marshal(resultBody{OrderID: d.Order.ExternalID, Key: d.Key, progressBody: progressOf(d.Progress)})
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "The result could not be written as JSON.")
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, d.Order.CallbackURL, bytes.NewReader(body))
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "The order's callback URL cannot be called. Nothing was sent.")
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+d.Connection.Secrets[ats.SecretPartnerKey])
	return request, nil
}

// judge decides the class of the callback's answer.
func judge(reply *sdk.HTTPReply) error {
	var e *fault.Error
	switch s := reply.Status; {
	case s < 300:
		return nil
	case s == http.StatusTooManyRequests:
		e = fault.New(fault.RateLimited, "The callback asks us to slow down.")
		e.RetryAfter = sdk.RetryAfter(reply.Header, time.Now())
	case s == http.StatusUnauthorized:
		e = fault.New(fault.Auth, "The callback refused our key. Check it at the ATS.")
	case s == http.StatusForbidden:
		e = fault.New(fault.Permission, "The callback does not permit us to write.")
	case s == http.StatusNotFound, s == http.StatusGone:
		e = fault.New(fault.NotFound, "The callback is gone.")
	case s >= 500:
		e = fault.New(fault.Retryable, "The callback answered %d.", s)
	default:
		e = fault.New(fault.Upstream, "The callback answered %d.", s)
	}
	e.Source = fault.ATS
	return e
}
