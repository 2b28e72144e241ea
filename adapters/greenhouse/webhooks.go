package greenhouse

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/trellis-ats/trellis/core/ats"
)

const (
	signatureHeader = "Signature"
	eventIDHeader   = "Greenhouse-Event-Id" // canonical spelling of Greenhouse-Event-ID
	signatureScheme = "sha256 "
	actionPing      = "ping"
)

// envelope is the body of every web hook (facts/greenhouse.md 2.2).
type envelope struct {
	Action  string          `json:"action"`
	Payload json.RawMessage `json:"payload"`
}

// Receive implements ats.Webhooks. What is signed is the raw body alone, with
// no time in it, so a replay is known only by EventID and Content
// (facts/greenhouse.md 2.3).
//
// The ping of a new hook may be unsigned, which is not documented: it is
// answered 200, or the hook would be stored disabled, and is not Verified, so
// that nothing is kept of it.
func (a *adapter) Receive(_ context.Context, r *ats.WebhookRequest) (*ats.Verdict, error) {
	header := http.Header(r.HTTP.Header)
	var said envelope
	readable := json.Unmarshal(r.HTTP.Body, &said) == nil
	v := &ats.Verdict{
		Action: actionName(said.Action), EventID: eventID(header), Content: digest(said.Action, r.HTTP.Body),
		Integrity: ats.IntegrityNone, Answer: reply(http.StatusUnauthorized),
	}
	v.Ping = readable && (said.Action == actionPing || said.Action == "")
	unsigned := len(header.Values(signatureHeader)) == 0
	switch {
	case !credentialsFit(r, header):
		v.Ping, v.Reason = false, "its Basic credentials are missing or wrong"
	case unsigned && v.Ping:
		v.Reason, v.Answer = "it is an unsigned ping", reply(http.StatusOK)
	case unsigned:
		v.Ping, v.Reason = false, "it has no Signature header"
	default:
		judge(v, r, header.Values(signatureHeader))
	}
	return v, nil
}

func judge(v *ats.Verdict, r *ats.WebhookRequest, signatures []string) {
	if reason := signatureProblem(r, signatures); reason != "" {
		v.Ping, v.Reason = false, reason
		return
	}
	v.Verified, v.Integrity, v.Answer = true, ats.IntegrityBody, reply(http.StatusOK)
}

// signatureProblem holds the signature against both live secrets, in constant
// time; "" if it is good.
func signatureProblem(r *ats.WebhookRequest, signatures []string) string {
	given, ok := strings.CutPrefix(signatures[0], signatureScheme)
	claimed, err := hex.DecodeString(given)
	if !ok || err != nil || len(claimed) != sha256.Size || len(signatures) > 1 {
		return "its Signature header is malformed"
	}
	good, secrets := false, 0
	for _, name := range []string{ats.SecretWebhook, ats.SecretWebhookPrevious} {
		secret := r.Connection.Secrets[name]
		if secret == "" {
			continue
		}
		secrets++
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write(r.HTTP.Body)
		good = hmac.Equal(mac.Sum(nil), claimed) || good
	}
	switch {
	case secrets == 0:
		return "the connection has no web hook secret"
	case !good:
		return "its signature is not by a secret of this connection"
	default:
		return ""
	}
}

// credentialsFit compares the Basic credentials, if the settings have any.
func credentialsFit(r *ats.WebhookRequest, header http.Header) bool {
	user := setting(&r.Connection, settingWebhookUser, "")
	password := r.Connection.Secrets[settingWebhookPassword]
	if user == "" && password == "" {
		return true
	}
	givenUser, givenPassword, ok := (&http.Request{Header: header}).BasicAuth()
	fits := sameText(user, givenUser) & sameText(password, givenPassword)
	return ok && fits == 1
}

// sameText compares digests, so that not even the length shows.
func sameText(a, b string) int {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:])
}

// digest is equal for a repeat under another event id.
func digest(action string, body []byte) string {
	h := sha256.New()
	h.Write([]byte(action))
	h.Write(body)
	return hex.EncodeToString(h.Sum(nil))
}

// eventID is the id of the delivery; one that could not be kept is none.
func eventID(header http.Header) string {
	id := strings.TrimSpace(header.Get(eventIDHeader))
	if len(id) > maxIDLength || strings.ContainsFunc(id, unprintable) {
		return ""
	}
	return id
}

// actionName is the event's name as it can be shown and counted.
func actionName(name string) string { return shorten(oneLine(name), maxActionLength) }

const maxActionLength = 100 // characters

// reply has no body: Greenhouse reads none, and others should learn nothing.
// Anything but 200 counts as a failure (facts/greenhouse.md 2.4).
func reply(status int) ats.HTTPResponse { return ats.HTTPResponse{Status: status} }
