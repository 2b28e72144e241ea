package session

import (
	"context"
	"crypto/subtle"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/fault"
)

const (
	providerDeadline = 10 * time.Second // of one call to the provider
	providerMaxBody  = 1 << 20          // bytes of its answer
	providerPause    = 5 * time.Second  // after a failed discovery
)

// provider is the identity provider. It is discovered when it is first needed,
// and again when that failed: the server starts and works without it.
type provider struct {
	o        OIDC
	redirect string
	clock    core.Clock
	signer   signer
	client   *http.Client

	mu       sync.Mutex
	config   *oauth2.Config
	verifier *oidc.IDTokenVerifier
	failed   time.Time // when discovery failed last
}

func newProvider(o OIDC, redirect string, c core.Clock) (*provider, error) {
	issuer, err := url.Parse(o.Issuer)
	switch {
	case err != nil || issuer.Host == "" || o.ClientID == "":
		return nil, fault.New(fault.Config, "Sign-in by OpenID Connect needs an issuer's address and a client id.")
	case len(o.Key) < 32:
		return nil, fault.New(fault.Config, "Sign-in by OpenID Connect needs a key of 32 bytes.")
	case o.DefaultRole == "" && (len(o.Roles) == 0 || o.RoleClaim == ""):
		return nil, fault.New(fault.Config, "Nobody could sign in by OpenID Connect: set roles for a claim, or a default role.")
	}
	client := o.Client
	if client == nil {
		client = &http.Client{Timeout: providerDeadline, Transport: capped{http.DefaultTransport}}
	}
	return &provider{o: o, redirect: redirect, clock: c, signer: signer{o.Key}, client: client}, nil
}

// capped cuts answers off that are larger than any provider's.
type capped struct{ next http.RoundTripper }

func (c capped) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := c.next.RoundTrip(r)
	if err == nil {
		response.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(response.Body, providerMaxBody), response.Body}
	}
	return response, err
}

// ready returns what is needed to talk to the provider.
// Errors: fault.Retryable while it is away.
func (p *provider) ready(ctx context.Context) (*oauth2.Config, *oidc.IDTokenVerifier, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.config != nil {
		return p.config, p.verifier, nil
	}
	away := fault.New(fault.Retryable, "Your identity provider does not answer. Try again in a moment, or sign in with an API token.")
	if p.clock.Now().Before(p.failed.Add(providerPause)) {
		return nil, nil, away
	}
	ctx, cancel := context.WithTimeout(oidc.ClientContext(ctx, p.client), providerDeadline)
	defer cancel()
	found, err := oidc.NewProvider(ctx, p.o.Issuer)
	if err != nil {
		p.failed, away.Cause = p.clock.Now(), err
		return nil, nil, away
	}
	p.verifier = found.Verifier(&oidc.Config{ClientID: p.o.ClientID, Now: p.clock.Now})
	p.config = &oauth2.Config{
		ClientID: p.o.ClientID, ClientSecret: p.o.ClientSecret.Reveal(), Endpoint: found.Endpoint(), RedirectURL: p.redirect,
		Scopes: []string{oidc.ScopeOpenID, "profile", "email"},
	}
	return p.config, p.verifier, nil
}

// redeem exchanges the code of an attempt for the person who signed in.
// Errors: fault.Unauthenticated, fault.Forbidden, fault.Retryable.
func (p *provider) redeem(ctx context.Context, code string, a *attempt) (*core.Person, error) {
	config, verifier, err := p.ready(ctx)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(oidc.ClientContext(ctx, p.client), providerDeadline)
	defer cancel()
	granted, err := config.Exchange(ctx, code, oauth2.VerifierOption(a.Verifier))
	if err != nil {
		return nil, refusedBy(err)
	}
	raw, _ := granted.Extra("id_token").(string)
	token, err := verifier.Verify(ctx, raw)
	if err != nil {
		return nil, fault.Wrap(err, fault.Unauthenticated, "What your identity provider answered could not be trusted.")
	}
	if subtle.ConstantTimeCompare([]byte(token.Nonce), []byte(a.Nonce)) != 1 {
		return nil, fault.New(fault.Unauthenticated, "What your identity provider answered belongs to another attempt.")
	}
	var c claims
	if err := token.Claims(&c); err != nil {
		return nil, fault.Wrap(err, fault.Unauthenticated, "What your identity provider answered could not be read.")
	}
	return p.person(token, c)
}
