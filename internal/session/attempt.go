package session

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"

	"golang.org/x/oauth2"
)

// attempt is one attempt to sign in at the identity provider. The browser
// keeps it, so that any process can take the answer.
type attempt struct {
	State    string    `json:"s"` // binds the answer to the browser
	Nonce    string    `json:"n"` // binds the identity to the attempt
	Verifier string    `json:"v"` // of PKCE: binds the code to the attempt
	Expires  time.Time `json:"e"`
}

func newAttempt(expires time.Time) *attempt {
	return &attempt{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(), Expires: expires}
}

// signer keeps attempts from being made up.
type signer struct{ key []byte }

func (s signer) sign(a *attempt) string {
	raw, err := json.Marshal(a)
	if err != nil {
		panic(err) // four strings and a time
	}
	return encode(raw) + "." + encode(s.mac(raw))
}

func (s signer) open(text string) (*attempt, bool) {
	body, mac, _ := strings.Cut(text, ".")
	raw, err := base64.RawURLEncoding.DecodeString(body)
	if err != nil {
		return nil, false
	}
	signature, err := base64.RawURLEncoding.DecodeString(mac)
	if err != nil || !hmac.Equal(signature, s.mac(raw)) {
		return nil, false
	}
	a := new(attempt)
	return a, json.Unmarshal(raw, a) == nil
}

func (s signer) mac(raw []byte) []byte {
	h := hmac.New(sha256.New, s.key)
	h.Write(raw)
	return h.Sum(nil)
}

func encode(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }
