package coretest

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// Names of the headers of a web hook.
const (
	headerSignature = "X-Signature"
	headerEvent     = "X-Event-Id"
)

// hookBody is what a web hook says. Action is the event's kind; "ping" tries
// whether we are there.
type hookBody struct {
	Action string
	Event  ats.Event
}

// actionPing is the action that nothing happened in.
const actionPing = "ping"

// Hook returns the web hook that tells of an event, signed with a secret.
func (*ATS) Hook(secret, eventID string, e ats.Event) ats.HTTPRequest {
	return signed(secret, eventID, hookBody{Action: string(e.Kind), Event: e})
}

// Ping returns the web hook by which the ATS tries whether we are there.
func (*ATS) Ping(secret string) ats.HTTPRequest {
	return signed(secret, "", hookBody{Action: actionPing})
}

func signed(secret, eventID string, b hookBody) ats.HTTPRequest {
	body, err := json.Marshal(b)
	if err != nil {
		panic(err)
	}
	return ats.HTTPRequest{
		Method: "POST", Body: body,
		Header: map[string][]string{headerSignature: {sign(secret, body)}, headerEvent: {eventID}},
	}
}

func sign(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

// Receive implements ats.Webhooks.
func (*ATS) Receive(_ context.Context, r *ats.WebhookRequest) (*ats.Verdict, error) {
	v := &ats.Verdict{Integrity: ats.IntegrityBody, Answer: ats.HTTPResponse{Status: 401}}
	if !authentic(r) {
		v.Reason = "The signature is not that of a live secret."
		return v, nil
	}
	var b hookBody
	if err := json.Unmarshal(r.HTTP.Body, &b); err != nil {
		v.Reason = "The body is no JSON."
		return v, nil
	}
	content := sha256.Sum256(r.HTTP.Body)
	v.Verified, v.Answer.Status, v.Action, v.Ping = true, 200, b.Action, b.Action == actionPing
	v.Content = hex.EncodeToString(content[:])
	if ids := r.HTTP.Header[headerEvent]; len(ids) > 0 {
		v.EventID = ids[0]
	}
	return v, nil
}

func authentic(r *ats.WebhookRequest) bool {
	given := r.HTTP.Header[headerSignature]
	for _, name := range []string{ats.SecretWebhook, ats.SecretWebhookPrevious} {
		secret := r.Connection.Secrets[name]
		if secret != "" && len(given) == 1 && hmac.Equal([]byte(given[0]), []byte(sign(secret, r.HTTP.Body))) {
			return true
		}
	}
	return false
}

// Translate implements ats.Webhooks.
func (*ATS) Translate(_ context.Context, r *ats.WebhookRequest) (*ats.Translation, error) {
	var b hookBody
	if err := json.Unmarshal(r.HTTP.Body, &b); err != nil {
		return nil, fault.InvalidField("body", "MALFORMED", "The body is no JSON.")
	}
	if !known(b.Event.Kind) {
		return &ats.Translation{}, nil
	}
	return &ats.Translation{Known: true, Events: []ats.Event{b.Event}}, nil
}

func known(kind ats.EventKind) bool {
	switch kind {
	case ats.EventRejected, ats.EventUnrejected, ats.EventHired, ats.EventUnhired, ats.EventStageChanged, ats.EventApplicationUpdated,
		ats.EventCandidateMerged, ats.EventCandidateDeleted, ats.EventApplicationDeleted, ats.EventCandidateAnonymized:
		return true
	default:
		return false
	}
}
