package session_test

import (
	"bytes"
	"cmp"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/internal/session"
)

// identity stands where the identity provider is. It grants a code for each
// sign-in and exchanges each code once.
type identity struct {
	*httptest.Server
	t      *testing.T
	key    *ecdsa.PrivateKey
	signed *ecdsa.PrivateKey // what signs; differs from key if it is forged
	now    func() time.Time
	claims jwt.MapClaims // replace or, if nil, remove what is right

	mu     sync.Mutex
	codes  map[string]url.Values // of the request that each was granted to
	issued int
	down   bool
}

func newIdentity(t *testing.T, now func() time.Time) *identity {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p := &identity{t: t, key: key, signed: key, now: now, codes: map[string]url.Values{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", p.discover)
	mux.HandleFunc("GET /keys", p.keys)
	mux.HandleFunc("POST /token", p.token)
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

func (p *identity) reply(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body)
}

func (p *identity) discover(w http.ResponseWriter, _ *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	p.reply(w, map[string]any{
		"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token",
		"jwks_uri": p.URL + "/keys", "id_token_signing_alg_values_supported": []string{"ES256"},
	})
}

func (p *identity) keys(w http.ResponseWriter, _ *http.Request) {
	point, err := p.key.PublicKey.Bytes()
	if err != nil {
		p.t.Error(err)
	}
	coordinate := base64.RawURLEncoding.EncodeToString
	p.reply(w, map[string]any{"keys": []map[string]string{{
		"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "1", "x": coordinate(point[1:33]), "y": coordinate(point[33:]),
	}}})
}

// grant is the person's "yes" to a request; it returns the code.
func (p *identity) grant(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		p.t.Fatal(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.issued++
	code := "code-" + string(rune('a'+p.issued))
	p.codes[code] = u.Query()
	return code
}

func (p *identity) token(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	code := r.FormValue("code")
	asked, ok := p.codes[code]
	delete(p.codes, code)
	challenge := sha256.Sum256([]byte(r.FormValue("code_verifier")))
	if !ok || asked.Get("code_challenge") != base64.RawURLEncoding.EncodeToString(challenge[:]) || asked.Get("redirect_uri") != r.FormValue("redirect_uri") {
		w.WriteHeader(http.StatusBadRequest)
		p.reply(w, map[string]string{"error": "invalid_grant"})
		return
	}
	claims := jwt.MapClaims{
		"iss": p.URL, "aud": asked.Get("client_id"), "sub": "1", "iat": p.now().Unix(), "exp": p.now().Add(time.Minute).Unix(),
		"nonce": asked.Get("nonce"), "email": "Mona@Example.com", "email_verified": true, "name": "Mona Manager",
		"groups": []string{"staff", "hiring", "admins"},
	}
	maps.Copy(claims, p.claims)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	t := jwt.NewWithClaims(jwt.SigningMethodES256, claims)
	t.Header["kid"] = "1"
	raw, err := t.SignedString(p.signed)
	if err != nil {
		p.t.Error(err)
	}
	p.reply(w, map[string]any{"access_token": "a", "token_type": "Bearer", "expires_in": 60, "id_token": raw})
}

func withIdentity(t *testing.T, adjust func(*session.OIDC)) (*world, *identity) {
	t.Helper()
	var p *identity
	w := newWorld(t, func(o *session.Options) {
		p = newIdentity(t, o.Clock.Now)
		oidc := session.OIDC{
			Issuer: p.URL, ClientID: "trellis", ClientSecret: "s", OrganizationID: "org_1", RoleClaim: "groups",
			Roles: map[string]core.Role{"admins": core.RoleAdmin, "hiring": core.RoleRecruiter},
			Key:   bytes.Repeat([]byte{7}, 32), Client: p.Client(),
		}
		if adjust != nil {
			adjust(&oidc)
		}
		o.OIDC = &oidc
	})
	return w, p
}

// begin opens the sign-in and returns where the browser is sent.
func (w *world) begin(t *testing.T) string {
	t.Helper()
	r := w.do(t, "GET", "/session/oidc", "")
	if r.StatusCode != http.StatusSeeOther {
		t.Fatalf("status %d", r.StatusCode)
	}
	return r.Header.Get("Location")
}

func stateOf(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query().Get("state")
}

func back(code, state string) string {
	return "/session/oidc/callback?" + form("code", code, "state", state)
}

func TestSignInByOIDC(t *testing.T) {
	t.Parallel()
	w, p := withIdentity(t, nil)
	to := w.begin(t)
	u, _ := url.Parse(to)
	q := u.Query()
	if !strings.HasPrefix(to, p.URL+"/authorize?") || q.Get("redirect_uri") != public+"/session/oidc/callback" ||
		q.Get("nonce") == "" || q.Get("state") == "" || q.Get("nonce") == q.Get("state") || q.Get("code_challenge_method") != "S256" || q.Get("scope") != "openid profile email" {
		t.Errorf("sent to %s", to)
	}
	r := w.do(t, "GET", back(p.grant(to), q.Get("state")), "", "Sec-Fetch-Site", "cross-site")
	if r.StatusCode != http.StatusSeeOther || r.Header.Get("Location") != "/" || cookieOf(r).Value == "" {
		raw, _ := io.ReadAll(r.Body)
		t.Fatalf("status %d: %s", r.StatusCode, raw)
	}
	a, err := w.sessions.Authenticate(t.Context(), core.Secret(w.cookies[session.Cookie]))
	if err != nil {
		t.Fatal(err)
	}
	if by := a.Actor; by.Principal != "mona@example.com" || by.Role != core.RoleAdmin || by.Name != "Mona Manager" || by.OrganizationID != "org_1" {
		t.Errorf("%+v was let in", by)
	}
	if len(w.cookies) != 1 {
		t.Errorf("cookies left: %v", w.cookies)
	}
}

func TestOIDCRefusals(t *testing.T) {
	t.Parallel()
	forged, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		claims jwt.MapClaims
		signed *ecdsa.PrivateKey
		adjust func(*session.OIDC)
		status int // 401 if 0
	}{
		"other nonce":          {claims: jwt.MapClaims{"nonce": "x"}},
		"no nonce":             {claims: jwt.MapClaims{"nonce": nil}},
		"expired":              {claims: jwt.MapClaims{"exp": 1}},
		"other audience":       {claims: jwt.MapClaims{"aud": "someone-else"}},
		"audiences, not ours":  {claims: jwt.MapClaims{"aud": []string{"trellis", "someone-else"}, "azp": "someone-else"}},
		"audiences, no party":  {claims: jwt.MapClaims{"aud": []string{"trellis", "someone-else"}}},
		"other issuer":         {claims: jwt.MapClaims{"iss": "https://idp.example.org"}},
		"forged":               {signed: forged},
		"unverified mail":      {claims: jwt.MapClaims{"email_verified": false}, status: 403},
		"mail not said to be":  {claims: jwt.MapClaims{"email_verified": nil}, status: 403},
		"no mail":              {claims: jwt.MapClaims{"email": nil}, status: 403},
		"no role":              {claims: jwt.MapClaims{"groups": []string{"staff"}}, status: 403},
		"no groups":            {claims: jwt.MapClaims{"groups": nil}, status: 403},
		"unknown organization": {adjust: func(o *session.OIDC) { o.OrganizationID = "org_2" }, status: 500},
	} {
		w, p := withIdentity(t, c.adjust)
		p.claims, p.signed = c.claims, cmp.Or(c.signed, p.key)
		to := w.begin(t)
		r := w.do(t, "GET", back(p.grant(to), stateOf(t, to)), "")
		raw, _ := io.ReadAll(r.Body)
		if r.StatusCode != cmp.Or(c.status, 401) || len(w.sessions.live) != 0 || cookieOf(r).Value != "" || !strings.Contains(string(raw), "You were not signed in") {
			t.Errorf("%s: status %d, %d live: %s", name, r.StatusCode, len(w.sessions.live), raw)
		}
	}
}

func TestOIDCRoles(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		claims jwt.MapClaims
		adjust func(*session.OIDC)
		want   core.Role
	}{
		"one":          {claims: jwt.MapClaims{"groups": "hiring"}, want: core.RoleRecruiter},
		"highest":      {want: core.RoleAdmin},
		"default":      {claims: jwt.MapClaims{"groups": nil}, adjust: func(o *session.OIDC) { o.DefaultRole = core.RoleViewer }, want: core.RoleViewer},
		"nested":       {claims: jwt.MapClaims{"realm": map[string]any{"roles": []string{"hiring"}}}, adjust: func(o *session.OIDC) { o.RoleClaim = "realm.roles" }, want: core.RoleRecruiter},
		"address":      {claims: jwt.MapClaims{"https://example.com/roles": "hiring"}, adjust: func(o *session.OIDC) { o.RoleClaim = "https://example.com/roles" }, want: core.RoleRecruiter},
		"spelled true": {claims: jwt.MapClaims{"email_verified": "true", "groups": "hiring"}, want: core.RoleRecruiter},
	} {
		w, p := withIdentity(t, c.adjust)
		p.claims = c.claims
		to := w.begin(t)
		w.do(t, "GET", back(p.grant(to), stateOf(t, to)), "")
		a, err := w.sessions.Authenticate(t.Context(), core.Secret(w.cookies[session.Cookie]))
		if err != nil || a.Actor.Role != c.want {
			t.Errorf("%s: %+v, %v", name, a, err)
		}
	}
}

func TestOIDCAnswersBelongToTheirBrowser(t *testing.T) {
	t.Parallel()
	w, p := withIdentity(t, nil)
	refused := func(name, address string) {
		t.Helper()
		r := w.do(t, "GET", address, "")
		raw, _ := io.ReadAll(r.Body)
		if r.StatusCode != http.StatusUnauthorized || len(w.sessions.live) != 0 || strings.Contains(string(raw), "<script>") {
			t.Errorf("%s: status %d, %d live: %s", name, r.StatusCode, len(w.sessions.live), raw)
		}
	}
	to := w.begin(t)
	refused("another state", back(p.grant(to), "other"))
	refused("the attempt is over after it", back(p.grant(to), stateOf(t, to)))

	to = w.begin(t)
	kept := maps.Clone(w.cookies)
	refused("the provider says no", "/session/oidc/callback?"+form("error", "access_denied", "error_description", "<script>", "state", stateOf(t, to)))

	w.cookies = maps.Clone(kept)
	w.cookies["trellis_signin"] += "x"
	refused("a forged cookie", back(p.grant(to), stateOf(t, to)))

	elsewhere := to
	to = w.begin(t)
	refused("a code of another attempt", back(p.grant(elsewhere), stateOf(t, to)))

	to = w.begin(t)
	w.clock.Turn(10 * time.Minute)
	refused("too late", back(p.grant(to), stateOf(t, to)))
}

func TestOIDCReplay(t *testing.T) {
	t.Parallel()
	w, p := withIdentity(t, nil)
	to := w.begin(t)
	attempt := maps.Clone(w.cookies)
	address := back(p.grant(to), stateOf(t, to))
	if r := w.do(t, "GET", address, ""); cookieOf(r).Value == "" {
		t.Fatalf("status %d", r.StatusCode)
	}
	for name, cookies := range map[string]map[string]string{"with the cookie": attempt, "without": {}} {
		w.cookies = cookies
		if r := w.do(t, "GET", address, ""); r.StatusCode != http.StatusUnauthorized || len(w.sessions.live) != 1 {
			t.Errorf("%s: status %d, %d live", name, r.StatusCode, len(w.sessions.live))
		}
	}
}

func TestProviderAway(t *testing.T) {
	t.Parallel()
	w, p := withIdentity(t, nil)
	p.down = true
	for range 2 {
		r := w.do(t, "GET", "/session/oidc", "")
		if raw, _ := io.ReadAll(r.Body); r.StatusCode != http.StatusServiceUnavailable || !strings.Contains(string(raw), "does not answer") {
			t.Fatalf("status %d: %s", r.StatusCode, raw)
		}
	}
	if r := w.signIn(t, "trl_known"); r.StatusCode != http.StatusNoContent {
		t.Errorf("by token: status %d", r.StatusCode)
	}
	p.mu.Lock()
	p.down = false
	p.mu.Unlock()
	w.clock.Turn(time.Minute)
	w.begin(t)
}

func TestOIDCSettings(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]session.OIDC{
		"no issuer": {ClientID: "x", DefaultRole: core.RoleViewer, Key: make([]byte, 32)},
		"no client": {Issuer: "https://idp.example.com", DefaultRole: core.RoleViewer, Key: make([]byte, 32)},
		"no key":    {Issuer: "https://idp.example.com", ClientID: "x", DefaultRole: core.RoleViewer},
		"no roles":  {Issuer: "https://idp.example.com", ClientID: "x", RoleClaim: "groups", Key: make([]byte, 32)},
	} {
		if _, err := session.New(session.Options{OIDC: &o}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	w, _ := withIdentity(t, nil)
	raw, _ := io.ReadAll(w.do(t, "GET", "/session", "").Body)
	if !strings.Contains(string(raw), `"oidc":"/session/oidc"`) {
		t.Errorf("the way to sign in is not told: %s", raw)
	}
}
