package account

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxGrants bounds codes and refresh tokens that are alive.
const maxGrants = 10_000

// client is a credential: a customer's own, or the partner's.
type client struct {
	id      string
	secrets []string // two during a rotation
	partner bool
	scopes  []string
	user    int64 // who acts without a sub
	revoked int64 // tokens of this generation and older are no longer good
	grants  int64 // generation of new tokens
}

// accessToken is what a token says.
type accessToken struct {
	ClientID   string   `json:"client_id"`
	Subject    string   `json:"sub"`
	Silo       string   `json:"silo"`
	Scopes     []string `json:"scopes"`
	Expires    int64    `json:"exp_ms"`
	Generation int64    `json:"generation"`
	Nonce      string   `json:"jti"`

	sub int64
}

// client names whose budget a call uses; a call without a token has one too.
func (t *accessToken) client() string {
	if t == nil {
		return ""
	}
	return t.ClientID
}

// grant is a code or a refresh token that was not used yet.
type grant struct {
	client   string
	user     int64
	scopes   []string
	redirect string
	expires  time.Time
}

// Tokens count what the token endpoint gave out.
type Tokens struct {
	Issued    int `json:"issued"`
	Refreshed int `json:"refreshed"`
	Reused    int `json:"reused"` // refresh tokens that were shown again after their use
}

// oauth is the authorization server. The account's lock guards it.
type oauth struct {
	key     []byte // signs tokens and addresses of files
	given   Credentials
	clients map[string]*client
	codes   map[string]grant
	refresh map[string]grant
	spent   map[string]bool
	count   Tokens
}

func newOAuth(o Options) (*oauth, error) {
	given := Credentials{
		ClientID: o.ClientID, ClientSecret: o.ClientSecret, PartnerID: o.PartnerID, PartnerSecret: o.PartnerSecret,
	}
	for to, otherwise := range map[*string]string{
		&given.ClientID: "sandbox-1", &given.ClientSecret: rand.Text(), &given.PartnerID: "trellis-2", &given.PartnerSecret: rand.Text(),
	} {
		if *to == "" {
			*to = otherwise
		}
	}
	for _, id := range []string{given.ClientID, given.PartnerID} {
		if !validClientID(id) {
			return nil, fmt.Errorf("client id %q does not end in a hyphen and a number", id)
		}
	}
	if given.ClientID == given.PartnerID {
		return nil, fmt.Errorf("both clients have the id %q", given.ClientID)
	}
	all := scopes()
	clients := map[string]*client{
		given.ClientID:  {id: given.ClientID, secrets: []string{given.ClientSecret}, scopes: all, user: UserService, grants: 1},
		given.PartnerID: {id: given.PartnerID, secrets: []string{given.PartnerSecret}, scopes: slices.Clone(all), user: UserService, partner: true, grants: 1},
	}
	return &oauth{
		key: []byte(rand.Text()), given: given, clients: clients, codes: map[string]grant{}, refresh: map[string]grant{}, spent: map[string]bool{},
	}, nil
}

func validClientID(id string) bool { return regexp.MustCompile(`^\S*-[0-9]+$`).MatchString(id) }

// knows compares in constant time.
func (c *client) knows(secret string) bool {
	good := 0
	for _, s := range c.secrets {
		a, b := sha256.Sum256([]byte(s)), sha256.Sum256([]byte(secret))
		good |= subtle.ConstantTimeCompare(a[:], b[:])
	}
	return good == 1
}

// sign makes a token: a JWT, though callers should not look into it.
func (o *oauth) sign(t accessToken) string {
	payload, _ := json.Marshal(t) // never fails
	head := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + base64.RawURLEncoding.EncodeToString(payload)
	return head + "." + base64.RawURLEncoding.EncodeToString(o.mac(head))
}

func (o *oauth) mac(text string) []byte {
	m := hmac.New(sha256.New, o.key)
	_, _ = m.Write([]byte(text)) // never fails
	return m.Sum(nil)
}

// bearer reads an Authorization header; nil if it holds no token that is good now.
func (o *oauth) bearer(header string, now time.Time) *accessToken {
	token, ok := strings.CutPrefix(header, "Bearer ")
	if !ok {
		return nil
	}
	return o.parse(token, now)
}

func (o *oauth) parse(token string, now time.Time) *accessToken {
	at := strings.LastIndexByte(token, '.')
	if at < 0 {
		return nil
	}
	sum, err := base64.RawURLEncoding.DecodeString(token[at+1:])
	if err != nil || !hmac.Equal(sum, o.mac(token[:at])) {
		return nil
	}
	_, encoded, _ := strings.Cut(token[:at], ".")
	payload, _ := base64.RawURLEncoding.DecodeString(encoded) // it was signed here
	var t accessToken
	_ = json.Unmarshal(payload, &t)
	c, ok := o.clients[t.ClientID]
	if !ok || now.UnixMilli() >= t.Expires || t.Generation <= c.revoked {
		return nil
	}
	t.sub, _ = strconv.ParseInt(t.Subject, 10, 64)
	return &t
}

// effective are the scopes of a token that its client still has: what is taken
// from a client is gone from its tokens at once (facts/greenhouse.md 4.1).
func (o *oauth) effective(t *accessToken) []string {
	var good []string
	for _, s := range t.Scopes {
		if slices.Contains(o.clients[t.ClientID].scopes, s) {
			good = append(good, s)
		}
	}
	return good
}

// issue returns the body of a token response; with renew a refresh token too.
func (o *oauth) issue(g grant, rules *Rules, renew bool, now time.Time) map[string]any {
	ends := now.Add(milliseconds(rules.AccessTTLMS))
	token := accessToken{
		ClientID: g.client, Subject: strconv.FormatInt(g.user, 10), Silo: "sandbox", Scopes: g.scopes, Expires: ends.UnixMilli(),
		Generation: o.clients[g.client].grants, Nonce: rand.Text(),
	}
	o.count.Issued++
	body := map[string]any{
		"token_type": "Bearer", "access_token": o.sign(token), "expires_in": rules.AccessTTLMS / 1000, "expires_at": stamp(ends),
	}
	if renew {
		next := rand.Text() + rand.Text()
		g.expires = now.Add(milliseconds(rules.RefreshTTLMS))
		o.forget(now)
		o.refresh[next] = g
		body["refresh_token"] = next
	}
	return body
}

// forget drops what ended, and bounds what is kept.
func (o *oauth) forget(now time.Time) {
	for _, kept := range []map[string]grant{o.codes, o.refresh} {
		if len(kept) < maxGrants {
			continue
		}
		for k, g := range kept {
			if now.After(g.expires) || len(kept) >= maxGrants {
				delete(kept, k)
			}
		}
	}
	if len(o.spent) >= maxGrants {
		clear(o.spent)
	}
}

// errorID is what some of the token endpoint's errors carry.
func errorID() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return "err-" + hex.EncodeToString(b[:])
}
