package fake

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// headerToken is where a web hook has its secret. It covers nothing of the body.
const headerToken = "X-Fake-Token"

// actionPing is the action by which the ATS tries whether we are there.
const actionPing = "ping"

type hookBody struct {
	ID          string    `json:"id"`
	Action      string    `json:"action"`
	Candidate   string    `json:"candidate"`
	Application string    `json:"application"`
	Stage       string    `json:"stage"`
	Into        string    `json:"into"`
	At          time.Time `json:"at"`
}

// Receive implements ats.Webhooks.
func (a *adapter) Receive(ctx context.Context, r *ats.WebhookRequest) (*ats.Verdict, error) {
	knobs := knobsOf(&r.Connection)
	if err := knobs.misbehave(ctx, callReceive); err != nil {
		return nil, err
	}
	v := &ats.Verdict{Integrity: ats.IntegrityNone, Answer: ats.HTTPResponse{Status: 403}}
	var b hookBody
	switch {
	case knobs.on("lie", callReceive):
		v.Answer.Status = 42
	case !authentic(r):
		v.Reason = "The token is not a live secret."
	case json.Unmarshal(r.HTTP.Body, &b) != nil:
		v.Reason = "The body is not JSON."
	default:
		digest := sha256.Sum256([]byte(b.Action + " " + b.Candidate + " " + b.Application + " " + b.Stage + " " + b.Into))
		v.Verified, v.Action, v.Ping, v.EventID = true, b.Action, b.Action == actionPing, b.ID
		v.Content, v.Answer.Status = hex.EncodeToString(digest[:]), 202
	}
	return v, knobs.failure(callReceive)
}

func authentic(r *ats.WebhookRequest) bool {
	given := r.HTTP.Header[headerToken]
	for _, name := range []string{ats.SecretWebhook, ats.SecretWebhookPrevious} {
		secret := r.Connection.Secrets[name]
		if secret != "" && len(given) == 1 && subtle.ConstantTimeCompare([]byte(given[0]), []byte(secret)) == 1 {
			return true
		}
	}
	return false
}

// Translate implements ats.Webhooks.
func (a *adapter) Translate(ctx context.Context, r *ats.WebhookRequest) (*ats.Translation, error) {
	knobs := knobsOf(&r.Connection)
	if err := knobs.misbehave(ctx, callTranslate); err != nil {
		return nil, err
	}
	if knobs.on("lie", callTranslate) {
		return nil, nil //nolint:nilnil // that is the lie
	}
	var b hookBody
	if err := json.Unmarshal(r.HTTP.Body, &b); err != nil {
		return nil, fault.InvalidField("body", "MALFORMED", "The body is not JSON.")
	}
	kind, acts := kindOf(b.Action)
	if !acts {
		return &ats.Translation{}, knobs.failure(callTranslate)
	}
	return &ats.Translation{Known: true, Events: []ats.Event{{
		Kind: kind, CandidateID: b.Candidate, ApplicationID: b.Application, StageID: b.Stage, MergedInto: b.Into, At: b.At,
	}}}, knobs.failure(callTranslate)
}

func kindOf(action string) (kind ats.EventKind, acts bool) {
	switch action {
	case "rejected":
		return ats.EventRejected, true
	case "unrejected":
		return ats.EventUnrejected, true
	case "hired":
		return ats.EventHired, true
	case "moved":
		return ats.EventStageChanged, true
	case "merged":
		return ats.EventCandidateMerged, true
	case "deleted":
		return ats.EventCandidateDeleted, true
	default:
		return "", false
	}
}
